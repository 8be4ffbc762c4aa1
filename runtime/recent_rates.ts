/** How many messages per second each source brings or destination takes, over the last ten seconds. */

const SECONDS = 10;

interface Window {
  /** Messages per second of time, in a ring. */
  counts: number[];
  /** Second for which the newest count stands. */
  second: number;
}

export class RecentRates {
  readonly #windows = new Map<string, Window>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(name: string, messages: number): void {
    const window = this.#advance(name);
    window.counts[window.second % SECONDS]! += messages;
  }

  /** All that ever had one. */
  get names(): string[] {
    return [...this.#windows.keys()];
  }

  /** messages per second */
  rate(name: string): number {
    if (!this.#windows.has(name)) return 0;
    return this.#advance(name).counts.reduce((sum, count) => sum + count, 0) / SECONDS;
  }

  /** Zeroes the seconds that have passed since the last call. */
  #advance(name: string): Window {
    const second = Math.floor(this.#nowMs() / 1000);
    let window = this.#windows.get(name);
    if (window === undefined) {
      window = { counts: new Array<number>(SECONDS).fill(0), second };
      this.#windows.set(name, window);
    }
    const passed = Math.min(SECONDS, second - window.second);
    for (let i = 1; i <= passed; i++) window.counts[(window.second + i) % SECONDS] = 0;
    if (passed === SECONDS) window.counts.fill(0);
    window.second = second;
    return window;
  }
}
