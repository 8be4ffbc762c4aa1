/** What a dashboard shows, in one answer: the page reads it again after a loss or at an interval. */
import { z } from "@hono/zod-openapi";
import { RANGE_MS, RANGES } from "@/model/chart_steps.ts";
import { AGGREGATIONS, PANEL_KINDS, PANEL_WIDTHS, THRESHOLD_TONES } from "@/model/dashboard.ts";
import { HttpError } from "@/model/errors.ts";
import type { Api } from "@/routes/api/operation.ts";
import { limitOf, TimeQuery } from "@/routes/api/schemas.ts";
import { DashboardBook } from "@/routes/dashboard_book.ts";
import {
  answeredPoints,
  FIRST_POINTS,
  rangeWindow,
  readView,
  type ViewOptions,
} from "@/routes/dashboard_data.ts";
import type { StoreAdmin } from "@/store/store_types.ts";

/** As wide as charts get. */
const POINTS_MAX = 2_000;

const Ends = z.object({ min: z.number(), max: z.number(), mean: z.number().optional() });

const Columns = z.object({
  firstMs: z.number(),
  stepMs: z.number(),
  value: z.array(z.number().nullable()).openapi({
    description: "One entry for each step from `firstMs` on; null where there is no value",
  }),
  min: z.array(z.number().nullable()).optional(),
  max: z.array(z.number().nullable()).optional(),
  lastCount: z.number().int(),
});

const Series = z.object({
  device: z.string(),
  measurement: z.string(),
  label: z.string(),
  colour: z.number().int(),
  unit: z.string(),
  known: z.boolean(),
  latest: z.object({ atMs: z.number(), value: z.number(), implausible: z.boolean() }).nullable(),
  intervalMs: z.number().nullable(),
  value: z.number().nullable(),
  isNewest: z.boolean(),
  window: Ends.nullable(),
  day: Ends.nullable(),
  points: Columns.nullable(),
  spark: Columns.nullable(),
});

const Threshold = z.object({
  from: z.number().optional(),
  above: z.number().optional(),
  tone: z.enum(THRESHOLD_TONES),
  label: z.string().optional(),
});

const View = z.object({
  atMs: z.number(),
  fromMs: z.number(),
  toMs: z.number(),
  isZoomed: z.boolean(),
  panels: z.array(z.object({
    kind: z.enum(PANEL_KINDS),
    title: z.string(),
    width: z.literal([...PANEL_WIDTHS]),
    aggregation: z.enum(AGGREGATIONS),
    thresholds: z.array(Threshold),
    min: z.number().nullable(),
    max: z.number().nullable(),
    note: z.string().nullable(),
    series: z.array(Series),
  })),
}).openapi("DashboardData");

export function dashboardOperations(
  api: Api,
  { store }: { store: Pick<StoreAdmin, "query"> },
): void {
  api.add({
    method: "get",
    path: "/api/dashboards/{id}/data",
    tag: "Dashboards",
    summary: "Read all that a dashboard shows",
    text: "Every panel with its newest values and its points, down-sampled on the gateway to at " +
      "most `points` steps for each chart; of the last `range`, or of `from` to `to`.",
    params: z.object({ id: z.string().min(1).max(64) }),
    query: z.object({
      range: z.enum(RANGES).default("1h"),
      from: TimeQuery.optional(),
      to: TimeQuery.optional(),
      points: limitOf(FIRST_POINTS, POINTS_MAX),
    }),
    answer: { status: 200, text: "The panels with their data", schema: View },
  }, async ({ params, query }) => {
    const { dashboard } = await (await DashboardBook.open(store)).find(params.id);
    const pointsMax = answeredPoints(dashboard, query.points);
    return await readView(store, dashboard, { ...askedWindow(query), pointsMax });
  });
}

/** Both ends or none; in whole ms. */
function askedWindow(
  { range, from, to }: { range: keyof typeof RANGE_MS; from?: number; to?: number },
): Omit<ViewOptions, "pointsMax"> {
  const nowMs = Date.now();
  if (from === undefined && to === undefined) return rangeWindow(nowMs, RANGE_MS[range]);
  if (from === undefined || to === undefined || to <= from) {
    throw new HttpError(400, "Invalid query: from and to: both, and to after from", {
      code: "HTTP-0400",
      hint: "see this operation in /docs/api",
    });
  }
  return { nowMs, fromMs: Math.floor(from / 1000), toMs: Math.ceil(to / 1000) };
}
