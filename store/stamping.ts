/**
 * Rows that were taken before the clock was trusted. They form one run at the end of the log, from
 * `unstampedFrom` on. Once the clock is trusted, their times are replaced, chunk by chunk, and only
 * then may cursors pass them: every copy carries the same times.
 *
 * A machine that never learns the time would hold its messages for ever: after `HOLD_US` they go on
 * with their estimated times and keep them. So do those of an earlier boot, whose monotonic clock is
 * gone.
 */
import type { Database } from "@/store/database.ts";
import { FLAG_CLOCK_UNTRUSTED, type MessageLog } from "@/store/message_log.ts";
import { type ClockReading, restamp } from "@/store/reception_clock.ts";

export const HOLD_US = 15 * 60_000_000;
const CHUNK_ROWS = 2000;

export class Stamping {
  readonly #db: Database;
  readonly #log: MessageLog;
  readonly #boot: number;
  #unstampedFrom: number | null = null;
  /** Monotonic time until which rows are held; null when they are held no longer. */
  #holdUntilUs: number | null;

  constructor(
    db: Database,
    { log, boot, reading }: { log: MessageLog; boot: number; reading: ClockReading },
  ) {
    this.#db = db;
    this.#log = log;
    this.#boot = boot;
    this.#holdUntilUs = reading.monotonicUs + HOLD_US;
    this.reload();
  }

  /** Takes the committed state; rows of an earlier boot are let go. */
  reload(): void {
    const row = this.#db.get<{ value: string }>("SELECT value FROM meta WHERE key = 'unstamped'");
    const [from, boot] = (row?.value ?? "").split(" ").map(Number);
    this.#unstampedFrom = row !== undefined && boot === this.#boot && from !== undefined
      ? from
      : null;
  }

  get stampedThrough(): number {
    return this.#unstampedFrom === null ? this.#log.lastNumber : this.#unstampedFrom - 1;
  }

  get isPending(): boolean {
    return this.#unstampedFrom !== null;
  }

  /** A row with an estimated time is about to get this number; part of its transaction. */
  taken(number: number): void {
    if (this.#unstampedFrom !== null || this.#holdUntilUs === null) return;
    this.#keep(number);
  }

  #keep(from: number | null): void {
    this.#unstampedFrom = from;
    if (from === null) this.#db.run("DELETE FROM meta WHERE key = 'unstamped'");
    else {
      this.#db.run(
        "INSERT OR REPLACE INTO meta (key, value) VALUES ('unstamped', ?)",
        `${from} ${this.#boot}`,
      );
    }
  }

  /** The wait is over: rows go on with the times they have. */
  isOverdue(reading: ClockReading): boolean {
    return this.#holdUntilUs !== null && reading.monotonicUs >= this.#holdUntilUs;
  }

  /** Part of a transaction of the caller. */
  letGo(): void {
    this.#holdUntilUs = null;
    this.#keep(null);
  }

  /** Gives the next chunk its final times, with a trusted reading; part of a transaction. */
  stampChunk(reading: ClockReading): void {
    const from = this.#unstampedFrom;
    if (from === null) return;
    const rows = this.#db.all<{
      number: number;
      mono_us: number;
      flags: number;
      received_us: number;
    }>(
      `SELECT number, mono_us, flags, received_us FROM messages WHERE number >= ?
       ORDER BY number LIMIT ${CHUNK_ROWS}`,
      from,
    );
    let previousUs = this.#db.number(
      "SELECT received_us FROM messages WHERE number < ? ORDER BY number DESC LIMIT 1",
      from,
    );
    for (const { number, mono_us, flags, received_us } of rows) {
      if ((flags & FLAG_CLOCK_UNTRUSTED) === 0) {
        previousUs = received_us;
        continue;
      }
      previousUs = restamp(mono_us, { previousUs, reading });
      this.#db.run("UPDATE messages SET received_us = ? WHERE number = ?", previousUs, number);
    }
    const last = rows.at(-1);
    this.#keep(last === undefined || rows.length < CHUNK_ROWS ? null : last.number + 1);
  }
}
