/**
 * One SQLite connection with prepared statements kept by their text. `exec` is used for nothing but
 * constant schema text, because its errors carry no code; `iterate` is not used at all, because it
 * swallows errors.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";

export type SqlValue = null | number | bigint | string | Uint8Array;
export type SqlRow = Record<string, SqlValue>;

/** What an SQLite error means to us; the low byte of the extended result code decides. */
export type SqliteFailure = "full" | "io" | "damaged" | "busy" | "other";

const FAILURES: Record<number, SqliteFailure> = {
  5: "busy", // SQLITE_BUSY
  6: "busy", // SQLITE_LOCKED
  8: "io", // SQLITE_READONLY: the file system was remounted read-only
  10: "io", // SQLITE_IOERR
  11: "damaged", // SQLITE_CORRUPT
  13: "full", // SQLITE_FULL
  14: "io", // SQLITE_CANTOPEN: no more files, or the folder went away
  26: "damaged", // SQLITE_NOTADB
};

/** Classifies an error thrown by `node:sqlite`; null when it is none of SQLite's. */
export function sqliteFailure(error: unknown): SqliteFailure | null {
  if (!(error instanceof Error) || !("errcode" in error)) return null;
  const { errcode } = error;
  return typeof errcode === "number" ? FAILURES[errcode & 0xff] ?? "other" : null;
}

export interface ConnectionOptions {
  readOnly?: boolean;
  /** synchronous=FULL: a returned commit survives power loss. */
  fullSync?: boolean;
  /** Reads a damaged file as far as it can be read, also one that was cut off. */
  lenient?: boolean;
}

export class Database implements Disposable {
  readonly path: string;
  #db: DatabaseSync;
  readonly #statements: Map<string, StatementSync> = new Map();
  readonly #options: Required<ConnectionOptions>;
  #relaxed = false;

  constructor(
    path: string,
    { readOnly = false, fullSync = true, lenient = false }: ConnectionOptions = {},
  ) {
    this.path = path;
    this.#options = { readOnly, fullSync, lenient };
    this.#db = this.#connect();
  }

  #connect(): DatabaseSync {
    const { readOnly, lenient } = this.#options;
    // `defensive` is not in the type yet
    const options = { readOnly, defensive: !lenient };
    const db = new DatabaseSync(this.path, options);
    try {
      configure(db, this.#options);
    } catch (error) {
      db.close();
      throw error;
    }
    return db;
  }

  /** After an I/O error nothing that the connection remembers can be relied on. */
  reopen(): void {
    this.close();
    this.#relaxed = false;
    this.#db = this.#connect();
  }

  /** For `backup()` of `node:sqlite`, which wants the connection itself. */
  get connection(): DatabaseSync {
    return this.#db;
  }

  get inTransaction(): boolean {
    return this.#db.isTransaction;
  }

  get isOpen(): boolean {
    return this.#db.isOpen;
  }

  /** The prepared statement of a text; texts are constants or built from constants. */
  prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  /** Runs a statement; returns how many rows it changed. */
  run(sql: string, ...values: SqlValue[]): number {
    return Number(this.prepare(sql).run(...values).changes);
  }

  get<Row = SqlRow>(sql: string, ...values: SqlValue[]): Row | undefined {
    return this.prepare(sql).get(...values) as Row | undefined;
  }

  all<Row = SqlRow>(sql: string, ...values: SqlValue[]): Row[] {
    return this.prepare(sql).all(...values) as Row[];
  }

  /** The first column of the first row as a number; 0 when there is none or it is NULL. */
  number(sql: string, ...values: SqlValue[]): number {
    const row = this.get(sql, ...values);
    return row === undefined ? 0 : Number(Object.values(row)[0] ?? 0);
  }

  /** Several statements of constant text. */
  execute(sql: string): void {
    this.#db.exec(sql);
  }

  /**
   * Runs `work` in a transaction of its own: all or nothing.
   * `relaxed` leaves the fsync to the next full commit: for what can be derived again.
   */
  transaction<T>(work: () => T, { relaxed = false }: { relaxed?: boolean } = {}): T {
    this.#setRelaxed(relaxed);
    this.run("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.run("COMMIT");
      return result;
    } catch (error) {
      this.rollback();
      throw error;
    }
  }

  /** Several reads of one moment. */
  snapshot<T>(read: () => T): T {
    if (this.#db.isTransaction) return read();
    this.run("BEGIN");
    try {
      return read();
    } finally {
      this.rollback();
    }
  }

  /** SQLite rolls back by itself after some errors; this does it after the others. */
  rollback(): void {
    if (!this.#db.isOpen || !this.#db.isTransaction) return;
    try {
      this.run("ROLLBACK");
    } catch {
      // the connection is beyond use: the error that led here is the one to report
    }
  }

  #setRelaxed(relaxed: boolean): void {
    if (!this.#options.fullSync || relaxed === this.#relaxed) return;
    this.run(`PRAGMA synchronous = ${relaxed ? "NORMAL" : "FULL"}`);
    this.#relaxed = relaxed;
  }

  close(): void {
    this.#statements.clear();
    if (this.#db.isOpen) this.#db.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function configure(
  db: DatabaseSync,
  { readOnly, fullSync, lenient }: Required<ConnectionOptions>,
): void {
  // the only way to make SQLite open a file that is shorter than its header says
  if (lenient) db.prepare("PRAGMA writable_schema = ON").run();
  db.prepare("PRAGMA busy_timeout = 5000").get();
  db.prepare("PRAGMA cache_size = -8000").get();
  if (readOnly) return;
  db.prepare("PRAGMA journal_mode = WAL").get();
  db.prepare(`PRAGMA synchronous = ${fullSync ? "FULL" : "NORMAL"}`).run();
  // a WAL that a long reader made grow is cut back to this after the next checkpoint
  db.prepare("PRAGMA journal_size_limit = 16777216").get();
  db.prepare("PRAGMA wal_autocheckpoint = 2000").get();
  db.prepare("PRAGMA temp_store = MEMORY").get();
}
