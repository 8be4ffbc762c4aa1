import assert from "node:assert/strict";
import { FeedSession, type FeedTarget } from "@/cli/feed_session.ts";
import type { FeedBatch } from "@/cli/operations.ts";
import { ConfigError, StoreFullError, TransientError } from "@/model/errors.ts";
import { until } from "@/tests/helpers/until.ts";

/** A gateway that can be away, refuse, or lose the answer; it keeps what it took by its key. */
class Gateway {
  readonly lines: string[] = [];
  readonly keys = new Set<string>();
  batches = 0;
  connects = 0;
  connected: () => boolean = () => true;
  /** Runs before a batch is taken and after, before its answer. */
  before: (batch: FeedBatch) => Promise<void> | void = () => {};
  after: (batch: FeedBatch) => Promise<void> | void = () => {};

  connect(): Promise<FeedTarget | null> {
    this.connects++;
    if (!this.connected()) return Promise.resolve(null);
    return Promise.resolve({
      feed: (batch) => this.#feed(batch),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  }

  async #feed(batch: FeedBatch): Promise<void> {
    this.batches++;
    await this.before(batch);
    for (const { number, text } of batch.lines) {
      const key = `${batch.session}:${number}`;
      if (!this.keys.has(key)) this.lines.push(text);
      this.keys.add(key);
    }
    await this.after(batch);
  }
}

function away(): TransientError {
  return new TransientError("Gone", { code: "X", hint: "y" });
}

function sessionOf(gateway: Gateway, options: { signal?: AbortSignal } = {}) {
  const notices: string[] = [];
  const waits: number[] = [];
  const session = new FeedSession({
    receiver: "N2",
    session: 77,
    connect: () => gateway.connect(),
    notice: (text) => notices.push(text),
    signal: options.signal ?? new AbortController().signal,
    random: () => 0.5,
    wait: (ms) => {
      waits.push(ms);
      // A turn of the event loop, so that a session that tries for ever lets the test go on.
      return new Promise((resolve) => setTimeout(resolve, 0));
    },
  });
  return { session, notices, waits };
}

/** An input that gives the chunks one after the other, then ends. */
function inputOf(...chunks: string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks).pipeThrough(new TextEncoderStream()) as ReadableStream<
    Uint8Array
  >;
}

Deno.test("every line arrives once, in order, whatever the chunks", async () => {
  const gateway = new Gateway();
  const { session } = sessionOf(gateway);
  await session.run(inputOf("one\ntw", "o\r\n\n  \nthr", "ee\nö", "\nlast without end"));
  assert.deepEqual(gateway.lines, ["one", "two", "three", "ö", "last without end"]);
  assert.equal(session.unconfirmed, 0);
  assert.equal(session.total, 5);
});

Deno.test("a lost answer makes a repeat that changes nothing", async () => {
  const gateway = new Gateway();
  let losses = 3;
  gateway.after = () => {
    if (losses-- > 0) throw away();
  };
  const { session, notices, waits } = sessionOf(gateway);
  await session.run(inputOf("a\nb\nc\n"));
  assert.deepEqual(gateway.lines, ["a", "b", "c"]);
  assert.equal(gateway.batches, 4);
  assert.equal(gateway.connects, 4);
  assert.deepEqual(waits, [187.5, 375, 750]);
  assert.equal(notices.filter((text) => text.includes("waiting")).length, 3);
});

Deno.test("while the gateway is away lines are kept, and one notice says so", async () => {
  const gateway = new Gateway();
  gateway.connected = () => gateway.connects > 20;
  const { session, notices, waits } = sessionOf(gateway);
  await session.run(inputOf("a\n", "b\n"));
  assert.deepEqual(gateway.lines, ["a", "b"]);
  assert.deepEqual(notices.length, 2);
  assert.match(notices[1]!, /is back/);
  assert.ok(waits.every((ms) => ms <= 10_000));
  assert.equal(waits.at(-1), 7500);
});

Deno.test("a full gateway is asked again when it said to", async () => {
  const gateway = new Gateway();
  let refusals = 2;
  gateway.before = () => {
    if (refusals-- <= 0) return;
    throw new StoreFullError("Full", { code: "X", hint: "y", retryAfterSeconds: 30 });
  };
  const { session, waits } = sessionOf(gateway);
  await session.run(inputOf("a\n"));
  assert.deepEqual(waits, [30_000, 30_000]);
  assert.deepEqual(gateway.lines, ["a"]);
});

Deno.test("an error that would come again ends the session", async () => {
  const gateway = new Gateway();
  gateway.before = () => {
    throw new ConfigError("No such receiver", { code: "X", hint: "y" });
  };
  const { session } = sessionOf(gateway);
  // An input that never ends must not keep the session.
  const endless = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("a\n")),
  });
  await assert.rejects(session.run(endless), /No such receiver/);
  assert.equal(session.unconfirmed, 1);
});

Deno.test("at the bound the input waits, and goes on when the gateway does", async () => {
  const gateway = new Gateway();
  const gate = Promise.withResolvers<void>();
  gateway.before = () => gate.promise;
  const { session } = sessionOf(gateway);
  let pulled = 0;
  const input = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (pulled === 300) return controller.close();
      pulled++;
      controller.enqueue(new TextEncoder().encode("x\n".repeat(100)));
    },
  }, { highWaterMark: 0 });
  const running = session.run(input);
  await until(() => session.unconfirmed === 10_000, { what: "the bound is reached" });
  assert.equal(pulled, 100);
  gate.resolve();
  await running;
  assert.equal(gateway.lines.length, 30_000);
});

Deno.test("lines that wait go out in large batches, within the wire's bounds", async () => {
  const gateway = new Gateway();
  const sizes: number[] = [];
  gateway.before = (batch) => void sizes.push(batch.lines.length);
  gateway.connected = () => gateway.connects > 3;
  const { session } = sessionOf(gateway);
  await session.run(inputOf("x\n".repeat(1200), `${"y".repeat(20_000)}\n`.repeat(200)));
  assert.equal(sizes.reduce((sum, size) => sum + size, 0), 1400);
  assert.ok(sizes.every((size) => size <= 500));
  assert.ok(sizes.length < 12, String(sizes));
  assert.ok(gateway.lines.every((line) => line.length <= 16_384));
});

Deno.test("after the signal what was read is still delivered, and nothing more is read", async () => {
  const gateway = new Gateway();
  const stop = new AbortController();
  const { session } = sessionOf(gateway, { signal: stop.signal });
  const gate = Promise.withResolvers<void>();
  gateway.before = () => gate.promise;
  const endless = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("a\nb\n")),
  });
  const running = session.run(endless);
  await until(() => gateway.batches === 1, { what: "the first batch is on its way" });
  stop.abort();
  gate.resolve();
  await running;
  assert.deepEqual(gateway.lines, ["a", "b"]);
  assert.equal(session.unconfirmed, 0);
});

Deno.test("after the signal nobody waits for a gateway that is away", async () => {
  const gateway = new Gateway();
  gateway.connected = () => false;
  const stop = new AbortController();
  const { session } = sessionOf(gateway, { signal: stop.signal });
  const endless = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("a\nb\n")),
  });
  const running = session.run(endless);
  await until(() => session.unconfirmed === 2 && gateway.connects > 1, { what: "it tries" });
  stop.abort();
  await running;
  assert.equal(session.unconfirmed, 2);
});
