/** Token buckets per key, with a bound on how many keys are remembered. */

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

export class RateLimit {
  readonly #buckets = new Map<string, Bucket>();
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #keysMax: number;
  readonly #now: () => number;

  constructor(
    options: { perSecond: number; burst: number; keysMax: number; now: () => number },
  ) {
    this.#perSecond = options.perSecond;
    this.#burst = options.burst;
    this.#keysMax = options.keysMax;
    this.#now = options.now;
  }

  /** Takes `cost` tokens. 0 when they were there, else the seconds until they will be. */
  take(key: string, cost = 1): number {
    const nowMs = this.#now();
    const bucket = this.#buckets.get(key) ?? { tokens: this.#burst, filledAtMs: nowMs };
    // A clock that was set back fills nothing and takes nothing.
    const gained = Math.max(0, nowMs - bucket.filledAtMs) / 1000 * this.#perSecond;
    bucket.tokens = Math.min(this.#burst, bucket.tokens + gained);
    bucket.filledAtMs = nowMs;
    this.#remember(key, bucket);
    if (bucket.tokens < cost) return (cost - bucket.tokens) / this.#perSecond;
    bucket.tokens -= cost;
    return 0;
  }

  /** Gives back tokens that were taken for something that turned out not to count. */
  give(key: string, amount = 1): void {
    const bucket = this.#buckets.get(key);
    if (bucket !== undefined) bucket.tokens = Math.min(this.#burst, bucket.tokens + amount);
  }

  /** Re-inserts, so that the map's order is the order of use and the longest unused goes first. */
  #remember(key: string, bucket: Bucket): void {
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size <= this.#keysMax) return;
    const oldest = this.#buckets.keys().next().value;
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}
