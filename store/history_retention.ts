/**
 * Deletes history that is older than it is to be kept, in chunks, one table at a time.
 *
 * Deleting by the wall clock must not follow a step of it: it stands still for an hour after the start
 * and after each step of more than a minute, and while the clock is not trusted. A clock that was set
 * years ahead by mistake has that hour to be noticed.
 */
import type { Database } from "@/store/database.ts";
import type { ClockReading } from "@/store/reception_clock.ts";

const CHUNK_ROWS = 2000;
const HOLD_US = 3_600_000_000;
const STEP_US = 60_000_000;

export interface HistoryKeep {
  readingsKeepMs: number;
  minutesKeepMs: number;
  hoursKeepMs: number;
}

/** Says when the wall clock has been steady for long enough to delete by it. */
export class SteadyClock {
  #offsetUs: number;
  #sinceUs: number;

  constructor(reading: ClockReading) {
    this.#offsetUs = reading.wallUs - reading.monotonicUs;
    this.#sinceUs = reading.monotonicUs;
  }

  isSteady(reading: ClockReading): boolean {
    const offsetUs = reading.wallUs - reading.monotonicUs;
    if (Math.abs(offsetUs - this.#offsetUs) > STEP_US) this.#sinceUs = reading.monotonicUs;
    this.#offsetUs = offsetUs;
    return reading.monotonicUs - this.#sinceUs >= HOLD_US;
  }
}

interface Task {
  table: "readings" | "minutes" | "hours" | "predictions";
  before: number;
}

export class HistoryRetention {
  readonly #db: Database;
  /** Series or device that is looked at next, per table; null begins anew. */
  #place: { table: string; key: string | number | null } = { table: "readings", key: null };

  constructor(db: Database) {
    this.#db = db;
  }

  /** Deletes at most a chunk, part of a transaction of the caller; false when a round is complete. */
  deleteChunk(keep: HistoryKeep, nowUs: number): boolean {
    const tasks = retentionTasks(keep, nowUs);
    const index = Math.max(0, tasks.findIndex((task) => task.table === this.#place.table));
    const task = tasks[index];
    if (task === undefined) return false;
    const key = this.#nextKey(task.table);
    if (key === null) {
      this.#place = { table: tasks[index + 1]?.table ?? "readings", key: null };
      return index + 1 < tasks.length;
    }
    if (this.#deleteOf(task, key) < CHUNK_ROWS) this.#place = { table: task.table, key };
    return true;
  }

  /** The key after the last one done; one seek in the primary key. */
  #nextKey(table: Task["table"]): string | number | null {
    const column = table === "predictions" ? "device" : "series";
    const { key } = this.#place;
    const row = key === null
      ? this.#db.get<{ key: string | number }>(`SELECT min(${column}) AS key FROM ${table}`)
      : this.#db.get<{ key: string | number }>(
        `SELECT min(${column}) AS key FROM ${table} WHERE ${column} > ?`,
        key,
      );
    return row?.key ?? null;
  }

  #deleteOf({ table, before }: Task, key: string | number): number {
    const column = table === "predictions" ? "device" : "series";
    const time = table === "minutes" || table === "hours" ? "bucket" : "at_us";
    // the chunk's newest time; rows of that same time go with it
    const edge = this.#db.get<{ edge: number | null }>(
      `SELECT max(edge) AS edge FROM (SELECT ${time} AS edge FROM ${table}
       WHERE ${column} = ? AND ${time} < ? ORDER BY ${time} LIMIT ${CHUNK_ROWS})`,
      key,
      before,
    )?.edge ?? null;
    if (edge === null) return 0;
    return this.#db.run(`DELETE FROM ${table} WHERE ${column} = ? AND ${time} <= ?`, key, edge);
  }
}

function retentionTasks(keep: HistoryKeep, nowUs: number): Task[] {
  const beforeUs = (keepMs: number) => nowUs - keepMs * 1000;
  return [
    { table: "readings", before: beforeUs(keep.readingsKeepMs) },
    { table: "predictions", before: beforeUs(keep.readingsKeepMs) },
    { table: "minutes", before: Math.floor(beforeUs(keep.minutesKeepMs) / 60_000_000) },
    { table: "hours", before: Math.floor(beforeUs(keep.hoursKeepMs) / 3_600_000_000) },
  ];
}
