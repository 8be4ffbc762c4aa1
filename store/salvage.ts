/**
 * Takes what can still be read out of a damaged database into a new one, row by row.
 *
 * Order: what decides over delivery first (epochs, destinations, exceptions), then the log, then the
 * rest. A range of rows that cannot be read is halved until the bad rows are found. Numbers that stay
 * missing become gaps: they are counted `dropped` when a cursor passes them, so that the ledger stays
 * true. The new database begins a new epoch, so no id is used twice.
 */
import { Database, sqliteFailure, type SqlValue } from "@/store/database.ts";
import { removeIfThere } from "@/store/files.ts";
import { mendedCopy } from "@/store/page_one.ts";
import { primaryKey } from "@/store/damage_check.ts";

/** Rowid tables in the order of their worth; read by ranges of their key. */
const ROWID_TABLES = [
  "epochs",
  "boots",
  "exceptions",
  "messages",
  "windows",
  "window_blocks",
  "sessions",
  "queued_bodies",
  "source_dead",
  "idempotency",
  "audit",
  "orders",
  "series",
];
/** Tables ordered by a compound key; read from both ends. */
const KEYED_TABLES = [
  "people",
  "device_credentials",
  "device_certificates",
  "device_grants",
  "access_facts",
  "people_sessions",
  "settings",
  "dashboards",
  "subscriptions",
  "queued",
  "inbound_ids",
  "retained",
];
/** Only together with the history's cursor: without it, they are filled again from the log. */
const HISTORY_TABLES = ["readings", "minutes", "hours", "predictions", "attributes", "devices"];

/** Every table that is copied; a test compares them with the schema. */
export const SALVAGED_TABLES: readonly string[] = [
  "destinations",
  "meta",
  "history",
  "recent_a",
  "recent_b",
  ...ROWID_TABLES,
  ...KEYED_TABLES,
  ...HISTORY_TABLES,
];

const RANGE_ROWS = 512;
const PAGE_ROWS = 500;
/** Attempts to read in one table: 100 000 halvings are some seconds. */
const ATTEMPTS_MAX = 100_000;

export interface SalvageReport {
  recovered: number;
  /** Missing numbers of the log that some destination had not settled; null when not known. */
  lost: number | null;
}

/**
 * Copies from the damaged file at `from` into the new, empty database. `database` is the path under
 * which the file was used: beside it lies the copy of its first page.
 */
export function salvage(
  from: string,
  { into, database }: { into: Database; database: string },
): SalvageReport {
  const mended = `${database}.mended`;
  try {
    using source = openDamaged(from) ??
      (mendedCopy(from, { mended, database }) ? openDamaged(mended) : null);
    if (source !== null) return new Salvage(source, into).run();
    into.transaction(() => keepMeta(into, "orphaned", "1"));
    return { recovered: 0, lost: null };
  } finally {
    for (const suffix of ["", "-wal", "-shm"]) removeIfThere(mended + suffix);
  }
}

/** null when not even the schema can be read. */
function openDamaged(path: string): Database | null {
  let database: Database | null = null;
  try {
    database = new Database(path, { readOnly: true, lenient: true });
    return database.all("SELECT name FROM sqlite_schema").length > 0 ? database : closed(database);
  } catch {
    return database === null ? null : closed(database);
  }
}

function closed(database: Database): null {
  database.close();
  return null;
}

function keepMeta(db: Database, key: string, value: string): void {
  db.run("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, value);
}

class Salvage {
  readonly #from: Database;
  readonly #into: Database;
  #attempts = 0;

  constructor(from: Database, into: Database) {
    this.#from = from;
    this.#into = into;
  }

  run(): SalvageReport {
    const destinations = this.#copyKeyed("destinations");
    this.#copyKeyed("meta");
    for (const table of ROWID_TABLES) this.#copyRanges(table);
    for (const table of KEYED_TABLES) this.#copyKeyed(table);
    this.#copyHistory();
    return this.#into.transaction(() => this.#account(destinations));
  }

  // --- reading ----------------------------------------------------------------------------------

  /** Columns that both databases have; null when the old table cannot be described. */
  #columns(table: string): string[] | null {
    try {
      const names = (db: Database) =>
        db.all<{ name: string }>(`PRAGMA table_info("${table}")`).map((column) => column.name);
      const ours = new Set(names(this.#into));
      const common = names(this.#from).filter((name) => ours.has(name));
      return common.length === 0 ? null : common;
    } catch {
      return null;
    }
  }

  #read(sql: string, values: SqlValue[]): Record<string, SqlValue>[] | null {
    this.#attempts++;
    try {
      return this.#from.all(sql, ...values);
    } catch (error) {
      // a garbled row may also hold a number that no double can
      if (sqliteFailure(error) !== null || error instanceof RangeError) return null;
      throw error;
    }
  }

  #write(table: string, columns: string[], rows: Record<string, SqlValue>[]): number {
    const places = columns.map(() => "?").join(", ");
    const sql = `INSERT OR IGNORE INTO "${table}" (${columns.join(", ")}) VALUES (${places})`;
    return this.#into.transaction(() => {
      let written = 0;
      for (const row of rows) {
        try {
          written += this.#into.run(sql, ...columns.map((column) => row[column] ?? null));
        } catch (error) {
          // a garbled row breaks a constraint; it is as lost as one that cannot be read
          if (sqliteFailure(error) !== "other") throw error;
        }
      }
      return written;
    }, { relaxed: true });
  }

  // --- rowid tables -----------------------------------------------------------------------------

  #copyRanges(table: string): void {
    const columns = this.#columns(table);
    if (columns === null) return;
    this.#attempts = 0;
    const key = primaryKey(this.#into, table)[0] ?? "rowid";
    const last = this.#lastKey(table, key);
    let low = this.#nextKey(table, { key, from: 1, last });
    while (low <= last && this.#attempts < ATTEMPTS_MAX) {
      const high = Math.min(last, low + RANGE_ROWS - 1);
      this.#copyRange(table, columns, { key, low, high });
      low = this.#nextKey(table, { key, from: high + 1, last });
    }
  }

  #lastKey(table: string, key: string): number {
    const [top] = this.#read(`SELECT max("${key}") AS top FROM "${table}"`, []) ?? [];
    const [used] = this.#read("SELECT seq FROM sqlite_sequence WHERE name = ?", [table]) ?? [];
    return Math.max(Number(top?.top ?? 0), Number(used?.seq ?? 0));
  }

  /** The first key from `from` on; where that cannot be read, `from` itself. */
  #nextKey(
    table: string,
    { key, from, last }: { key: string; from: number; last: number },
  ): number {
    const sql =
      `SELECT "${key}" AS next FROM "${table}" WHERE "${key}" >= ? ORDER BY "${key}" LIMIT 1`;
    const rows = this.#read(sql, [from]);
    if (rows === null) return from;
    return Number(rows[0]?.next ?? last + 1);
  }

  #copyRange(
    table: string,
    columns: string[],
    { key, low, high }: { key: string; low: number; high: number },
  ): void {
    const list = columns.join(", ");
    const sql = `SELECT ${list} FROM "${table}" WHERE "${key}" BETWEEN ? AND ? ORDER BY "${key}"`;
    const rows = this.#read(sql, [low, high]);
    if (rows !== null) {
      this.#write(table, columns, rows);
      return;
    }
    if (low === high || this.#attempts >= ATTEMPTS_MAX) return;
    const middle = Math.floor((low + high) / 2);
    this.#copyRange(table, columns, { key, low, high: middle });
    this.#copyRange(table, columns, { key, low: middle + 1, high });
  }

  // --- keyed tables -----------------------------------------------------------------------------

  /** Reads forward until it fails, then backward; returns how many rows were found. */
  #copyKeyed(table: string): number {
    const columns = this.#columns(table);
    if (columns === null) return 0;
    const forward = this.#walk(table, columns, ">");
    return forward.complete ? forward.rows : forward.rows + this.#walk(table, columns, "<").rows;
  }

  #walk(
    table: string,
    columns: string[],
    direction: ">" | "<",
  ): { rows: number; complete: boolean } {
    const key = primaryKey(this.#into, table);
    const order = key.map((column) => `"${column}" ${direction === ">" ? "ASC" : "DESC"}`);
    const place = `(${key.map((column) => `"${column}"`).join(", ")})`;
    const bounds = `(${key.map(() => "?").join(", ")})`;
    let rows = 0;
    let after: SqlValue[] | null = null;
    for (let limit = PAGE_ROWS;;) {
      const where: string = after === null ? "" : `WHERE ${place} ${direction} ${bounds}`;
      const sql = `SELECT ${columns.join(", ")} FROM "${table}" ${where}
        ORDER BY ${order.join(", ")} LIMIT ${limit}`;
      const found = this.#read(sql, after ?? []);
      if (found === null) {
        if (limit === 1) return { rows, complete: false };
        limit = Math.ceil(limit / 8);
        continue;
      }
      rows += this.#write(table, columns, found);
      const last = found.at(-1);
      if (last === undefined || found.length < limit) return { rows, complete: true };
      after = key.map((column) => last[column] ?? null);
    }
  }

  #copyHistory(): void {
    const [state] = this.#read("SELECT * FROM history", []) ?? [];
    if (state === undefined) return;
    this.#into.run(
      "UPDATE history SET cursor = ?, cursor_bytes = ?, active = ?, moved_series = ?",
      state.cursor ?? 0,
      state.cursor_bytes ?? 0,
      state.active ?? "a",
      state.moved_series ?? null,
    );
    for (const table of ["recent_a", "recent_b"]) this.#copyRanges(table);
    for (const table of HISTORY_TABLES) this.#copyKeyed(table);
  }

  // --- the books --------------------------------------------------------------------------------

  #account(destinations: number): SalvageReport {
    const last = this.#lastNumber();
    this.#into.run("UPDATE sqlite_sequence SET seq = ? WHERE name = 'messages'", last);
    if (this.#into.number("SELECT count(*) FROM sqlite_sequence WHERE name = 'messages'") === 0) {
      this.#into.run("INSERT INTO sqlite_sequence (name, seq) VALUES ('messages', ?)", last);
    }
    if (destinations === 0) this.#beginAgain();
    this.#recountExceptions();
    const hasDestinations = this.#into.number("SELECT count(*) FROM destinations") > 0;
    const lowest = hasDestinations
      ? this.#into.number("SELECT min(cursor) FROM destinations")
      : this.#firstNumber() - 1;
    const lost = this.#findGaps(lowest, last);
    this.#dropBodiesWithoutPlace();
    return { recovered: this.#into.number("SELECT count(*) FROM messages"), lost };
  }

  /**
   * Without cursors nobody knows what was settled: destinations begin again with everything that was
   * kept (the same ids once more, which they take once). Known ones are those that exceptions name.
   */
  #beginAgain(): void {
    keepMeta(this.#into, "orphaned", "1");
    const first = this.#firstNumber();
    this.#into.run("DELETE FROM exceptions WHERE number >= ?", first);
    this.#into.run(
      `INSERT INTO destinations (name, created_after, cursor, cursor_bytes, backfilled, dead)
       SELECT destination, ?1, ?1,
         coalesce((SELECT offset_bytes FROM messages ORDER BY number LIMIT 1), 0),
         count(*), count(*) FROM exceptions GROUP BY destination`,
      first - 1,
    );
  }

  #firstNumber(): number {
    return this.#into.number("SELECT coalesce(min(number), 1) FROM messages");
  }

  /** No number up to here may be given again. */
  #lastNumber(): number {
    const [used] = this.#read("SELECT seq FROM sqlite_sequence WHERE name = 'messages'", []) ?? [];
    return Math.max(
      Number(used?.seq ?? 0),
      this.#into.number("SELECT max(number) FROM messages"),
      this.#into.number("SELECT max(cursor) FROM destinations"),
      this.#into.number("SELECT max(number) FROM exceptions"),
      this.#into.number("SELECT max(cursor) FROM history"),
    );
  }

  #findGaps(after: number, last: number): number {
    this.#into.run("DELETE FROM gaps");
    const rows = this.#into.all<{ number: number; previous: number }>(
      `SELECT number, previous FROM (
         SELECT number, lag(number, 1, ?1) OVER (ORDER BY number) AS previous
         FROM messages WHERE number > ?1)
       WHERE number > previous + 1`,
      after,
    );
    const top = Math.max(after, this.#into.number("SELECT max(number) FROM messages"));
    if (top < last) rows.push({ number: last + 1, previous: top });
    let lost = 0;
    for (const { number, previous } of rows) {
      lost += number - previous - 1;
      this.#into.run(
        "INSERT INTO gaps (from_number, through_number) VALUES (?, ?)",
        previous + 1,
        number - 1,
      );
    }
    return lost;
  }

  /** Exceptions that could not be read are dropped, in the ledger's sense. */
  #recountExceptions(): void {
    this.#into.run(`UPDATE destinations SET
      dropped = dropped + dead + retry - (
        SELECT count(*) FROM exceptions WHERE destination = destinations.name),
      dead = (SELECT count(*) FROM exceptions WHERE destination = name AND state = 0),
      retry = (SELECT count(*) FROM exceptions WHERE destination = name AND state = 1),
      dead_bytes = (SELECT coalesce(sum(bytes), 0) FROM exceptions
        WHERE destination = name AND state = 0),
      retry_bytes = (SELECT coalesce(sum(bytes), 0) FROM exceptions
        WHERE destination = name AND state = 1)`);
    this.#into.run(
      "DELETE FROM exceptions WHERE destination NOT IN (SELECT name FROM destinations)",
    );
  }

  #dropBodiesWithoutPlace(): void {
    this.#into.run("DELETE FROM queued WHERE body NOT IN (SELECT body FROM queued_bodies)");
    this.#into.run("DELETE FROM queued_bodies WHERE body NOT IN (SELECT body FROM queued)");
    this.#into.run(`UPDATE queued_bodies SET places =
      (SELECT count(*) FROM queued WHERE queued.body = queued_bodies.body)`);
  }
}
