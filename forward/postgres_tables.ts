/** Keeps the tables of one database as this gateway needs them. */
import { connectionError } from "@/forward/postgres_errors.ts";
import {
  hypertableStatements,
  MIGRATION_LOCK,
  MIGRATIONS,
  READ_COLUMNS,
  READ_SITUATION,
  retentionStatements,
  SCHEMA_VERSION,
  type Situation,
  TABLE_COLUMNS,
  TABLES,
} from "@/forward/postgres_schema.ts";
import type { PostgresSession } from "@/forward/postgres_session.ts";
import { TransientError } from "@/model/errors.ts";

export class PostgresTables {
  readonly #session: PostgresSession;

  constructor(session: PostgresSession) {
    this.#session = session;
  }

  /**
   * Creates and migrates what is missing.
   *
   * @throws TransientError with what has to be granted or corrected
   */
  async prepare(signal: AbortSignal): Promise<void> {
    const situation = await this.#readSituation(signal);
    assertWritable(situation);
    if (!situation.has_versions) await this.#assertColumns(signal);
    if (!await this.#isComplete(situation, signal)) await this.#migrate(situation, signal);
    await this.#assertColumns(signal);
  }

  /**
   * Replaces the retention policies; false when the database has none to set.
   *
   * @throws TransientError
   */
  async setRetention(retentionMs: number, signal: AbortSignal): Promise<boolean> {
    const { timescale_schema } = await this.#readSituation(signal);
    if (timescale_schema === null) return false;
    const statements = retentionStatements(timescale_schema, retentionMs);
    await this.#transact(statements, { action: "Cannot set the retention", signal });
    return true;
  }

  /** What is there, in words. */
  async describe(signal: AbortSignal): Promise<string> {
    const situation = await this.#readSituation(signal);
    assertWritable(situation);
    const tables = situation.tables === TABLES.length
      ? "tables are there"
      : `tables will be created in schema "${situation.schema}"`;
    const timescale = situation.timescale_schema === null ? "" : " with TimescaleDB";
    return `PostgreSQL ${situation.version}${timescale}, role "${situation.role}", ${tables}`;
  }

  async #readSituation(signal: AbortSignal): Promise<Situation> {
    const [situation] = await this.#session.run<Situation>(READ_SITUATION, {
      action: "Cannot look at the database",
      signal,
    });
    if (situation === undefined) throw connectionError("Cannot look at the database", "no answer");
    return situation;
  }

  async #isComplete(situation: Situation, signal: AbortSignal): Promise<boolean> {
    if (situation.tables < TABLES.length) return false;
    // a role that may create nothing writes to tables that its administrator has made
    if (!situation.has_versions) return !situation.may_create;
    return await this.#readVersion(signal) === SCHEMA_VERSION;
  }

  async #readVersion(signal: AbortSignal): Promise<number> {
    const [row] = await this.#session.run<{ version: number }>(
      "SELECT coalesce(max(version), 0)::int AS version FROM sluice_schema",
      { action: "Cannot read the version of the tables", signal },
    );
    const version = row?.version ?? 0;
    if (version <= SCHEMA_VERSION) return version;
    throw new TransientError(
      `Cannot write: the tables have version ${version}, this gateway knows ${SCHEMA_VERSION}`,
      { code: "FWD-0114", hint: "Update this gateway, another one has migrated the tables" },
    );
  }

  async #migrate(situation: Situation, signal: AbortSignal): Promise<void> {
    const { timescale_schema, has_versions, tables } = situation;
    // from the first one on where a table was dropped: each creates only what is missing
    const from = has_versions && tables === TABLES.length ? await this.#readVersion(signal) : 0;
    await this.#transact([
      "CREATE TABLE IF NOT EXISTS sluice_schema (version int PRIMARY KEY, " +
      "applied_at timestamptz NOT NULL DEFAULT now())",
      ...MIGRATIONS.slice(from),
      `INSERT INTO sluice_schema (version) SELECT generate_series(1, ${SCHEMA_VERSION}) ` +
      "ON CONFLICT DO NOTHING",
      ...timescale_schema === null ? [] : hypertableStatements(timescale_schema),
    ], { action: "Cannot create the tables", signal });
  }

  /** One transaction; the lock makes other gateways wait and then find the work done. */
  async #transact(
    statements: string[],
    { action, signal }: { action: string; signal: AbortSignal },
  ): Promise<void> {
    const lock = `SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`;
    try {
      for (const statement of ["BEGIN", lock, ...statements, "COMMIT"]) {
        await this.#session.run(statement, { action, signal });
      }
    } catch (error) {
      this.#session.destroy(); // ends the transaction whatever state it is in
      throw error;
    }
  }

  /** A table of the same name that somebody else made would swallow or refuse everything. */
  async #assertColumns(signal: AbortSignal): Promise<void> {
    type Row = { table: string; column: string; type: string };
    const action = "Cannot look at the tables";
    const rows = await this.#session.run<Row>(READ_COLUMNS, { action, signal });
    const found = new Map(rows.map((row) => [`${row.table}.${row.column}`, row.type]));
    const existing = new Set(rows.map((row) => row.table));
    for (const [table, columns] of Object.entries(TABLE_COLUMNS)) {
      if (!existing.has(table)) continue;
      for (const [column, type] of Object.entries(columns)) {
        const actual = found.get(`${table}.${column}`);
        if (actual !== type) throw foreignTable({ table, column, type, actual });
      }
    }
  }
}

function foreignTable(
  { table, column, type, actual }: Record<"table" | "column" | "type", string> & {
    actual: string | undefined;
  },
): TransientError {
  return new TransientError(
    `Cannot write to table "${table}": column "${column}" is ${actual ?? "missing"}, ` +
      `${type} is needed`,
    {
      code: "FWD-0115",
      hint: "The table belongs to something else: add ?search_path=… with a schema of its own",
    },
  );
}

/** @throws TransientError with the right that is missing */
function assertWritable(situation: Situation): void {
  if (situation.schema === null) {
    throw new TransientError("Cannot write: no schema of search_path exists", {
      code: "FWD-0104",
      hint: "Create the schema or correct search_path in the url",
    });
  }
  if (situation.read_only) {
    throw new TransientError("Cannot write: the database is read-only", {
      code: "FWD-0107",
      hint: "The server only reads (a standby?); point the url at the one that writes",
    });
  }
  const complete = situation.tables === TABLES.length;
  if (complete ? situation.writable_tables === TABLES.length : situation.may_create) return;
  const missing = complete ? "INSERT on all tables" : `CREATE on schema ${situation.schema}`;
  throw new TransientError(`Cannot write: role "${situation.role}" lacks ${missing}`, {
    code: "FWD-0105",
    hint: "GRANT it to the role, or use a role that has it",
  });
}
