import type { Instant } from "@/model/message.ts";

/** Marks of a reading or prediction, in the order in which they are written out. */
export const FLAGS = [
  "implausible",
  "ts_past",
  "ts_future",
  "clock_untrusted",
  "late",
  "stuck",
] as const;

export type Flag = (typeof FLAGS)[number];

/** One value of one measurement of one device at one time. */
export interface Reading {
  device: string;
  measurement: string;
  value: number;
  /** `celsius`, `percent`, …; null where the measurement has none. */
  unit: string | null;
  /** Event time. */
  at: Instant;
  flags: Flag[];
}

/** One result of a device that classifies. */
export interface Prediction {
  device: string;
  label: string;
  /** 0…1 */
  score: number;
  /** Mean of the last `window` scores, 0…1; null when not sent. */
  avgScore: number | null;
  window: number | null;
  model: string | null;
  debug: Record<string, unknown> | null;
  at: Instant;
  flags: Flag[];
}

/** A text that describes a device, not a quantity; the newest one counts. */
export interface Attribute {
  device: string;
  name: string;
  value: string;
  at: Instant;
}

/** Everything one message means. The order within each list is the `item` number of its rows. */
export interface Normalized {
  readings: Reading[];
  predictions: Prediction[];
  attributes: Attribute[];
  /** Sender's tags; written to `readings.tags`. */
  tags: Record<string, string> | null;
}

/** Turns flags into the bit mask under which the store keeps them. */
export function flagsToMask(flags: readonly Flag[]): number {
  return flags.reduce((mask, flag) => mask | (1 << FLAGS.indexOf(flag)), 0);
}

/** The flags of a bit mask, in the order of FLAGS. */
export function maskToFlags(mask: number): Flag[] {
  return FLAGS.filter((_, bit) => (mask & (1 << bit)) !== 0);
}
