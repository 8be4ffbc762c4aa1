/**
 * Moves recent values to where charts read them: `readings`, and the roll-ups `minutes` and `hours`.
 *
 * One round: the active table and the empty one change places; the one that was active is read into
 * memory, slice by slice, and sorted by series; then pieces of some hundred rows are written, series by
 * series, each with the place reached in one transaction; at the end the table is emptied. A kill in
 * between reads the table again and goes on behind `moved_series`, so every value counts exactly once.
 *
 * Values out of the plausible interval are left out of the roll-ups, where nobody could tell them.
 */
import { flagsToMask } from "@/model/reading.ts";
import type { Database, SqlValue } from "@/store/database.ts";

/** A series should bring about so many values along, which is a page of them. */
const ROWS_PER_SERIES = 60;
/** Queries read through recent values one by one: 150 000 take about 15 ms. */
const ROWS_MIN = 4000;
const ROWS_MAX = 150_000;
/** Values wait no longer than this. */
const WAIT_US = 600_000_000;
const SLICE_ROWS = 4000;
const PIECE_ROWS = 500;
const ROWS_PER_STATEMENT = 40;

const MINUTE_US = 60_000_000;
const MINUTES_PER_HOUR = 60;
const IMPLAUSIBLE = flagsToMask(["implausible"]);

interface RecentRow {
  place: number;
  series: number;
  at_us: number;
  number: number;
  item: number;
  value: number;
  flags: number;
}

interface Bucket {
  bucket: number;
  count: number;
  sum: number;
  min: number;
  max: number;
  last: number;
  lastUs: number;
}

type Table = "a" | "b";

/** What is being moved, as far as it is in memory. */
interface Round {
  table: Table;
  /** Rows read so far. */
  readThrough: number;
  /** All rows are in memory, in the order of series. */
  complete: boolean;
  bySeries: Map<number, RecentRow[]>;
  /** Series still to be moved, the last one first. */
  waiting: number[];
  movedSeries: number;
}

export class HistoryMover {
  readonly #db: Database;
  #active: Table = "a";
  #round: Round | null = null;
  #rows = 0;
  #startedUs: number | null = null;

  constructor(db: Database) {
    this.#db = db;
    this.reload();
  }

  get active(): Table {
    return this.#active;
  }

  /** Takes the committed state; what was in memory is read again. */
  reload(): void {
    const row = this.#db.get<{ active: string; moved_series: number | null }>(
      "SELECT active, moved_series FROM history",
    );
    this.#active = row?.active === "b" ? "b" : "a";
    this.#round = row?.moved_series == null ? null : this.#newRound(row.moved_series);
    this.#startedUs = null;
  }

  #newRound(movedSeries: number): Round {
    return {
      table: this.#active === "a" ? "b" : "a",
      readThrough: 0,
      complete: false,
      bySeries: new Map(),
      waiting: [],
      movedSeries,
    };
  }

  /**
   * One piece of work, part of a transaction of the caller; false when there is nothing to do.
   * After a transaction that failed, `reload`.
   */
  step({ seriesCount, monotonicUs }: { seriesCount: number; monotonicUs: number }): boolean {
    if (this.#round === null) return this.#begin(seriesCount, monotonicUs);
    if (!this.#round.complete) this.#read(this.#round);
    else if (this.#round.waiting.length > 0) this.#movePiece(this.#round);
    else this.#finish(this.#round);
    return true;
  }

  #begin(seriesCount: number, monotonicUs: number): boolean {
    this.#rows = this.#db.number(`SELECT max(place) FROM recent_${this.#active}`);
    if (this.#rows === 0) {
      this.#startedUs = null;
      return false;
    }
    this.#startedUs ??= monotonicUs;
    const enough = Math.max(ROWS_MIN, Math.min(ROWS_MAX, seriesCount * ROWS_PER_SERIES));
    if (this.#rows < enough && monotonicUs - this.#startedUs < WAIT_US) return false;
    this.#active = this.#active === "a" ? "b" : "a";
    this.#db.run("UPDATE history SET active = ?, moved_series = 0", this.#active);
    this.#round = this.#newRound(0);
    this.#startedUs = null;
    return true;
  }

  #read(round: Round): void {
    const rows = this.#db.all<RecentRow>(
      `SELECT * FROM recent_${round.table} WHERE place > ? ORDER BY place LIMIT ${SLICE_ROWS}`,
      round.readThrough,
    );
    for (const row of rows) {
      if (row.series <= round.movedSeries) continue;
      const known = round.bySeries.get(row.series);
      if (known === undefined) round.bySeries.set(row.series, [row]);
      else known.push(row);
    }
    round.readThrough = rows.at(-1)?.place ?? round.readThrough;
    if (rows.length === SLICE_ROWS) return;
    round.complete = true;
    round.waiting = [...round.bySeries.keys()].sort((a, b) => b - a);
  }

  #movePiece(round: Round): void {
    const piece: RecentRow[] = [];
    while (piece.length < PIECE_ROWS) {
      const series = round.waiting.pop();
      if (series === undefined) break;
      const rows = (round.bySeries.get(series) ?? []).sort((a, b) => a.at_us - b.at_us);
      round.bySeries.delete(series);
      round.movedSeries = series;
      piece.push(...rows);
      this.#rollUp(series, rows);
    }
    this.#writeReadings(piece);
    this.#db.run("UPDATE history SET moved_series = ?", round.movedSeries);
  }

  #finish({ table }: Round): void {
    this.#db.run(`DELETE FROM recent_${table}`);
    this.#db.run("UPDATE history SET moved_series = NULL");
    this.#round = null;
  }

  #writeReadings(rows: RecentRow[]): void {
    for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
      const part = rows.slice(start, start + ROWS_PER_STATEMENT);
      const values: SqlValue[] = [];
      for (const { series, at_us, number, item, value, flags } of part) {
        values.push(series, at_us, number, item, value, flags);
      }
      const places = Array(part.length).fill("(?, ?, ?, ?, ?, ?)").join(", ");
      this.#db.run(
        `INSERT OR IGNORE INTO readings (series, at_us, number, item, value, flags)
         VALUES ${places}`,
        ...values,
      );
    }
  }

  #rollUp(series: number, rows: RecentRow[]): void {
    const minutes: Bucket[] = [];
    for (const { at_us, value, flags } of rows) {
      if ((flags & IMPLAUSIBLE) === 0) addValue(minutes, at_us, value);
    }
    const hours: Bucket[] = [];
    for (const minute of minutes) {
      addBucket(hours, { ...minute, bucket: Math.floor(minute.bucket / MINUTES_PER_HOUR) });
    }
    for (const bucket of minutes) this.#writeBucket("minutes", series, bucket);
    for (const bucket of hours) this.#writeBucket("hours", series, bucket);
  }

  #writeBucket(table: "minutes" | "hours", series: number, b: Bucket): void {
    this.#db.run(
      `INSERT INTO ${table} (series, bucket, count, sum, min, max, last, last_us)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (series, bucket) DO UPDATE SET count = count + excluded.count,
         sum = sum + excluded.sum, min = min(min, excluded.min), max = max(max, excluded.max),
         last = iif(excluded.last_us >= last_us, excluded.last, last),
         last_us = max(last_us, excluded.last_us)`,
      series,
      b.bucket,
      b.count,
      b.sum,
      b.min,
      b.max,
      b.last,
      b.lastUs,
    );
  }
}

/** Values come in the order of time: only the last bucket can be the one. */
function addValue(minutes: Bucket[], atUs: number, value: number): void {
  const bucket = Math.floor(atUs / MINUTE_US);
  addBucket(minutes, {
    bucket,
    count: 1,
    sum: value,
    min: value,
    max: value,
    last: value,
    lastUs: atUs,
  });
}

function addBucket(buckets: Bucket[], added: Bucket): void {
  const current = buckets.at(-1);
  if (current === undefined || current.bucket !== added.bucket) {
    buckets.push(added);
    return;
  }
  current.count += added.count;
  current.sum += added.sum;
  current.min = Math.min(current.min, added.min);
  current.max = Math.max(current.max, added.max);
  current.last = added.last;
  current.lastUs = added.lastUs;
}
