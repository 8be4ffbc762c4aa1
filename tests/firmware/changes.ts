/** Waiting for a condition instead of for time: whoever changes something says so. */
export class Changes {
  #waiting = new Set<() => void>();

  /** Lets every waiter look again. */
  announce(): void {
    for (const look of [...this.#waiting]) look();
  }

  /**
   * Resolves once the condition holds.
   * @throws Error naming what did not come, after `limitMs` (a bound for a hung test, never a
   * pause).
   */
  until(condition: () => boolean, what: string, limitMs = 240_000): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!condition()) return;
        this.#waiting.delete(look);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`Waited ${limitMs} ms in vain: ${what}`));
      }, limitMs);
      this.#waiting.add(look);
    });
  }
}
