/**
 * The tables of CONTRACT §5 and the statements that write them.
 *
 * Names are not qualified: the role's (or the URL's) `search_path` says where the tables are.
 * `sluice_schema` holds the version; a change of the tables is one more entry of MIGRATIONS, never a
 * change of an old one. Several gateways may share a database: they migrate under one advisory lock.
 */

/** Guards migrations; any number would do, as long as it never changes: "sluice" in ASCII. */
export const MIGRATION_LOCK = 0x736c75696365;

/**
 * Each entry brings the tables from the version before it to its own (its place, counted from 1).
 * BRIN on `at` costs next to nothing to keep and finds a time range; an index by device and
 * measurement would be random access, and belongs to those who need it (docs/adr/0004).
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS readings (
     message_id text, item smallint, device text, measurement text, at timestamptz,
     value double precision, unit text, gateway text, received_at timestamptz, seq bigint,
     trace_id text, flags text[], tags jsonb,
     PRIMARY KEY (message_id, item, at));
   CREATE TABLE IF NOT EXISTS predictions (
     message_id text, item smallint, device text, at timestamptz, label text,
     score double precision, avg_score double precision, "window" int, model text, gateway text,
     received_at timestamptz, seq bigint, trace_id text, flags text[], debug jsonb,
     PRIMARY KEY (message_id, item, at));
   CREATE TABLE IF NOT EXISTS attributes (
     message_id text, item smallint, device text, name text, at timestamptz, value text,
     PRIMARY KEY (message_id, item, at));
   CREATE INDEX IF NOT EXISTS readings_at ON readings USING brin (at);
   CREATE INDEX IF NOT EXISTS predictions_at ON predictions USING brin (at);`,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** Column name → type as PostgreSQL writes it, per table: what we rely on. */
export const TABLE_COLUMNS: Record<string, Record<string, string>> = {
  readings: {
    message_id: "text",
    item: "smallint",
    device: "text",
    measurement: "text",
    at: "timestamp with time zone",
    value: "double precision",
    unit: "text",
    gateway: "text",
    received_at: "timestamp with time zone",
    seq: "bigint",
    trace_id: "text",
    flags: "text[]",
    tags: "jsonb",
  },
  predictions: {
    message_id: "text",
    item: "smallint",
    device: "text",
    at: "timestamp with time zone",
    label: "text",
    score: "double precision",
    avg_score: "double precision",
    window: "integer",
    model: "text",
    gateway: "text",
    received_at: "timestamp with time zone",
    seq: "bigint",
    trace_id: "text",
    flags: "text[]",
    debug: "jsonb",
  },
  attributes: {
    message_id: "text",
    item: "smallint",
    device: "text",
    name: "text",
    at: "timestamp with time zone",
    value: "text",
  },
};

export const TABLES: readonly string[] = Object.keys(TABLE_COLUMNS);

/** Exact: the product is rounded to whole µs, and µs since 1970 fit a double until the year 2255. */
function time(column: string): string {
  return `timestamptz 'epoch' + ${column} * interval '1 microsecond'`;
}

function insertReadings(gateway: string): string {
  return `
INSERT INTO readings (message_id, item, device, measurement, at, value, unit, gateway,
  received_at, seq, trace_id, flags, tags)
SELECT m, i, d, n, ${time("a")}, v, u, ${gateway}::text, ${time("r")}, s, coalesce(t, m),
  coalesce(f, '{}'), g
FROM json_to_recordset($1::text::json) AS x(m text, i int2, d text, n text, a float8, v float8,
  u text, r float8, s int8, t text, f text[], g jsonb)
ON CONFLICT DO NOTHING`;
}

/**
 * Writes one chunk (see postgres_rows.ts); all of it or nothing. `$1` readings, `$2` predictions,
 * `$3` attributes (JSON arrays, null without rows), `$4` gateway. Rows that are already there, sent
 * before with the same id, are left alone.
 * `json_…` instead of `jsonb_to_recordset`: 141 000 against 97 000 rows/s, because the digits of a
 * number go straight to the column instead of through `numeric`.
 */
export const INSERT_CHUNK = `
WITH
  written_predictions AS (
    INSERT INTO predictions (message_id, item, device, at, label, score, avg_score, "window",
      model, gateway, received_at, seq, trace_id, flags, debug)
    SELECT m, i, d, ${time("a")}, l, c, e, w, o, $4::text, ${time("r")}, s, coalesce(t, m),
      coalesce(f, '{}'), b
    FROM json_to_recordset($2::text::json) AS x(m text, i int2, d text, a float8, l text,
      c float8, e float8, w int4, o text, r float8, s int8, t text, f text[], b jsonb)
    ON CONFLICT DO NOTHING),
  written_attributes AS (
    INSERT INTO attributes (message_id, item, device, name, at, value)
    SELECT m, i, d, n, ${time("a")}, v
    FROM json_to_recordset($3::text::json) AS x(m text, i int2, d text, n text, a float8, v text)
    ON CONFLICT DO NOTHING)
${insertReadings("$4")}`;

/** The usual case, readings alone: `$1` readings, `$2` gateway. */
export const INSERT_READINGS = insertReadings("$2");

const OUR_TABLES = `(VALUES ${TABLES.map((name) => `('${name}')`).join(", ")}) AS ours(name)`;

/** Columns of our tables in the schema that unqualified names lead to. */
export const READ_COLUMNS = `
SELECT ours.name AS "table", a.attname AS "column", format_type(a.atttypid, a.atttypmod) AS type
FROM ${OUR_TABLES} JOIN pg_attribute a
  ON a.attrelid = to_regclass(ours.name) AND a.attnum > 0 AND NOT a.attisdropped`;

/** Where we are and what the role may do there; one row. */
export const READ_SITUATION = `
SELECT current_setting('server_version') AS version, current_schema()::text AS schema,
  current_user::text AS role, current_setting('transaction_read_only') = 'on' AS read_only,
  to_regclass('sluice_schema') IS NOT NULL AS has_versions,
  coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
  (SELECT count(*)::int FROM ${OUR_TABLES} WHERE to_regclass(ours.name) IS NOT NULL) AS tables,
  (SELECT count(*)::int FROM ${OUR_TABLES} WHERE to_regclass(ours.name) IS NOT NULL
    AND has_table_privilege(to_regclass(ours.name), 'INSERT')) AS writable_tables,
  (SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'timescaledb') AS timescale_schema`;

/** The row of READ_SITUATION. */
export interface Situation {
  version: string;
  /** null when `search_path` names no schema that exists. */
  schema: string | null;
  role: string;
  read_only: boolean;
  has_versions: boolean;
  may_create: boolean;
  tables: number;
  writable_tables: number;
  /** Quoted name of the schema of TimescaleDB's functions; null without TimescaleDB. */
  timescale_schema: string | null;
}

/** Makes the tables of readings and predictions hypertables; both may hold data already. */
export function hypertableStatements(schema: string): string[] {
  return ["readings", "predictions"].map((table) =>
    `SELECT ${schema}.create_hypertable('${table}', 'at', if_not_exists => true, ` +
    `migrate_data => true)`
  );
}

/** Replaces the retention policies of both hypertables. */
export function retentionStatements(schema: string, retentionMs: number): string[] {
  const interval = `interval '${Math.round(retentionMs / 1000)} seconds'`;
  return ["readings", "predictions"].flatMap((table) => [
    `SELECT ${schema}.remove_retention_policy('${table}', if_exists => true)`,
    `SELECT ${schema}.add_retention_policy('${table}', ${interval})`,
  ]);
}
