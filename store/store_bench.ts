/**
 * The writer alone, in this thread: appends with group commit, and the whole life of a row (append,
 * lease, settle, history, prune). Prints messages per second.
 *
 * `deno run --allow-read --allow-write --allow-sys=statfs store/store_bench.ts [messages]`
 */
import { batchOf, message, settlement, TestWriter } from "@/store/fixture.ts";
import { LogReader } from "@/store/log_reader.ts";
import type { NewMessage } from "@/model/message.ts";
import type { CommitBatch } from "@/store/worker_protocol.ts";

const BATCH = 1000;
const DEVICES = 1000;

function packet(i: number): NewMessage {
  const device = `dev-${i % DEVICES}`;
  const values = `"temperature":${20 + (i % 100) / 10},"humidity":${40 + (i % 50)}`;
  const payload = `{"ts":${1_767_225_600_000 + i},"seq":${i},"values":{${values},"voltage":3.31}}`;
  return message(device, {
    payload,
    seq: i,
    sentAt: { us: (1_767_225_600_000 + i) * 1000, ns: 0 },
  });
}

function report(name: string, messages: number, elapsedMs: number): void {
  console.log(`${name}: ${Math.round(messages / elapsedMs * 1000)} messages/s`);
}

/** Batches are made one by one, outside of the measured time. */
function batchAt(start: number): CommitBatch {
  return batchOf(Array.from({ length: BATCH }, (_, k) => packet(start + k)));
}

async function benchAppend(total: number): Promise<void> {
  using test = await TestWriter.open();
  let elapsedMs = 0;
  for (let i = 0; i < total; i += BATCH) {
    const batch = batchAt(i);
    const startMs = performance.now();
    test.writer.commit(batch);
    elapsedMs += performance.now() - startMs;
  }
  report("append, group commit of 1000", total, elapsedMs);
}

async function benchLife(total: number, { history }: { history: boolean }): Promise<void> {
  using test = await TestWriter.open({ keepMs: 0 });
  test.writer.syncDestinations(["a"]);
  const reader = new LogReader(test.databasePath);
  let elapsedMs = 0;
  let cursor = 0;
  for (let i = 0; i < total; i += BATCH) {
    const batch = batchAt(i);
    test.environment.advance(10);
    const startMs = performance.now();
    test.writer.commit(batch);
    cursor = forward(test, reader, cursor);
    if (history) test.upkeep();
    elapsedMs += performance.now() - startMs;
  }
  reader.close();
  report(history ? "the same, history, prune" : "append, read, settle", total, elapsedMs);
}

/** Reads, leases and settles what is new; returns the cursor. */
function forward(test: TestWriter, reader: LogReader, cursor: number): number {
  const range = { throughNumber: test.writer.status.lastNumber, limit: BATCH, bytesMax: 1 << 24 };
  const rows = reader.read(cursor, range);
  const through = rows.at(-1)?.number ?? cursor;
  test.writer.lease("a", through, []);
  const done = settlement({ destination: "a", throughNumber: through, rows: rows.length });
  test.writer.settleLater(done, () => undefined);
  return through;
}

/** How long a start takes with so many messages queued, after a kill. */
async function benchStart(total: number): Promise<void> {
  using test = await TestWriter.open({ keepMs: 1e12 });
  test.writer.syncDestinations(["a"]);
  for (let i = 0; i < total; i += BATCH) test.writer.commit(batchAt(i));
  const startMs = performance.now();
  await test.reopen({ kill: true });
  const elapsedMs = Math.round(performance.now() - startMs);
  console.log(`start with ${total} messages queued: ${elapsedMs} ms`);
}

const total = Number(Deno.args[0] ?? 300_000);
await benchAppend(total);
await benchLife(total, { history: false });
await benchLife(Math.floor(total / 3), { history: true });
await benchStart(3 * total);
