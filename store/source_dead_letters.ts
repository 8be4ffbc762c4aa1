/** Undecodable input, kept for inspection: bounded by count and bytes, the oldest go first. */
import { type Rejection, SOURCE_KINDS } from "@/model/message.ts";
import type { Database, SqlValue } from "@/store/database.ts";
import type { SourceDeadFilter } from "@/store/store_types.ts";

/** A larger payload is kept cut to this. */
const PAYLOAD_BYTES_MAX = 65_536;
const BYTES_MAX = 64 * 1_048_576;
const CHUNK_ROWS = 1000;
/** Beside the payload: row and texts. */
const ROW_BYTES = 256;

interface Totals {
  count: number;
  bytes: number;
  /** Letters that made room for newer ones, ever. */
  evicted: number;
}

export class SourceDeadLetters {
  readonly #db: Database;
  #totals: Totals = { count: 0, bytes: 0, evicted: 0 };

  constructor(db: Database) {
    this.#db = db;
    this.reload();
  }

  get count(): number {
    return this.#totals.count;
  }

  get evicted(): number {
    return this.#totals.evicted;
  }

  reload(): void {
    const row = this.#db.get<{ value: string }>("SELECT value FROM meta WHERE key = 'source_dead'");
    const [count = 0, bytes = 0, evicted = 0] = (row?.value ?? "").split(" ").map(Number);
    this.#totals = { count, bytes, evicted };
  }

  /** Counts the rows again: after salvage, which copies rows without their totals. */
  recount(): void {
    this.#totals.count = this.#db.number("SELECT count(*) FROM source_dead");
    this.#totals.bytes = this.#db.number("SELECT sum(bytes) FROM source_dead");
    this.#saveTotals();
  }

  add(rejection: Rejection, { atMs, countMax }: { atMs: number; countMax: number }): void {
    const payload = rejection.payload.subarray(0, PAYLOAD_BYTES_MAX);
    const cut = rejection.payload.length - payload.length;
    const detail = cut > 0 ? `${rejection.detail} (${cut} bytes not kept)` : rejection.detail;
    const bytes = payload.length + ROW_BYTES;
    this.#db.run(
      `INSERT INTO source_dead (source, source_name, device, reason, at_ms, bytes, topic, detail,
         payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      SOURCE_KINDS.indexOf(rejection.source),
      rejection.sourceName,
      rejection.device,
      rejection.reason,
      atMs,
      bytes,
      rejection.topic,
      detail,
      payload,
    );
    this.#totals.count++;
    this.#totals.bytes += bytes;
    this.#evict(countMax);
    this.#saveTotals();
  }

  #evict(countMax: number): void {
    while (this.#totals.count > countMax || this.#totals.bytes > BYTES_MAX) {
      const surplus = Math.min(CHUNK_ROWS, Math.max(1, this.#totals.count - countMax));
      const gone = this.#deleteWhere(`id IN (SELECT id FROM source_dead ORDER BY id LIMIT ?)`, [
        surplus,
      ]);
      if (gone === 0) return;
      this.#totals.evicted += gone;
    }
  }

  /** Deletes at most a chunk; returns how many. */
  deleteChunk(filter: SourceDeadFilter): number {
    const { where, values } = sourceDeadCondition(filter);
    const gone = this.#deleteWhere(
      `id IN (SELECT id FROM source_dead WHERE ${where} ORDER BY id LIMIT ${CHUNK_ROWS})`,
      values,
    );
    this.#saveTotals();
    return gone;
  }

  #deleteWhere(where: string, values: SqlValue[]): number {
    const rows = this.#db.all<{ bytes: number }>(
      `DELETE FROM source_dead WHERE ${where} RETURNING bytes`,
      ...values,
    );
    this.#totals.count -= rows.length;
    this.#totals.bytes -= rows.reduce((sum, row) => sum + row.bytes, 0);
    return rows.length;
  }

  #saveTotals(): void {
    const { count, bytes, evicted } = this.#totals;
    this.#db.run(
      "INSERT OR REPLACE INTO meta (key, value) VALUES ('source_dead', ?)",
      `${count} ${bytes} ${evicted}`,
    );
  }
}

/** The SQL of a filter of source dead letters. */
export function sourceDeadCondition(
  filter: SourceDeadFilter,
): { where: string; values: SqlValue[] } {
  const parts = ["1"];
  const values: SqlValue[] = [];
  const add = (part: string, value: SqlValue) => {
    parts.push(part);
    values.push(value);
  };
  if (filter.reason !== undefined) add("reason = ?", filter.reason);
  if (filter.device !== undefined) add("device = ?", filter.device);
  if (filter.ids !== undefined) {
    add("id IN (SELECT value FROM json_each(?))", JSON.stringify(filter.ids));
  }
  if (filter.afterLetter !== undefined) add("id > ?", filter.afterLetter);
  if (filter.throughLetter !== undefined) add("id <= ?", filter.throughLetter);
  return { where: parts.join(" AND "), values };
}
