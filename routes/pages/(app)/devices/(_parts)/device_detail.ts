/** Everything that the page of one device shows. */
import { deviceIdProblem } from "@/model/topic.ts";
import { notThere } from "@/auth/refusals.ts";
import type { EntryView } from "@/components/devices/credential_views.ts";
import type { ShownValue } from "@/components/devices/device_views.ts";
import type { HistorySeries, RangeName } from "@/components/devices/HistoryCard.tsx";
import type { CardValue } from "@/components/devices/ValueCards.tsx";
import { type DeviceSigns, type DeviceStatus, deviceStatus } from "@/model/device_status.ts";
import type { PageServices } from "@/routes/page_services.ts";
import type {
  DeviceSummary,
  LatestReading,
  RangePoint,
  SeriesStep,
  SteppedSeries,
} from "@/store/queries.ts";
import { rank, shownOf } from "./device_rows.ts";

export interface DeviceDetail {
  id: string;
  entry: EntryView | null;
  canRegister: boolean;
  signs: DeviceSigns;
  status: DeviceStatus;
  seen: DeviceSummary["seen"];
  prediction: DeviceSummary["prediction"];
  attributes: DeviceSummary["attributes"];
  cards: CardValue[];
  others: ShownValue[];
  cardsFromMs: number;
  cardStepMs: number;
  /** First heard some hours ago: its cards show one hour instead of a day. */
  isYoung: boolean;
  range: RangeName;
  history: HistorySeries[];
  historyFromMs: number;
  historyStepMs: number;
  /** The one measurement that is charted; null for the first ones. */
  measurement: string | null;
  measurements: string[];
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Window and step: 60 to 168 points, more than which a phone does not show. */
const RANGES: Record<RangeName, { windowMs: number; stepMs: number }> = {
  "1h": { windowMs: HOUR_MS, stepMs: MINUTE_MS },
  "6h": { windowMs: 6 * HOUR_MS, stepMs: 4 * MINUTE_MS },
  "24h": { windowMs: DAY_MS, stepMs: 12 * MINUTE_MS },
  "7d": { windowMs: 7 * DAY_MS, stepMs: HOUR_MS },
  "30d": { windowMs: 30 * DAY_MS, stepMs: 6 * HOUR_MS },
};

const CARDS_MAX = 8;
const CHARTS_MAX = 6;
/** Of the small charts on the cards. */
const CARD_DAY = { windowMs: DAY_MS, stepMinutes: 30 };
const CARD_HOUR = { windowMs: HOUR_MS, stepMinutes: 2 };
const YOUNG_MS = 6 * HOUR_MS;

export function isRange(name: string | null): name is RangeName {
  return name !== null && Object.hasOwn(RANGES, name);
}

type Services = Pick<PageServices, "auth" | "store" | "deviceWatch">;

/** Throws HttpError 404 for a device that is neither registered nor heard. */
export async function readDevice(
  services: Services,
  { id, nowMs, range, measurement }: {
    id: string;
    nowMs: number;
    /** Null: what fits the device's age. */
    range: RangeName | null;
    measurement: string | null;
  },
): Promise<DeviceDetail> {
  const { auth, store, deviceWatch } = services;
  const entry = auth.devices.find(id);
  const signs = deviceWatch.signs(id);
  const summary = await store.query("devices.summary", { device: id });
  if (entry === null && summary.seen === null && signs.lastSeenMs === null) {
    throw notThere("device", id);
  }
  const latest = summary.latest.toSorted((a, b) => rank(a.measurement) - rank(b.measurement));
  const measurements = latest.map((each) => each.measurement);
  const wanted = measurements.find((each) => each === measurement) ?? null;
  const charted = latest.filter((each) => wanted === null || each.measurement === wanted);
  const ageMs = summary.seen === null ? 0 : nowMs - summary.seen.firstSeenUs / 1000;
  const shownRange = range ?? rangeOfAge(ageMs);
  const { windowMs, stepMs } = RANGES[shownRange];
  const historyFromMs = Math.floor((nowMs - windowMs) / stepMs) * stepMs;
  return {
    ...{ id, entry, signs, status: deviceStatus(signs, nowMs), ...summary },
    canRegister: deviceIdProblem(id) === null,
    ...await readCards(store, { id, latest, nowMs, isYoung: ageMs < YOUNG_MS }),
    ...{
      range: shownRange,
      historyFromMs,
      historyStepMs: stepMs,
      measurement: wanted,
      measurements,
    },
    history: await Promise.all(
      charted.slice(0, CHARTS_MAX).map((each) =>
        readHistory(store, { of: each, fromMs: historyFromMs, toMs: nowMs, stepMs })
      ),
    ),
  };
}

/** A new device would be a dot at the end of a day. */
function rangeOfAge(ageMs: number): RangeName {
  if (ageMs < HOUR_MS) return "1h";
  return ageMs < YOUNG_MS ? "6h" : "24h";
}

/** The first values with their course and the ends of a day, the rest as they are. */
async function readCards(
  store: Services["store"],
  { id, latest, nowMs, isYoung }: {
    id: string;
    latest: readonly LatestReading[];
    nowMs: number;
    isYoung: boolean;
  },
) {
  const shown = latest.slice(0, CARDS_MAX);
  const series = shown.map(({ measurement }) => ({ device: id, measurement }));
  const { windowMs, stepMinutes } = isYoung ? CARD_HOUR : CARD_DAY;
  const cardStepMs = stepMinutes * MINUTE_MS;
  const cardsFromMs = Math.floor((nowMs - windowMs) / cardStepMs) * cardStepMs;
  const toUs = nowMs * 1000 + 1;
  const [course, day] = await Promise.all([
    store.query("readings.steps", { series, fromUs: cardsFromMs * 1000, toUs, stepMinutes }),
    store.query("readings.steps", {
      ...{ series, fromUs: (nowMs - DAY_MS) * 1000, toUs, stepMinutes: CARD_DAY.stepMinutes },
    }),
  ]);
  const stepsOf = (all: SteppedSeries[], name: string) =>
    all.find(({ measurement }) => measurement === name)?.steps ?? [];
  const cards = shown.map((each): CardValue => ({
    ...{ ...shownOf(each), flags: each.flags },
    ...endsOf(stepsOf(day, each.measurement)),
    points: stepsOf(course, each.measurement).map(({ atUs, value }) => ({
      atMs: atUs / 1000,
      value,
    })),
  }));
  const others = latest.slice(CARDS_MAX).map(shownOf);
  return { cards, others, cardsFromMs, cardStepMs, isYoung };
}

function endsOf(steps: readonly SeriesStep[]): { min: number | null; max: number | null } {
  if (steps.length === 0) return { min: null, max: null };
  return {
    min: Math.min(...steps.map(({ min }) => min)),
    max: Math.max(...steps.map(({ max }) => max)),
  };
}

async function readHistory(
  store: Services["store"],
  { of: { device, measurement, unit }, fromMs, toMs, stepMs }: {
    of: LatestReading;
    fromMs: number;
    toMs: number;
    stepMs: number;
  },
): Promise<HistorySeries> {
  const { points } = await store.query("readings.range", {
    ...{ device, measurement, stepUs: stepMs * 1000 },
    ...{ fromUs: fromMs * 1000, toUs: toMs * 1000 + 1 },
  });
  const count = points.reduce((sum, point) => sum + point.count, 0);
  const total = points.reduce((sum, point) => sum + point.value * point.count, 0);
  const query = new URLSearchParams({
    ...{ device, measurement, format: "csv" },
    ...{ from: String(fromMs), to: String(toMs) },
  });
  return {
    ...{ measurement, unit, points: points.map(chartPoint) },
    mean: count === 0 ? null : total / count,
    csv: `/api/readings?${query}`,
  };
}

function chartPoint({ atUs, value, min, max }: RangePoint) {
  return { atMs: atUs / 1000, value, min, max };
}
