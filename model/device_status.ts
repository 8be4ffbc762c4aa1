/**
 * Whether a device is heard as it should be. What is usual is learned from the device itself: the
 * median of the times between its last messages.
 *
 *   waiting  never heard
 *   offline  nothing for 10 usual intervals, and for 2 minutes at least
 *   stuck    heard, but a value or score came bit-identical 20 times or more in a row
 *   late     nothing for 3 usual intervals, and for 30 seconds at least
 *   online   heard as usual
 *
 * The floors are those of a node that sends every 10 s (FORMATS §6.4: offline after 2 minutes); they
 * alone hold until two intervals are known. A device that sends once an hour is late after three
 * hours, not after half a minute.
 */
import type { Reading } from "./reading.ts";

export type DeviceStatus = "waiting" | "offline" | "stuck" | "late" | "online";

/** In the order of what needs a person first. */
export const DEVICE_STATUSES: readonly DeviceStatus[] = [
  "stuck",
  "offline",
  "late",
  "online",
  "waiting",
];

/** What the status is derived from. */
export interface DeviceSigns {
  /** Reception of the newest message, ms since 1970; null before the first one. */
  lastSeenMs: number | null;
  /** Null while two intervals are not known. */
  typicalIntervalMs: number | null;
  /** Values that do not move, the longest run first. */
  stuck: readonly StuckValue[];
}

export interface StuckValue {
  /** Measurement; null for the score of predictions. */
  measurement: string | null;
  value: number;
  /** Bit-identical results in a row. */
  results: number;
}

export const STUCK_RESULTS = 20;

const LATE_INTERVALS = 3;
const LATE_MS_MIN = 30_000;
const OFFLINE_INTERVALS = 10;
const OFFLINE_MS_MIN = 120_000;

/** After how much silence a device is late, ms. */
export function lateAfterMs(typicalIntervalMs: number | null): number {
  return Math.max(LATE_MS_MIN, LATE_INTERVALS * (typicalIntervalMs ?? 0));
}

/** After how much silence a device is offline, ms. */
export function offlineAfterMs(typicalIntervalMs: number | null): number {
  return Math.max(OFFLINE_MS_MIN, OFFLINE_INTERVALS * (typicalIntervalMs ?? 0));
}

export function deviceStatus(
  { lastSeenMs, typicalIntervalMs, stuck }: DeviceSigns,
  nowMs: number,
): DeviceStatus {
  if (lastSeenMs === null) return "waiting";
  const silentMs = nowMs - lastSeenMs;
  if (silentMs > offlineAfterMs(typicalIntervalMs)) return "offline";
  if (stuck.length > 0) return "stuck";
  return silentMs > lateAfterMs(typicalIntervalMs) ? "late" : "online";
}

/** Median of the known intervals, ms; null for fewer than two. */
export function typicalInterval(intervalsMs: readonly number[]): number | null {
  if (intervalsMs.length < 2) return null;
  const sorted = intervalsMs.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle]!;
  return sorted.length % 2 === 1 ? upper : (sorted[middle - 1]! + upper) / 2;
}

/** Signal strength is rounded coarsely and stays the same for hours on a good link. */
const COARSE_UNITS = new Set(["dbm", "db"]);
/** A charge stays the same for hours, a direction while there is no wind. */
const STEADY = /battery|direction|latitude|longitude/i;

/**
 * Whether a value that repeats means a broken sensor. Only what has a physical unit: counters, states
 * and set-points may stay as they are; so may zero (no rain, no light, no load).
 */
export function canStick(
  { measurement, unit, value }: Pick<Reading, "measurement" | "unit" | "value">,
) {
  return unit !== null && value !== 0 && !COARSE_UNITS.has(unit) && !STEADY.test(measurement);
}
