/**
 * A dashboard with its data: what the server makes of a description, pages render, and islands keep
 * up to date. Compact, because it travels with the page: points are columns without times, in steps
 * of one length.
 */
import type { Aggregation, Panel, PanelKind, Threshold } from "@/model/dashboard.ts";
import type { LiveSeries } from "@/model/live_events.ts";

export interface DashboardView {
  /** The server's clock when it was made, ms since 1970. */
  atMs: number;
  /** What charts show; ends now unless somebody looks closer at a part of it. */
  fromMs: number;
  toMs: number;
  isZoomed: boolean;
  panels: PanelView[];
}

export interface PanelView {
  kind: PanelKind;
  title: string;
  width: Panel["width"];
  aggregation: Aggregation;
  thresholds: Threshold[];
  min: number | null;
  max: number | null;
  note: string | null;
  series: SeriesView[];
}

export interface SeriesView {
  device: string;
  measurement: string;
  label: string;
  /** 1 to 6; the same device has the same one in all panels, as far as that tells lines apart. */
  colour: number;
  /** As people write it. */
  unit: string;
  /** False when nothing was ever received of it. */
  known: boolean;
  latest: { atMs: number; value: number; implausible: boolean } | null;
  /** Typical distance between values; null when too little is known. */
  intervalMs: number | null;
  /** What the window comes to by the panel's aggregation; the newest value for `last`. */
  value: number | null;
  /** `value` is the newest one. */
  isNewest: boolean;
  /** Of the window. */
  window: { min: number; mean: number; max: number } | null;
  /** Of the last 24 hours, for single numbers. */
  day: { min: number; max: number } | null;
  points: PointColumns | null;
  /** Of the last 24 hours, for single numbers. */
  spark: PointColumns | null;
}

/** Entry i belongs to the step that begins at `firstMs + i × stepMs`; null: nothing in this step. */
export interface PointColumns {
  firstMs: number;
  stepMs: number;
  value: (number | null)[];
  /** Absent where a step has one value at the most, or the value is not a mean. */
  min?: (number | null)[];
  max?: (number | null)[];
  /** Values in the last step: a mean goes on from there. */
  lastCount: number;
}

/** As exact as numbers are read, and short. */
export function compact(value: number): number {
  return Number(value.toPrecision(6));
}

/** Half pixels of a chart's height. */
const SHOWN_PARTS = 360;

/** The decimals that a column needs to be drawn exactly. */
export function drawnDecimals({ min, max }: { min: number; max: number }): number {
  const exact = Math.max((max - min) / SHOWN_PARTS, Math.abs(max) * 1e-7, 1e-9);
  return Math.min(9, Math.max(0, Math.ceil(-Math.log10(exact))));
}

/** What came live, worked into a view that is not changed itself. */
export function withReadings(
  view: DashboardView,
  readings: readonly LiveSeries[],
  atMs: number,
): DashboardView {
  const byKey = new Map(readings.map((each) => [`${each.device}/${each.measurement}`, each]));
  const { isZoomed } = view;
  const { fromMs, toMs } = windowAt(view, atMs);
  const panels = view.panels.map((panel) => {
    const series = panel.series.map((each) => {
      const reading = byKey.get(`${each.device}/${each.measurement}`);
      return reading === undefined
        ? each
        : withReading(each, { reading, panel, isZoomed, fromMs, atMs });
    });
    return series.some((each, i) => each !== panel.series[i]) ? { ...panel, series } : panel;
  });
  return { atMs, fromMs, toMs, isZoomed, panels };
}

/** A window ends now; one that somebody zoomed into stays. */
export function windowAt(
  { fromMs, toMs, isZoomed }: Omit<DashboardView, "panels">,
  atMs: number,
): { fromMs: number; toMs: number } {
  return isZoomed ? { fromMs, toMs } : { fromMs: fromMs + atMs - toMs, toMs: atMs };
}

interface Arrival {
  reading: LiveSeries;
  panel: PanelView;
  isZoomed: boolean;
  fromMs: number;
  atMs: number;
}

const DAY_MS = 86_400_000;

function withReading(series: SeriesView, arrival: Arrival): SeriesView {
  const { reading, panel: { aggregation }, atMs } = arrival;
  const { value, atMs: at, flags } = reading;
  if (flags.includes("ts_future")) return series;
  const implausible = flags.includes("implausible");
  const isNewer = series.latest === null || at >= series.latest.atMs;
  const latest = isNewer ? { value, atMs: at, implausible } : series.latest;
  const next: SeriesView = { ...series, known: true, latest };
  if (series.isNewest) next.value = latest?.value ?? null;
  // As in the roll-ups: charts leave out what cannot be true.
  if (implausible) return next;
  const grown = grownBy(series, reading);
  next.spark = extended(series.spark, {
    ...{ reading, grown, atMs, fromMs: atMs - DAY_MS },
    aggregation: aggregation === "last" ? "mean" : aggregation,
  });
  next.day = widened(series.day, reading);
  return arrival.isZoomed ? next : withWindow(next, { series, grown, ...arrival });
}

/** The part of it that lies in the window. */
function withWindow(
  next: SeriesView,
  { series, grown, reading, panel: { aggregation }, fromMs, atMs }: Arrival & {
    series: SeriesView;
    grown: number;
  },
): SeriesView {
  const points = extended(series.points, { reading, aggregation, grown, fromMs, atMs });
  const window = series.window === null
    ? null
    : { ...widened(series.window, reading), mean: series.window.mean };
  const changed = { ...next, points, window };
  if (series.isNewest || series.value === null) return changed;
  switch (aggregation) {
    case "min":
    case "max":
      return { ...changed, value: window?.[aggregation] ?? null };
    case "increase":
      return { ...changed, value: series.value + grown };
    case "count":
      return { ...changed, value: series.value + reading.count };
    default:
      return changed;
  }
}

/** By how much a counter grew with this value; it begins at zero after a restart. */
function grownBy({ latest }: SeriesView, { value, atMs }: LiveSeries): number {
  if (latest === null || atMs < latest.atMs) return 0;
  return value >= latest.value ? value - latest.value : value;
}

function widened<T extends { min: number; max: number }>(
  ends: T | null,
  { min, max }: LiveSeries,
): { min: number; max: number } {
  if (ends === null) return { min, max };
  return { min: Math.min(ends.min, min), max: Math.max(ends.max, max) };
}

interface Extension {
  reading: LiveSeries;
  aggregation: Aggregation;
  grown: number;
  fromMs: number;
  atMs: number;
}

/** The columns with one more value; what fell out of the window is cut off. */
function extended(points: PointColumns | null, extension: Extension): PointColumns | null {
  // Both counters of a share are needed: it is read again instead.
  if (points === null || extension.aggregation === "percentage") return points;
  const { reading, fromMs, atMs } = extension;
  const next = copied(points, reading.atMs);
  const place = Math.floor((reading.atMs - next.firstMs) / next.stepMs);
  const placeMax = Math.floor((atMs - next.firstMs) / next.stepMs);
  // A clock that is ahead would stretch the columns without bound.
  if (place < 0 || place > placeMax) return points;
  const isLast = place >= next.value.length - 1;
  while (next.value.length <= place) {
    for (const column of columnsOf(next)) column.push(null);
    next.lastCount = 0;
  }
  setPoint(next, { place, isLast, extension });
  const cut = Math.floor((fromMs - next.firstMs) / next.stepMs);
  if (cut > 0) {
    for (const column of columnsOf(next)) column.splice(0, cut);
    next.firstMs += cut * next.stepMs;
  }
  return next;
}

/** Columns without a value begin at the first one. */
function copied(points: PointColumns, atMs: number): PointColumns {
  const next: PointColumns = { ...points, value: [...points.value] };
  if (points.min !== undefined) next.min = [...points.min];
  if (points.max !== undefined) next.max = [...points.max];
  if (next.value.length === 0) next.firstMs = Math.floor(atMs / next.stepMs) * next.stepMs;
  return next;
}

function columnsOf({ value, min, max }: PointColumns): (number | null)[][] {
  return [value, min, max].filter((column) => column !== undefined);
}

function setPoint(
  points: PointColumns,
  { place, isLast, extension }: { place: number; isLast: boolean; extension: Extension },
): void {
  const { reading: { value, min, max, count }, aggregation, grown } = extension;
  const known = points.value[place] ?? null;
  const merged: Record<Exclude<Aggregation, "percentage">, () => number> = {
    // Of an older step it is not known how many values it has.
    mean: () => known === null ? value : !isLast ? known : meanOf(points, known, { value, count }),
    last: () => value,
    min: () => known === null ? min : Math.min(known, min),
    max: () => known === null ? max : Math.max(known, max),
    count: () => (known ?? 0) + count,
    increase: () => (known ?? 0) + grown,
  };
  points.value[place] = merged[aggregation as keyof typeof merged]();
  if (isLast) points.lastCount += count;
  if (points.min !== undefined) points.min[place] = Math.min(points.min[place] ?? min, min);
  if (points.max !== undefined) points.max[place] = Math.max(points.max[place] ?? max, max);
}

function meanOf(
  { lastCount }: PointColumns,
  known: number,
  { value, count }: { value: number; count: number },
): number {
  return (known * lastCount + value * count) / (lastCount + count);
}

/** Ends of all that a panel draws; null when there is nothing. */
export function panelEnds({ series }: PanelView): { min: number; max: number } | null {
  let [min, max] = [Infinity, -Infinity];
  for (const { points } of series) {
    for (const value of points?.value ?? []) {
      if (value !== null) [min, max] = [Math.min(min, value), Math.max(max, value)];
    }
    for (const value of points?.min ?? []) if (value !== null) min = Math.min(min, value);
    for (const value of points?.max ?? []) if (value !== null) max = Math.max(max, value);
  }
  return min <= max ? { min, max } : null;
}

/** Places of points that follow each other without a gap. */
export function unbrokenRuns(points: PointColumns, gapMs: number): number[][] {
  const runs: number[][] = [];
  points.value.forEach((value, i) => {
    if (value === null) return;
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (run !== undefined && (i - last!) * points.stepMs <= gapMs) run.push(i);
    else runs.push([i]);
  });
  return runs;
}
