/**
 * What a dashboard reads, in one query: for each series its newest value, how often it sends, and
 * steps of time over some windows. Whole minutes and hours come from the roll-ups, shorter steps from
 * single values. Values that are not rolled up yet are scanned once for all of the series.
 */
import { counterStep } from "@/model/counter.ts";
import { typicalInterval } from "@/model/chart_steps.ts";
import { type Flag, flagsToMask, maskToFlags } from "@/model/reading.ts";
import type { Database } from "@/store/database.ts";

export interface ChartWindow {
  /** [fromUs, toUs), widened to whole steps. */
  fromUs: number;
  toUs: number;
  stepUs: number;
  /** Also the newest value of each step and the growth of a counter, which costs more. */
  isCounter: boolean;
}

export interface ChartRequest {
  device: string;
  measurement: string;
  windows: ChartWindow[];
}

export interface ChartPoint {
  /** Beginning of the step. */
  atUs: number;
  count: number;
  mean: number;
  min: number;
  max: number;
  /** The mean where the window is not of a counter. */
  last: number;
  /** By how much a counter grew within the step, and since the one before; 0 where it is none. */
  grown: number;
}

export interface ChartSeries {
  device: string;
  measurement: string;
  known: boolean;
  unit: string | null;
  latest: { atUs: number; value: number; flags: Flag[] } | null;
  /** Between its newest values; null when there are few. */
  intervalUs: number | null;
  /** One for each window that was asked for; `stepUs` may have been widened to a minute. */
  windows: { stepUs: number; points: ChartPoint[] }[];
}

const SERIES_MAX = 300;
const MINUTE_US = 60_000_000;
const HOUR_US = 3_600_000_000;
/** Beyond so many single values a window takes minutes instead. */
const SINGLES_MAX = 20_000;
const INTERVAL_VALUES = 30;
const IMPLAUSIBLE = flagsToMask(["implausible"]);

interface SeriesRow {
  series: number;
  unit: string | null;
  latest_us: number | null;
  latest_value: number;
  latest_flags: number;
}

interface RecentValue {
  series: number;
  at_us: number;
  value: number;
  flags: number;
}

export function readCharts(
  db: Database,
  { requests, nowUs }: { requests: readonly ChartRequest[]; nowUs: number },
): ChartSeries[] {
  const asked = requests.slice(0, SERIES_MAX);
  // One moment for all parts: values move from one table to another.
  return db.snapshot(() => {
    const found = asked.map(({ device, measurement }) => findSeries(db, device, measurement));
    const recent = recentOf(db, found.filter((row) => row !== undefined));
    return asked.map((request, i) =>
      readOne(db, request, {
        row: found[i],
        recent: recent.get(found[i]?.series ?? -1) ?? [],
        nowUs,
      })
    );
  });
}

function findSeries(db: Database, device: string, measurement: string): SeriesRow | undefined {
  return db.get<SeriesRow>(
    `SELECT series, unit, latest_us, latest_value, latest_flags FROM series
     WHERE device = ? AND measurement = ?`,
    device,
    measurement,
  );
}

/** Values that are not in `readings` and the roll-ups yet, by series in the order of time. */
function recentOf(db: Database, rows: SeriesRow[]): Map<number, RecentValue[]> {
  const state = db.get<{ active: string; moved_series: number | null }>(
    "SELECT active, moved_series FROM history",
  );
  const [active, other] = state?.active === "b" ? ["b", "a"] as const : ["a", "b"] as const;
  const select = (table: string) =>
    `SELECT series, at_us, value, flags FROM recent_${table}
     WHERE series IN (SELECT value FROM json_each(?1))`;
  const moving = state?.moved_series == null ? "" : ` UNION ALL ${select(other)}
    AND series > (SELECT moved_series FROM history)`;
  const ids = JSON.stringify([...new Set(rows.map(({ series }) => series))]);
  const values = db.all<RecentValue>(
    `SELECT * FROM (${select(active)}${moving}) ORDER BY at_us`,
    ids,
  );
  return Map.groupBy(values, ({ series }) => series);
}

interface Found {
  row: SeriesRow | undefined;
  recent: RecentValue[];
  nowUs: number;
}

function readOne(
  db: Database,
  { device, measurement, windows }: ChartRequest,
  { row, recent, nowUs }: Found,
): ChartSeries {
  if (row === undefined) {
    const empty = windows.map(({ stepUs }) => ({ stepUs, points: [] }));
    const nothing = { known: false, unit: null, latest: null, intervalUs: null };
    return { device, measurement, ...nothing, windows: empty };
  }
  const intervalUs = intervalOf(db, row.series, { recent, nowUs });
  const flags = maskToFlags(row.latest_flags);
  return {
    ...{ device, measurement, known: true, unit: row.unit, intervalUs },
    latest: row.latest_us === null ? null : { atUs: row.latest_us, value: row.latest_value, flags },
    windows: windows.map((window) =>
      readWindow(db, fitting(window, intervalUs), { series: row.series, recent })
    ),
  };
}

/** Single values of a fast series would be too many. */
function fitting(window: ChartWindow, intervalUs: number | null): ChartWindow {
  const { fromUs, toUs, stepUs } = window;
  if (stepUs % MINUTE_US === 0 || intervalUs === null) return window;
  const values = (toUs - fromUs) / Math.max(1, intervalUs);
  return values <= SINGLES_MAX ? window : { ...window, stepUs: MINUTE_US };
}

function intervalOf(
  db: Database,
  series: number,
  { recent, nowUs }: Omit<Found, "row">,
): number | null {
  const rows = db.all<{ at_us: number }>(
    `SELECT at_us FROM readings WHERE series = ? AND at_us <= ?
     ORDER BY at_us DESC LIMIT ${INTERVAL_VALUES}`,
    series,
    nowUs,
  );
  const newer = recent.filter(({ at_us }) => at_us <= nowUs).slice(-INTERVAL_VALUES);
  const times = [...rows, ...newer].map(({ at_us }) => at_us).sort((a, b) => a - b);
  return typicalInterval(times.slice(-INTERVAL_VALUES));
}

interface SeriesValues {
  series: number;
  recent: RecentValue[];
}

function readWindow(
  db: Database,
  { fromUs, toUs, stepUs, isCounter }: ChartWindow,
  { series, recent }: SeriesValues,
): { stepUs: number; points: ChartPoint[] } {
  const from = Math.floor(fromUs / stepUs) * stepUs;
  const to = Math.ceil(toUs / stepUs) * stepUs;
  const window = { from, to, stepUs, series };
  const newer = recent.filter(({ at_us, flags }) =>
    at_us >= from && at_us < to && (flags & IMPLAUSIBLE) === 0
  );
  const rows = isCounter ? finestRows(db, window) : steppedRows(db, window);
  return { stepUs, points: isCounter ? counted(rows, newer, stepUs) : merged(rows, newer, stepUs) };
}

interface StepWindow {
  from: number;
  to: number;
  stepUs: number;
  series: number;
}

interface BucketRow {
  /** Beginning of the step, or of the minute, hour or moment. */
  at_us: number;
  count: number;
  sum: number;
  min: number;
  max: number;
  last: number;
}

function rollUpOf(stepUs: number): { table: "hours" | "minutes"; unitUs: number } | null {
  if (stepUs % HOUR_US === 0) return { table: "hours", unitUs: HOUR_US };
  return stepUs % MINUTE_US === 0 ? { table: "minutes", unitUs: MINUTE_US } : null;
}

/** A bound number is a float to SQLite, and dividing by a float gives no whole steps. */
const STEP = "CAST(?4 AS INTEGER)";

function steppedRows(db: Database, { from, to, stepUs, series }: StepWindow): BucketRow[] {
  const rollUp = rollUpOf(stepUs);
  if (rollUp === null) {
    return db.all<BucketRow>(
      `SELECT (at_us / ${STEP}) * ?4 AS at_us, count(*) AS count, sum(value) AS sum,
         min(value) AS min, max(value) AS max, avg(value) AS last
       FROM readings WHERE series = ?1 AND at_us >= ?2 AND at_us < ?3 AND (flags & ?5) = 0
       GROUP BY 1 ORDER BY 1`,
      ...[series, from, to, stepUs, IMPLAUSIBLE],
    );
  }
  const { table, unitUs } = rollUp;
  return db.all<BucketRow>(
    `SELECT (bucket * ${unitUs} / ${STEP}) * ?4 AS at_us, sum(count) AS count, sum(sum) AS sum,
       min(min) AS min, max(max) AS max, sum(sum) / sum(count) AS last
     FROM ${table} WHERE series = ?1 AND bucket >= ?2 / ${unitUs} AND bucket < ?3 / ${unitUs}
     GROUP BY 1 ORDER BY 1`,
    ...[series, from, to, stepUs],
  );
}

/** Not grouped: only so the order of a counter's values is known. */
function finestRows(db: Database, { from, to, stepUs, series }: StepWindow): BucketRow[] {
  const rollUp = rollUpOf(stepUs);
  if (rollUp === null) {
    return db.all<BucketRow>(
      `SELECT at_us, 1 AS count, value AS sum, value AS min, value AS max, value AS last
       FROM readings WHERE series = ?1 AND at_us >= ?2 AND at_us < ?3 AND (flags & ?4) = 0
       ORDER BY at_us, number, item LIMIT ${4 * SINGLES_MAX}`,
      ...[series, from, to, IMPLAUSIBLE],
    );
  }
  const { table, unitUs } = rollUp;
  return db.all<BucketRow>(
    `SELECT bucket * ${unitUs} AS at_us, count, sum, min, max, last FROM ${table}
     WHERE series = ?1 AND bucket >= ?2 / ${unitUs} AND bucket < ?3 / ${unitUs} ORDER BY bucket`,
    ...[series, from, to],
  );
}

function merged(rows: BucketRow[], recent: RecentValue[], stepUs: number): ChartPoint[] {
  const points = new Map(rows.map((row) => [row.at_us, pointOf(row)]));
  for (const { at_us, value } of recent) {
    const atUs = Math.floor(at_us / stepUs) * stepUs;
    const known = points.get(atUs);
    if (known === undefined) points.set(atUs, singlePoint(atUs, value));
    else addTo(known, { count: 1, mean: value, min: value, max: value, last: value, grown: 0 });
  }
  return [...points.values()].sort((a, b) => a.atUs - b.atUs);
}

/** In the order of time throughout, each step with its growth. */
function counted(rows: BucketRow[], recent: RecentValue[], stepUs: number): ChartPoint[] {
  const singles = recent.map(({ at_us, value }): BucketRow => ({
    ...{ at_us, count: 1, sum: value },
    ...{ min: value, max: value, last: value },
  }));
  const points: ChartPoint[] = [];
  let before: number | null = null;
  for (const row of [...rows, ...singles].sort((a, b) => a.at_us - b.at_us)) {
    const grown = counterStep(before, row);
    before = row.last;
    const atUs = Math.floor(row.at_us / stepUs) * stepUs;
    const current = points.at(-1);
    const part = { ...pointOf(row), atUs, grown };
    if (current?.atUs === atUs) addTo(current, part);
    else points.push(part);
  }
  return points;
}

function pointOf({ at_us, count, sum, min, max, last }: BucketRow): ChartPoint {
  return { atUs: at_us, count, mean: sum / count, min, max, last, grown: 0 };
}

function singlePoint(atUs: number, value: number): ChartPoint {
  return { atUs, count: 1, mean: value, min: value, max: value, last: value, grown: 0 };
}

function addTo(point: ChartPoint, part: Omit<ChartPoint, "atUs">): void {
  const count = point.count + part.count;
  point.mean = (point.mean * point.count + part.mean * part.count) / count;
  point.count = count;
  point.min = Math.min(point.min, part.min);
  point.max = Math.max(point.max, part.max);
  point.last = part.last;
  point.grown += part.grown;
}

/** What decides which dashboards are offered. */
export interface SeriesOverview {
  /** Those of the asked devices that ever sent a measurement. */
  devices: string[];
  /** Some other device did. */
  others: boolean;
}

export function overviewSeries(
  db: Database,
  { devices }: { devices: readonly string[] },
): SeriesOverview {
  const names = JSON.stringify(devices);
  const known = db.all<{ device: string }>(
    "SELECT DISTINCT device FROM series WHERE device IN (SELECT value FROM json_each(?))",
    names,
  );
  const others = db.number(
    `SELECT EXISTS (SELECT 1 FROM series WHERE device NOT IN (SELECT value FROM json_each(?)))`,
    names,
  );
  return { devices: known.map(({ device }) => device), others: others > 0 };
}

/** Measurements by name, each with the first devices that send it. */
export function devicesByMeasurement(
  db: Database,
  { devicesMax, measurementsMax }: { devicesMax: number; measurementsMax: number },
): { measurement: string; devices: string[]; total: number }[] {
  const rows = db.all<{ measurement: string; device: string; total: number }>(
    `SELECT measurement, device, total FROM (
       SELECT measurement, device, row_number() OVER (PARTITION BY measurement ORDER BY device)
         AS place, count(*) OVER (PARTITION BY measurement) AS total FROM series)
     WHERE place <= ? ORDER BY total DESC, measurement, device LIMIT ?`,
    devicesMax,
    devicesMax * measurementsMax,
  );
  return [...Map.groupBy(rows, ({ measurement }) => measurement)].map(([measurement, some]) => ({
    measurement,
    devices: some.map(({ device }) => device),
    total: some[0]!.total,
  }));
}
