import assert from "node:assert/strict";
import fc from "fast-check";
import { CIRCUIT_FAILURES } from "@/forward/delivery_mode.ts";
import { Delivery } from "@/forward/delivery.ts";
import type { BatchEntry, Destination, DestinationEvents } from "@/forward/destination.ts";
import type {
  BatchReport,
  CommonOptions,
  DestinationStatus,
  Notice,
} from "@/forward/forward_types.ts";
import { commonOptions } from "@/tests/helpers/destination_options.ts";
import { FakeDestination, FakeServer } from "@/tests/helpers/fake_destination.ts";
import { FakeTiming } from "@/tests/helpers/fake_timing.ts";
import { FIRST_RECEIVED_US, interpretRow } from "@/tests/helpers/log_rows.ts";
import { MemoryLog } from "@/tests/helpers/memory_log.ts";
import { until } from "@/tests/helpers/until.ts";

const HOUR_MS = 3_600_000;

interface RigOptions extends Partial<CommonOptions> {
  open?: (events: DestinationEvents) => Destination;
  log?: MemoryLog;
  timing?: FakeTiming;
}

/** A delivery in front of a fake server, with a clock that stands still. */
class Rig implements AsyncDisposable {
  readonly server = new FakeServer();
  readonly log: MemoryLog;
  readonly timing: FakeTiming;
  readonly statuses: DestinationStatus[] = [];
  readonly batches: BatchReport[] = [];
  readonly notices: Notice[] = [];
  readonly delivery: Delivery;
  #stopped = false;

  constructor({ open, log, timing, ...options }: RigOptions = {}) {
    const common = commonOptions({ batchMessagesMax: 500, ...options });
    this.log = log ?? new MemoryLog([common.name]);
    this.timing = timing ?? new FakeTiming();
    this.delivery = new Delivery({
      options: { ...common, type: "postgres", url: "", password: null },
      open: open ??
        ((events) => new FakeDestination(common, { server: this.server, events })),
      store: this.log,
      reader: this.log,
      interpret: interpretRow,
      timing: this.timing,
      listener: {
        onStatus: (status) => this.statuses.push(status),
        onBatch: (report) => this.batches.push(report),
        onNotice: (notice) => this.notices.push(notice),
      },
    });
  }

  get name(): string {
    return this.delivery.name;
  }

  get ledger() {
    return this.log.ledger(this.name);
  }

  get numbers(): number[] {
    return this.server.written.map(({ message }) => message.number);
  }

  start(): this {
    this.delivery.start();
    return this;
  }

  async mode(...modes: string[]): Promise<DestinationStatus> {
    return await until(
      () => modes.includes(this.delivery.status.mode) ? this.delivery.status : null,
      { what: `the mode is ${modes}, not ${this.delivery.status.mode}`, everyMs: 1 },
    );
  }

  async drained(): Promise<void> {
    await until(() => this.ledger.enqueued + this.ledger.inFlight === 0, {
      what: `the queue is empty: ${JSON.stringify(this.ledger)}`,
      everyMs: 1,
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.delivery.stop(5_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stopped) return;
    this.server.set("pass");
    const stopped = this.stop();
    // whatever hangs is broken off when the fake time is up
    await Promise.race([stopped, new Promise((resolve) => setImmediate(resolve))]);
    this.timing.advance(10_000);
    await stopped;
  }
}

Deno.test("delivery: sends the log in order and settles it", async () => {
  await using rig = new Rig();
  const numbers = rig.log.append(1234);
  rig.start();
  await rig.drained();
  assert.deepEqual(rig.numbers, numbers);
  assert.deepEqual(rig.server.batchSizes, [500, 500, 234]);
  assert.equal(rig.ledger.acked, 1234);
  assert.equal((await rig.mode("idle")).up, true);
  assert.deepEqual(rig.batches.map(({ messages, outcome }) => [messages, outcome]), [
    [500, "accepted"],
    [500, "accepted"],
    [234, "accepted"],
  ]);
  const more = rig.log.append(3);
  await rig.drained();
  assert.deepEqual(rig.numbers, [...numbers, ...more]);
});

Deno.test("delivery: what a filter leaves out is acked without being sent", async () => {
  await using rig = new Rig({ filter: { devices: ["keep"], measurements: [] } });
  rig.log.append(700, (number) => ({ device: number % 7 === 0 ? "keep" : "skip" }));
  rig.start();
  await rig.drained();
  assert.equal(rig.server.written.length, 100);
  assert.equal(rig.ledger.acked, 700);
});

Deno.test("delivery: a message that cannot be understood becomes a dead letter", async () => {
  await using rig = new Rig();
  rig.log.append(3, (number) => number === 2 ? { payload: "{not json" } : {});
  rig.start();
  await rig.drained();
  assert.deepEqual(rig.numbers, [1, 3]);
  assert.equal(rig.log.deadLetters[0]?.number, 2);
  assert.match(rig.log.deadLetters[0]?.error ?? "", /decode/);
});

Deno.test("delivery: backs off with drawn waits, opens the circuit, probes with one message", async () => {
  await using rig = new Rig();
  rig.timing.draws = [0.25, 0.5, 0.75, 0.999, 0.5];
  rig.server.set("refuse");
  rig.log.append(100);
  rig.start();
  for (const [failures, waitMs] of [[1, 250], [2, 1000], [3, 3000], [4, 7992], [5, 8000]]) {
    const open = failures === CIRCUIT_FAILURES;
    const status = await rig.mode(open ? "circuit_open" : "backing_off");
    assert.equal(status.failures, failures);
    assert.equal(status.up, false);
    assert.equal(status.nextAttemptAtMs, rig.timing.wallMs() + waitMs!);
    assert.equal(rig.timing.nextAlarmMs, waitMs);
    assert.equal(rig.ledger.inFlight, 0);
    if (open) rig.server.set("pass");
    rig.timing.advance(waitMs! - 1);
    assert.equal(rig.delivery.status.failures, failures, "no attempt before its time");
    rig.timing.advance(1);
    if (!open) {
      await until(() => rig.delivery.status.failures === failures! + 1, { what: "it fails" });
    }
  }
  await rig.drained();
  assert.deepEqual(rig.server.batchSizes, [1, 99]);
  assert(rig.statuses.some(({ mode }) => mode === "probing"));
  assert.equal(rig.delivery.status.failures, 0);
  assert.equal(rig.notices.filter(({ level }) => level === "warn").length, 1, "said once");
  assert.match(rig.notices.at(-1)?.message ?? "", /reached again after 5 failed/);
});

Deno.test("delivery: honours what the other side asks for, and a wake-up", async () => {
  await using rig = new Rig();
  rig.server.set("refuse", { retryAfterMs: 42_000 });
  rig.log.append(1);
  rig.start();
  await rig.mode("backing_off");
  assert.equal(rig.timing.nextAlarmMs, 42_000);
  rig.server.set("pass");
  rig.delivery.wake();
  await rig.drained();
});

Deno.test("delivery: one that hangs is timed out, and another one does not notice", async () => {
  const log = new MemoryLog(["hangs", "works"]);
  const timing = new FakeTiming();
  await using hanging = new Rig({ name: "hangs", log, timing, timeoutMs: 2_000 });
  await using working = new Rig({ name: "works", log, timing });
  log.append(10);
  hanging.start();
  working.start();
  await hanging.drained();
  hanging.server.set("hang");
  log.append(5000);
  await working.drained();
  assert.equal(working.server.written.length, 5010);
  assert.equal(log.ledger("hangs").inFlight, 500);
  timing.advance(2_000);
  const status = await hanging.mode("backing_off");
  assert.match(status.lastFailure?.message ?? "", /did not answer within 2000 ms/);
  hanging.server.set("pass");
  hanging.delivery.wake();
  await hanging.drained();
  assert.deepEqual(hanging.numbers, working.numbers);
});

Deno.test("delivery: a destination that does not obey is left behind", async () => {
  const server = new FakeServer();
  const deaf = Promise.withResolvers<never>();
  await using rig = new Rig({
    timeoutMs: 1_000,
    open: (events) => {
      const inner = new FakeDestination(commonOptions(), { server, events });
      let writes = 0;
      return Object.assign(Object.create(inner), {
        name: inner.name,
        wants: (entry: BatchEntry) => inner.wants(entry),
        prepare: (signal: AbortSignal) => inner.prepare(signal),
        close: () => inner.close(),
        write: (batch: BatchEntry[], signal: AbortSignal) =>
          ++writes === 1 ? deaf.promise : inner.write(batch, signal),
      });
    },
  });
  rig.log.append(5);
  rig.start();
  await rig.mode("delivering");
  rig.timing.advance(1_000);
  rig.timing.advance(1_000);
  await rig.mode("backing_off");
  rig.delivery.wake();
  await rig.drained();
  assert.equal(server.written.length, 5);
});

Deno.test("delivery: one refused message of 500 costs at most ten more sends, wherever it is", async () => {
  for (let poison = 1; poison <= 500; poison += poison < 20 || poison > 480 ? 1 : 37) {
    await using rig = new Rig();
    rig.server.refuse = ({ message }) => message.number === poison ? "it is poison" : null;
    const numbers = rig.log.append(500);
    rig.start();
    await rig.drained();
    const sends = rig.server.batchSizes.length;
    assert(sends <= 11, `${sends} sends for number ${poison}`);
    assert.deepEqual(rig.numbers, numbers.filter((number) => number !== poison));
    assert.equal(rig.log.deadLetters.length, 1);
    const dead = rig.log.deadLetters[0]!;
    assert.equal(dead.number, poison);
    assert.equal(dead.error, `Cannot write message ${poison}: it is poison`);
    assert(dead.attempts > 0);
    assert.equal(rig.delivery.status.up, true, "the destination is not to blame");
  }
});

Deno.test("delivery: a batch that is all bad costs about one send per message", async () => {
  await using rig = new Rig();
  rig.server.refuse = () => "everything is";
  rig.log.append(500);
  rig.start();
  await rig.drained();
  assert.equal(rig.ledger.dead, 500);
  const sends = rig.server.batchSizes.length;
  assert(sends < 600, `${sends} sends`);
});

Deno.test("delivery: replayed messages are sent again, beside the log", async () => {
  await using rig = new Rig({ batchMessagesMax: 10 });
  rig.server.refuse = ({ message }) => message.number <= 3 ? "not yet" : null;
  rig.log.append(20);
  rig.start();
  await rig.drained();
  assert.equal(rig.ledger.dead, 3);
  rig.server.refuse = ({ message }) => message.number === 2 ? "still" : null;
  rig.log.replay(rig.name, [1, 2, 3]);
  rig.log.append(30);
  await rig.drained();
  assert.deepEqual(rig.log.deadLetters.map(({ number, error }) => [number, error]), [
    [2, "Cannot write message 2: still"],
  ]);
  assert.equal(rig.ledger.acked, 49);
  assert.deepEqual(rig.numbers.toSorted((a, b) => a - b), [1, ...range(3, 50)]);
});

Deno.test("delivery: pausing holds the queue, resuming lets it go", async () => {
  await using rig = new Rig();
  rig.log.pause(rig.name, true);
  rig.log.append(10);
  rig.start();
  await rig.mode("paused");
  assert.equal(rig.ledger.enqueued, 10);
  rig.log.pause(rig.name, false);
  await rig.drained();
  assert.equal(rig.server.written.length, 10);
});

Deno.test("delivery: waits for messages to be stamped", async () => {
  await using rig = new Rig();
  rig.log.append(5);
  rig.log.holdFrom(4);
  rig.start();
  await rig.mode("waiting_for_clock");
  assert.deepEqual(rig.numbers, [1, 2, 3]);
  rig.log.holdFrom(Infinity);
  await rig.drained();
  assert.deepEqual(rig.numbers, [1, 2, 3, 4, 5]);
});

Deno.test("delivery: old messages expire, also while the other side is away; clock steps do not age", async () => {
  await using rig = new Rig({ maxAgeMs: HOUR_MS });
  // received at 00:00:01 and :02 by the wall clock, which says two hours later at our start
  rig.timing.stepWall(2 * HOUR_MS - 1_000);
  rig.log.append(2, () => ({ receivedUs: FIRST_RECEIVED_US }));
  rig.log.append(1, () => ({ receivedUs: FIRST_RECEIVED_US + 2 * HOUR_MS * 1000 }));
  rig.server.set("refuse");
  rig.start();
  await rig.mode("backing_off");
  await until(() => rig.ledger.expired === 2, { what: "the old ones expire" });
  const fresh = rig.log.append(4);
  rig.timing.stepWall(1000 * HOUR_MS);
  rig.timing.advance(HOUR_MS / 2);
  rig.delivery.wake();
  await until(() => rig.delivery.status.failures >= 2, { what: "another attempt fails" });
  assert.equal(rig.ledger.expired, 2, "the step aged nothing");
  rig.timing.advance(HOUR_MS);
  await until(() => rig.ledger.expired === 7, { what: "now they are old" });
  rig.server.set("pass");
  rig.delivery.wake();
  const last = rig.log.append(1);
  await rig.drained();
  assert.deepEqual(rig.numbers, last);
  assert.equal(fresh.length, 4);
});

Deno.test("delivery: an incomplete batch waits for company, a full one does not", async () => {
  await using rig = new Rig({ lingerMs: 50, batchMessagesMax: 10 });
  rig.start();
  await rig.mode("idle");
  rig.log.append(3);
  await rig.mode("lingering");
  assert.equal(rig.timing.nextAlarmMs, 50);
  rig.timing.advance(20);
  rig.log.append(2);
  assert.equal(rig.timing.nextAlarmMs, 30, "counted from the first one");
  rig.timing.advance(30);
  await rig.drained();
  assert.deepEqual(rig.server.batchSizes, [5]);
  rig.log.append(10);
  await rig.drained();
  assert.deepEqual(rig.server.batchSizes, [5, 10]);
});

Deno.test("delivery: stopping breaks off a hanging write in time and releases the lease", async () => {
  const rig = new Rig();
  rig.start();
  await rig.mode("idle");
  rig.server.set("hang");
  rig.log.append(5);
  await rig.mode("delivering");
  const stopped = rig.stop();
  rig.timing.advance(2_500);
  await stopped;
  assert.equal(rig.delivery.status.mode, "stopping");
  assert.equal(rig.ledger.enqueued, 5);
  assert.equal(rig.ledger.inFlight, 0);
  assert.equal(rig.timing.nextAlarmMs, null, "no timer is left");
});

Deno.test("delivery: stopping lets a write that works end and be settled", async () => {
  const rig = new Rig();
  rig.log.append(2000);
  rig.start();
  await until(() => rig.server.written.length > 0, { what: "something is written", everyMs: 0 });
  await rig.stop();
  assert.equal(rig.ledger.acked, rig.server.written.length);
});

Deno.test("delivery: a refused settlement is made good by sending again", async () => {
  await using rig = new Rig({ batchMessagesMax: 10 });
  rig.log.refusals = ["disk I/O error"];
  rig.log.append(30);
  rig.start();
  const status = await rig.mode("backing_off");
  assert.match(status.lastFailure?.message ?? "", /record.*disk I\/O error/);
  rig.delivery.wake();
  await rig.drained();
  assert.equal(rig.ledger.acked, 30);
  assert.deepEqual(new Set(rig.numbers), new Set(range(1, 30)));
});

Deno.test("delivery: an error of reading is waited out", async () => {
  await using rig = new Rig();
  rig.log.readErrors = [new Error("database disk image is malformed")];
  rig.log.append(3);
  rig.start();
  const status = await rig.mode("backing_off");
  assert.match(status.lastFailure?.message ?? "", /malformed/);
  rig.delivery.wake();
  await rig.drained();
  assert.deepEqual(rig.numbers, [1, 2, 3]);
});

Deno.test("delivery: a store that was salvaged gets again what it does not know of", async () => {
  await using rig = new Rig();
  rig.log.append(10);
  rig.start();
  await rig.drained();
  rig.log.setBack(rig.name, 4);
  await rig.mode("backing_off");
  rig.delivery.wake();
  await rig.drained();
  assert.deepEqual(rig.numbers, [...range(1, 10), ...range(5, 10)]);
});

Deno.test("delivery: a connection lost while idle is made again", async () => {
  await using rig = new Rig();
  rig.start();
  await rig.mode("idle");
  rig.server.cut();
  const status = await rig.mode("backing_off");
  assert.equal(status.up, false);
  rig.timing.advance(1_000);
  assert.equal((await rig.mode("idle")).up, true);
});

Deno.test("delivery: lost rows and dropped ones are passed over", async () => {
  await using rig = new Rig({ batchMessagesMax: 10 });
  rig.log.append(100);
  rig.log.loseRows([...range(1, 5), ...range(40, 60), ...range(98, 100)]);
  rig.log.pause(rig.name, true);
  rig.start();
  await rig.mode("paused");
  rig.log.dropThrough(rig.name, 20);
  rig.log.pause(rig.name, false);
  await rig.drained();
  assert.deepEqual(rig.numbers, [...range(21, 39), ...range(61, 97)]);
  assert.equal(rig.ledger.dropped, 20 + 21 + 3);
});

Deno.test("delivery: the store drops the oldest while they are being written", async () => {
  await using rig = new Rig({ batchMessagesMax: 10, timeoutMs: 1_000 });
  rig.start();
  await rig.mode("idle");
  rig.server.set("hang");
  rig.log.append(30);
  await rig.mode("delivering");
  rig.log.dropThrough(rig.name, 15);
  rig.timing.advance(1_000);
  await rig.mode("backing_off");
  rig.server.set("pass");
  rig.delivery.wake();
  await rig.drained();
  assert.deepEqual(rig.numbers, range(16, 30));
});

Deno.test("delivery: whatever happens, each message is decided once and order is kept", async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("append" as const), count: fc.integer({ min: 1, max: 40 }) }),
    fc.constant({ kind: "refuse" as const }),
    fc.constant({ kind: "hang" as const }),
    fc.constant({ kind: "pass" as const }),
    fc.constant({ kind: "cut" as const }),
    fc.constant({ kind: "unsettled" as const }),
    fc.record({ kind: fc.constant("time" as const), ms: fc.integer({ min: 1, max: 90_000 }) }),
  );
  const steps = fc.array(step, { minLength: 5, maxLength: 40 });
  const poison = fc.uniqueArray(fc.integer({ min: 1, max: 400 }), { maxLength: 12 });
  const property = fc.asyncProperty(steps, poison, async (actions, bad) => {
    await using rig = new Rig({ batchMessagesMax: 16, timeoutMs: 5_000 });
    rig.server.refuse = ({ message }) => bad.includes(message.number) ? "poison" : null;
    rig.start();
    for (const action of actions) {
      if (action.kind === "append") rig.log.append(action.count);
      else if (action.kind === "cut") rig.server.cut();
      else if (action.kind === "time") rig.timing.advance(action.ms);
      else if (action.kind === "unsettled") rig.log.refusals.push("locked");
      else rig.server.set(action.kind);
      await new Promise((resolve) => setImmediate(resolve));
      assert(rig.ledger, "adds up");
    }
    rig.server.set("pass");
    await until(() => {
      rig.timing.advance(5_000);
      return rig.ledger.enqueued + rig.ledger.inFlight === 0;
    }, { what: "everything is decided", everyMs: 1 });
    const dead = rig.log.deadLetters.map(({ number }) => number);
    assert.deepEqual(dead, [...new Set(dead)], "no dead letter twice");
    const expected = bad.filter((number) => number <= rig.log.lastNumber).sort((a, b) => a - b);
    assert.deepEqual(dead.toSorted((a, b) => a - b), expected);
    const first = [...new Set(rig.numbers)];
    assert.deepEqual(first, range(1, rig.log.lastNumber).filter((n) => !bad.includes(n)));
  });
  const seed = Number(crypto.getRandomValues(new Uint32Array(1))[0]! & 0x7fffffff);
  console.log(`seed ${seed}`);
  await fc.assert(property, { seed, numRuns: 150 });
});

function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}
