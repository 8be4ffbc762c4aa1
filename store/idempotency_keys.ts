/** `Idempotency-Key` of HTTP: one key is taken once within 24 hours of the log's time. */
import type { Database } from "@/store/database.ts";

export const IDEMPOTENCY_KEEP_US = 24 * 3_600_000_000;
/** About 120 MB at the most; beyond it the oldest keys are forgotten early. */
const KEYS_MAX = 1_000_000;
const CHUNK_ROWS = 2000;

export class IdempotencyKeys {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Id of the message that came with the key; null when the key is free. */
  find(key: string, nowUs: number): string | null {
    const row = this.#db.get<{ message_id: string; at_us: number }>(
      "SELECT message_id, at_us FROM idempotency WHERE key = ?",
      key,
    );
    return row !== undefined && row.at_us > nowUs - IDEMPOTENCY_KEEP_US ? row.message_id : null;
  }

  add(key: string, messageId: string, atUs: number): void {
    this.#db.run(
      "INSERT OR REPLACE INTO idempotency (key, message_id, at_us) VALUES (?, ?, ?)",
      key,
      messageId,
      atUs,
    );
  }

  /** Deletes a chunk of keys that are too old or too many; returns how many. */
  prune(nowUs: number): number {
    const bounds = this.#db.get<{ first: number | null; last: number | null }>(
      "SELECT min(id) AS first, max(id) AS last FROM idempotency",
    );
    if (bounds?.first == null || bounds.last === null) return 0;
    const surplusBefore = bounds.last - KEYS_MAX;
    return this.#db.run(
      `DELETE FROM idempotency WHERE id IN
         (SELECT id FROM idempotency ORDER BY id LIMIT ${CHUNK_ROWS})
       AND (at_us <= ? OR id <= ?)`,
      nowUs - IDEMPOTENCY_KEEP_US,
      surplusBefore,
    );
  }
}
