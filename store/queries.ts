/**
 * Reads for pages, lists and the command line, by name and with types. They run in the query Worker on
 * a read-only connection, or directly on a stopped store. Every one is bounded by a limit; lists are
 * paged by a cursor that is the last row's place.
 */
import type { DeadLetter, SourceDeadLetter } from "@/model/ledger.ts";
import type { Order, OrderState } from "@/model/order.ts";
import { SOURCE_KINDS, type StoredMessage } from "@/model/message.ts";
import { type Flag, flagsToMask, maskToFlags } from "@/model/reading.ts";
import { type AccessState, readAccess } from "@/store/auth_tables.ts";
import { type BrokerState, readBrokerState } from "@/store/broker_state.ts";
import {
  type ChartRequest,
  type ChartSeries,
  devicesByMeasurement,
  overviewSeries,
  readCharts,
  type SeriesOverview,
} from "@/store/chart_queries.ts";
import { type DashboardRow, readDashboards } from "@/store/dashboards_table.ts";
import { checkAll } from "@/store/damage_check.ts";
import type { Database, SqlValue } from "@/store/database.ts";
import { deadCondition } from "@/store/destination_ledger.ts";
import { epochAt, LOG_COLUMNS, readEpochs, type StoredRow, toStored } from "@/store/message_log.ts";
import { messageId } from "@/model/message.ts";
import { countOrders, readOrder, readOrders } from "@/store/orders_table.ts";
import { sourceDeadCondition } from "@/store/source_dead_letters.ts";
import type { DeadFilter, Page, PageRequest, SourceDeadFilter } from "@/store/store_types.ts";

/** Newest value of one measurement by event time; what is ahead of time (`ts_future`) never is. */
export interface LatestReading {
  device: string;
  measurement: string;
  unit: string | null;
  value: number;
  /** Event time, µs since 1970. */
  atUs: number;
  flags: Flag[];
}

/** One value, or what a step of time comes to; then `value` is the mean. */
export interface RangePoint {
  /** Event time; of a step its beginning, µs since 1970. */
  atUs: number;
  value: number;
  min: number;
  max: number;
  count: number;
  flags: Flag[];
}

export interface ReadingsRange {
  device: string;
  measurement: string;
  unit: string | null;
  /** null: single values. */
  stepUs: number | null;
  /** In the order of time. */
  points: RangePoint[];
  /** More points lie behind the last one. */
  truncated: boolean;
}

/** One step of a series: mean, ends, count of its values. */
export interface SeriesStep {
  /** Beginning, µs since 1970. */
  atUs: number;
  value: number;
  min: number;
  max: number;
  count: number;
}

export interface SteppedSeries {
  device: string;
  measurement: string;
  steps: SeriesStep[];
}

/** A prediction without what only its own page shows. */
export interface PredictionPoint {
  atUs: number;
  label: string;
  score: number;
}

export interface PredictionRow {
  messageId: string;
  item: number;
  device: string;
  atUs: number;
  label: string;
  score: number;
  avgScore: number | null;
  window: number | null;
  model: string | null;
  flags: Flag[];
  receivedUs: number;
  seq: number | null;
  debug: Record<string, unknown> | null;
}

/** A sender, or a device within a receiver's packet; `via` is the sender it came through last. */
export interface DeviceSeen {
  device: string;
  via: string;
  firstSeenUs: number;
  lastSeenUs: number;
  messages: number;
}

export interface AttributeRow {
  device: string;
  name: string;
  value: string;
  atUs: number;
}

export interface DeviceSummary {
  seen: DeviceSeen | null;
  latest: LatestReading[];
  attributes: AttributeRow[];
  prediction: PredictionRow | null;
}

export interface AuditRow {
  id: number;
  atMs: number;
  actor: string;
  action: string;
  subject: string;
  /** Where it was asked from; empty for the gateway itself and older entries. */
  address: string;
  outcome: "ok" | "refused";
  detail: string;
}

export interface DeadWorkRow extends DeadLetter {
  letter: number;
  /** Characters of the whole payload. */
  payloadLength: number;
}

export interface SourceDeadWorkRow extends SourceDeadLetter {
  /** Bytes of the whole payload. */
  payloadLength: number;
}

export interface LetterCount {
  count: number;
  /** Null when there is none. */
  lastLetter: number | null;
}

export interface DatabaseSizes {
  fileBytes: number;
  /** Free inside the file, used again before it grows. */
  freeBytes: number;
  /** Of the log: the oldest and newest number; null when it is empty. */
  firstNumber: number | null;
  lastNumber: number | null;
  series: number;
  devices: number;
  /** Event time of the oldest hour that is kept, µs since 1970. */
  historyFromUs: number | null;
}

/** All given conditions hold; the time window is [fromMs, toMs). */
export interface AuditFilter {
  actor?: string;
  action?: string;
  fromMs?: number;
  toMs?: number;
}

/** Window [fromUs, toUs) of event time. */
interface TimeWindow {
  fromUs?: number;
  toUs?: number;
}

/** Name → what it takes and gives. `limit` is cut to 1000 for lists, 100 000 for points. */
export interface Queries {
  "readings.latest": { parameters: { devices?: string[] }; result: LatestReading[] };
  /**
   * `stepUs` null: single values. Otherwise steps aligned to 1970, without implausible values; whole
   * minutes and hours come from the roll-ups, so they reach back further.
   */
  "readings.range": {
    parameters: {
      device: string;
      measurement: string;
      fromUs: number;
      toUs: number;
      stepUs: number | null;
      limit?: number;
    };
    result: ReadingsRange;
  };
  /**
   * Many series at once, for small charts: steps of whole minutes in the window [fromUs, toUs), without
   * implausible values. At most 500 series; one that is not there has no steps and is left out.
   */
  "readings.steps": {
    parameters: {
      series: { device: string; measurement: string }[];
      fromUs: number;
      toUs: number;
      stepMinutes: number;
    };
    result: SteppedSeries[];
  };
  /** Measurements of a device, or of all. */
  "readings.series": {
    parameters: { device?: string };
    result: { device: string; measurement: string; unit: string | null }[];
  };
  /** All that a dashboard shows, in one go. */
  "charts.read": {
    parameters: { requests: readonly ChartRequest[]; nowUs: number };
    result: ChartSeries[];
  };
  "series.overview": { parameters: { devices: readonly string[] }; result: SeriesOverview };
  "series.by_measurement": {
    parameters: { devicesMax: number; measurementsMax: number };
    result: { measurement: string; devices: string[]; total: number }[];
  };
  /** Stored ones, in their order. */
  "dashboards.all": { parameters: Record<string, never>; result: DashboardRow[] };
  /** Newest first, or in the order of time. */
  "predictions.list": {
    parameters: TimeWindow & PageRequest & { device?: string; label?: string; ascending?: boolean };
    result: Page<PredictionRow>;
  };
  /** The newest of each device. */
  "predictions.latest": { parameters: { device?: string }; result: PredictionRow[] };
  /** Of one device in the order of time; the first `limit` ones, at most 100 000. */
  "predictions.course": {
    parameters: { device: string; fromUs: number; toUs: number; limit?: number };
    result: PredictionPoint[];
  };
  /** How often each label came in [fromUs, toUs), the most frequent first; at most 100. */
  "predictions.labels": {
    parameters: { device?: string; fromUs: number; toUs: number };
    result: { label: string; count: number }[];
  };
  "devices.list": { parameters: PageRequest; result: Page<DeviceSeen> };
  "devices.summary": { parameters: { device: string }; result: DeviceSummary };
  "attributes.list": { parameters: { device: string }; result: AttributeRow[] };
  /**
   * The log, newest first: all, or of one sender. Looks at 50 000 rows at the most; a page may be
   * empty and still have a cursor.
   */
  "messages.list": { parameters: PageRequest & { device?: string }; result: Page<StoredMessage> };
  /** The log after a number, oldest first. */
  "messages.after": { parameters: { number: number; limit: number }; result: StoredMessage[] };
  "dead.list": { parameters: PageRequest & { filter: DeadFilter }; result: Page<DeadLetter> };
  "source_dead.list": {
    parameters: PageRequest & { filter: SourceDeadFilter };
    result: Page<SourceDeadLetter>;
  };
  /** Letters kept now, per reason. */
  "source_dead.reasons": {
    parameters: Record<string, never>;
    result: { reason: string; count: number }[];
  };
  /** The work list, newest first, with payloads cut to so many characters. */
  "dead.work": {
    parameters: PageRequest & { filter: DeadFilter; payloadMax: number };
    result: Page<DeadWorkRow>;
  };
  "source_dead.work": {
    parameters: PageRequest & { filter: SourceDeadFilter; payloadMax: number };
    result: Page<SourceDeadWorkRow>;
  };
  /** Letters that match, and the newest of them: what is decided upon, and nothing that comes later. */
  "dead.count": { parameters: { filter: DeadFilter }; result: LetterCount };
  "source_dead.count": { parameters: { filter: SourceDeadFilter }; result: LetterCount };
  /** The last letter of the next `limit` ones: long work goes in such steps. */
  "dead.step": { parameters: { filter: DeadFilter; limit: number }; result: LetterCount };
  "source_dead.step": {
    parameters: { filter: SourceDeadFilter; limit: number };
    result: LetterCount;
  };
  /**
   * Letters that match per error, the most frequent first, at most 50. What an error says in brackets
   * is about one message (the failing row) and does not make it another one.
   */
  "dead.reasons": {
    parameters: { filter: DeadFilter };
    result: { reason: string; count: number }[];
  };
  /** What the database holds; each found without reading it all. */
  "database.sizes": { parameters: Record<string, never>; result: DatabaseSizes };
  /** Newest first. */
  "audit.list": { parameters: PageRequest & { filter?: AuditFilter }; result: Page<AuditRow> };
  /** Kit requests, the newest first. */
  "orders.list": { parameters: PageRequest & { state?: OrderState }; result: Page<Order> };
  "orders.one": { parameters: { id: number }; result: Order | null };
  "orders.counts": { parameters: Record<string, never>; result: Record<OrderState, number> };
  "access.state": { parameters: Record<string, never>; result: AccessState };
  "settings.all": { parameters: Record<string, never>; result: Record<string, string> };
  "broker.state": { parameters: Record<string, never>; result: BrokerState };
  /** Reads every page; what is wrong, null when nothing is. */
  "database.check": { parameters: Record<string, never>; result: string | null };
}

export type QueryName = keyof Queries;

type Handlers = {
  [Name in QueryName]: (
    db: Database,
    parameters: Queries[Name]["parameters"],
  ) => Queries[Name]["result"];
};

const HANDLERS: Handlers = {
  "readings.latest": latestReadings,
  "readings.range": readingsRange,
  "readings.series": listSeries,
  "readings.steps": stepsOfSeries,
  "charts.read": readCharts,
  "series.overview": overviewSeries,
  "series.by_measurement": devicesByMeasurement,
  "dashboards.all": (db) => readDashboards(db),
  "predictions.list": listPredictions,
  "predictions.latest": latestPredictions,
  "predictions.course": predictionCourse,
  "predictions.labels": countLabels,
  "devices.list": listDevices,
  "devices.summary": summarizeDevice,
  "attributes.list": (db, { device }) => attributesOf(db, device),
  "messages.list": listMessages,
  "messages.after": messagesAfter,
  "dead.list": listDead,
  "source_dead.list": listSourceDead,
  "source_dead.reasons": (db) =>
    db.all<{ reason: string; count: number }>(
      "SELECT reason, count(*) AS count FROM source_dead GROUP BY reason ORDER BY count DESC",
    ).map((row) => ({ ...row })),
  "dead.work": workDead,
  "source_dead.work": workSourceDead,
  "dead.count": (db, { filter }) => countLetters(db, "exceptions", deadCondition(filter)),
  "source_dead.count": (db, { filter }) =>
    countLetters(db, "source_dead", sourceDeadCondition(filter)),
  "dead.step": (db, { filter, limit }) =>
    countLetters(db, "exceptions", { ...deadCondition(filter), limit }),
  "source_dead.step": (db, { filter, limit }) =>
    countLetters(db, "source_dead", { ...sourceDeadCondition(filter), limit }),
  "dead.reasons": deadReasons,
  "database.sizes": databaseSizes,
  "audit.list": listAudit,
  "orders.list": listOrders,
  "orders.one": (db, { id }) => readOrder(db, id),
  "orders.counts": (db) => countOrders(db),
  "access.state": (db) => readAccess(db),
  "settings.all": (db) =>
    Object.fromEntries(
      db.all<{ key: string; value: string }>("SELECT key, value FROM settings")
        .map(({ key, value }) => [key, value]),
    ),
  "broker.state": (db) => readBrokerState(db),
  "database.check": (db) => checkAll(db),
};

/** Runs one query on a connection. */
export function runQuery<Name extends QueryName>(
  db: Database,
  name: Name,
  parameters: Queries[Name]["parameters"],
): Queries[Name]["result"] {
  return HANDLERS[name](db, parameters);
}

const IMPLAUSIBLE = flagsToMask(["implausible"]);
const LIST_MAX = 1000;
const POINTS_MAX = 100_000;
const SCAN_ROWS_MAX = 50_000;

function pageLimit({ limit }: PageRequest): number {
  return Math.max(1, Math.min(LIST_MAX, Math.floor(limit)));
}

/** A page of rows that were read with one more than the limit. */
function pageOf<Row, T>(
  rows: Row[],
  limit: number,
  { item, cursor }: { item: (row: Row) => T; cursor: (row: Row) => string },
): Page<T> {
  const kept = rows.slice(0, limit);
  const last = kept.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  return { items: kept.map(item), cursor: hasMore ? cursor(last) : null };
}

// --- readings -----------------------------------------------------------------------------------

function latestReadings(db: Database, { devices }: { devices?: string[] }): LatestReading[] {
  const rows = db.all<{
    device: string;
    measurement: string;
    unit: string | null;
    latest_us: number;
    latest_value: number;
    latest_flags: number;
  }>(
    `SELECT device, measurement, unit, latest_us, latest_value, latest_flags FROM series
     WHERE latest_us IS NOT NULL
       AND (?1 IS NULL OR device IN (SELECT value FROM json_each(?1)))
     ORDER BY device, measurement LIMIT ${POINTS_MAX}`,
    devices === undefined ? null : JSON.stringify(devices),
  );
  return rows.map((row) => ({
    device: row.device,
    measurement: row.measurement,
    unit: row.unit,
    value: row.latest_value,
    atUs: row.latest_us,
    flags: maskToFlags(row.latest_flags),
  }));
}

function listSeries(db: Database, { device }: { device?: string }) {
  return db.all<{ device: string; measurement: string; unit: string | null }>(
    `SELECT device, measurement, unit FROM series WHERE ?1 IS NULL OR device = ?1
     ORDER BY device, measurement LIMIT ${POINTS_MAX}`,
    device ?? null,
  ).map((row) => ({ ...row }));
}

type RangeParameters = Queries["readings.range"]["parameters"];

interface PointRow {
  at_us: number;
  value: number;
  min: number;
  max: number;
  count: number;
  flags: number;
}

function readingsRange(db: Database, parameters: RangeParameters): ReadingsRange {
  const { device, measurement, stepUs } = parameters;
  const limit = Math.max(1, Math.min(POINTS_MAX, parameters.limit ?? 10_000));
  const series = db.get<{ series: number; unit: string | null }>(
    "SELECT series, unit FROM series WHERE device = ? AND measurement = ?",
    device,
    measurement,
  );
  const rows = series === undefined
    ? []
    // one moment for all parts: values move from one table to another
    : db.snapshot(() => pointRows(db, series.series, { ...parameters, limit }));
  return {
    device,
    measurement,
    unit: series?.unit ?? null,
    stepUs,
    points: rows.slice(0, limit).map(pointOf),
    truncated: rows.length > limit,
  };
}

function pointOf({ at_us, value, min, max, count, flags }: PointRow): RangePoint {
  return { atUs: at_us, value, min, max, count, flags: maskToFlags(flags) };
}

const MINUTE_US = 60_000_000;
const HOUR_US = 3_600_000_000;

function pointRows(
  db: Database,
  series: number,
  { fromUs, toUs, stepUs, limit }: RangeParameters & { limit: number },
): PointRow[] {
  if (stepUs === null) return singleValues(db, series, { fromUs, toUs, limit });
  stepUs = Math.max(1, Math.floor(stepUs));
  const window = { from: Math.floor(fromUs / stepUs), to: Math.ceil(toUs / stepUs), stepUs };
  if (stepUs % HOUR_US === 0) return rollUps(db, series, { ...window, unitUs: HOUR_US, limit });
  if (stepUs % MINUTE_US === 0) return rollUps(db, series, { ...window, unitUs: MINUTE_US, limit });
  return stepsOfReadings(db, series, { ...window, limit });
}

/** Values of series ?1 in [?2, ?3) that are not in `readings` and the roll-ups yet. */
function recentValues(db: Database): string {
  return recentOf(db, "series = ?1");
}

/** The same of all series that meet a condition. */
function recentOf(db: Database, condition: string): string {
  const state = db.get<{ active: string; moved_series: number | null }>(
    "SELECT active, moved_series FROM history",
  );
  const [active, other] = state?.active === "b" ? ["b", "a"] as const : ["a", "b"] as const;
  const select = (table: string) =>
    `SELECT series, at_us, number, item, value, flags FROM recent_${table}
     WHERE ${condition} AND at_us >= ?2 AND at_us < ?3`;
  if (state?.moved_series == null) return select(active);
  return `${select(active)} UNION ALL ${select(other)}
    AND series > (SELECT moved_series FROM history)`;
}

/** The rows of `readings` and the recent ones. */
function allValues(db: Database): string {
  return `SELECT series, at_us, number, item, value, flags FROM readings
    WHERE series = ?1 AND at_us >= ?2 AND at_us < ?3 UNION ALL ${recentValues(db)}`;
}

function singleValues(
  db: Database,
  series: number,
  { fromUs, toUs, limit }: { fromUs: number; toUs: number; limit: number },
): PointRow[] {
  return db.all<PointRow>(
    `SELECT at_us, value, value AS min, value AS max, 1 AS count, flags FROM (${allValues(db)})
     ORDER BY at_us, number, item LIMIT ?4`,
    series,
    fromUs,
    toUs,
    limit + 1,
  );
}

interface StepWindow {
  /** First step, and the one after the last, as numbers of steps since 1970. */
  from: number;
  to: number;
  stepUs: number;
  limit: number;
}

function rollUps(
  db: Database,
  series: number,
  { from, to, stepUs, unitUs, limit }: StepWindow & { unitUs: number },
): PointRow[] {
  const table = unitUs === HOUR_US ? "hours" : "minutes";
  return db.all<PointRow>(
    `SELECT (bucket * ${unitUs} / ${STEP}) * ?4 AS at_us, sum(sum) / sum(count) AS value,
       min(min) AS min, max(max) AS max, sum(count) AS count, 0 AS flags
     FROM (
       SELECT bucket, count, sum, min, max FROM ${table}
       WHERE series = ?1 AND bucket >= ?2 / ${unitUs} AND bucket < ?3 / ${unitUs}
       UNION ALL
       SELECT at_us / ${unitUs} AS bucket, 1, value, value, value
       FROM (${recentValues(db)}) WHERE (flags & ?5) = 0)
     GROUP BY 1 ORDER BY 1 LIMIT ?6`,
    series,
    from * stepUs,
    to * stepUs,
    stepUs,
    IMPLAUSIBLE,
    limit + 1,
  );
}

/** A bound number is a float to SQLite, and dividing by a float gives no whole steps. */
const STEP = "CAST(?4 AS INTEGER)";

function stepsOfReadings(
  db: Database,
  series: number,
  { from, to, stepUs, limit }: StepWindow,
): PointRow[] {
  return db.all<PointRow>(
    `SELECT (at_us / ${STEP}) * ?4 AS at_us, avg(value) AS value, min(value) AS min,
       max(value) AS max, count(*) AS count, 0 AS flags
     FROM (${allValues(db)}) WHERE (flags & ?5) = 0
     GROUP BY 1 ORDER BY 1 LIMIT ?6`,
    series,
    from * stepUs,
    to * stepUs,
    stepUs,
    IMPLAUSIBLE,
    limit + 1,
  );
}

const STEPPED_SERIES_MAX = 500;

/** One pass over the recent values for all of them: one pass for each would be a scan for each. */
function stepsOfSeries(
  db: Database,
  { series, fromUs, toUs, stepMinutes }: Queries["readings.steps"]["parameters"],
): SteppedSeries[] {
  const minutes = Math.max(1, Math.floor(stepMinutes));
  const stepUs = minutes * MINUTE_US;
  const rows = db.snapshot(() =>
    db.all<StepRow>(
      `WITH wanted AS MATERIALIZED (
         SELECT series.series, device, measurement FROM json_each(?1) AS asked JOIN series
           ON device = asked.value ->> '$.device' AND measurement = asked.value ->> '$.measurement')
       SELECT device, measurement, (bucket / ${minutes}) * ${stepUs} AS at_us,
         sum(sum) / sum(count) AS value, min(min) AS min, max(max) AS max, sum(count) AS count
       FROM (
         SELECT series, bucket, count, sum, min, max FROM wanted JOIN minutes USING (series)
         WHERE bucket >= ?2 / ${MINUTE_US} AND bucket < ?3 / ${MINUTE_US}
         UNION ALL
         SELECT series, at_us / ${MINUTE_US} AS bucket, 1, value, value, value
         FROM (${recentOf(db, "series IN (SELECT series FROM wanted)")}) WHERE (flags & ?4) = 0
       ) JOIN wanted USING (series)
       GROUP BY series, at_us ORDER BY series, at_us LIMIT ${POINTS_MAX}`,
      JSON.stringify(series.slice(0, STEPPED_SERIES_MAX)),
      Math.floor(fromUs / stepUs) * stepUs,
      Math.ceil(toUs / stepUs) * stepUs,
      IMPLAUSIBLE,
    )
  );
  return groupSteps(rows);
}

interface StepRow {
  device: string;
  measurement: string;
  at_us: number;
  value: number;
  min: number;
  max: number;
  count: number;
}

function groupSteps(rows: readonly StepRow[]): SteppedSeries[] {
  const found: SteppedSeries[] = [];
  for (const { device, measurement, at_us: atUs, ...step } of rows) {
    let last = found.at(-1);
    if (last?.device !== device || last.measurement !== measurement) {
      found.push(last = { device, measurement, steps: [] });
    }
    last.steps.push({ atUs, ...step });
  }
  return found;
}

// --- predictions --------------------------------------------------------------------------------

interface PredictionRecord {
  device: string;
  at_us: number;
  number: number;
  item: number;
  label: string;
  score: number;
  avg_score: number | null;
  window: number | null;
  model: string | null;
  flags: number;
  received_us: number;
  seq: number | null;
  message_id: string;
  debug: string | null;
}

function predictionOf(row: PredictionRecord): PredictionRow {
  return {
    messageId: row.message_id,
    item: row.item,
    device: row.device,
    atUs: row.at_us,
    label: row.label,
    score: row.score,
    avgScore: row.avg_score,
    window: row.window,
    model: row.model,
    flags: maskToFlags(row.flags),
    receivedUs: row.received_us,
    seq: row.seq,
    debug: row.debug === null ? null : JSON.parse(row.debug),
  };
}

type PredictionParameters = Queries["predictions.list"]["parameters"];

/** Of one device along its key; of all devices along the key of each, merged by time. */
function listPredictions(db: Database, parameters: PredictionParameters): Page<PredictionRow> {
  const limit = pageLimit(parameters);
  const { device, ascending } = parameters;
  const devices = device === undefined ? predictingDevices(db) : [device];
  const found = devices.map((each) =>
    predictionsOfDevice(db, { ...parameters, device: each, limit: limit + 1 })
  );
  const rows = found.length === 1 ? found[0]! : found.flat().sort(byTime);
  if (found.length > 1 && ascending !== true) rows.reverse();
  const cursor = (row: PredictionRecord) => `${row.at_us}.${row.number}.${row.item}`;
  return pageOf(rows, limit, { item: predictionOf, cursor });
}

function predictionsOfDevice(db: Database, parameters: PredictionParameters): PredictionRecord[] {
  const direction = parameters.ascending === true ? "ASC" : "DESC";
  const { where, values } = predictionCondition(parameters);
  return db.all<PredictionRecord>(
    `SELECT * FROM predictions WHERE ${where}
     ORDER BY at_us ${direction}, number ${direction}, item ${direction} LIMIT ?`,
    ...values,
    parameters.limit,
  );
}

function byTime(a: PredictionRecord, b: PredictionRecord): number {
  return a.at_us - b.at_us || a.number - b.number || a.item - b.item;
}

/** Found by steps along the key, not by reading all rows. */
function predictingDevices(db: Database): string[] {
  return db.all<{ device: string }>(
    `WITH RECURSIVE known (device) AS (
       SELECT min(device) FROM predictions
       UNION ALL
       SELECT (SELECT min(device) FROM predictions WHERE device > known.device)
       FROM known WHERE known.device IS NOT NULL)
     SELECT device FROM known WHERE device IS NOT NULL LIMIT ${LIST_MAX}`,
  ).map(({ device }) => device);
}

function predictionCourse(
  db: Database,
  { device, fromUs, toUs, limit = POINTS_MAX }: Queries["predictions.course"]["parameters"],
): PredictionPoint[] {
  return db.all<PredictionPoint>(
    `SELECT at_us AS atUs, label, score FROM predictions
     WHERE device = ? AND at_us >= ? AND at_us < ? ORDER BY at_us, number, item LIMIT ?`,
    ...[device, fromUs, toUs],
    Math.max(1, Math.min(POINTS_MAX, Math.floor(limit))),
  ).map((row) => ({ ...row }));
}

const LABELS_MAX = 100;

/** Along the key of each device, so that days outside the window cost nothing. */
function countLabels(
  db: Database,
  { device, fromUs, toUs }: Queries["predictions.labels"]["parameters"],
): { label: string; count: number }[] {
  const devices = device === undefined ? predictingDevices(db) : [device];
  return db.all<{ label: string; count: number }>(
    `SELECT label, count(*) AS count FROM json_each(?) AS asked JOIN predictions
       ON device = asked.value AND at_us >= ? AND at_us < ?
     GROUP BY label ORDER BY count DESC, label LIMIT ${LABELS_MAX}`,
    ...[JSON.stringify(devices), fromUs, toUs],
  ).map((row) => ({ ...row }));
}

function predictionCondition(
  { device, label, fromUs, toUs, cursor, ascending }: PredictionParameters,
): { where: string; values: SqlValue[] } {
  const parts = ["at_us >= ?", "at_us < ?"];
  const values: SqlValue[] = [fromUs ?? 0, toUs ?? Number.MAX_SAFE_INTEGER];
  if (device !== undefined) {
    parts.push("device = ?");
    values.push(device);
  }
  if (label !== undefined) {
    parts.push("label = ?");
    values.push(label);
  }
  if (cursor !== undefined) {
    parts.push(`(at_us, number, item) ${ascending === true ? ">" : "<"} (?, ?, ?)`);
    values.push(...placeOf(cursor, 3));
  }
  return { where: parts.join(" AND "), values };
}

/** Numbers of a cursor; one that is none of ours leads to an empty page, not to an error. */
function placeOf(cursor: string, count: number): number[] {
  const numbers = cursor.split(".").map(Number);
  return Array.from({ length: count }, (_, i) => {
    const number = numbers[i];
    return number !== undefined && Number.isSafeInteger(number) ? number : -1;
  });
}

function latestPredictions(db: Database, { device }: { device?: string }): PredictionRow[] {
  const devices = device === undefined ? predictingDevices(db) : [device];
  return devices.flatMap((device) => {
    const row = db.get<PredictionRecord>(
      `SELECT * FROM predictions WHERE device = ? AND (flags & ?) = 0
       ORDER BY at_us DESC, number DESC, item DESC LIMIT 1`,
      device,
      flagsToMask(["ts_future"]),
    );
    return row === undefined ? [] : [predictionOf(row)];
  });
}

// --- devices ------------------------------------------------------------------------------------

interface DeviceRecord {
  device: string;
  via: string;
  first_seen_us: number;
  last_seen_us: number;
  messages: number;
}

function deviceOf(row: DeviceRecord): DeviceSeen {
  return {
    device: row.device,
    via: row.via,
    firstSeenUs: row.first_seen_us,
    lastSeenUs: row.last_seen_us,
    messages: row.messages,
  };
}

function listDevices(db: Database, page: PageRequest): Page<DeviceSeen> {
  const limit = pageLimit(page);
  const rows = db.all<DeviceRecord>(
    "SELECT * FROM devices WHERE device > ? ORDER BY device LIMIT ?",
    page.cursor ?? "",
    limit + 1,
  );
  return pageOf(rows, limit, { item: deviceOf, cursor: (row) => row.device });
}

function attributesOf(db: Database, device: string): AttributeRow[] {
  return db.all<AttributeRow>(
    `SELECT device, name, value, at_us AS atUs FROM attributes WHERE device = ?
     ORDER BY name LIMIT ${LIST_MAX}`,
    device,
  ).map((row) => ({ ...row }));
}

function summarizeDevice(db: Database, { device }: { device: string }): DeviceSummary {
  const seen = db.get<DeviceRecord>("SELECT * FROM devices WHERE device = ?", device);
  return {
    seen: seen === undefined ? null : deviceOf(seen),
    latest: latestReadings(db, { devices: [device] }),
    attributes: attributesOf(db, device),
    prediction: latestPredictions(db, { device })[0] ?? null,
  };
}

// --- the log ------------------------------------------------------------------------------------

function storedOf(db: Database): (row: StoredRow) => StoredMessage {
  const epochs = readEpochs(db);
  return (row) => toStored(row, messageId(epochAt(epochs, row.number), row.number));
}

function listMessages(
  db: Database,
  parameters: PageRequest & { device?: string },
): Page<StoredMessage> {
  const limit = pageLimit(parameters);
  const { device } = parameters;
  const before = parameters.cursor === undefined
    ? Number.MAX_SAFE_INTEGER
    : placeOf(parameters.cursor, 1)[0] ?? 0;
  const floor = db.number(
    `SELECT min(number) FROM (SELECT number FROM messages WHERE number < ?
     ORDER BY number DESC LIMIT ${SCAN_ROWS_MAX})`,
    before,
  );
  const rows = db.all<StoredRow>(
    `SELECT ${LOG_COLUMNS} FROM messages WHERE number < ?1 AND number >= ?2
       AND (?3 IS NULL OR device = ?3) ORDER BY number DESC LIMIT ?4`,
    before,
    floor,
    device ?? null,
    limit + 1,
  );
  const page = pageOf(rows, limit, { item: storedOf(db), cursor: (row) => String(row.number) });
  const hasOlder = floor > db.number("SELECT min(number) FROM messages");
  return page.cursor === null && hasOlder ? { ...page, cursor: String(floor) } : page;
}

function messagesAfter(
  db: Database,
  { number, limit }: { number: number; limit: number },
): StoredMessage[] {
  return db.all<StoredRow>(
    `SELECT ${LOG_COLUMNS} FROM messages WHERE number > ? ORDER BY number LIMIT ?`,
    number,
    pageLimit({ limit }),
  ).map(storedOf(db));
}

// --- dead letters and the trail -----------------------------------------------------------------

interface DeadRecord {
  id: number;
  message_id: string;
  destination: string;
  device: string;
  topic: string;
  payload: string;
  error: string;
  attempts: number;
  dead_at_ms: number;
}

function listDead(
  db: Database,
  { filter, ...page }: PageRequest & { filter: DeadFilter },
): Page<DeadLetter> {
  const limit = pageLimit(page);
  const { where, values } = deadCondition(filter);
  const rows = db.all<DeadRecord>(
    `SELECT id, message_id, destination, device, topic, payload, error, attempts, dead_at_ms
     FROM exceptions WHERE id > ? AND ${where} ORDER BY id LIMIT ?`,
    placeOf(page.cursor ?? "0", 1)[0] ?? 0,
    ...values,
    limit + 1,
  );
  return pageOf(rows, limit, { item: deadLetterOf, cursor: (row) => String(row.id) });
}

function deadLetterOf(row: DeadRecord): DeadLetter {
  const { destination, device, topic, payload, error, attempts } = row;
  const { message_id: messageId, dead_at_ms: deadAtMs } = row;
  return { messageId, destination, device, topic, payload, error, attempts, deadAtMs };
}

interface SourceDeadRecord {
  id: number;
  source: number;
  source_name: string;
  device: string | null;
  reason: string;
  at_ms: number;
  topic: string;
  detail: string;
  payload: Uint8Array | null;
}

function listSourceDead(
  db: Database,
  { filter, ...page }: PageRequest & { filter: SourceDeadFilter },
): Page<SourceDeadLetter> {
  const limit = pageLimit(page);
  const { where, values } = sourceDeadCondition(filter);
  const rows = db.all<SourceDeadRecord>(
    `SELECT id, source, source_name, device, reason, at_ms, topic, detail, payload
     FROM source_dead WHERE id > ? AND ${where} ORDER BY id LIMIT ?`,
    placeOf(page.cursor ?? "0", 1)[0] ?? 0,
    ...values,
    limit + 1,
  );
  return pageOf(rows, limit, { item: sourceLetterOf, cursor: (row) => String(row.id) });
}

function sourceLetterOf(row: SourceDeadRecord): SourceDeadLetter {
  return {
    id: row.id,
    source: SOURCE_KINDS[row.source] ?? "mqtt",
    sourceName: row.source_name,
    device: row.device,
    topic: row.topic,
    // SQLite's functions give NULL for a part of an empty blob.
    payload: row.payload ?? new Uint8Array(),
    reason: row.reason,
    detail: row.detail,
    atMs: row.at_ms,
  };
}

/** Rows newest first; a cursor is the number of the last letter that was shown. */
function letterPlace({ cursor }: PageRequest): number {
  return cursor === undefined ? Number.MAX_SAFE_INTEGER : placeOf(cursor, 1)[0] ?? 0;
}

function workDead(
  db: Database,
  { filter, payloadMax, ...page }: Queries["dead.work"]["parameters"],
): Page<DeadWorkRow> {
  const limit = pageLimit(page);
  const { where, values } = deadCondition(filter);
  const rows = db.all<DeadRecord & { payload_length: number }>(
    `SELECT id, message_id, destination, device, topic, error, attempts, dead_at_ms,
       substr(payload, 1, ?) AS payload, length(payload) AS payload_length
     FROM exceptions WHERE id < ? AND ${where} ORDER BY id DESC LIMIT ?`,
    payloadMax,
    letterPlace(page),
    ...values,
    limit + 1,
  );
  return pageOf(rows, limit, {
    item: (row) => ({
      ...deadLetterOf(row),
      letter: row.id,
      payloadLength: row.payload_length,
    }),
    cursor: (row) => String(row.id),
  });
}

function workSourceDead(
  db: Database,
  { filter, payloadMax, ...page }: Queries["source_dead.work"]["parameters"],
): Page<SourceDeadWorkRow> {
  const limit = pageLimit(page);
  const { where, values } = sourceDeadCondition(filter);
  const rows = db.all<SourceDeadRecord & { payload_length: number }>(
    `SELECT id, source, source_name, device, reason, at_ms, topic, detail,
       substr(payload, 1, ?) AS payload, length(payload) AS payload_length
     FROM source_dead WHERE id < ? AND ${where} ORDER BY id DESC LIMIT ?`,
    payloadMax,
    letterPlace(page),
    ...values,
    limit + 1,
  );
  return pageOf(rows, limit, {
    item: (row) => ({ ...sourceLetterOf(row), payloadLength: row.payload_length }),
    cursor: (row) => String(row.id),
  });
}

function countLetters(
  db: Database,
  table: "exceptions" | "source_dead",
  { where, values, limit }: { where: string; values: SqlValue[]; limit?: number },
): LetterCount {
  const row = db.get<{ count: number; last: number | null }>(
    `SELECT count(*) AS count, max(id) AS last FROM
       (SELECT id FROM ${table} WHERE ${where} ORDER BY id LIMIT ?)`,
    ...values,
    limit ?? -1,
  );
  return { count: row?.count ?? 0, lastLetter: row?.last ?? null };
}

function deadReasons(db: Database, { filter }: { filter: DeadFilter }) {
  const { where, values } = deadCondition(filter);
  return db.all<{ reason: string; count: number }>(
    `SELECT CASE instr(error, ' (') WHEN 0 THEN error ELSE substr(error, 1, instr(error, ' (') - 1)
       END AS reason, count(*) AS count
     FROM exceptions WHERE ${where} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50`,
    ...values,
  ).map((row) => ({ ...row }));
}

function databaseSizes(db: Database): DatabaseSizes {
  const pageBytes = db.number("PRAGMA page_size");
  const log = db.get<{ first: number | null; last: number | null }>(
    "SELECT (SELECT min(number) FROM messages) AS first, (SELECT max(number) FROM messages) AS last",
  );
  const oldest = db.get<{ bucket: number | null }>(
    `SELECT min(first) AS bucket FROM (SELECT
       (SELECT min(bucket) FROM hours WHERE series = known.series) AS first FROM series AS known)`,
  );
  return {
    fileBytes: db.number("PRAGMA page_count") * pageBytes,
    freeBytes: db.number("PRAGMA freelist_count") * pageBytes,
    firstNumber: log?.first ?? null,
    lastNumber: log?.last ?? null,
    series: db.number("SELECT count(*) FROM series"),
    devices: db.number("SELECT count(*) FROM devices"),
    historyFromUs: oldest?.bucket == null ? null : oldest.bucket * HOUR_US,
  };
}

function listAudit(
  db: Database,
  { filter = {}, ...page }: PageRequest & { filter?: AuditFilter },
): Page<AuditRow> {
  const limit = pageLimit(page);
  const before = page.cursor === undefined ? Number.MAX_SAFE_INTEGER : placeOf(page.cursor, 1)[0];
  const rows = db.all<AuditRow>(
    `SELECT id, at_ms AS atMs, actor, action, subject, address, outcome,
       coalesce(detail, '') AS detail
     FROM audit WHERE id < ?1 AND (?2 IS NULL OR actor = ?2) AND (?3 IS NULL OR action = ?3)
       AND (?4 IS NULL OR at_ms >= ?4) AND (?5 IS NULL OR at_ms < ?5)
     ORDER BY id DESC LIMIT ?6`,
    before ?? 0,
    filter.actor ?? null,
    filter.action ?? null,
    filter.fromMs ?? null,
    filter.toMs ?? null,
    limit + 1,
  );
  return pageOf(rows, limit, {
    item: (row) => ({ ...row }),
    cursor: (row) => String(row.id),
  });
}

function listOrders(
  db: Database,
  { state, ...page }: PageRequest & { state?: OrderState },
): Page<Order> {
  const limit = pageLimit(page);
  const before = page.cursor === undefined ? Number.MAX_SAFE_INTEGER : placeOf(page.cursor, 1)[0];
  const rows = readOrders(db, { before: before ?? 0, limit: limit + 1, state: state ?? null });
  return pageOf(rows, limit, { item: (row) => row, cursor: (row) => String(row.id) });
}
