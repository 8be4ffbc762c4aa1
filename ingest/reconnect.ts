/** Waits between attempts of a source to reach its line or broker again: 1 s doubling to 60 s. */

export const RECONNECT_MIN_MS = 1_000;
export const RECONNECT_MAX_MS = 60_000;

/** Resolves after `ms`, or at once when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener("abort", finish);
  });
}

/** Doubles with each failure, starts over after a success. */
export class ReconnectDelay {
  #nextMs = RECONNECT_MIN_MS;

  succeeded(): void {
    this.#nextMs = RECONNECT_MIN_MS;
  }

  /** The wait before the next attempt, ms. */
  failed(): number {
    const delayMs = this.#nextMs;
    this.#nextMs = Math.min(RECONNECT_MAX_MS, this.#nextMs * 2);
    return delayMs;
  }
}
