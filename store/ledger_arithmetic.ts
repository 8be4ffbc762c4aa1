/**
 * The arithmetic of one destination's ledger, without any SQL.
 *
 * `accepted = last − created_after + backfilled`; what is above the cursor is enqueued (or in flight
 * inside the lease); what is below is acked, expired or dropped, unless an exception says dead or
 * retry. Totals only grow, and only in the transaction that moves the cursor.
 */
import { PermanentError } from "@/model/errors.ts";
import type { Ledger } from "@/model/ledger.ts";
import type { Settlement } from "@/store/store_types.ts";

export interface DestinationRow {
  name: string;
  created_after: number;
  cursor: number;
  /** `offset_bytes` of the log at the cursor. */
  cursor_bytes: number;
  acked: number;
  expired: number;
  purged: number;
  dropped: number;
  backfilled: number;
  dead: number;
  retry: number;
  dead_bytes: number;
  retry_bytes: number;
  paused: number;
  removed: number;
}

/** Numbers that the log lost: nothing is stored under them, and nothing ever will be. */
export interface Gap {
  from_number: number;
  through_number: number;
}

export interface Lease {
  throughNumber: number;
  retryNumbers: ReadonlySet<number>;
}

/** The end of the log. */
export interface LogHead {
  lastNumber: number;
  lastBytes: number;
}

/** How many rows exist in (after, through]. */
export function rowsBetween(after: number, through: number, gaps: readonly Gap[]): number {
  let rows = Math.max(0, through - after);
  for (const gap of gaps) {
    const from = Math.max(gap.from_number, after + 1);
    const to = Math.min(gap.through_number, through);
    if (to >= from) rows -= to - from + 1;
  }
  return rows;
}

/** The ledger as it is shown; `oldestUs` is looked up by the caller. */
export function ledgerOf(
  row: DestinationRow,
  { head, lease, oldestUs }: { head: LogHead; lease: Lease | null; oldestUs: number | null },
): Ledger {
  const inFlight = inFlightOf(row, head, lease);
  return {
    destination: row.name,
    accepted: head.lastNumber - row.created_after + row.backfilled,
    acked: row.acked,
    expired: row.expired,
    purged: row.purged,
    dropped: row.dropped,
    enqueued: head.lastNumber - row.cursor + row.retry - inFlight,
    inFlight,
    dead: row.dead,
    oldestUs,
    queuedBytes: head.lastBytes - row.cursor_bytes + row.retry_bytes,
    paused: row.paused !== 0,
    removed: row.removed !== 0,
  };
}

function inFlightOf(row: DestinationRow, head: LogHead, lease: Lease | null): number {
  if (lease === null) return 0;
  const through = Math.min(lease.throughNumber, head.lastNumber);
  return Math.max(0, through - row.cursor) + lease.retryNumbers.size;
}

/**
 * Moves the cursor to `throughNumber` and counts what became of the range. Returns the new row; the
 * counters of exceptions are changed by whoever writes them.
 * Throws `PermanentError` when the settlement does not fit the log: nothing of it may be applied.
 */
export function moveCursor(
  row: DestinationRow,
  settlement: Settlement,
  { head, gaps, throughBytes }: { head: LogHead; gaps: readonly Gap[]; throughBytes: number },
): DestinationRow {
  const { throughNumber, rows, expired, dead } = settlement;
  if (throughNumber < row.cursor || throughNumber > head.lastNumber) {
    throw misfit(row, `number ${throughNumber} is outside ${row.cursor}…${head.lastNumber}`);
  }
  const range = throughNumber - row.cursor;
  const present = rowsBetween(row.cursor, throughNumber, gaps);
  if (rows !== present) throw misfit(row, `it claims ${rows} rows, the log has ${present}`);
  const acked = present - expired - dead.length;
  if (acked < 0 || expired < 0) {
    throw misfit(row, `${expired} expired and ${dead.length} dead of ${present} rows`);
  }
  return {
    ...row,
    cursor: throughNumber,
    cursor_bytes: throughNumber === row.cursor ? row.cursor_bytes : throughBytes,
    acked: row.acked + acked,
    expired: row.expired + expired,
    dropped: row.dropped + (range - present),
  };
}

function misfit(row: DestinationRow, cause: string): PermanentError {
  return new PermanentError(`Cannot settle for destination "${row.name}": ${cause}`, {
    code: "STO-0301",
    hint: "Report this, the messages stay enqueued and are sent again",
  });
}
