/** A small generator of random numbers: the same everywhere for one seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    // Near seeds must not begin alike.
    this.#state = Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) >>> 0 || 1;
    for (let i = 0; i < 4; i++) this.below(2);
  }

  /** 0…count-1 */
  below(count: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % count;
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

/** The seed of a run, from SLUICE_FUZZ_SEED or new; it is printed. */
export function fuzzSeed(): number {
  const seed = Number(Deno.env.get("SLUICE_FUZZ_SEED") ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`SLUICE_FUZZ_SEED=${seed}`);
  return seed;
}

/** How long a fuzzer runs: its share of SLUICE_FUZZ_SECONDS, a minute for all of them. */
export function fuzzMs(share: number): number {
  return Number(Deno.env.get("SLUICE_FUZZ_SECONDS") ?? 60) * 1000 * share;
}
