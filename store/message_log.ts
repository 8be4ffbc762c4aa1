/** The append-only log: rows in, rows out, its end, its holes and the epochs of its numbers. */
import { messageId, SOURCE_KINDS, type StoredMessage } from "@/model/message.ts";
import type { Database, SqlValue } from "@/store/database.ts";
import type { Gap, LogHead } from "@/store/ledger_arithmetic.ts";

export const FLAG_CLOCK_UNTRUSTED = 1;
export const FLAG_PREFIXED = 2;

export interface Epoch {
  epoch: string;
  from_number: number;
}

/** A row to be, without what the log itself gives: number and offset. */
export interface LogRow {
  source: number;
  sourceName: string;
  device: string;
  seq: number | null;
  hash: number;
  receivedUs: number;
  wallUs: number;
  boot: number;
  monoUs: number;
  flags: number;
  traceId: string | null;
  topic: string;
  payload: string;
}

/** A row as `LOG_COLUMNS` reads it. */
export interface StoredRow {
  number: number;
  source: number;
  source_name: string;
  device: string;
  seq: number | null;
  received_us: number;
  flags: number;
  trace_id: string | null;
  topic: string;
  payload: string;
}

export const LOG_COLUMNS =
  "number, source, source_name, device, seq, received_us, flags, trace_id, topic, payload";

const COLUMNS = 14;
/** 25 rows a statement: 540 k rows/s with 13 columns; 8 rows 504 k, 50 rows 535 k. */
const ROWS_PER_STATEMENT = 25;
const PLACES = `(${Array(COLUMNS).fill("?").join(", ")})`;
const INSERT = "INSERT INTO messages (source, source_name, device, seq, hash, received_us, " +
  "wall_us, boot, mono_us, flags, offset_bytes, trace_id, topic, payload) VALUES ";
const INSERT_ONE = INSERT + PLACES;
const INSERT_MANY = INSERT + Array(ROWS_PER_STATEMENT).fill(PLACES).join(", ");

export class MessageLog {
  readonly #db: Database;
  #lastNumber = 0;
  #lastBytes = 0;
  #newestUs = 0;
  #epochs: Epoch[] = [];
  #gaps: Gap[] = [];
  #values: SqlValue[] = [];

  constructor(db: Database) {
    this.#db = db;
    this.reload();
  }

  get head(): LogHead {
    return { lastNumber: this.#lastNumber, lastBytes: this.#lastBytes };
  }

  get lastNumber(): number {
    return this.#lastNumber;
  }

  /** Reception of the newest message, µs; 0 before the first. */
  get newestUs(): number {
    return this.#newestUs;
  }

  /** Epoch of the numbers to come. */
  get epochHex(): string {
    return this.#epochs[0]?.epoch ?? "";
  }

  get gaps(): readonly Gap[] {
    return this.#gaps;
  }

  /** Takes everything from the disk again: after the start and after a transaction that failed. */
  reload(): void {
    this.#values = [];
    this.#lastNumber = this.#db.number("SELECT seq FROM sqlite_sequence WHERE name = 'messages'");
    const last = this.#db.get<{ offset_bytes: number; received_us: number }>(
      "SELECT offset_bytes, received_us FROM messages ORDER BY number DESC LIMIT 1",
    );
    this.#lastBytes = last?.offset_bytes ?? this.#keptNumber("last_bytes");
    this.#newestUs = last?.received_us ?? this.#keptNumber("newest_us");
    this.#epochs = readEpochs(this.#db);
    this.#gaps = this.#db.all<Gap>("SELECT * FROM gaps ORDER BY from_number");
  }

  #keptNumber(key: string): number {
    return this.#db.number("SELECT value FROM meta WHERE key = ?", key);
  }

  /** Puts a row at the end; returns its number. `flush` before anything reads the log. */
  append(row: LogRow): number {
    this.#lastBytes += utf8Bytes(row.payload) + utf8Bytes(row.topic);
    this.#newestUs = row.receivedUs;
    this.#values.push(
      row.source,
      row.sourceName,
      row.device,
      row.seq,
      row.hash,
      row.receivedUs,
      row.wallUs,
      row.boot,
      row.monoUs,
      row.flags,
      this.#lastBytes,
      row.traceId,
      row.topic,
      row.payload,
    );
    if (this.#values.length === COLUMNS * ROWS_PER_STATEMENT) {
      this.#db.prepare(INSERT_MANY).run(...this.#values);
      this.#values = [];
    }
    return ++this.#lastNumber;
  }

  flush(): void {
    for (let start = 0; start < this.#values.length; start += COLUMNS) {
      this.#db.prepare(INSERT_ONE).run(...this.#values.slice(start, start + COLUMNS));
    }
    this.#values = [];
  }

  idOf(number: number): string {
    return messageId(epochAt(this.#epochs, number), number);
  }

  row(number: number): StoredRow | undefined {
    return this.#db.get<StoredRow>(`SELECT ${LOG_COLUMNS} FROM messages WHERE number = ?`, number);
  }

  message(number: number): StoredMessage | null {
    const row = this.row(number);
    return row === undefined ? null : toStored(row, this.idOf(number));
  }

  /** Running total of bytes at `number`, or at the nearest row before it. */
  bytesAt(number: number): number {
    if (number >= this.#lastNumber) return this.#lastBytes;
    const sql = "SELECT offset_bytes FROM messages WHERE number <= ? ORDER BY number DESC LIMIT 1";
    return this.#db.number(sql, number);
  }

  /** Reception of the first row after `number`, µs; null with none. */
  oldestAfter(number: number): number | null {
    const sql = "SELECT received_us FROM messages WHERE number > ? ORDER BY number LIMIT 1";
    return this.#db.get<{ received_us: number }>(sql, number)?.received_us ?? null;
  }

  /** The place before the first row that is kept; null with none. */
  first(): { after: number; bytes: number } | null {
    const row = this.#db.get<{ number: number; offset_bytes: number }>(
      "SELECT number, offset_bytes FROM messages ORDER BY number LIMIT 1",
    );
    return row === undefined ? null : { after: row.number - 1, bytes: row.offset_bytes };
  }

  /** Number of the first row received at `us` or later; one after the last when there is none. */
  numberAt(us: number): number {
    let low = this.#db.number("SELECT min(number) FROM messages");
    let high = this.#lastNumber + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const received = this.oldestAfter(middle - 1);
      if (received !== null && received < us) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Deletes rows up to `through`; what the end of the log was is kept for when none is left. */
  deleteThrough(through: number): number {
    this.#keep("last_bytes", this.#lastBytes);
    this.#keep("newest_us", this.#newestUs);
    return this.#db.run("DELETE FROM messages WHERE number <= ?", through);
  }

  #keep(key: string, value: number): void {
    this.#db.run("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, String(value));
  }

  /** Makes all numbers to come part of a new epoch: their ids cannot have been used before. */
  startEpoch(reason: string, atMs: number): void {
    const epoch = randomEpoch();
    this.#db.run(
      "INSERT INTO epochs (from_number, epoch, reason, at_ms) VALUES (?, ?, ?, ?)",
      this.#lastNumber + 1,
      epoch,
      reason,
      atMs,
    );
    this.#epochs = readEpochs(this.#db);
  }
}

/** Newest first. */
export function readEpochs(db: Database): Epoch[] {
  return db.all<Epoch>("SELECT epoch, from_number FROM epochs ORDER BY place DESC");
}

/** The epoch in force at a number; of several that begin there, the newest. */
export function epochAt(newestFirst: readonly Epoch[], number: number): string {
  const found = newestFirst.find((epoch) => epoch.from_number <= number);
  return (found ?? newestFirst.at(-1))?.epoch ?? "0".repeat(16);
}

function randomEpoch(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function toStored(row: StoredRow, id: string): StoredMessage {
  return {
    number: row.number,
    id,
    source: SOURCE_KINDS[row.source] ?? "mqtt",
    sourceName: row.source_name,
    device: row.device,
    topic: row.topic,
    payload: row.payload,
    // For a feed it is the number of the line, by which a repeated one is known; no device sent it.
    seq: SOURCE_KINDS[row.source] === "feed" ? null : row.seq,
    receivedUs: row.received_us,
    traceId: row.trace_id,
    clockUntrusted: (row.flags & FLAG_CLOCK_UNTRUSTED) !== 0,
    prefixed: (row.flags & FLAG_PREFIXED) !== 0,
  };
}

const NOT_ASCII = /[\u0080-\uffff]/;
const encoder = new TextEncoder();

/** Length in UTF-8; plain ASCII, the usual case, is not encoded for it. */
export function utf8Bytes(text: string): number {
  return NOT_ASCII.test(text) ? encoder.encode(text).length : text.length;
}
