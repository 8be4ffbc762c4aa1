import assert from "node:assert/strict";
import { conserves } from "@/model/ledger.ts";
import { message, TestWriter } from "@/store/fixture.ts";

/** Room for so many more pages; SQLite then fails as on a full disk (SQLITE_FULL). */
function leavePages(test: TestWriter, pages: number): void {
  const { database } = test.writer;
  const limit = database.number("PRAGMA page_count") + pages;
  database.get(`PRAGMA max_page_count = ${limit}`);
}

function fill(test: TestWriter): number[] {
  const payload = `{"text":"${"x".repeat(3000)}"}`;
  const accepted: number[] = [];
  for (let turn = 0; turn < 1000; turn++) {
    const { outcome } = test.commit([message("a", { payload }), message("b", { payload })]);
    if (outcome === null) return accepted;
    accepted.push(...outcome.numbers);
  }
  throw new Error("The disk does not fill");
}

Deno.test("full disk: the whole commit is refused, what was accepted is there", async () => {
  using test = await TestWriter.open();
  test.writer.syncDestinations(["db"]);
  leavePages(test, 50);
  const accepted = fill(test);
  assert(accepted.length > 10);
  assert.equal(test.writer.status.full?.code, "STO-0201");
  assert.equal(test.writer.status.lastNumber, accepted.at(-1));
  const rows = test.writer.database.number("SELECT count(*) FROM messages");
  assert.equal(rows, accepted.length);
  assert(test.writer.snapshot().ledgers.every(conserves));
});

Deno.test("full disk: a refused message is no duplicate when it is sent again", async () => {
  using test = await TestWriter.open();
  const payload = `{"text":"${"x".repeat(100_000)}"}`;
  const numbered = message("a", { seq: 1, payload });
  leavePages(test, 5);
  assert.equal(test.commit([numbered]).outcome, null);
  test.writer.database.get("PRAGMA max_page_count = 1000000");
  test.upkeep();
  assert.equal(test.writer.status.full, null, "writing was tried and works");
  assert.deepEqual(test.append(numbered), [1]);
  assert.deepEqual(test.append(numbered), [0]);
});

Deno.test("full disk: settlements wait and count once there is room", async () => {
  using test = await TestWriter.open();
  test.writer.syncDestinations(["db"]);
  leavePages(test, 50);
  const through = fill(test).at(-1) ?? 0;
  const dead = [{ number: 1, error: "x".repeat(100_000), attempts: 1 }];
  let settled: Error | null | undefined;
  const rest = { expired: 0, retriesAcked: [], retriesDead: [], retriesExpired: [] };
  test.writer.settleLater(
    { destination: "db", throughNumber: through, rows: through, dead, ...rest },
    (error) => settled = error,
  );
  assert.equal(test.writer.flush(), false);
  assert.equal(settled, undefined, "neither done nor refused");
  test.writer.database.get("PRAGMA max_page_count = 1000000");
  test.upkeep();
  assert.equal(settled, null);
  const [ledger] = test.writer.snapshot().ledgers;
  assert.deepEqual([ledger?.acked, ledger?.dead, ledger?.enqueued], [through - 1, 1, 0]);
});

Deno.test("full disk: draining makes room by itself", async () => {
  using test = await TestWriter.open({ keepMs: 1e12 });
  test.writer.syncDestinations(["db"]);
  leavePages(test, 200);
  const through = fill(test).at(-1) ?? 0;
  assert.equal(test.settle({ destination: "db", throughNumber: through, rows: through }), null);
  for (let turn = 0; test.writer.status.full !== null; turn++) {
    assert(turn < 100, JSON.stringify(test.writer.status.full));
    test.environment.advance(1000);
    test.upkeep();
  }
  assert.equal(test.commit([message("a")]).error, null);
});

Deno.test("full disk: the reserve lies there, and is given back when it is needed", async () => {
  using test = await TestWriter.open();
  const reserve = `${test.dir.path}/ballast`;
  assert.equal(Deno.statSync(reserve).size, 8 * 1_048_576);
  leavePages(test, 50);
  fill(test);
  assert.throws(() => Deno.statSync(reserve), Deno.errors.NotFound);
  test.writer.database.get("PRAGMA max_page_count = 1000000");
  test.upkeep();
  test.environment.advance(1000);
  test.upkeep();
  assert.equal(Deno.statSync(reserve).size, 8 * 1_048_576);
});
