/** Dead letters as a work list: steps, counts up to what was seen, reasons, cut payloads. */
import assert from "node:assert/strict";
import { batchOf, message, TestWriter } from "@/store/fixture.ts";
import { type Queries, type QueryName, runQuery } from "@/store/queries.ts";

/** Letters 1…n of destination `db`, every third with another error. */
async function withDead(n: number): Promise<TestWriter> {
  const test = await TestWriter.open();
  test.writer.syncDestinations(["db"]);
  for (let i = 0; i < n; i++) test.append(message(`device-${i % 2}`));
  const dead = Array.from({ length: n }, (_, i) => ({
    number: i + 1,
    error: i % 3 === 0 ? "out of range" : `check "sane" (failing row contains ${i})`,
    attempts: 1,
  }));
  test.settle({ destination: "db", throughNumber: n, rows: n, dead });
  return test;
}

function ask<Name extends QueryName>(
  test: TestWriter,
  name: Name,
  parameters: Queries[Name]["parameters"],
): Queries[Name]["result"] {
  return runQuery(test.writer.database, name, parameters);
}

Deno.test("letters: an act on all goes up to the newest that was seen, not to later ones", async () => {
  using test = await withDead(5);
  const seen = ask(test, "dead.count", { filter: {} });
  assert.deepEqual(seen, { count: 5, lastLetter: 5 });
  test.append(message("late"));
  const dead = [{ number: 6, error: "out of range", attempts: 1 }];
  test.settle({ destination: "db", throughNumber: 6, rows: 1, dead });
  const throughLetter = seen.lastLetter!;
  assert.equal(await test.writer.purgeDead({ throughLetter }, null), 5);
  assert.deepEqual(ask(test, "dead.count", { filter: {} }), { count: 1, lastLetter: 6 });
  assert.deepEqual(ask(test, "audit.list", { limit: 5 }).items, [], "audited by who asks");
});

Deno.test("letters: steps meet each letter once, also what dies again meanwhile", async () => {
  using test = await withDead(7);
  const filter = { reason: "sane" };
  const stepAfter = (afterLetter: number) =>
    ask(test, "dead.step", { filter: { ...filter, afterLetter }, limit: 2 });
  const first = stepAfter(0);
  assert.deepEqual(first, { count: 2, lastLetter: 3 });
  assert.equal(await test.writer.replayDead({ ...filter, throughLetter: 3 }, {}), 2);
  test.writer.lease("db", 7, [2]);
  const retriesDead = [{ number: 2, error: 'check "sane" again', attempts: 1 }];
  assert.equal(test.settle({ destination: "db", throughNumber: 7, retriesDead }), null);
  assert.deepEqual(stepAfter(3), { count: 2, lastLetter: 6 });
  assert.deepEqual(stepAfter(6), { count: 0, lastLetter: null });
  assert.deepEqual(ask(test, "dead.count", { filter }), { count: 3, lastLetter: 6 });
});

Deno.test("letters: of sources are filtered by device and cut as well", async () => {
  using test = await TestWriter.open();
  const rejection = (device: string, reason: string) => ({
    ...{ source: "mqtt" as const, sourceName: "broker", topic: "t", detail: "d", device, reason },
    payload: Uint8Array.of(0xff, 0, 65, 66),
  });
  const rejections = [rejection("a", "not_json"), rejection("b", "not_json"), rejection("a", "x")];
  test.writer.commit({ ...batchOf([]), rejections });
  const filter = { device: "a" };
  assert.deepEqual(ask(test, "source_dead.count", { filter }), { count: 2, lastLetter: 3 });
  const step = { filter: { device: "a", reason: "not_json" }, limit: 10 };
  assert.deepEqual(ask(test, "source_dead.step", step), { count: 1, lastLetter: 1 });
  const { items } = ask(test, "source_dead.work", { filter, limit: 10, payloadMax: 2 });
  assert.deepEqual(items.map(({ id }) => id), [3, 1]);
  assert.deepEqual([...items[0]!.payload], [0xff, 0]);
  assert.equal(items[0]!.payloadLength, 4);
  assert.equal(await test.writer.deleteSourceDead({ throughLetter: 2 }, null), 2);
  assert.deepEqual(ask(test, "source_dead.count", { filter: {} }), { count: 1, lastLetter: 3 });
});

Deno.test("letters: the sizes of the database are told without reading it all", async () => {
  using test = await withDead(3);
  const sizes = ask(test, "database.sizes", {});
  assert.deepEqual([sizes.firstNumber, sizes.lastNumber], [1, 3]);
  assert.equal(sizes.fileBytes > sizes.freeBytes, true);
  assert.equal(sizes.historyFromUs, null);
});

Deno.test("letters: reasons are counted, payloads are cut, pages go from the newest", async () => {
  using test = await withDead(5);
  assert.deepEqual(ask(test, "dead.reasons", { filter: {} }), [
    { reason: 'check "sane"', count: 3 },
    { reason: "out of range", count: 2 },
  ]);
  assert.deepEqual(ask(test, "dead.reasons", { filter: { device: "device-1" } }), [
    { reason: 'check "sane"', count: 1 },
    { reason: "out of range", count: 1 },
  ]);
  const first = ask(test, "dead.work", { filter: {}, limit: 2, payloadMax: 4 });
  assert.deepEqual(first.items.map(({ letter }) => letter), [5, 4]);
  assert.equal(first.items[0]?.payload.length, 4);
  assert.equal(first.items[0]!.payloadLength > 4, true);
  const cursor = first.cursor!;
  const next = ask(test, "dead.work", { filter: {}, limit: 2, payloadMax: 4, cursor });
  assert.deepEqual(next.items.map(({ letter }) => letter), [3, 2]);
  const chosen = { letters: [2, 5, 99] };
  const some = ask(test, "dead.work", { filter: chosen, limit: 9, payloadMax: 4 });
  assert.deepEqual(some.items.map(({ letter }) => letter), [5, 2]);
});
