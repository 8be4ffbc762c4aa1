import assert from "node:assert/strict";
import { ConfigError, StoreFullError } from "@/model/errors.ts";
import type { AppendOutcome, NewMessage } from "@/model/message.ts";
import { conserves } from "@/model/ledger.ts";
import { databasePath } from "@/store/data_folder.ts";
import { message, settlement, storeOptions, TempDir } from "@/store/fixture.ts";
import { LogReader } from "@/store/log_reader.ts";
import { openStore } from "@/store/store.ts";
import type { ForwardToStore, Store, StoreToForward } from "@/store/store_types.ts";

function append(store: Store, entry: NewMessage): Promise<AppendOutcome> {
  return new Promise((resolve) => store.append(entry, resolve));
}

async function accepted(store: Store, entry: NewMessage) {
  const outcome = await append(store, entry);
  assert(outcome.kind === "accepted", JSON.stringify(outcome));
  return outcome;
}

/** The forward Worker's end of the port: what comes in is kept until a test asks for it. */
class ForwardEnd implements Disposable {
  readonly #port: MessagePort;
  readonly #received: StoreToForward[] = [];
  #arrived: () => void = () => undefined;

  constructor(store: Store) {
    this.#port = store.openForwardPort();
    this.#port.onmessage = ({ data }: MessageEvent<StoreToForward>) => {
      this.#received.push(data);
      this.#arrived();
    };
  }

  send(message: ForwardToStore): void {
    this.#port.postMessage(message);
  }

  /** The first message of a type that fits; it and all before it are taken away. */
  async next<Type extends StoreToForward["type"]>(
    type: Type,
    fits: (message: Extract<StoreToForward, { type: Type }>) => boolean = () => true,
  ): Promise<Extract<StoreToForward, { type: Type }>> {
    for (;;) {
      for (let entry = this.#received.shift(); entry; entry = this.#received.shift()) {
        const wanted = entry as Extract<StoreToForward, { type: Type }>;
        if (entry.type === type && fits(wanted)) return wanted;
      }
      await new Promise<void>((resolve) => this.#arrived = resolve);
    }
  }

  [Symbol.dispose](): void {
    this.#port.close();
  }
}

Deno.test("store: outcomes arrive after the commit, in order, then the commit is told", async () => {
  using dir = new TempDir();
  await using store = await openStore(storeOptions(dir.path));
  const events: string[] = [];
  const committed = new Promise<number>((resolve) =>
    store.onCommitted(({ messages }) => {
      events.push("committed");
      resolve(messages);
    })
  );
  const outcomes: AppendOutcome[] = [];
  for (const device of ["a", "b", "a"]) {
    store.append(message(device), (outcome) => {
      events.push(device);
      outcomes.push(outcome);
    });
  }
  assert(store.pendingBytes > 0);
  assert.equal(await committed, 3);
  assert.deepEqual(events, ["a", "b", "a", "committed"]);
  assert.equal(store.pendingBytes, 0);
  assert.deepEqual(outcomes.map((o) => o.kind === "accepted" && o.number), [1, 2, 3]);
  const ids = outcomes.map((o) => o.kind === "accepted" ? o.id : "");
  assert.equal(new Set(ids).size, 3);
  assert(ids.every((id) => id.startsWith(store.state.epochHex)));
  assert.equal(store.state.lastNumber, 3);
});

Deno.test("store: what was accepted is there after the next start, under its ids", async () => {
  using dir = new TempDir();
  let id = "";
  {
    await using store = await openStore(storeOptions(dir.path));
    ({ id } = await accepted(store, message("a", { payload: `{"humidity":50}`, seq: 4 })));
  }
  await using store = await openStore(storeOptions(dir.path));
  const journey = await store.journey(id);
  assert.equal(journey?.message?.payload, `{"humidity":50}`);
  assert.equal(journey?.message?.seq, 4);
  assert.equal(
    (await append(store, message("a", { payload: `{"humidity":50}`, seq: 4 }))).kind,
    "duplicate",
  );
  assert.equal((await accepted(store, message("a"))).number, 2);
});

Deno.test("store: a destination's messages are leased, settled and counted", async () => {
  using dir = new TempDir();
  await using store = await openStore(storeOptions(dir.path));
  await store.syncDestinations(["db"]);
  using forward = new ForwardEnd(store);
  assert.deepEqual((await forward.next("destinations")).destinations, [
    { name: "db", cursor: 0, paused: false, retries: 0 },
  ]);
  for (const device of ["a", "b", "c"]) await accepted(store, message(device));
  const head = await forward.next("head", ({ lastNumber }) => lastNumber === 3);
  assert.equal(head.stampedThrough, 3);

  const reader = new LogReader(databasePath(dir.path));
  const rows = reader.read(0, { throughNumber: 3, limit: 10, bytesMax: 1 << 20 });
  reader.close();
  assert.deepEqual(rows.map((row) => row.device), ["a", "b", "c"]);

  forward.send({ type: "lease", destination: "db", throughNumber: 2, retryNumbers: [] });
  const dead = [{ number: 2, error: "no", attempts: 3 }];
  const parts = { destination: "db", throughNumber: 2, rows: 2, dead };
  forward.send({ type: "settle", token: 7, settlement: settlement(parts) });
  assert.deepEqual(await forward.next("settled"), { type: "settled", token: 7, error: null });

  const [ledger] = (await store.snapshot()).ledgers;
  assert(ledger !== undefined && conserves(ledger));
  const { accepted: taken, acked, enqueued, inFlight, dead: buried } = ledger;
  assert.deepEqual({ taken, acked, enqueued, inFlight, buried }, {
    taken: 3,
    acked: 1,
    enqueued: 1,
    inFlight: 0,
    buried: 1,
  });
  const letters = await store.listDead({ destination: "db" }, { limit: 10 });
  assert.deepEqual(letters.items.map((letter) => [letter.device, letter.error, letter.attempts]), [
    ["b", "no", 3],
  ]);
});

Deno.test("store: a lease counts as in flight until the port's successor is opened", async () => {
  using dir = new TempDir();
  await using store = await openStore(storeOptions(dir.path));
  await store.syncDestinations(["db"]);
  const state = async () => {
    const [ledger] = (await store.snapshot()).ledgers;
    return [ledger?.enqueued, ledger?.inFlight];
  };
  await accepted(store, message("a"));
  {
    using forward = new ForwardEnd(store);
    await forward.next("head");
    forward.send({ type: "lease", destination: "db", throughNumber: 1, retryNumbers: [] });
    // answered in the order of sending: the lease has arrived when this is refused
    const wrong = settlement({ destination: "db", throughNumber: 1, rows: 5 });
    forward.send({ type: "settle", token: 1, settlement: wrong });
    assert.match((await forward.next("settled")).error ?? "", /claims 5 rows, the log has 1/);
    assert.deepEqual(await state(), [0, 1]);
  }
  using next = new ForwardEnd(store);
  await next.next("head");
  assert.deepEqual(await state(), [1, 0]);
});

Deno.test("store: a second program on the same folder is turned away", async () => {
  using dir = new TempDir();
  await using _store = await openStore(storeOptions(dir.path));
  await assert.rejects(openStore(storeOptions(dir.path)), (error) => {
    assert(error instanceof ConfigError);
    assert.match(error.message, /another gateway is using it/);
    return true;
  });
});

Deno.test("store: after the end everything is refused", async () => {
  using dir = new TempDir();
  const store = await openStore(storeOptions(dir.path));
  const last = append(store, message("a"));
  await store[Symbol.asyncDispose]();
  assert.equal((await last).kind, "accepted", "what was taken before the end is committed");
  const outcome = await append(store, message("a"));
  assert(outcome.kind === "refused");
  assert.match(outcome.error.message, /the store is closed/);
  await assert.rejects(store.snapshot(), /the store is closed/);
});

Deno.test("store: undecodable input is kept and can be deleted", async () => {
  using dir = new TempDir();
  await using store = await openStore(storeOptions(dir.path));
  const failed = await new Promise((resolve) =>
    store.reject({
      source: "mqtt",
      sourceName: "broker",
      device: "a",
      topic: "devices/a/telemetry",
      payload: Uint8Array.of(1, 2, 3),
      reason: "not_json",
      detail: "Cannot read",
    }, resolve)
  );
  assert.equal(failed, null);
  assert.equal((await store.snapshot()).sourceDead, 1);
  const { items } = await store.listSourceDead({}, { limit: 5 });
  assert.deepEqual(items.map((item) => [item.reason, [...item.payload]]), [["not_json", [
    1,
    2,
    3,
  ]]]);
  assert.equal(await store.deleteSourceDead({}, { name: "admin", address: "192.0.2.7" }), 1);
  assert.equal((await store.snapshot()).sourceDead, 0);
  const trail = await store.query("audit.list", { limit: 5 });
  assert.deepEqual(trail.items.map((row) => [row.actor, row.address, row.action]), [[
    "admin",
    "192.0.2.7",
    "source_dead_purge",
  ]]);
});

Deno.test("store: an empty payload in the work list is empty, not missing", async () => {
  using dir = new TempDir();
  await using store = await openStore(storeOptions(dir.path));
  const rejection = { source: "mqtt", sourceName: "broker", device: "a" } as const;
  const failed = await new Promise((resolve) =>
    store.reject({
      ...rejection,
      ...{ topic: "devices/a/telemetry", reason: "empty", detail: "Nothing" },
      payload: new Uint8Array(),
    }, resolve)
  );
  assert.equal(failed, null);
  const { items } = await store.query("source_dead.work", {
    ...{ filter: {}, payloadMax: 100, limit: 5 },
  });
  assert.deepEqual(items.map(({ payload }) => payload), [new Uint8Array()]);
});

Deno.test("store: history follows by itself", async () => {
  using dir = new TempDir();
  await using store = await openStore(storeOptions(dir.path));
  await accepted(store, message("a", { payload: `{"temperature":26.7}` }));
  let latest = await store.query("readings.latest", {});
  while (latest.length === 0) latest = await store.query("readings.latest", {});
  assert.deepEqual(
    latest.map(({ device, measurement, unit, value }) => [device, measurement, unit, value]),
    [
      ["a", "temperature", "celsius", 26.7],
    ],
  );
});

Deno.test("store: full is told, refuses data but not session state, and goes away by draining", async () => {
  using dir = new TempDir();
  const payload = `{"text":"${"x".repeat(500)}"}`;
  await using store = await openStore(storeOptions(dir.path, { queueBytesMax: 20_000 }));
  await store.syncDestinations(["db"]);
  const changes: (string | null)[] = [];
  let changed: () => void = () => undefined;
  store.onFullChanged((full) => {
    changes.push(full?.code ?? null);
    changed();
  });
  let last = 0;
  while (store.state.full === null) {
    const outcome = await append(store, message("a", { payload }));
    if (outcome.kind === "accepted") last = outcome.number;
  }
  const outcome = await append(store, message("a", { payload }));
  assert(outcome.kind === "refused" && outcome.error instanceof StoreFullError);
  const rejection = {
    source: "mqtt" as const,
    sourceName: "broker",
    device: null,
    topic: "t",
    payload: new Uint8Array(),
    reason: "not_json",
    detail: "",
  };
  assert(await new Promise((done) => store.reject(rejection, done)) instanceof StoreFullError);
  const ops = [{ kind: "retained_delete", topic: "t" }];
  assert.equal(await new Promise((done) => store.commitState(ops, done)), null);

  using forward = new ForwardEnd(store);
  const parts = { destination: "db", throughNumber: last, rows: last };
  forward.send({ type: "settle", token: 1, settlement: settlement(parts) });
  await forward.next("settled");
  while (store.state.full !== null) await new Promise<void>((resolve) => changed = resolve);
  assert.deepEqual(changes, ["STO-0203", null]);
  assert.equal((await append(store, message("a", { payload }))).kind, "accepted");
});

Deno.test("store: a listener that throws is reported and disturbs nobody", async () => {
  using dir = new TempDir();
  const notices: string[] = [];
  await using store = await openStore(storeOptions(dir.path), (n) => notices.push(n.message));
  store.append(message("a"), () => {
    throw new Error("oops");
  });
  assert.equal((await append(store, message("a"))).kind, "accepted");
  assert.deepEqual(notices, ["A listener of the store failed: oops"]);
});

Deno.test("store: thousands of messages at once arrive in order, in bounded commits", async () => {
  using dir = new TempDir();
  await using store = await openStore(
    storeOptions(dir.path, { durability: "relaxed", lingerMs: 1 }),
  );
  const sizes: number[] = [];
  store.onCommitted(({ messages }) => sizes.push(messages));
  const outcomes = await Promise.all(
    Array.from({ length: 10_000 }, (_, i) => append(store, message(`d${i % 9}`, { seq: i }))),
  );
  assert.deepEqual(
    outcomes.map((outcome) => outcome.kind === "accepted" && outcome.number),
    outcomes.map((_, i) => i + 1),
  );
  assert(Math.max(...sizes) <= 4096, sizes.join(" "));
  assert.equal(sizes.reduce((sum, size) => sum + size, 0), 10_000);
});

Deno.test("store: settings and the trail are kept", async () => {
  using dir = new TempDir();
  {
    await using store = await openStore(storeOptions(dir.path));
    await store.setSetting("theme", "dark");
    await store.setSetting("gone", "x");
    await store.setSetting("gone", null);
    for (const action of ["one", "two", "three"]) {
      await store.audit({ actor: "admin", action, subject: "s" });
    }
  }
  await using store = await openStore(storeOptions(dir.path));
  assert.deepEqual(await store.query("settings.all", {}), { theme: "dark" });
  const page = await store.query("audit.list", { limit: 2 });
  assert.deepEqual(page.items.map((row) => row.action), ["three", "two"]);
  const rest = await store.query("audit.list", { limit: 2, cursor: page.cursor ?? "" });
  assert.deepEqual([rest.items.map((row) => row.action), rest.cursor], [["one"], null]);
});

Deno.test("store: limits change while it runs", async () => {
  using dir = new TempDir();
  await using store = await openStore(storeOptions(dir.path));
  await store.syncDestinations(["db"]);
  await accepted(store, message("a"));
  await store.configure({ queueBytesMax: 1, lingerMs: 1 });
  await store.snapshot();
  while (store.state.full === null) await append(store, message("a"));
  assert.equal((await append(store, message("a"))).kind, "refused");
});
