/**
 * Times of reception. They strictly increase over the whole log, so that two messages never share a
 * point and a time can be found in the log by bisection.
 *
 * - The wall clock is trusted when it is neither before the build nor more than a day before the
 *   newest reception in the log.
 * - Untrusted: times continue from the newest one known, at the pace of the monotonic clock. They are
 *   an estimate, flagged, and replaced once the clock is trusted.
 * - A trusted clock that steps back leaves times spread out at half its pace until it has caught up,
 *   instead of piling everything up on one point.
 */

export interface ClockReading {
  /** µs since 1970, may step. */
  wallUs: number;
  /** µs since the machine booted, never goes back. */
  monotonicUs: number;
}

export interface ReceptionClockOptions {
  buildUs: number;
  /** Newest reception in the log, µs; 0 with none. */
  newestUs: number;
  reading: ClockReading;
}

const DAY_US = 86_400_000_000;

export class ReceptionClock {
  readonly #buildUs: number;
  #lastUs: number;
  #nowUs: number;
  #reading: ClockReading;
  #trusted: boolean;

  constructor({ buildUs, newestUs, reading }: ReceptionClockOptions) {
    this.#buildUs = buildUs;
    this.#lastUs = newestUs;
    this.#reading = reading;
    this.#trusted = this.#isTrustworthy(reading.wallUs);
    const floorUs = Math.max(newestUs, buildUs);
    this.#nowUs = this.#trusted ? Math.max(reading.wallUs, newestUs) : floorUs;
  }

  get trusted(): boolean {
    return this.#trusted;
  }

  /** Present time as the log sees it, µs. */
  get nowUs(): number {
    return this.#nowUs;
  }

  #isTrustworthy(wallUs: number): boolean {
    return wallUs >= this.#buildUs && wallUs >= this.#lastUs - DAY_US;
  }

  /** Takes a new reading; true when the clock has become trusted by it. */
  observe(reading: ClockReading): boolean {
    const elapsedUs = Math.max(0, reading.monotonicUs - this.#reading.monotonicUs);
    const before = this.#trusted;
    this.#reading = reading;
    this.#trusted = this.#isTrustworthy(reading.wallUs);
    this.#nowUs = this.#trusted
      ? Math.max(reading.wallUs, this.#nowUs + Math.floor(elapsedUs / 2))
      : this.#nowUs + elapsedUs;
    return this.#trusted && !before;
  }

  /** Reception of a message that arrived `ageUs` before the last reading. */
  stamp(ageUs: number): number {
    this.#lastUs = Math.max(this.#lastUs + 1, Math.floor(this.#nowUs - ageUs));
    return this.#lastUs;
  }
}

/**
 * The time of a message that was taken before the clock was trusted: as long before the present as
 * the monotonic clock says, behind the message in front of it.
 */
export function restamp(
  monotonicUs: number,
  { previousUs, reading }: { previousUs: number; reading: ClockReading },
): number {
  const ageUs = reading.monotonicUs - monotonicUs;
  return Math.max(previousUs + 1, Math.floor(reading.wallUs - ageUs));
}
