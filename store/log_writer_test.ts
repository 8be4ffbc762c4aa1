import assert from "node:assert/strict";
import { conserves, type Ledger } from "@/model/ledger.ts";
import { ConfigError } from "@/model/errors.ts";
import { batchOf, message, START_MS, TestEnvironment, TestWriter } from "@/store/fixture.ts";
import { HOLD_US } from "@/store/stamping.ts";

function ledger(test: TestWriter, name: string): Ledger {
  const found = test.writer.snapshot().ledgers.find((entry) => entry.destination === name);
  assert(found !== undefined);
  assert(conserves(found), JSON.stringify(found));
  return found;
}

function counts(test: TestWriter, name: string): Record<string, number> {
  const { accepted, acked, expired, purged, dropped, enqueued, inFlight, dead } = ledger(
    test,
    name,
  );
  const all = { accepted, acked, expired, purged, dropped, enqueued, inFlight, dead };
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count !== 0));
}

function receptions(test: TestWriter): number[] {
  return test.writer.database.all<{ received_us: number }>(
    "SELECT received_us FROM messages ORDER BY number",
  ).map((row) => row.received_us);
}

// --- duplicates -----------------------------------------------------------------------------------

Deno.test("writer: a numbered message is taken once, also within one batch and over a kill", async () => {
  using test = await TestWriter.open();
  const numbered = message("a", { seq: 5, sentAt: { us: 1_767_225_600_000_000, ns: 0 } });
  assert.deepEqual(test.append(numbered, numbered), [1, 0]);
  assert.deepEqual(test.append({ ...numbered, device: "b" }), [2], "another device");
  assert.deepEqual(test.append({ ...numbered, payload: `{"t":2}` }), [3], "other content");
  assert.deepEqual(test.append({ ...numbered, sentAt: null }), [4], "another time");
  await test.reopen({ kill: true });
  assert.deepEqual(test.append(numbered), [0]);
  await test.reopen({ kill: false });
  assert.deepEqual(test.append(numbered), [0]);
});

Deno.test("writer: unnumbered messages are never duplicates", async () => {
  using test = await TestWriter.open();
  assert.deepEqual(test.append(message("a"), message("a")), [1, 2]);
});

Deno.test("writer: an idempotency key is taken once in 24 hours, and tells the first id", async () => {
  using test = await TestWriter.open();
  const keyed = message("a", { idempotencyKey: "http:a:k1" });
  test.append(keyed);
  const { outcome } = test.commit([keyed]);
  const { status } = test.writer;
  assert.deepEqual(outcome?.duplicateIds, [[0, `${status.epochHex}${"1".padStart(16, "0")}`]]);
  test.environment.advance(24 * 3_600_000 + 1);
  assert.deepEqual(test.append(keyed), [2]);
  test.upkeep();
  assert.equal(test.writer.database.number("SELECT count(*) FROM idempotency"), 1);
});

Deno.test("writer: windows survive the pruning of the log they came from", async () => {
  using test = await TestWriter.open({ keepMs: 0 });
  const numbered = message("a", { seq: 1 });
  test.append(numbered);
  test.environment.advance(61_000);
  test.upkeep();
  test.environment.advance(1000);
  test.upkeep();
  assert.equal(test.writer.database.number("SELECT count(*) FROM messages"), 0);
  await test.reopen({ kill: true });
  assert.deepEqual(test.append(numbered), [0]);
  assert.deepEqual(test.append(message("a")), [2], "numbers go on after a full prune");
});

// --- receivers ------------------------------------------------------------------------------------

Deno.test("writer: the first receiver names its nodes plainly, for good", async () => {
  using test = await TestWriter.open();
  const packet = (device: string) => message(device, { fromReceiver: true });
  const prefixed = (device: string) => (test.commit([packet(device)]).outcome?.flags[0] ?? 0) & 2;
  assert.equal(prefixed("N2"), 0);
  assert.equal(prefixed("N3"), 2);
  await test.reopen();
  assert.equal(prefixed("N3"), 2);
  assert.equal(prefixed("N2"), 0);
});

// --- clock ----------------------------------------------------------------------------------------

Deno.test("writer: messages before the clock is trusted are held, then stamped", async () => {
  const environment = new TestEnvironment();
  environment.wallMs = 0;
  using test = await TestWriter.open({}, environment);
  test.writer.syncDestinations(["db"]);
  test.append(message("a"));
  environment.advance(5000);
  test.append(message("a"));
  assert.equal(test.writer.status.clockTrusted, false);
  assert.equal(test.writer.status.stampedThrough, 0);
  environment.advance(5000);
  environment.wallMs = START_MS;
  test.append(message("a"));
  assert.equal(test.writer.status.stampedThrough, 0, "still to be stamped");
  test.upkeep();
  assert.equal(test.writer.status.stampedThrough, 3);
  const start = START_MS * 1000;
  assert.deepEqual(receptions(test), [start - 10_000_000, start - 5_000_000, start]);
  const flags = test.writer.database.all<{ flags: number }>("SELECT flags FROM messages");
  assert.deepEqual(flags.map((row) => row.flags), [1, 1, 0], "the flag stays");
});

Deno.test("writer: held messages of this boot are stamped after a restart, of another are let go", async () => {
  const environment = new TestEnvironment();
  environment.wallMs = 0;
  using test = await TestWriter.open({}, environment);
  test.append(message("a"));
  await test.reopen({ kill: true });
  assert.equal(test.writer.status.stampedThrough, 0);
  environment.advance(2000);
  await test.reopen({ kill: true, changes: { bootId: "boot-2" } });
  assert.equal(test.writer.status.stampedThrough, 1);
});

Deno.test("writer: without any clock messages go on after a while, flagged", async () => {
  const environment = new TestEnvironment();
  environment.wallMs = 0;
  using test = await TestWriter.open({ keepMs: 1e12 }, environment);
  test.append(message("a"));
  environment.advance(HOLD_US / 1000);
  test.upkeep();
  assert.equal(test.writer.status.stampedThrough, 1);
  const [estimated] = receptions(test);
  environment.wallMs = START_MS;
  test.append(message("a"));
  test.upkeep();
  assert.equal(receptions(test)[0], estimated, "what may have been sent keeps its time");
  assert(environment.notices.some((notice) => notice.code === "STO-0402"));
});

// --- destinations ---------------------------------------------------------------------------------

Deno.test("ledger: begins at the head of the log, counts every way out", async () => {
  using test = await TestWriter.open();
  test.append(message("a"));
  test.writer.syncDestinations(["db"]);
  assert.deepEqual(counts(test, "db"), {});
  test.append(...["b", "c", "d", "e"].map((device) => message(device)));
  test.writer.lease("db", 3, []);
  assert.deepEqual(counts(test, "db"), { accepted: 4, enqueued: 2, inFlight: 2 });
  const dead = [{ number: 3, error: "bad value", attempts: 2 }];
  const done = test.settle({ destination: "db", throughNumber: 4, rows: 3, expired: 1, dead });
  assert.equal(done, null);
  assert.deepEqual(counts(test, "db"), { accepted: 4, acked: 1, expired: 1, dead: 1, enqueued: 1 });
  await test.reopen({ kill: true });
  assert.deepEqual(counts(test, "db"), { accepted: 4, acked: 1, expired: 1, dead: 1, enqueued: 1 });
});

Deno.test("ledger: a settlement that does not fit changes nothing", async () => {
  using test = await TestWriter.open();
  test.writer.syncDestinations(["db"]);
  test.append(message("a"), message("b"));
  const refused: [Parameters<TestWriter["settle"]>[0], RegExp][] = [
    [{ destination: "db", throughNumber: 3, rows: 3 }, /number 3 is outside 0…2/],
    [{ destination: "db", throughNumber: 2, rows: 1 }, /claims 1 rows, the log has 2/],
    [{ destination: "db", throughNumber: 1, rows: 1, expired: 2 }, /2 expired and 0 dead of 1/],
    [{ destination: "no", throughNumber: 1, rows: 1 }, /Cannot find destination "no"/],
    [{ destination: "db", retriesAcked: [1] }, /message 1 .* is not waiting there/],
    [
      {
        destination: "db",
        throughNumber: 1,
        rows: 1,
        dead: [{ number: 2, error: "", attempts: 1 }],
      },
      /message 2 .* is not waiting there/,
    ],
    [
      {
        destination: "db",
        throughNumber: 2,
        rows: 2,
        dead: [1, 1].map((number) => ({ number, error: "", attempts: 1 })),
      },
      /message 1 .* is not waiting there/,
    ],
  ];
  for (const [settlement, text] of refused) {
    assert.match(test.settle(settlement)?.message ?? "", text);
    assert.deepEqual(counts(test, "db"), { accepted: 2, enqueued: 2 });
  }
});

Deno.test("ledger: settlements share the commit that follows", async () => {
  using test = await TestWriter.open();
  test.writer.syncDestinations(["db"]);
  test.append(message("a"));
  let settled: Error | null | undefined;
  const settlement = { destination: "db", throughNumber: 1, rows: 1, expired: 0, dead: [] };
  test.writer.settleLater(
    { ...settlement, retriesAcked: [], retriesDead: [], retriesExpired: [] },
    (error) => settled = error,
  );
  assert.equal(settled, undefined);
  test.append(message("b"));
  assert.equal(settled, null);
  assert.deepEqual(counts(test, "db"), { accepted: 2, acked: 1, enqueued: 1 });
});

Deno.test("dead letters: replay, edit, die again, purge", async () => {
  using test = await TestWriter.open();
  test.writer.syncDestinations(["db", "other"]);
  test.append(message("a"), message("b"));
  const dead = [1, 2].map((number) => ({ number, error: "no such column", attempts: 1 }));
  test.settle({ destination: "db", throughNumber: 2, rows: 2, dead });
  assert.deepEqual(counts(test, "db"), { accepted: 2, dead: 2 });
  const idOf = (number: number) =>
    `${test.writer.status.epochHex}${String(number).padStart(16, "0")}`;

  assert.equal(await test.writer.replayDead({ destination: "db", reason: "timeout" }, {}), 0);
  const edited = { payload: `{"temperature":1}` };
  await assert.rejects(test.writer.replayDead({ destination: "db" }, edited), ConfigError);
  assert.deepEqual(counts(test, "db"), { accepted: 2, dead: 2 }, "nothing half done");
  assert.equal(await test.writer.replayDead({ ids: [idOf(1)] }, edited), 1);
  assert.deepEqual(test.environment.retries, ["db"]);
  assert.deepEqual(counts(test, "db"), { accepted: 2, dead: 1, enqueued: 1 });
  assert.equal(test.writer.journey(idOf(1))?.deliveries[0]?.state, "enqueued");

  test.writer.lease("db", 2, [1]);
  assert.deepEqual(counts(test, "db"), { accepted: 2, dead: 1, inFlight: 1 });
  const again = [{ number: 1, error: "still bad", attempts: 1 }];
  assert.equal(test.settle({ destination: "db", throughNumber: 2, retriesDead: again }), null);
  assert.deepEqual(counts(test, "db"), { accepted: 2, dead: 2 });
  const [first] = test.writer.journey(idOf(1))?.deliveries ?? [];
  assert.deepEqual([first?.state, first?.attempts, first?.error], ["dead", 2, "still bad"]);

  assert.equal(await test.writer.replayDead({ ids: [idOf(2)] }, {}), 1);
  assert.equal(test.settle({ destination: "db", throughNumber: 2, retriesAcked: [2] }), null);
  assert.equal(await test.writer.purgeDead({}, { name: "admin", address: "local" }), 1);
  assert.deepEqual(counts(test, "db"), { accepted: 2, acked: 1, purged: 1 });
  assert.deepEqual(counts(test, "other"), { accepted: 2, enqueued: 2 });
});

Deno.test("destinations: pause, removal and return keep what waits; forgetting does not", async () => {
  using test = await TestWriter.open();
  test.writer.syncDestinations(["db"]);
  test.append(message("a"));
  test.writer.pauseDestination("db", true);
  assert.equal(test.writer.cursors()[0]?.paused, true);
  test.writer.syncDestinations([]);
  assert.deepEqual(test.writer.cursors(), []);
  assert.equal(ledger(test, "db").removed, true);
  test.append(message("a"));
  test.writer.syncDestinations(["db"]);
  assert.deepEqual(counts(test, "db"), { accepted: 2, enqueued: 2 });
  test.writer.forgetDestination("db");
  assert.deepEqual(test.writer.snapshot().ledgers, []);
  assert.throws(() => test.writer.forgetDestination("db"), /Cannot find destination "db"/);
});

Deno.test("backfill: gives a window once more, and counts it", async () => {
  using test = await TestWriter.open();
  const times: number[] = [];
  for (const device of ["a", "b", "c"]) {
    test.environment.advance(1000);
    test.append(message(device));
    times.push(test.environment.wallMs * 1000);
  }
  test.writer.syncDestinations(["db"]);
  const window = { fromUs: times[1] ?? 0, throughUs: times[2] ?? 0 };
  assert.equal(await test.writer.backfillDestination("db", window), 2);
  assert.equal(await test.writer.backfillDestination("db", window), 0, "they wait already");
  assert.deepEqual(counts(test, "db"), { accepted: 2, enqueued: 2 });
  test.settle({ destination: "db", throughNumber: 3, retriesAcked: [2], retriesExpired: [3] });
  assert.deepEqual(counts(test, "db"), { accepted: 2, acked: 1, expired: 1 });
});

// --- pruning and limits ---------------------------------------------------------------------------

Deno.test("pruning: spares what a destination, the history or the windows still need", async () => {
  using test = await TestWriter.open({ keepMs: 0 });
  test.writer.syncDestinations(["db", "slow"]);
  test.append(...Array.from({ length: 10 }, () => message("a")));
  test.settle({ destination: "db", throughNumber: 10, rows: 10 });
  test.settle({ destination: "slow", throughNumber: 4, rows: 4 });
  test.environment.advance(61_000);
  test.upkeep();
  test.environment.advance(1);
  test.upkeep();
  const numbers = test.writer.database.all<{ number: number }>("SELECT number FROM messages");
  assert.deepEqual(numbers.map((row) => row.number), [5, 6, 7, 8, 9, 10]);
  assert.deepEqual(counts(test, "slow"), { accepted: 10, acked: 4, enqueued: 6 });
});

Deno.test("pruning: keeps delivered messages for their time and within their bytes", async () => {
  const payload = `{"text":"${"x".repeat(1000)}"}`;
  using test = await TestWriter.open({ keepMs: 60_000, keepBytesMax: 5000 });
  test.append(...Array.from({ length: 10 }, () => message("a", { payload })));
  test.environment.advance(61_000);
  test.append(message("a", { payload }));
  test.upkeep();
  test.environment.advance(1000);
  test.upkeep();
  assert.equal(test.writer.database.number("SELECT count(*) FROM messages"), 1);
  test.append(...Array.from({ length: 10 }, () => message("a", { payload })));
  test.environment.advance(61_000);
  test.upkeep();
  test.environment.advance(-30_000);
  test.upkeep();
  assert(test.writer.database.number("SELECT count(*) FROM messages") <= 5);
});

Deno.test("queue limit: refuses by status, and recovers when it drains", async () => {
  const payload = `{"text":"${"x".repeat(1000)}"}`;
  using test = await TestWriter.open({ queueBytesMax: 10_000, keepMs: 0 });
  test.writer.syncDestinations(["db"]);
  test.append(...Array.from({ length: 10 }, () => message("a", { payload })));
  const { status } = test.writer;
  assert.equal(status.full?.code, "STO-0203");
  assert.match(status.full?.hint ?? "", /destination "db"/);
  test.upkeep();
  test.settle({ destination: "db", throughNumber: 10, rows: 10 });
  test.upkeep();
  assert.equal(test.writer.status.full, null);
});

Deno.test("queue limit: drop_oldest makes room and counts it dropped", async () => {
  const payload = `{"text":"${"x".repeat(1000)}"}`;
  using test = await TestWriter.open({ queueBytesMax: 10_000, whenFull: "drop_oldest" });
  test.writer.syncDestinations(["db"]);
  test.append(...Array.from({ length: 10 }, () => message("a", { payload })));
  test.upkeep();
  assert.equal(test.writer.status.full, null);
  const { dropped = 0, accepted } = counts(test, "db");
  assert.equal(accepted, 10);
  assert(dropped > 0);
  assert(test.environment.destinationChanges > 1, "the forward Worker is told");
});

Deno.test("free space: below the floor new data is refused, delivered messages go first", async () => {
  const environment = new TestEnvironment();
  environment.free = 1 << 30;
  using test = await TestWriter.open({ freeBytesMin: 1000 }, environment);
  const fullCode = () => test.writer.status.full?.code ?? null;
  test.append(message("a"));
  assert.equal(fullCode(), null);
  environment.free = -1_000_000_000;
  environment.advance(1000);
  test.upkeep();
  assert.equal(fullCode(), "STO-0202");
  assert.equal(test.writer.database.number("SELECT count(*) FROM messages"), 0);
  environment.free = 1 << 30;
  environment.advance(1000);
  test.upkeep();
  assert.equal(fullCode(), null);
});

// --- sources' dead letters, trail ---------------------------------------------------------------------

Deno.test("source dead letters: bounded, the oldest go first and are counted", async () => {
  using test = await TestWriter.open({ sourceDeadMax: 3 });
  const rejection = (reason: string) => ({
    source: "mqtt" as const,
    sourceName: "broker",
    device: null,
    topic: "t",
    payload: new Uint8Array(100_000),
    reason,
    detail: "d",
  });
  const rejections = ["a", "b", "c", "d", "e"].map(rejection);
  test.writer.commit({ ...batchOf([]), rejections });
  const { sourceDead, sourceDeadEvicted } = test.writer.snapshot();
  assert.deepEqual([sourceDead, sourceDeadEvicted], [3, 2]);
  const rows = test.writer.database.all<{ reason: string; size: number; detail: string }>(
    "SELECT reason, length(payload) AS size, detail FROM source_dead",
  );
  assert.deepEqual(rows.map((row) => [row.reason, row.size]), [
    ["c", 65_536],
    ["d", 65_536],
    ["e", 65_536],
  ]);
  assert.match(rows[0]?.detail ?? "", /34464 bytes not kept/);
  await test.reopen({ kill: true });
  assert.equal(test.writer.snapshot().sourceDeadEvicted, 2);
});

Deno.test("epochs: a kill within one boot keeps the epoch, power loss begins a new one", async () => {
  using test = await TestWriter.open();
  test.append(message("a"));
  const { epochHex } = test.writer.status;
  const firstId = `${epochHex}${"1".padStart(16, "0")}`;
  await test.reopen({ kill: true });
  assert.equal(test.writer.status.epochHex, epochHex);
  await test.reopen({ kill: false, changes: { bootId: "boot-2" } });
  assert.equal(test.writer.status.epochHex, epochHex, "a clean stop");
  await test.reopen({ kill: true, changes: { bootId: "boot-3" } });
  assert.notEqual(test.writer.status.epochHex, epochHex);
  test.append(message("a"));
  assert.equal(test.writer.journey(firstId)?.message?.id, firstId, "older ids stay what they were");
  const secondId = `${test.writer.status.epochHex}${"2".padStart(16, "0")}`;
  assert.equal(test.writer.journey(secondId)?.message?.number, 2);
  assert.equal(test.writer.journey(`${epochHex}${"2".padStart(16, "0")}`), null);
});
