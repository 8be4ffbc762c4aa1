/** Reads the predictions of a day and sums their presence up; for the API and the page. */
import {
  type DayOfPresence,
  dayStartMs,
  lookBackMs,
  type Observed,
  probabilityOfPresence,
  shiftDate,
  sumUpDay,
} from "@/routes/api/presence.ts";
import type { PredictionPoint } from "@/store/queries.ts";
import type { StoreAdmin } from "@/store/store_types.ts";

/** Predictions of one day that are read: one a second. */
const DAY_ROWS_MAX = 90_000;

export interface PresenceDayRequest {
  device: string;
  /** Labels that mean that somebody is there. */
  labels: readonly string[];
  /** `2026-01-31` in the time zone. */
  date: string;
  timeZone: string;
  nowMs: number;
}

export interface PresenceDay extends DayOfPresence {
  date: string;
  /** Of the day itself, in the order of time. */
  course: (PredictionPoint & Observed)[];
}

export async function readPresenceDay(
  store: Pick<StoreAdmin, "query">,
  { device, labels, date, timeZone, nowMs }: PresenceDayRequest,
): Promise<PresenceDay> {
  const startMs = dayStartMs(date, timeZone);
  const endMs = dayStartMs(shiftDate(date, 1), timeZone);
  const points = await store.query("predictions.course", {
    device,
    fromUs: (startMs - lookBackMs()) * 1000,
    toUs: endMs * 1000,
    limit: DAY_ROWS_MAX,
  });
  const observed = points.map((point) => ({ ...point, ...observedOf(point, labels) }));
  const course = observed.filter(({ atMs }) => atMs >= startMs);
  return { date, course, ...sumUpDay(observed, { startMs, endMs, nowMs }) };
}

function observedOf({ atUs, label, score }: PredictionPoint, labels: readonly string[]): Observed {
  const isPresent = labels.includes(label);
  return { atMs: atUs / 1000, isPresent, probability: probabilityOfPresence(score, isPresent) };
}
