/** Windows, steps and gaps of charts. */

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

export const RANGES = ["1h", "6h", "24h", "7d", "30d"] as const;
export type Range = (typeof RANGES)[number];

export const RANGE_MS: Record<Range, number> = {
  "1h": HOUR_MS,
  "6h": 6 * HOUR_MS,
  "24h": DAY_MS,
  "7d": 7 * DAY_MS,
  "30d": 30 * DAY_MS,
};

/** `live`: by what devices send; seconds: read again so often. */
export const REFRESHES = ["live", "5s", "10s", "30s"] as const;
export type Refresh = (typeof REFRESHES)[number];

export const REFRESH_MS: Record<Refresh, number | null> = {
  "live": null,
  "5s": 5 * SECOND_MS,
  "10s": 10 * SECOND_MS,
  "30s": 30 * SECOND_MS,
};

/** Whole minutes and hours from a minute on: these are read from roll-ups. */
const STEPS_MS = [
  ...[1, 2, 5, 10, 15, 20, 30].map((n) => n * SECOND_MS),
  ...[1, 2, 3, 5, 10, 15, 20, 30].map((n) => n * MINUTE_MS),
  ...[1, 2, 3, 4, 6, 12].map((n) => n * HOUR_MS),
  DAY_MS,
];

/** The shortest step with which a window has at most so many points. */
export function stepFor(windowMs: number, pointsMax: number): number {
  const found = STEPS_MS.find((stepMs) => windowMs / stepMs <= pointsMax);
  return found ?? Math.ceil(windowMs / pointsMax / DAY_MS) * DAY_MS;
}

/** Fewer differences do not tell how often a device sends. */
const TIMES_MIN = 4;

/** Median of the distances between times; null where there are too few. */
export function typicalInterval(times: readonly number[]): number | null {
  const sorted = [...new Set(times)].sort((a, b) => a - b);
  if (sorted.length < TIMES_MIN) return null;
  const distances = sorted.slice(1).map((time, i) => time - sorted[i]!).sort((a, b) => a - b);
  return distances[Math.floor(distances.length / 2)]!;
}

/** Points further apart than this are a gap: three missing values, or two empty steps. */
export function gapAfter(intervalMs: number | null, stepMs: number): number {
  return Math.max(3 * (intervalMs ?? 0), 2.5 * stepMs);
}

/** As an offline alert: two minutes, or three missing values of a device that sends rarely. */
const LATE_MS = 120_000;

/** Without a value for this long, a device is late. */
export function lateAfter(intervalMs: number | null): number {
  return Math.max(LATE_MS, 3 * (intervalMs ?? 0));
}
