/** The broker's time: starts at the wall clock's, then follows the monotonic clock. */

import type { BrokerClock } from "@/mqtt/broker_types.ts";

export class BrokerTime {
  readonly #clock: BrokerClock;
  readonly #offsetMs: number;

  constructor(clock: BrokerClock) {
    this.#clock = clock;
    this.#offsetMs = clock.wallMs() - clock.monotonicMs();
  }

  /** Milliseconds since 1970 as far as the wall clock was right at the start; never goes back. */
  nowMs(): number {
    return Math.round(this.#offsetMs + this.#clock.monotonicMs());
  }

  every(intervalMs: number, tick: () => void): () => void {
    return this.#clock.every(intervalMs, tick);
  }
}

/** The clock of this machine. */
export function systemClock(): BrokerClock {
  return {
    wallMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    every(intervalMs, tick) {
      const timer = setInterval(tick, intervalMs);
      return () => clearInterval(timer);
    },
  };
}
