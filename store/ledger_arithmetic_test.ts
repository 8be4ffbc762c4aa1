import assert from "node:assert/strict";
import fc from "fast-check";
import { conserves } from "@/model/ledger.ts";
import { settlement } from "@/store/fixture.ts";
import {
  type DestinationRow,
  ledgerOf,
  moveCursor,
  rowsBetween,
} from "@/store/ledger_arithmetic.ts";

const ROW: DestinationRow = {
  name: "db",
  created_after: 0,
  cursor: 0,
  cursor_bytes: 0,
  acked: 0,
  expired: 0,
  purged: 0,
  dropped: 0,
  backfilled: 0,
  dead: 0,
  retry: 0,
  dead_bytes: 0,
  retry_bytes: 0,
  paused: 0,
  removed: 0,
};

Deno.test("rows between: numbers minus gaps, cut at both ends", () => {
  const gaps = [{ from_number: 3, through_number: 5 }, { from_number: 9, through_number: 9 }];
  assert.equal(rowsBetween(0, 10, gaps), 6);
  assert.equal(rowsBetween(3, 4, gaps), 0);
  assert.equal(rowsBetween(4, 9, gaps), 3);
  assert.equal(rowsBetween(10, 10, gaps), 0);
  assert.equal(rowsBetween(10, 5, gaps), 0);
});

Deno.test("moving a cursor: whatever it passes is acked, expired, dead or dropped", () => {
  const gaps = fc.array(
    fc.record({ from: fc.integer({ min: 1, max: 60 }), length: fc.integer({ min: 1, max: 5 }) }),
    { maxLength: 3 },
  );
  fc.assert(fc.property(gaps, fc.nat(80), fc.nat(80), fc.nat(3), fc.nat(3), (spots, a, b, d, e) => {
    const last = 80;
    // gaps as the table has them: apart, in order
    const taken = spots.sort((x, y) => x.from - y.from).reduce<
      { from_number: number; through_number: number }[]
    >((list, { from, length }) => {
      const start = Math.max(from, (list.at(-1)?.through_number ?? 0) + 2);
      return [...list, { from_number: start, through_number: start + length - 1 }];
    }, []);
    const head = { lastNumber: last, lastBytes: last * 10 };
    const cursor = Math.min(a, b);
    const throughNumber = Math.max(a, b);
    const row = { ...ROW, cursor, acked: cursor };
    const rows = rowsBetween(cursor, throughNumber, taken);
    const dead = Array.from({ length: Math.min(d, rows) }, (_, i) => ({
      number: cursor + 1 + i,
      error: "",
      attempts: 1,
    }));
    const expired = Math.min(e, rows - dead.length);
    const parts = settlement({ destination: "db", throughNumber, rows, expired, dead });
    const moved = moveCursor(row, parts, { head, gaps: taken, throughBytes: throughNumber * 10 });
    const after = { ...moved, dead: dead.length };
    const ledger = ledgerOf(after, { head, lease: null, oldestUs: null });
    assert(conserves(ledger), JSON.stringify(ledger));
    assert.equal(ledger.dropped, throughNumber - cursor - rows);
    assert.equal(
      ledger.queuedBytes,
      moved.cursor === cursor ? last * 10 : (last - throughNumber) * 10,
    );
  }));
});

Deno.test("ledger: a lease beyond the end of the log counts what is there", () => {
  const lease = { throughNumber: 100, retryNumbers: new Set([1, 2]) };
  const head = { lastNumber: 10, lastBytes: 0 };
  const row = { ...ROW, cursor: 4, acked: 2, retry: 2, created_after: 0 };
  const { enqueued, inFlight } = ledgerOf(row, { head, lease, oldestUs: null });
  assert.deepEqual([enqueued, inFlight], [0, 8]);
});
