/**
 * Destinations, their cursors, their exceptions (dead letters and what is sent again) and leases.
 * Every method that writes runs inside a transaction of the caller; after one that failed, `reload`
 * takes the committed state back. Leases are memory only: a crash turns in flight into enqueued.
 */
import type { Ledger } from "@/model/ledger.ts";
import { ConfigError, PermanentError } from "@/model/errors.ts";
import type { StoredMessage } from "@/model/message.ts";
import type { Database, SqlValue } from "@/store/database.ts";
import {
  type DestinationRow,
  type Lease,
  ledgerOf,
  moveCursor,
} from "@/store/ledger_arithmetic.ts";
import { type MessageLog, type StoredRow, toStored, utf8Bytes } from "@/store/message_log.ts";
import type { DeadFilter, DestinationCursor, Journey, Settlement } from "@/store/store_types.ts";

export const DEAD = 0;
export const RETRY = 1;

/** Rows changed at most in one transaction by `replay`, `purge` and `backfill`. */
export const CHUNK_ROWS = 1000;

interface DeadEntry {
  number: number;
  error: string;
  attempts: number;
}

interface ExceptionKey {
  id: number;
  destination: string;
  bytes: number;
}

/** What one chunk of an operator's act did; `lastId` null when nothing was left. */
export interface DeadChunk {
  count: number;
  lastId: number | null;
  destinations: string[];
}

const UPDATE_ROW = `UPDATE destinations SET cursor = ?, cursor_bytes = ?, acked = ?, expired = ?,
  purged = ?, dropped = ?, backfilled = ?, dead = ?, retry = ?, dead_bytes = ?, retry_bytes = ?,
  paused = ?, removed = ? WHERE name = ?`;

const INSERT_EXCEPTION = `INSERT INTO exceptions (destination, number, state, message_id, source,
  source_name, device, seq, received_us, flags, trace_id, attempts, dead_at_ms, bytes, error, topic,
  payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (destination, number) DO NOTHING`;

export class DestinationLedger {
  readonly #db: Database;
  readonly #log: MessageLog;
  #rows: Map<string, DestinationRow> = new Map();
  readonly #leases: Map<string, { throughNumber: number; retryNumbers: Set<number> }> = new Map();

  constructor(db: Database, log: MessageLog) {
    this.#db = db;
    this.#log = log;
    this.reload();
  }

  reload(): void {
    const rows = this.#db.all<DestinationRow>("SELECT * FROM destinations ORDER BY name");
    this.#rows = new Map(rows.map((row) => [row.name, row]));
  }

  get names(): string[] {
    return [...this.#rows.keys()];
  }

  /** Every log row up to here is settled for every destination; null without destinations. */
  get lowestCursor(): number | null {
    const cursors = [...this.#rows.values()].map((row) => row.cursor);
    return cursors.length === 0 ? null : Math.min(...cursors);
  }

  /** The destination that holds the most bytes of the log, and the bytes of all exceptions. */
  holder(): { row: DestinationRow | null; logBytes: number; exceptionBytes: number } {
    let holder: DestinationRow | null = null;
    let exceptionBytes = 0;
    for (const row of this.#rows.values()) {
      exceptionBytes += row.dead_bytes + row.retry_bytes;
      if (holder === null || row.cursor_bytes < holder.cursor_bytes) holder = row;
    }
    const logBytes = holder === null ? 0 : this.#log.head.lastBytes - holder.cursor_bytes;
    return { row: holder, logBytes, exceptionBytes };
  }

  cursors(): DestinationCursor[] {
    return [...this.#rows.values()].filter((row) => row.removed === 0).map((row) => ({
      name: row.name,
      cursor: row.cursor,
      paused: row.paused !== 0,
      retries: row.retry,
    }));
  }

  /** Makes what is missing, marks what is absent. */
  sync(names: readonly string[]): void {
    const { after, bytes } = this.#beginning();
    for (const name of names) {
      this.#db.run(
        `INSERT INTO destinations (name, created_after, cursor, cursor_bytes) VALUES (?, ?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET removed = 0`,
        name,
        after,
        after,
        bytes,
      );
    }
    for (const row of this.#rows.values()) {
      if (!names.includes(row.name)) this.#save({ ...row, removed: 1 });
    }
    this.reload();
  }

  /**
   * Where a new destination begins: here. After a salvage that lost the cursors, with the first row
   * that was kept: nobody knows whether it was delivered.
   */
  #beginning(): { after: number; bytes: number } {
    const orphaned = this.#db.run("DELETE FROM meta WHERE key = 'orphaned'") > 0;
    const { lastNumber, lastBytes } = this.#log.head;
    const first = orphaned ? this.#log.first() : null;
    return first === null ? { after: lastNumber, bytes: lastBytes } : first;
  }

  forget(name: string): void {
    this.require(name);
    this.#db.run("DELETE FROM exceptions WHERE destination = ?", name);
    this.#db.run("DELETE FROM destinations WHERE name = ?", name);
    this.#rows.delete(name);
    this.#leases.delete(name);
  }

  pause(name: string, paused: boolean): void {
    this.#save({ ...this.require(name), paused: paused ? 1 : 0 });
  }

  require(name: string): DestinationRow {
    const row = this.#rows.get(name);
    if (row !== undefined) return row;
    const known = this.names.join(", ");
    throw new ConfigError(`Cannot find destination "${name}"`, {
      code: "STO-0302",
      hint: known === "" ? "No destination was ever configured" : `Known destinations: ${known}`,
    });
  }

  #save(row: DestinationRow): void {
    this.#db.run(
      UPDATE_ROW,
      row.cursor,
      row.cursor_bytes,
      row.acked,
      row.expired,
      row.purged,
      row.dropped,
      row.backfilled,
      row.dead,
      row.retry,
      row.dead_bytes,
      row.retry_bytes,
      row.paused,
      row.removed,
      row.name,
    );
    this.#rows.set(row.name, row);
  }

  #change(name: string, changes: Partial<DestinationRow>): void {
    this.#save({ ...this.require(name), ...changes });
  }

  // --- leases -----------------------------------------------------------------------------------

  /** In flight from now on: the log up to `throughNumber` and the given exceptions. */
  lease(name: string, throughNumber: number, retryNumbers: readonly number[]): void {
    this.require(name);
    this.#leases.set(name, { throughNumber, retryNumbers: new Set(retryNumbers) });
  }

  release(name: string): void {
    this.#leases.delete(name);
  }

  releaseAll(): void {
    this.#leases.clear();
  }

  leaseOf(name: string): Lease | null {
    return this.#leases.get(name) ?? null;
  }

  // --- settlement -------------------------------------------------------------------------------

  /**
   * Applies one settlement. Throws `PermanentError` when it does not fit the log or the exceptions,
   * before anything was written.
   */
  settle(settlement: Settlement, nowMs: number): void {
    const row = this.require(settlement.destination);
    const { throughNumber } = settlement;
    const moved = moveCursor(row, settlement, {
      head: this.#log.head,
      gaps: this.#log.gaps,
      throughBytes: this.#log.bytesAt(throughNumber),
    });
    const dead = this.#rowsToBury(row, settlement);
    this.#checkRetries(settlement);
    this.#save(moved);
    for (const { entry, message } of dead) this.#bury(row.name, message, { entry, nowMs });
    this.#settleRetries(settlement, nowMs);
  }

  /** Ends the leases of what a committed settlement settled. */
  settled(settlement: Settlement): void {
    const lease = this.#leases.get(settlement.destination);
    if (lease === undefined) return;
    for (const number of settlement.retriesAcked) lease.retryNumbers.delete(number);
    for (const number of settlement.retriesExpired) lease.retryNumbers.delete(number);
    for (const { number } of settlement.retriesDead) lease.retryNumbers.delete(number);
  }

  #rowsToBury(
    row: DestinationRow,
    { dead, throughNumber }: Settlement,
  ): { entry: DeadEntry; message: StoredRow }[] {
    const seen = new Set<number>();
    return dead.map((entry) => {
      const inside = entry.number > row.cursor && entry.number <= throughNumber;
      const message = inside && !seen.has(entry.number) ? this.#log.row(entry.number) : undefined;
      seen.add(entry.number);
      if (message === undefined) throw unknownMessage(row.name, entry.number);
      return { entry, message };
    });
  }

  #checkRetries({ destination, retriesAcked, retriesDead, retriesExpired }: Settlement): void {
    const numbers = [
      ...retriesAcked,
      ...retriesDead.map(({ number }) => number),
      ...retriesExpired,
    ];
    if (new Set(numbers).size !== numbers.length) {
      throw unknownMessage(destination, numbers.find((n, i) => numbers.indexOf(n) !== i) ?? 0);
    }
    for (const number of numbers) {
      if (this.#retryBytes(destination, number) === null) {
        throw unknownMessage(destination, number);
      }
    }
  }

  #retryBytes(destination: string, number: number): number | null {
    const sql = "SELECT bytes FROM exceptions WHERE destination = ? AND number = ? AND state = 1";
    return this.#db.get<{ bytes: number }>(sql, destination, number)?.bytes ?? null;
  }

  #bury(
    destination: string,
    message: StoredRow,
    { entry, nowMs }: { entry: DeadEntry; nowMs: number },
  ): void {
    const bytes = this.#insertException(destination, message, {
      state: DEAD,
      error: entry.error,
      attempts: entry.attempts,
      nowMs,
    });
    const row = this.require(destination);
    this.#change(destination, { dead: row.dead + 1, dead_bytes: row.dead_bytes + (bytes ?? 0) });
  }

  /** Returns the bytes of the copy; null when the message already is an exception there. */
  #insertException(
    destination: string,
    message: StoredRow,
    { state, error, attempts, nowMs }: {
      state: number;
      error: string;
      attempts: number;
      nowMs: number;
    },
  ): number | null {
    const bytes = utf8Bytes(message.payload) + utf8Bytes(message.topic);
    const values: SqlValue[] = [
      destination,
      message.number,
      state,
      this.#log.idOf(message.number),
      message.source,
      message.source_name,
      message.device,
      message.seq,
      message.received_us,
      message.flags,
      message.trace_id,
      attempts,
      nowMs,
      bytes,
      error,
      message.topic,
      message.payload,
    ];
    return this.#db.run(INSERT_EXCEPTION, ...values) === 0 ? null : bytes;
  }

  #settleRetries(settlement: Settlement, nowMs: number): void {
    const { destination, retriesAcked, retriesExpired, retriesDead } = settlement;
    for (const number of retriesAcked) this.#removeRetry(destination, number, "acked");
    for (const number of retriesExpired) this.#removeRetry(destination, number, "expired");
    for (const entry of retriesDead) this.#buryAgain(destination, entry, nowMs);
  }

  #removeRetry(destination: string, number: number, outcome: "acked" | "expired"): void {
    const bytes = this.#retryBytes(destination, number) ?? 0;
    this.#db.run(
      "DELETE FROM exceptions WHERE destination = ? AND number = ?",
      destination,
      number,
    );
    const row = this.require(destination);
    this.#change(destination, {
      [outcome]: row[outcome] + 1,
      retry: row.retry - 1,
      retry_bytes: row.retry_bytes - bytes,
    });
  }

  #buryAgain(destination: string, entry: DeadEntry, nowMs: number): void {
    const bytes = this.#retryBytes(destination, entry.number) ?? 0;
    this.#db.run(
      `UPDATE exceptions SET state = ${DEAD}, error = ?, attempts = attempts + ?, dead_at_ms = ?
       WHERE destination = ? AND number = ?`,
      entry.error,
      entry.attempts,
      nowMs,
      destination,
      entry.number,
    );
    const row = this.require(destination);
    this.#change(destination, {
      dead: row.dead + 1,
      dead_bytes: row.dead_bytes + bytes,
      retry: row.retry - 1,
      retry_bytes: row.retry_bytes - bytes,
    });
  }

  // --- dead letters -----------------------------------------------------------------------------

  /** Moves at most a chunk of dead letters back to enqueued. */
  replayChunk(filter: DeadFilter, afterId: number): DeadChunk {
    const keys = this.#deadKeys(filter, afterId);
    for (const { id, destination, bytes } of keys) {
      this.#db.run(`UPDATE exceptions SET state = ${RETRY} WHERE id = ?`, id);
      const row = this.require(destination);
      this.#change(destination, {
        dead: row.dead - 1,
        dead_bytes: row.dead_bytes - bytes,
        retry: row.retry + 1,
        retry_bytes: row.retry_bytes + bytes,
      });
    }
    return chunkOf(keys);
  }

  /** Gives the one dead letter of the filter another payload; throws when there is not exactly one. */
  editPayload(filter: DeadFilter, payload: string): void {
    const keys = this.#deadKeys(filter, 0);
    const [key] = keys;
    if (key === undefined || keys.length > 1) {
      throw new ConfigError(`Cannot edit the dead letter: ${keys.length} match`, {
        code: "STO-0303",
        hint: "Name one message id and its destination",
      });
    }
    const topic = this.#db.get<{ topic: string }>(
      "SELECT topic FROM exceptions WHERE id = ?",
      key.id,
    );
    const bytes = utf8Bytes(payload) + utf8Bytes(topic?.topic ?? "");
    this.#db.run(
      "UPDATE exceptions SET payload = ?, bytes = ? WHERE id = ?",
      payload,
      bytes,
      key.id,
    );
    const row = this.require(key.destination);
    this.#change(key.destination, { dead_bytes: row.dead_bytes + bytes - key.bytes });
  }

  /** Deletes at most a chunk of dead letters; they count as purged. */
  purgeChunk(filter: DeadFilter, afterId: number): DeadChunk {
    const keys = this.#deadKeys(filter, afterId);
    for (const { id, destination, bytes } of keys) {
      this.#db.run("DELETE FROM exceptions WHERE id = ?", id);
      const row = this.require(destination);
      this.#change(destination, {
        dead: row.dead - 1,
        dead_bytes: row.dead_bytes - bytes,
        purged: row.purged + 1,
      });
    }
    return chunkOf(keys);
  }

  /** In the order of their ids, each once: what dies again meanwhile is behind. */
  #deadKeys(filter: DeadFilter, afterId: number): ExceptionKey[] {
    const { where, values } = deadCondition(filter);
    return this.#db.all<ExceptionKey>(
      `SELECT id, destination, bytes FROM exceptions WHERE id > ? AND ${where}
       ORDER BY id LIMIT ${CHUNK_ROWS}`,
      afterId,
      ...values,
    );
  }

  // --- acts of limits and operators -------------------------------------------------------------

  /** `drop_oldest`: nobody waits any more for what is up to `through`; counted where it was waited for. */
  dropThrough(through: number): void {
    const throughBytes = this.#log.bytesAt(through);
    for (const row of this.#rows.values()) {
      if (row.cursor >= through) continue;
      this.#save({
        ...row,
        cursor: through,
        cursor_bytes: throughBytes,
        dropped: row.dropped + through - row.cursor,
      });
    }
  }

  /**
   * Gives a destination log rows once more, as exceptions to be sent: those in (after, through] that
   * are behind its cursor. Returns the number reached and how many were given.
   */
  backfillChunk(
    name: string,
    { after, through }: { after: number; through: number },
  ): { reached: number; given: number } {
    const row = this.require(name);
    const rows = this.#db.all<StoredRow>(
      `SELECT * FROM messages WHERE number > ? AND number <= ? ORDER BY number LIMIT ${CHUNK_ROWS}`,
      after,
      Math.min(through, row.cursor),
    );
    for (const message of rows) this.#backfill(name, message);
    const given = this.require(name).backfilled - row.backfilled;
    return { reached: rows.at(-1)?.number ?? through, given };
  }

  #backfill(name: string, message: StoredRow): void {
    const extra = { state: RETRY, error: "", attempts: 0, nowMs: 0 };
    const bytes = this.#insertException(name, message, extra);
    if (bytes === null) return;
    const row = this.require(name);
    this.#change(name, {
      backfilled: row.backfilled + 1,
      retry: row.retry + 1,
      retry_bytes: row.retry_bytes + bytes,
    });
  }

  // --- what is seen -----------------------------------------------------------------------------

  ledgers(): Ledger[] {
    return [...this.#rows.values()].map((row) =>
      ledgerOf(row, {
        head: this.#log.head,
        lease: this.leaseOf(row.name),
        oldestUs: this.#oldestUs(row),
      })
    );
  }

  #oldestUs(row: DestinationRow): number | null {
    const queued = row.cursor < this.#log.lastNumber ? this.#log.oldestAfter(row.cursor) : null;
    if (row.retry === 0) return queued;
    const retry = this.#db.get<{ received_us: number }>(
      `SELECT received_us FROM exceptions WHERE destination = ? AND state = ${RETRY}
       ORDER BY number LIMIT 1`,
      row.name,
    )?.received_us ?? null;
    if (queued === null || retry === null) return queued ?? retry;
    return Math.min(queued, retry);
  }

  /** Where one message stands for each destination. */
  deliveries(number: number): Journey["deliveries"] {
    return [...this.#rows.values()].map((row) => {
      const exception = this.#db.get<{ state: number; attempts: number; error: string }>(
        "SELECT state, attempts, error FROM exceptions WHERE destination = ? AND number = ?",
        row.name,
        number,
      );
      return {
        destination: row.name,
        state: this.#stateOf(row, number, exception?.state ?? null),
        attempts: exception?.attempts ?? null,
        error: exception === undefined || exception.error === "" ? null : exception.error,
      };
    });
  }

  #stateOf(
    row: DestinationRow,
    number: number,
    exception: number | null,
  ): Journey["deliveries"][number]["state"] {
    const lease = this.leaseOf(row.name);
    if (exception === DEAD) return "dead";
    if (exception === RETRY) return lease?.retryNumbers.has(number) ? "in_flight" : "enqueued";
    if (number <= row.created_after) return "not_for";
    if (number > row.cursor) {
      return lease !== null && number <= lease.throughNumber ? "in_flight" : "enqueued";
    }
    // no row says which of the settled ones expired, were purged or dropped
    return row.expired + row.purged + row.dropped === 0 ? "acked" : "settled";
  }

  /** The message as an exception still has it, where the log was pruned. */
  exceptionMessage(number: number): StoredMessage | null {
    const row = this.#db.get<StoredRow & { message_id: string }>(
      "SELECT * FROM exceptions WHERE number = ? LIMIT 1",
      number,
    );
    return row === undefined ? null : toStored(row, row.message_id);
  }
}

function chunkOf(keys: ExceptionKey[]): DeadChunk {
  const destinations = [...new Set(keys.map((key) => key.destination))];
  return { count: keys.length, lastId: keys.at(-1)?.id ?? null, destinations };
}

/** The SQL of a filter of dead letters. */
export function deadCondition(filter: DeadFilter): { where: string; values: SqlValue[] } {
  const parts = [`state = ${DEAD}`];
  const values: SqlValue[] = [];
  const add = (part: string, value: SqlValue) => {
    parts.push(part);
    values.push(value);
  };
  if (filter.destination !== undefined) add("destination = ?", filter.destination);
  if (filter.device !== undefined) add("device = ?", filter.device);
  if (filter.reason !== undefined) add("instr(error, ?) > 0", filter.reason);
  if (filter.ids !== undefined) {
    add("message_id IN (SELECT value FROM json_each(?))", JSON.stringify(filter.ids));
  }
  if (filter.letters !== undefined) {
    add("id IN (SELECT value FROM json_each(?))", JSON.stringify(filter.letters));
  }
  if (filter.afterLetter !== undefined) add("id > ?", filter.afterLetter);
  if (filter.throughLetter !== undefined) add("id <= ?", filter.throughLetter);
  return { where: parts.join(" AND "), values };
}

function unknownMessage(destination: string, number: number): PermanentError {
  return new PermanentError(
    `Cannot settle message ${number} for destination "${destination}": it is not waiting there`,
    { code: "STO-0304", hint: "Report this, the messages stay enqueued and are sent again" },
  );
}
