/** How long and how often a condition is asked for. */
export interface UntilOptions {
  /** What is waited for, in words; part of the error when it never comes. */
  what: string;
  /** ms after which the wait fails; default 30 000. */
  timeoutMs?: number;
  /** ms between two looks; default 10. */
  everyMs?: number;
}

/**
 * Waits until `look` returns something other than `false`, `null` or `undefined`, and returns it.
 * An error thrown by `look` counts as "not yet" and is the cause when time runs out.
 */
export async function until<T>(
  look: () => T | false | null | undefined | Promise<T | false | null | undefined>,
  options: UntilOptions,
): Promise<T> {
  const deadline = performance.now() + (options.timeoutMs ?? 30_000);
  let cause: unknown;
  for (;;) {
    try {
      const seen = await look();
      if (seen !== false && seen !== null && seen !== undefined) return seen;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`Gave up waiting until ${options.what}`, { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 10));
  }
}
