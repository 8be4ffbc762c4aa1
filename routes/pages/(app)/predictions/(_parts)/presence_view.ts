/** What the page of one classifying device shows of a day. */
import type { ChartPoint } from "@/components/TimeChart.tsx";
import type { PresenceHour } from "@/components/predictions/PresenceHours.tsx";
import type { LabelCount, ShownPrediction } from "@/components/predictions/prediction_views.ts";
import { isDay, localDate, PRESENT_LABELS, shiftDate } from "@/routes/api/presence.ts";
import { type PresenceDay, readPresenceDay } from "@/routes/api/presence_day.ts";
import type { PageServices } from "@/routes/page_services.ts";
import { shownPrediction, stuckResults } from "./shown_predictions.ts";

const BUCKET_MS = 10 * 60_000;
const HOUR_MS = 3_600_000;
const RECENT_MAX = 10;
const LABELS_WINDOW_US = 30 * 86_400_000_000;

export interface PresenceView {
  device: string;
  label: string;
  newest: ShownPrediction | null;
  recent: ShownPrediction[];
  stuckResults: number | null;
  /** What was asked for is no day. */
  isBadDay: boolean;
  date: string;
  today: string;
  startMs: number;
  endMs: number;
  /** Chosen label that means presence; null: the usual ones. */
  presenceLabel: string | null;
  /** Labels of the last month, to choose from. */
  labels: string[];
  /** How often each label came on the day. */
  dayLabels: LabelCount[];
  day: DayFacts;
  before: DayFacts;
  hours: PresenceHour[];
  probability: ChartPoint[];
  scores: ChartPoint[];
  /** Points further apart are a gap. */
  gapMs: number;
}

export type DayFacts = Pick<
  PresenceDay,
  "presenceMinutes" | "absenceMinutes" | "presenceRate" | "mostActiveHourMs" | "observations"
>;

/** Null for a device that never sent a prediction. */
export async function readPresenceView(
  services: PageServices,
  { device, date: asked, presenceLabel, timeZone, nowMs }: {
    device: string;
    date: string | null;
    presenceLabel: string | null;
    timeZone: string;
    nowMs: number;
  },
): Promise<PresenceView | null> {
  const { store, auth } = services;
  const today = localDate(nowMs, timeZone);
  const isBadDay = asked !== null && asked !== "" && !isDay(asked);
  const date = asked !== null && isDay(asked) ? asked : today;
  const labels = presenceLabel === null ? PRESENT_LABELS : [presenceLabel];
  const request = { device, labels, timeZone, nowMs };
  const [newest, recent, counts, day, before] = await Promise.all([
    store.query("predictions.latest", { device }),
    store.query("predictions.list", { device, limit: RECENT_MAX }),
    store.query("predictions.labels", {
      ...{ device, fromUs: nowMs * 1000 - LABELS_WINDOW_US, toUs: nowMs * 1000 + 1 },
    }),
    readPresenceDay(store, { ...request, date }),
    readPresenceDay(store, { ...request, date: shiftDate(date, -1) }),
  ]);
  if (recent.items.length === 0) return null;
  const { course, hours, startMs, endMs } = day;
  const bucketed = (value: (of: PresenceDay["course"][number]) => number) =>
    bucket(course.map((each) => ({ atMs: each.atMs, value: value(each) })), startMs);
  return {
    ...{ device, isBadDay, date, today, startMs, endMs, presenceLabel, day, before },
    label: auth.devices.find(device)?.label ?? "",
    newest: newest[0] === undefined ? null : shownPrediction(newest[0]),
    recent: recent.items.map(shownPrediction),
    stuckResults: stuckResults(services, device),
    labels: counts.map(({ label }) => label),
    dayLabels: countLabels(course),
    hours: hours.map((hour) => ({ ...hour, endMs: Math.min(hour.startMs + HOUR_MS, endMs) })),
    probability: bucketed(({ probability }) => probability),
    scores: bucketed(({ score }) => score),
    gapMs: 2 * BUCKET_MS,
  };
}

function countLabels(course: PresenceDay["course"]): LabelCount[] {
  const groups = Map.groupBy(course, ({ label }) => label);
  return [...groups].map(([label, { length: count }]) => ({ label, count }))
    .sort((a, b) => b.count - a.count);
}

/** Mean and ends of each ten minutes since the day's beginning. */
export function bucket(
  points: readonly { atMs: number; value: number }[],
  startMs: number,
): ChartPoint[] {
  const groups = Map.groupBy(points, ({ atMs }) => Math.floor((atMs - startMs) / BUCKET_MS));
  return [...groups].map(([place, group]) => {
    const values = group.map(({ value }) => value);
    return {
      // In the middle of its time, so that the newest one is not drawn before it came.
      atMs: startMs + (place + 0.5) * BUCKET_MS,
      value: values.reduce((sum, value) => sum + value, 0) / values.length,
      min: values.reduce((a, b) => Math.min(a, b)),
      max: values.reduce((a, b) => Math.max(a, b)),
    };
  });
}
