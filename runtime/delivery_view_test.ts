import assert from "node:assert/strict";
import { DeliveryViews } from "@/runtime/delivery_view.ts";
import { RecentRates } from "@/runtime/recent_rates.ts";
import type { DestinationStatus } from "@/routes/api/queue.ts";

const LEDGER = {
  ...{ destination: "db", accepted: 10, acked: 4, expired: 0, purged: 0, dropped: 0, enqueued: 5 },
  ...{ inFlight: 1, dead: 0, oldestUs: 1_000_000, queuedBytes: 600, paused: false, removed: false },
};

const STATUS: DestinationStatus = {
  ...{ name: "db", type: "postgres", ledger: LEDGER, mode: "delivering", up: true },
  ...{ lastError: null, nextAttemptAtMs: null },
};

/** Views over a store that stands still, with clocks to turn. */
function viewsAt(clock: { ms: number; bytes: number | null }) {
  const rates = new RecentRates(() => clock.ms);
  const listeners: ((stats: { seconds: number; messages: number }) => void)[] = [];
  const views = new DeliveryViews({
    store: {
      state: {
        ...{ full: null, durability: "full", clockTrusted: true, lastNumber: 10, epochHex: "" },
        ...{ diskBytes: 1, freeBytes: null, queuedBytes: 600, stampedThrough: 10, salvaged: null },
      },
      onCommitted: (listener) => {
        listeners.push(listener);
        return () => {};
      },
      snapshot: () =>
        Promise.resolve({ ledgers: [LEDGER], sourceDead: 3, sourceDeadEvicted: 0, lastNumber: 10 }),
    },
    destinations: () => Promise.resolve([STATUS]),
    lastSuccessAtMs: () => 900,
    drainRates: rates,
    queueBytesMax: () => 1000,
    bytesWritten: () => Promise.resolve(clock.bytes),
    now: () => 3_000,
    monotonic: () => clock.ms,
  });
  const commit = (seconds: number) => listeners.forEach((tell) => tell({ seconds, messages: 1 }));
  return { views, rates, commit };
}

Deno.test("what waits has an age, and a time to empty while something moves", async () => {
  const clock = { ms: 100_000, bytes: null };
  const { views, rates } = viewsAt(clock);
  const [still] = (await views.view()).destinations;
  assert.equal(still?.toEmptyMs, null);
  assert.equal(still?.oldestMs, 2_000);
  rates.add("db", 30);
  const [moving] = (await views.view()).destinations;
  assert.equal(moving?.perSecond, 3);
  assert.equal(moving?.toEmptyMs, 2_000);
});

Deno.test("the 99th percentile is of the last commits, null before the first", async () => {
  const { views, commit } = viewsAt({ ms: 0, bytes: null });
  assert.equal((await views.view()).commitP99Ms, null);
  for (let i = 0; i < 1000; i++) commit(5);
  for (let i = 0; i < 1000; i++) commit(i < 980 ? 0.001 : 0.2);
  assert.equal((await views.view()).commitP99Ms, 200);
});

Deno.test("bytes a day are measured between two readings, so that a start does not count", async () => {
  const clock = { ms: 5_000, bytes: 80_000_000 };
  const { views } = viewsAt(clock);
  assert.equal((await views.view()).writtenBytesPerDay, null);
  clock.ms += 30_000;
  assert.equal((await views.view()).writtenBytesPerDay, null, "one reading says nothing");
  clock.ms += 30_000;
  clock.bytes += 60_000;
  await views.view();
  assert.equal((await views.view()).writtenBytesPerDay, 86_400_000);
});
