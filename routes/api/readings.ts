/** Readings: lists with down-sampling, the newest values, the live stream, files. */
import { z } from "@hono/zod-openapi";
import { HttpError } from "@/model/errors.ts";
import { type LiveStreams } from "@/routes/api/event_stream.ts";
import { FILE_FORMS, fileOf, Format } from "@/routes/api/export.ts";
import type { Api } from "@/routes/api/operation.ts";
import {
  Cursor,
  Flags,
  limitOf,
  Name,
  pageOf,
  Time,
  timeOf,
  TimeQuery,
} from "@/routes/api/schemas.ts";
import { windowOf } from "@/routes/api/time_window.ts";
import type { RangePoint } from "@/store/queries.ts";
import type { StoreAdmin } from "@/store/store_types.ts";

const TAG = "Readings";
const DAY_US = 86_400_000_000;
const POINTS_MAX = 10_000;
/** Series without a value in the window that one page looks at. */
const SERIES_MAX = 200;

const Reading = z.object({
  device: z.string(),
  measurement: z.string(),
  unit: z.string().nullable(),
  at: Time,
  value: z.number().openapi({ description: "With `step` the mean" }),
  min: z.number().optional(),
  mean: z.number().optional(),
  max: z.number().optional(),
  count: z.number().int().optional(),
  flags: Flags,
}).openapi("Reading");

type ReadingRow = z.infer<typeof Reading>;
type Queried = Pick<StoreAdmin, "query">;

const UNITS_US: Record<string, number> = { "": 1e6, s: 1e6, m: 6e7, h: 3.6e9, d: 8.64e10 };

const Step = z.string().transform((text, context) => {
  const [, digits = "", unit = ""] = /^(\d{1,7})(s|m|h|d)?$/.exec(text) ?? [];
  const us = Number(digits) * (UNITS_US[unit] ?? 0);
  if (us > 0 && us <= 366 * DAY_US) return us;
  context.addIssue({ code: "custom", message: "not a step: send seconds, or 1m, 15m, 1h, 1d" });
  return z.NEVER;
}).optional().openapi({
  type: "string",
  example: "5m",
  description: "Down-sampling: min, mean and max per step, without implausible values; " +
    "whole minutes and hours reach back further than single readings",
});

export function readingOperations(
  api: Api,
  { store, streams }: { store: Queried; streams: LiveStreams },
): void {
  addList(api, store);
  addLatest(api, store);
  api.add(
    {
      method: "get",
      path: "/api/readings/stream",
      tag: TAG,
      summary: "Follow readings live",
      text: "Server-sent events `reading`. Last-Event-ID goes on where a stream ended; " +
        "`gap` tells of what the log has no more.",
      query: z.object({ device: Name.optional(), measurement: Name.optional() }),
      answer: { status: 200, text: "A stream", also: { "text/event-stream": "Events" } },
    },
    ({ c, query }) =>
      streams.answer(c, ({ readings }, { id }) =>
        readings.flatMap((reading, item) => {
          const { device, measurement, unit, value, flags } = reading;
          if (query.device !== undefined && query.device !== device) return [];
          if (query.measurement !== undefined && query.measurement !== measurement) return [];
          const at = timeOf(reading.at.us);
          const data = { message_id: id, device, measurement, unit, at, value, flags };
          return [{ event: "reading", item, data }];
        })),
  );
}

function addList(api: Api, store: Queried): void {
  api.add({
    method: "get",
    path: "/api/readings",
    tag: TAG,
    summary: "List readings in the order of time, series by series",
    text: "Of one device or measurement, or of all; the last 24 hours unless `from` and `to` say " +
      "otherwise.",
    query: z.object({
      device: Name.optional(),
      measurement: Name.optional(),
      from: TimeQuery.optional(),
      to: TimeQuery.optional(),
      step: Step,
      limit: limitOf(1000, POINTS_MAX),
      cursor: Cursor,
      format: Format,
    }),
    answer: { status: 200, text: "Readings", schema: pageOf(Reading), also: FILE_FORMS },
  }, ({ query }) => {
    const { format = "json", limit, cursor, device, measurement } = query;
    const asked = { device, measurement, ...windowOf(query), stepUs: query.step ?? null };
    if (format === "json") return readPage(store, asked, { limit, cursor });
    return fileOf(allRows(store, asked), {
      format,
      name: "readings",
      columns: columnsOf(asked.stepUs !== null),
    });
  });
}

function columnsOf(isSampled: boolean) {
  const sampled = {
    min: (row: ReadingRow) => row.min ?? null,
    mean: (row: ReadingRow) => row.mean ?? null,
    max: (row: ReadingRow) => row.max ?? null,
    count: (row: ReadingRow) => row.count ?? null,
  };
  return {
    device: (row: ReadingRow) => row.device,
    measurement: (row: ReadingRow) => row.measurement,
    unit: (row: ReadingRow) => row.unit,
    at: (row: ReadingRow) => row.at,
    ...(isSampled ? sampled : { value: (row: ReadingRow) => row.value }),
    flags: (row: ReadingRow) => row.flags,
  };
}

interface AskedRange {
  device: string | undefined;
  measurement: string | undefined;
  fromUs: number;
  toUs: number;
  stepUs: number | null;
}

/** Where the next page begins: a series and a time in it. */
const Place = z.tuple([z.string(), z.string(), z.number().int()]);

async function readPage(
  store: Queried,
  asked: AskedRange,
  { limit, cursor }: { limit: number; cursor: string | undefined },
): Promise<{ items: ReadingRow[]; cursor: string | null }> {
  const place = cursor === undefined ? null : placeOf(cursor);
  const series = (await seriesOf(store, asked)).filter((each) =>
    place === null || compare([each.device, each.measurement], place) >= 0
  );
  const items: ReadingRow[] = [];
  for (const [i, { device, measurement }] of series.entries()) {
    const isFirst = place !== null && compare([device, measurement], place) === 0;
    const fromUs = isFirst ? place[2] : asked.fromUs;
    if (i >= SERIES_MAX || items.length >= limit) {
      return { items, cursor: cursorOf([device, measurement, fromUs]) };
    }
    const part = await readSeries(store, { ...asked, device, measurement, fromUs }, {
      limit: limit - items.length,
    });
    items.push(...part.items);
    if (part.nextUs !== null) {
      return { items, cursor: cursorOf([device, measurement, part.nextUs]) };
    }
  }
  return { items, cursor: null };
}

/**
 * The series that are asked for, in the order of their names. Both names given are looked up as they
 * are: there may be one series or none.
 */
async function seriesOf(
  store: Queried,
  { device, measurement }: AskedRange,
): Promise<{ device: string; measurement: string }[]> {
  if (device !== undefined && measurement !== undefined) return [{ device, measurement }];
  const series = await store.query("readings.series", { device });
  return series.filter((each) => measurement === undefined || each.measurement === measurement)
    .sort((a, b) => compare([a.device, a.measurement], [b.device, b.measurement]));
}

function compare(a: readonly unknown[], b: readonly unknown[]): number {
  const [left, right] = [`${a[0]}\u0000${a[1]}`, `${b[0]}\u0000${b[1]}`];
  return left < right ? -1 : Number(left > right);
}

/**
 * Up to `limit` points of one series. Points of one instant are never parted: the next page begins
 * with the last instant of this one, unless that is all there is.
 */
async function readSeries(
  store: Queried,
  asked: AskedRange & { device: string; measurement: string },
  { limit }: { limit: number },
): Promise<{ items: ReadingRow[]; nextUs: number | null }> {
  const range = await store.query("readings.range", { ...asked, limit });
  const { device, measurement, unit, stepUs } = range;
  const row = (point: RangePoint) => rowOf(point, { device, measurement, unit, stepUs });
  const last = range.points.at(-1);
  if (!range.truncated || last === undefined) {
    return { items: range.points.map(row), nextUs: null };
  }
  if (stepUs !== null) return { items: range.points.map(row), nextUs: last.atUs + stepUs };
  const whole = range.points.filter(({ atUs }) => atUs < last.atUs);
  if (whole.length > 0) return { items: whole.map(row), nextUs: last.atUs };
  return await readInstant(store, { ...asked, atUs: last.atUs }, row);
}

/** More readings of one instant than a page has room for: all of them, in one page. */
async function readInstant(
  store: Queried,
  { atUs, ...asked }: AskedRange & { device: string; measurement: string; atUs: number },
  row: (point: RangePoint) => ReadingRow,
): Promise<{ items: ReadingRow[]; nextUs: number | null }> {
  const window = { ...asked, fromUs: atUs, toUs: atUs + 1, limit: 100_000 };
  const { points } = await store.query("readings.range", window);
  return { items: points.map(row), nextUs: atUs + 1 };
}

function rowOf(
  { atUs, value, min, max, count, flags }: RangePoint,
  { stepUs, ...series }: {
    device: string;
    measurement: string;
    unit: string | null;
    stepUs: number | null;
  },
): ReadingRow {
  const sampled = stepUs === null ? {} : { min, mean: value, max, count };
  return { ...series, at: timeOf(atUs), value, ...sampled, flags };
}

async function* allRows(store: Queried, asked: AskedRange): AsyncGenerator<ReadingRow> {
  let cursor: string | undefined;
  do {
    const page = await readPage(store, asked, { limit: POINTS_MAX, cursor });
    yield* page.items;
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
}

function cursorOf(place: z.infer<typeof Place>): string {
  const bytes = new TextEncoder().encode(JSON.stringify(place));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}

function placeOf(cursor: string): z.infer<typeof Place> {
  try {
    const text = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    return Place.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw new HttpError(400, "Invalid query: cursor: none of ours", {
      code: "HTTP-0400",
      hint: "take `cursor` from the page before, with the same query",
      cause,
    });
  }
}

function addLatest(api: Api, store: Queried): void {
  api.add({
    method: "get",
    path: "/api/readings/latest",
    tag: TAG,
    summary: "Show the newest value of each measurement",
    text: "By event time; what is ahead of time never counts.",
    query: z.object({ device: Name.optional(), measurement: Name.optional() }),
    answer: {
      status: 200,
      text: "One reading per series",
      schema: z.object({ items: z.array(Reading) }),
    },
  }, async ({ query }) => {
    const devices = query.device === undefined ? undefined : [query.device];
    const latest = await store.query("readings.latest", { devices });
    const asked = latest.filter(({ measurement }) =>
      query.measurement === undefined || query.measurement === measurement
    );
    return { items: asked.map(({ atUs, ...row }) => ({ ...row, at: timeOf(atUs) })) };
  });
}
