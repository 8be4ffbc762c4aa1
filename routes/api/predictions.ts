/** Results of devices that classify: lists, the newest, presence by day, the live stream, files. */
import { z } from "@hono/zod-openapi";
import type { LiveStreams } from "@/routes/api/event_stream.ts";
import { FILE_FORMS, fileOf, Format } from "@/routes/api/export.ts";
import type { Api } from "@/routes/api/operation.ts";
import {
  isDay,
  isTimeZone,
  localDate,
  lookBackMs,
  PRESENT_LABELS,
  shiftDate,
} from "@/routes/api/presence.ts";
import { type PresenceDay, readPresenceDay } from "@/routes/api/presence_day.ts";
import {
  Cursor,
  Flags,
  limitOf,
  LIST_MAX,
  Name,
  pageOf,
  Time,
  timeOf,
  timeOfMs,
  TimeQuery,
} from "@/routes/api/schemas.ts";
import { windowOf } from "@/routes/api/time_window.ts";
import type { PredictionRow } from "@/store/queries.ts";
import type { StoreAdmin } from "@/store/store_types.ts";

const TAG = "Predictions";

const Prediction = z.object({
  message_id: z.string(),
  item: z.number().int(),
  device: z.string(),
  at: Time,
  label: z.string(),
  score: z.number(),
  avg_score: z.number().nullable(),
  window: z.number().nullable(),
  model: z.string().nullable(),
  flags: Flags,
  received_at: Time,
  seq: z.number().nullable(),
  debug: z.record(z.string(), z.unknown()).nullable(),
}).openapi("Prediction");

type PredictionView = z.infer<typeof Prediction>;
type Queried = Pick<StoreAdmin, "query">;

function viewOf(row: PredictionRow): PredictionView {
  const { messageId, atUs, avgScore, receivedUs, ...same } = row;
  return {
    ...same,
    message_id: messageId,
    at: timeOf(atUs),
    avg_score: avgScore,
    received_at: timeOf(receivedUs),
  };
}

export function predictionOperations(
  api: Api,
  { store, streams }: { store: Queried; streams: LiveStreams },
): void {
  addList(api, store);
  addLatest(api, store);
  addSummary(api, store);
  addStream(api, streams);
}

function addList(api: Api, store: Queried): void {
  api.add({
    method: "get",
    path: "/api/predictions",
    tag: TAG,
    summary: "List predictions, the newest first",
    query: z.object({
      device: Name.optional(),
      label: Name.optional(),
      from: TimeQuery.optional(),
      to: TimeQuery.optional(),
      limit: limitOf(100),
      cursor: Cursor,
      format: Format,
    }),
    answer: { status: 200, text: "Predictions", schema: pageOf(Prediction), also: FILE_FORMS },
  }, async ({ query }) => {
    const { format = "json", limit, cursor, device, label, from, to } = query;
    if (from !== undefined && to !== undefined) windowOf({ from, to });
    const asked = { device, label, fromUs: from, toUs: to };
    if (format !== "json") {
      return fileOf(allRows(store, asked), { format, name: "predictions", columns: COLUMNS });
    }
    const page = await store.query("predictions.list", { ...asked, limit, cursor });
    return { items: page.items.map(viewOf), cursor: page.cursor };
  });
}

const COLUMNS = {
  message_id: (row: PredictionView) => row.message_id,
  device: (row: PredictionView) => row.device,
  at: (row: PredictionView) => row.at,
  label: (row: PredictionView) => row.label,
  score: (row: PredictionView) => row.score,
  avg_score: (row: PredictionView) => row.avg_score,
  window: (row: PredictionView) => row.window,
  model: (row: PredictionView) => row.model,
  flags: (row: PredictionView) => row.flags,
  seq: (row: PredictionView) => row.seq,
};

interface AskedRows {
  device?: string;
  label?: string;
  fromUs?: number;
  toUs?: number;
}

async function* allRows(store: Queried, asked: AskedRows): AsyncGenerator<PredictionView> {
  let cursor: string | undefined;
  do {
    const page = await store.query("predictions.list", { ...asked, limit: LIST_MAX, cursor });
    yield* page.items.map(viewOf);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
}

function addLatest(api: Api, store: Queried): void {
  api.add({
    method: "get",
    path: "/api/predictions/latest",
    tag: TAG,
    summary: "Show the newest prediction of each device",
    query: z.object({ device: Name.optional() }),
    answer: {
      status: 200,
      text: "One prediction per device",
      schema: z.object({ items: z.array(Prediction) }),
    },
  }, async ({ query }) => ({
    items: (await store.query("predictions.latest", query)).map(viewOf),
  }));
}

function addStream(api: Api, streams: LiveStreams): void {
  api.add(
    {
      method: "get",
      path: "/api/predictions/stream",
      tag: TAG,
      summary: "Follow predictions live",
      text: "Server-sent events `prediction`. Last-Event-ID goes on where a stream ended; " +
        "`gap` tells of what the log has no more.",
      query: z.object({ device: Name.optional(), label: Name.optional() }),
      answer: { status: 200, text: "A stream", also: { "text/event-stream": "Events" } },
    },
    ({ c, query }) =>
      streams.answer(c, ({ predictions }, message) =>
        predictions.flatMap((prediction, item) => {
          const { device, label } = prediction;
          if (query.device !== undefined && query.device !== device) return [];
          if (query.label !== undefined && query.label !== label) return [];
          const { id: messageId, receivedUs, seq } = message;
          const row = { ...prediction, messageId, receivedUs, seq, item };
          const { at, ...rest } = row;
          return [{ event: "prediction", item, data: viewOf({ ...rest, atUs: at.us }) }];
        })),
  );
}

// --- presence by day ----------------------------------------------------------------------------

const Minutes = z.number().openapi({ description: "Minutes" });

const Day = z.object({
  date: z.string(),
  start: Time,
  end: Time,
  presence_minutes: Minutes,
  absence_minutes: Minutes,
  presence_rate: z.number().nullable().openapi({ description: "Of the observed time, 0 to 1" }),
  most_active_hour: Time.nullable(),
  observations: z.number().int(),
  hours: z.array(z.object({
    start: Time,
    presence_minutes: Minutes,
    absence_minutes: Minutes,
    probability: z.number().nullable(),
  })),
});

const Summary = Day.extend({
  device: z.string(),
  tz: z.string(),
  day_before: Day.omit({ hours: true }),
}).openapi("PresenceSummary");

const IsoDate = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, "not a date: send YYYY-MM-DD")
  .refine(isDay, "there is no such date").openapi({ format: "date", example: "2026-01-31" });

const TimeZone = z.string().max(64).refine(
  isTimeZone,
  "not a time zone: send Europe/Berlin, UTC, …",
)
  .openapi({ example: "Europe/Berlin" });

function addSummary(api: Api, store: Queried): void {
  api.add({
    method: "get",
    path: "/api/predictions/summary",
    tag: TAG,
    summary: "Sum up the presence of a day",
    text: "Days and hours of the time zone `tz` (UTC without it); today without `date`. A " +
      `prediction holds until the next one, at most ${lookBackMs() / 60_000} minutes.`,
    query: z.object({
      device: Name,
      date: IsoDate.optional(),
      tz: TimeZone.optional(),
      label: Name.optional().openapi({
        description: `Label that means presence; without it ${PRESENT_LABELS.join(", ")}`,
      }),
    }),
    answer: { status: 200, text: "The day, and the one before", schema: Summary },
  }, async ({ query }) => {
    const { device, tz = "UTC" } = query;
    const nowMs = Date.now();
    const date = query.date ?? localDate(nowMs, tz);
    const labels = query.label === undefined ? PRESENT_LABELS : [query.label];
    const asked = { device, labels, timeZone: tz, nowMs };
    const [day, before] = await Promise.all(
      [date, shiftDate(date, -1)].map((each) => readPresenceDay(store, { ...asked, date: each })),
    );
    const { hours: _hours, ...dayBefore } = dayView(before!);
    return { device, tz, ...dayView(day!), day_before: dayBefore };
  });
}

function dayView(day: PresenceDay): z.infer<typeof Day> {
  return {
    date: day.date,
    start: timeOfMs(day.startMs),
    end: timeOfMs(day.endMs),
    presence_minutes: day.presenceMinutes,
    absence_minutes: day.absenceMinutes,
    presence_rate: day.presenceRate,
    most_active_hour: day.mostActiveHourMs === null ? null : timeOfMs(day.mostActiveHourMs),
    observations: day.observations,
    hours: day.hours.map((hour) => ({
      start: timeOfMs(hour.startMs),
      presence_minutes: hour.presenceMinutes,
      absence_minutes: hour.absenceMinutes,
      probability: hour.probability,
    })),
  };
}
