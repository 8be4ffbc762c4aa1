import assert from "node:assert/strict";
import { message, TestWriter } from "@/store/fixture.ts";
import { LogReader } from "@/store/log_reader.ts";

const ALL = { throughNumber: 1e9, limit: 1e6, bytesMax: 1e9 };

Deno.test("log reader: bounded by count, bytes and number; the first row always comes", async () => {
  using test = await TestWriter.open();
  const payload = `{"text":"${"x".repeat(1000)}"}`;
  test.append(...Array.from({ length: 1200 }, () => message("a", { payload })));
  const reader = new LogReader(test.databasePath);
  const numbers = (after: number, range: Partial<typeof ALL>) =>
    reader.read(after, { ...ALL, ...range }).map((row) => row.number);
  assert.equal(numbers(0, {}).length, 1200);
  assert.deepEqual(numbers(1197, {}), [1198, 1199, 1200]);
  assert.deepEqual(numbers(0, { limit: 2 }), [1, 2]);
  assert.deepEqual(numbers(5, { throughNumber: 7 }), [6, 7]);
  assert.deepEqual(numbers(7, { throughNumber: 7 }), []);
  assert.deepEqual(numbers(0, { bytesMax: 1 }), [1]);
  assert.deepEqual(numbers(0, { bytesMax: 2500 }), [1, 2]);
  assert.equal(numbers(0, { limit: 777 }).length, 777);
  reader.close();
});

Deno.test("log reader: carries every field, and ids of their epoch", async () => {
  using test = await TestWriter.open();
  test.append(message("N2", { fromReceiver: true }));
  const before = test.writer.status.epochHex;
  await test.reopen({ kill: true, changes: { bootId: "boot-2" } });
  test.append(message("N3", {
    source: "serial",
    sourceName: "usb0",
    topic: "gateways/N3/packet",
    payload: `{"ts":1,"id":"ü"}`,
    seq: 7,
    traceId: "ab".repeat(16),
    fromReceiver: true,
  }));
  const reader = new LogReader(test.databasePath);
  const [first, second] = reader.read(0, ALL);
  reader.close();
  assert.equal(first?.id, `${before}${"1".padStart(16, "0")}`);
  assert.equal(first?.prefixed, false);
  assert.deepEqual({ ...second, receivedUs: 0 }, {
    number: 2,
    id: `${test.writer.status.epochHex}${"2".padStart(16, "0")}`,
    source: "serial",
    sourceName: "usb0",
    device: "N3",
    topic: "gateways/N3/packet",
    payload: `{"ts":1,"id":"ü"}`,
    seq: 7,
    receivedUs: 0,
    traceId: "ab".repeat(16),
    clockUntrusted: false,
    prefixed: true,
  });
});

Deno.test("log reader: replayed messages of one destination, edited, in order", async () => {
  using test = await TestWriter.open();
  test.writer.syncDestinations(["db", "other"]);
  test.append(...["a", "b", "c"].map((device) => message(device)));
  const dead = [1, 2, 3].map((number) => ({ number, error: "no", attempts: 1 }));
  test.settle({ destination: "db", throughNumber: 3, rows: 3, dead });
  test.settle({ destination: "other", throughNumber: 3, rows: 3, dead: dead.slice(0, 1) });
  const reader = new LogReader(test.databasePath);
  const retries = (options: Partial<Parameters<LogReader["readRetries"]>[1]> = {}) =>
    reader.readRetries("db", { limit: 10, bytesMax: 1e6, ...options }).map((row) => row.number);
  assert.deepEqual(retries(), []);
  const id = reader.read(1, ALL)[0]?.id ?? "";
  await test.writer.replayDead({ ids: [id], destination: "db" }, { payload: `{"t":1}` });
  assert.equal(reader.readRetries("db", { limit: 1, bytesMax: 1 })[0]?.payload, `{"t":1}`);
  assert.equal(reader.readRetries("db", { limit: 1, bytesMax: 1 })[0]?.id, id);
  await test.writer.replayDead({ destination: "db" }, {});
  assert.deepEqual(retries(), [1, 2, 3]);
  assert.deepEqual(retries({ limit: 2 }), [1, 2]);
  assert.deepEqual(retries({ afterNumber: 1 }), [2, 3]);
  assert.deepEqual(retries({ numbers: [3, 1] }), [1, 3]);
  assert.deepEqual(retries({ bytesMax: 1 }), [1]);
  reader.close();
});

Deno.test("log reader: follows a database that was replaced", async () => {
  using test = await TestWriter.open({ keepMs: 1e12 });
  test.append(message("a"));
  const reader = new LogReader(test.databasePath);
  assert.equal(reader.read(0, ALL).length, 1);
  test.end(false);
  const aside = `${test.databasePath}.aside`;
  Deno.renameSync(test.databasePath, aside);
  await test.reopen();
  test.append(message("b"), message("c"));
  assert.deepEqual(reader.read(0, ALL).map((row) => row.device), ["b", "c"]);
  reader.close();
});
