/** Ceiling of the first wait; it doubles with each failure. */
export const BACKOFF_BASE_MS = 1_000;
export const BACKOFF_MAX_MS = 60_000;

/** A longer `Retry-After` is taken for a mistake of the other side: we ask again after an hour. */
export const RETRY_AFTER_MAX_MS = 3_600_000;

/**
 * How long to wait after the given number of failures in a row (1 and up): full jitter, that is a
 * uniform draw below 1 s, 2 s, 4 s … 60 s, but never less than the other side asked for.
 *
 * Full jitter instead of a fixed or half-random delay: gateways that lost the same server come back
 * spread over the whole interval.
 */
export function backoffMs(
  failures: number,
  { random, retryAfterMs }: { random: () => number; retryAfterMs: number | null },
): number {
  const doublings = Math.min(Math.max(failures, 1) - 1, 16);
  const ceilingMs = Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** doublings);
  const drawnMs = Math.max(1, Math.round(random() * ceilingMs));
  return Math.max(drawnMs, Math.min(retryAfterMs ?? 0, RETRY_AFTER_MAX_MS));
}
