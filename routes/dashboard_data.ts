/** From a dashboard's description to the view that pages show: one query for all of its panels. */
import { unitSymbol } from "@/components/format.ts";
import { devicesOf } from "@/model/built_in_dashboards.ts";
import { DAY_MS, stepFor } from "@/model/chart_steps.ts";
import { percentageOf } from "@/model/counter.ts";
import {
  type Aggregation,
  type Dashboard,
  type Panel,
  type PanelSeries,
  SERIES_COLOURS,
  seriesLabel,
} from "@/model/dashboard.ts";
import {
  compact,
  type DashboardView,
  drawnDecimals,
  type PanelView,
  type PointColumns,
  type SeriesView,
} from "@/model/dashboard_view.ts";
import type { ChartPoint, ChartRequest, ChartSeries, ChartWindow } from "@/store/chart_queries.ts";
import type { StoreAdmin } from "@/store/store_types.ts";

/** Of a chart on a first page: what the narrowest phone can show. */
export const FIRST_POINTS = 150;
const POINTS_MIN = 12;
/** Of all charts together: a page stays below 60 kB. */
const FIRST_POINTS_TOTAL = 900;
/** Of a later answer: half a megabyte. */
const POINTS_TOTAL = 60_000;
/** Bars stay wide enough to be told apart. */
const BARS_MAX = 48;
const SPARK_POINTS = 96;

export interface ViewOptions {
  nowMs: number;
  /** Window of charts. */
  fromMs: number;
  toMs: number;
  /** At most so many for each chart: its width in pixels. */
  pointsMax: number;
}

/** Points of each chart on a first page; the browser asks for as many as it has pixels. */
export function firstPoints(dashboard: Dashboard): number {
  return sharedPoints(dashboard, { wanted: FIRST_POINTS, total: FIRST_POINTS_TOTAL });
}

/** Points of each chart in one answer, of those that were asked for. */
export function answeredPoints(dashboard: Dashboard, wanted: number): number {
  return sharedPoints(dashboard, { wanted, total: POINTS_TOTAL });
}

function sharedPoints(
  { panels }: Dashboard,
  { wanted, total }: { wanted: number; total: number },
): number {
  const series = panels.reduce((sum, panel) => sum + panel.series.length, 0);
  return Math.max(POINTS_MIN, Math.min(wanted, Math.floor(total / series)));
}

/** The window of a range that ends now. */
export function rangeWindow(nowMs: number, rangeMs: number): Omit<ViewOptions, "pointsMax"> {
  return { nowMs, fromMs: nowMs - rangeMs, toMs: nowMs };
}

type Queried = Pick<StoreAdmin, "query">;

/** Reads what the panels show at this moment. */
export async function readView(
  store: Queried,
  dashboard: Dashboard,
  options: ViewOptions,
): Promise<DashboardView> {
  const plan = dashboard.panels.map((panel) =>
    panel.series.map((series) => plannedSeries(panel, series, options))
  );
  const requests = plan.flat(2);
  const nowUs = options.nowMs * 1000;
  const answers = await store.query("charts.read", { requests, nowUs });
  const answerOf = new Map(requests.map((request, i) => [request, answers[i]]));
  const devices = devicesOf(dashboard);
  const panels = dashboard.panels.map((panel, p) => ({
    ...panelView(panel),
    series: panel.series.map((series, s) => {
      const [main, whole] = plan[p]![s]!.map((request) => answerOf.get(request));
      const label = seriesLabel(series, panel.series);
      const colour = coloursOf(panel, devices)[s]!;
      return { ...seriesView(panel, { series, main, whole }), label, colour };
    }),
  }));
  const { nowMs: atMs, fromMs, toMs } = options;
  return { atMs, fromMs, toMs, isZoomed: toMs !== atMs, panels };
}

function panelView(panel: Panel): Omit<PanelView, "series"> {
  const { kind, title, width, aggregation, thresholds, min, max, note } = panel;
  return {
    ...{ kind, title, width, aggregation, thresholds },
    ...{ min: min ?? null, max: max ?? null, note: note ?? null },
  };
}

/** By device where that gives each line of the panel a colour of its own, else by place. */
function coloursOf({ series }: Panel, devices: readonly string[]): number[] {
  const byDevice = series.map(({ device }) => devices.indexOf(device) % SERIES_COLOURS + 1);
  const isClear = new Set(byDevice).size === series.length;
  return isClear ? byDevice : series.map((_, i) => i % SERIES_COLOURS + 1);
}

function isSingle({ kind }: Panel): boolean {
  return kind === "stat" || kind === "gauge";
}

/** The series itself and, of a percentage, its whole: with the same windows. */
function plannedSeries(
  panel: Panel,
  { device, measurement, of }: PanelSeries,
  options: ViewOptions,
): ChartRequest[] {
  const windows = windowsOf(panel, options);
  const main = { device, measurement, windows };
  return of === undefined ? [main] : [main, { device, measurement: of, windows }];
}

/** A single newest number has only its day, any other single number its window and its day. */
function windowsOf(panel: Panel, options: ViewOptions): ChartWindow[] {
  if (!isSingle(panel)) return [chartWindow(panel, options)];
  const day = dayWindow(panel, options);
  return panel.aggregation === "last" ? [day] : [day, chartWindow(panel, options)];
}

const COUNTERS: readonly Aggregation[] = ["increase", "percentage", "last"];

function chartWindow(panel: Panel, { fromMs, toMs, pointsMax }: ViewOptions): ChartWindow {
  const { kind, aggregation } = panel;
  const points = kind === "bar" ? Math.min(BARS_MAX, pointsMax) : pointsMax;
  const isDrawn = kind === "time_series" || kind === "bar" || kind === "state_timeline";
  // A newest value of the window is the newest of all; only what is drawn needs each step's.
  const isCounter = COUNTERS.includes(aggregation) && (isDrawn || aggregation !== "last");
  return {
    fromUs: fromMs * 1000,
    toUs: toMs * 1000 + 1,
    stepUs: stepFor(toMs - fromMs, isDrawn ? points : Math.min(points, SPARK_POINTS)) * 1000,
    isCounter,
  };
}

function dayWindow({ aggregation }: Panel, { nowMs }: ViewOptions): ChartWindow {
  return {
    fromUs: (nowMs - DAY_MS) * 1000,
    toUs: nowMs * 1000 + 1,
    stepUs: stepFor(DAY_MS, SPARK_POINTS) * 1000,
    isCounter: aggregation === "increase" || aggregation === "percentage",
  };
}

interface Answered {
  series: PanelSeries;
  main: ChartSeries | undefined;
  /** Of a percentage. */
  whole: ChartSeries | undefined;
}

function seriesView(
  panel: Panel,
  { series, main, whole }: Answered,
): Omit<SeriesView, "label" | "colour"> {
  const { device, measurement } = series;
  const { aggregation } = panel;
  const latest = main?.latest ?? null;
  const windows = [0, 1].map((i) => valuesOf(aggregation, { i, main, whole }));
  const [day, window] = isSingle(panel) ? windows : [undefined, windows[0]];
  const isDrawn = !isSingle(panel) && panel.kind !== "table";
  return {
    ...{ device, measurement },
    unit: unitOf(panel, main),
    known: main?.known ?? false,
    latest: latest === null ? null : {
      atMs: latest.atUs / 1000,
      value: latest.value,
      implausible: latest.flags.includes("implausible"),
    },
    intervalMs: main?.intervalUs == null ? null : main.intervalUs / 1000,
    value: isNewest(panel)
      ? latest?.value ?? null
      : totalOf(aggregation, { main, whole, i: isSingle(panel) ? 1 : 0 }),
    window: window === undefined ? null : endsOf(window.points),
    day: day === undefined ? null : endsOf(day.values),
    isNewest: isNewest(panel),
    points: isDrawn && window !== undefined ? columnsOf(window, aggregation) : null,
    spark: day === undefined
      ? null
      : columnsOf(day, aggregation === "last" ? "mean" : aggregation, {
        withBand: false,
      }),
  };
}

function unitOf({ unit, aggregation }: Panel, main: ChartSeries | undefined): string {
  if (unit !== undefined) return unitSymbol(unit);
  if (aggregation === "percentage") return "%";
  return aggregation === "count" ? "" : unitSymbol(main?.unit ?? null);
}

interface StepValues {
  stepUs: number;
  points: readonly ChartPoint[];
  /** What each step comes to by the aggregation; as points, for their ends. */
  values: { atUs: number; mean: number; min: number; max: number; count: number }[];
}

/** The steps of a window; undefined where it was not asked for. */
function valuesOf(
  aggregation: Aggregation,
  { i, main, whole }: { i: number } & Pick<Answered, "main" | "whole">,
): StepValues | undefined {
  const window = main?.windows[i];
  if (window === undefined) return undefined;
  const wholes = new Map(whole?.windows[i]?.points.map((point) => [point.atUs, point.grown]));
  const values = window.points.flatMap((point) => {
    const value = valueOf(aggregation, { point, whole: wholes.get(point.atUs) ?? null });
    if (value === null) return [];
    const ends = isSpread(aggregation)
      ? { min: point.min, max: point.max }
      : { min: value, max: value };
    return [{ atUs: point.atUs, count: point.count, mean: value, ...ends }];
  });
  return { ...window, values };
}

/** Of these a step has ends beside its value. */
function isSpread(aggregation: Aggregation): boolean {
  return aggregation === "mean" || aggregation === "last";
}

function valueOf(
  aggregation: Aggregation,
  { point, whole }: { point: ChartPoint; whole: number | null },
): number | null {
  switch (aggregation) {
    case "percentage":
      return percentageOf(point.grown, whole);
    case "increase":
      return point.grown;
    default:
      return point[aggregation];
  }
}

/** A line's number beside its name is where the line ends. */
function isNewest({ kind, aggregation }: Panel): boolean {
  if (aggregation === "last") return true;
  const isLine = kind === "time_series" || kind === "bar" || kind === "state_timeline";
  return isLine && ["mean", "min", "max"].includes(aggregation);
}

/** What the window as a whole comes to. */
function totalOf(
  aggregation: Aggregation,
  { main, whole, i }: { i: number } & Pick<Answered, "main" | "whole">,
): number | null {
  const points = main?.windows[i]?.points ?? [];
  if (points.length === 0) return aggregation === "count" && main?.known ? 0 : null;
  const sum = (all: readonly ChartPoint[], key: "count" | "grown") =>
    all.reduce((total, point) => total + point[key], 0);
  if (aggregation === "percentage") {
    return percentageOf(sum(points, "grown"), sum(whole?.windows[i]?.points ?? [], "grown"));
  }
  if (aggregation === "increase") return sum(points, "grown");
  if (aggregation === "count") return sum(points, "count");
  return endsOf(points)?.[aggregation as "mean" | "min" | "max"] ?? null;
}

function endsOf(
  points: readonly Pick<ChartPoint, "min" | "max" | "mean" | "count">[],
): { min: number; mean: number; max: number } | null {
  if (points.length === 0) return null;
  const count = points.reduce((sum, point) => sum + point.count, 0);
  return {
    min: compact(Math.min(...points.map(({ min }) => min))),
    mean: compact(points.reduce((sum, { mean, count }) => sum + mean * count, 0) / count),
    max: compact(Math.max(...points.map(({ max }) => max))),
  };
}

function columnsOf(
  { stepUs, values }: StepValues,
  aggregation: Aggregation,
  { withBand = isSpread(aggregation) } = {},
): PointColumns {
  const [first, last] = [values[0], values.at(-1)];
  const columns: PointColumns = {
    firstMs: (first?.atUs ?? 0) / 1000,
    stepMs: stepUs / 1000,
    value: [],
    lastCount: last?.count ?? 0,
  };
  if (first === undefined || last === undefined) return columns;
  const decimals = drawnDecimals(endsOf(values)!);
  const length = Math.round((last.atUs - first.atUs) / stepUs) + 1;
  const column = (key: "mean" | "min" | "max") => {
    const entries: (number | null)[] = Array(length).fill(null);
    for (const each of values) {
      entries[Math.round((each.atUs - first.atUs) / stepUs)] = Number(
        each[key].toFixed(decimals),
      );
    }
    return entries;
  };
  columns.value = column("mean");
  if (!withBand || values.every(({ min, max }) => min === max)) return columns;
  return { ...columns, min: column("min"), max: column("max") };
}
