/**
 * What every session store must do, as tests: `testSessionStore("sqlite", openHarness)` registers
 * them. `reopen` gives a store that knows nothing but what was committed, as after a kill.
 */

import assert from "node:assert/strict";
import type {
  PersistedState,
  SessionStore,
  StateOp,
  StoredMessage,
  StoredSession,
} from "@/mqtt/broker_types.ts";

export interface SessionStoreHarness extends AsyncDisposable {
  store: SessionStore;
  /** Ends `store` without ceremony and opens its data again. */
  reopen(): Promise<SessionStore>;
}

function session(sessionId: number, changes: Partial<StoredSession> = {}): StoredSession {
  return {
    sessionId,
    principalId: "sensor",
    clientId: `client-${sessionId}`,
    expirySeconds: 3600,
    disconnectedAtMs: null,
    will: null,
    ...changes,
  };
}

function message(topic: string, text = "21.5"): StoredMessage {
  return {
    topic,
    payload: new TextEncoder().encode(text),
    qos: 1,
    retain: false,
    properties: null,
    receivedAtMs: 1_767_225_600_000,
    expiresAtMs: null,
  };
}

function place(sessionId: number, sequence: number) {
  return {
    sessionId,
    sequence,
    qos: 1 as const,
    retain: false,
    subscriptionIdentifiers: [],
    share: null,
    packetId: null,
    released: false,
  };
}

function commit(store: SessionStore, ops: StateOp[]): Promise<void> {
  return new Promise((resolve, reject) =>
    store.commit(ops, (error) => error === null ? resolve() : reject(error))
  );
}

/** The state with plain payloads, in a stable order. */
function canonical(state: PersistedState): PersistedState {
  const plain = (m: StoredMessage) => ({ ...m, payload: Uint8Array.from(m.payload) });
  return {
    sessions: state.sessions.map((s) => ({
      ...s,
      will: s.will === null ? null : { ...s.will, message: plain(s.will.message) },
    })).sort((a, b) => a.sessionId - b.sessionId),
    subscriptions: [...state.subscriptions].sort((a, b) =>
      a.sessionId - b.sessionId || (a.filter < b.filter ? -1 : 1)
    ),
    queue: state.queue.map((e) => ({ ...e, message: plain(e.message) }))
      .sort((a, b) => a.sessionId - b.sessionId || a.sequence - b.sequence),
    inbound: [...state.inbound].sort((a, b) =>
      a.sessionId - b.sessionId || a.packetId - b.packetId
    ),
    retained: state.retained.map(plain).sort((a, b) => a.topic < b.topic ? -1 : 1),
  };
}

type Case = [string, (harness: SessionStoreHarness) => Promise<void>];

const RICH_MESSAGE: StoredMessage = {
  topic: "devices/ü/telemetry",
  payload: Uint8Array.of(0, 255, 10, 13, 128),
  qos: 2,
  retain: true,
  properties: {
    payloadFormatIndicator: 1,
    contentType: "application/json",
    responseTopic: "answers/7",
    correlationData: Uint8Array.of(1, 0, 2),
    userProperties: [["a", "1"], ["a", "2"], ["", "€"]],
  },
  receivedAtMs: 1_767_225_600_123,
  expiresAtMs: 1_767_225_660_123,
};

const CASES: Case[] = [
  ["starts empty", async ({ store }) => {
    assert.deepEqual(canonical(await store.load()), {
      sessions: [],
      subscriptions: [],
      queue: [],
      inbound: [],
      retained: [],
    });
  }],

  ["keeps every field of every kind over a kill", async (harness) => {
    const { principalId, ...rest } = session(1, { expirySeconds: 0xffff_ffff });
    const will = { message: RICH_MESSAGE, delaySeconds: 30 };
    const sessions = [
      { ...rest, principalId },
      session(2, { principalId: null, disconnectedAtMs: 1_767_225_700_000, will }),
    ];
    const subscription = {
      sessionId: 1,
      filter: "$share/g/devices/+/telemetry",
      qos: 2 as const,
      noLocal: false,
      retainAsPublished: true,
      identifier: 268_435_455,
    };
    const places = [
      { ...place(1, 7), qos: 2 as const, packetId: 65_535, released: true },
      { ...place(2, 9), retain: true, subscriptionIdentifiers: [1, 2], share: "$share/g/a" },
    ];
    await commit(harness.store, [
      ...sessions.map((s) => ({ kind: "session_put" as const, session: s })),
      { kind: "subscription_put", subscription },
      { kind: "queue_add", message: RICH_MESSAGE, places },
      { kind: "inbound_add", sessionId: 2, packetId: 1 },
      { kind: "retained_put", message: RICH_MESSAGE },
    ]);
    const state = canonical(await (await harness.reopen()).load());
    assert.deepEqual(state.sessions, sessions);
    assert.deepEqual(state.subscriptions, [subscription]);
    assert.deepEqual(state.queue, places.map((p) => ({ ...p, message: RICH_MESSAGE })));
    assert.deepEqual(state.inbound, [{ sessionId: 2, packetId: 1 }]);
    assert.deepEqual(state.retained, [RICH_MESSAGE]);
  }],

  ["replaces sessions, subscriptions and retained messages", async (harness) => {
    await commit(harness.store, [
      { kind: "session_put", session: session(1) },
      { kind: "subscription_put", subscription: subscriptionOf(1, "a", 0) },
      { kind: "queue_add", message: message("a"), places: [place(1, 1)] },
      { kind: "retained_put", message: message("r", "1") },
    ]);
    await commit(harness.store, [
      { kind: "session_put", session: session(1, { disconnectedAtMs: 5 }) },
      { kind: "subscription_put", subscription: subscriptionOf(1, "a", 2) },
      { kind: "retained_put", message: message("r", "2") },
    ]);
    const state = canonical(await (await harness.reopen()).load());
    assert.deepEqual(state.sessions, [session(1, { disconnectedAtMs: 5 })]);
    assert.deepEqual(state.subscriptions, [subscriptionOf(1, "a", 2)]);
    assert.equal(state.queue.length, 1, "a replaced session keeps its queue");
    assert.deepEqual(state.retained, [message("r", "2")]);
  }],

  ["a discarded session takes everything of its own with it", async (harness) => {
    await commit(
      harness.store,
      [1, 2].flatMap((id): StateOp[] => [
        { kind: "session_put", session: session(id) },
        { kind: "subscription_put", subscription: subscriptionOf(id, "a", 1) },
        { kind: "inbound_add", sessionId: id, packetId: 4 },
      ]),
    );
    await commit(harness.store, [
      { kind: "queue_add", message: message("a"), places: [place(1, 1), place(2, 1)] },
      { kind: "session_delete", sessionId: 1 },
    ]);
    const state = canonical(await (await harness.reopen()).load());
    assert.deepEqual(state.sessions.map((s) => s.sessionId), [2]);
    assert.deepEqual(state.subscriptions.map((s) => s.sessionId), [2]);
    assert.deepEqual(state.queue.map((e) => e.sessionId), [2]);
    assert.deepEqual(state.inbound, [{ sessionId: 2, packetId: 4 }]);
  }],

  ["ops for a session that does not exist are without effect", async (harness) => {
    await commit(harness.store, [
      { kind: "subscription_put", subscription: subscriptionOf(9, "a", 1) },
      { kind: "queue_add", message: message("a"), places: [place(9, 1)] },
      { kind: "queue_sent", sessionId: 9, sequence: 1, packetId: 1, released: false },
      { kind: "queue_remove", sessionId: 9, sequence: 1 },
      { kind: "inbound_add", sessionId: 9, packetId: 1 },
      { kind: "inbound_remove", sessionId: 9, packetId: 1 },
      { kind: "subscription_delete", sessionId: 9, filter: "a" },
      { kind: "session_delete", sessionId: 9 },
      { kind: "retained_delete", topic: "nothing" },
    ]);
    await commit(harness.store, [{ kind: "session_put", session: session(9) }]);
    const state = canonical(await (await harness.reopen()).load());
    assert.deepEqual([state.subscriptions, state.queue, state.inbound], [[], [], []]);
  }],

  ["queue entries are updated and removed one by one", async (harness) => {
    await commit(harness.store, [
      { kind: "session_put", session: session(1) },
      { kind: "queue_add", message: message("a", "1"), places: [place(1, 1)] },
      { kind: "queue_add", message: message("a", "2"), places: [place(1, 2)] },
      { kind: "queue_add", message: message("a", "3"), places: [place(1, 3)] },
    ]);
    await commit(harness.store, [
      { kind: "queue_remove", sessionId: 1, sequence: 1 },
      { kind: "queue_sent", sessionId: 1, sequence: 2, packetId: 77, released: true },
    ]);
    const state = canonical(await (await harness.reopen()).load());
    assert.deepEqual(state.queue, [
      { ...place(1, 2), packetId: 77, released: true, message: message("a", "2") },
      { ...place(1, 3), message: message("a", "3") },
    ]);
  }],

  ["removals: subscription, inbound identifier, retained message", async (harness) => {
    await commit(harness.store, [
      { kind: "session_put", session: session(1) },
      { kind: "subscription_put", subscription: subscriptionOf(1, "a", 1) },
      { kind: "subscription_put", subscription: subscriptionOf(1, "b", 1) },
      { kind: "inbound_add", sessionId: 1, packetId: 1 },
      { kind: "inbound_add", sessionId: 1, packetId: 2 },
      { kind: "inbound_add", sessionId: 1, packetId: 2 },
      { kind: "retained_put", message: message("r") },
    ]);
    await commit(harness.store, [
      { kind: "subscription_delete", sessionId: 1, filter: "a" },
      { kind: "inbound_remove", sessionId: 1, packetId: 2 },
      { kind: "retained_delete", topic: "r" },
    ]);
    const state = canonical(await (await harness.reopen()).load());
    assert.deepEqual(state.subscriptions, [subscriptionOf(1, "b", 1)]);
    assert.deepEqual(state.inbound, [{ sessionId: 1, packetId: 1 }]);
    assert.deepEqual(state.retained, []);
  }],

  ["commits take effect in the order of the calls", async (harness) => {
    const order: number[] = [];
    const all = Array.from(
      { length: 50 },
      (_, i) =>
        new Promise<void>((resolve, reject) =>
          harness.store.commit(
            [{ kind: "retained_put", message: message("r", String(i)) }],
            (e) => {
              order.push(i);
              if (e === null) resolve();
              else reject(e);
            },
          )
        ),
    );
    await Promise.all(all);
    assert.deepEqual(order, order.toSorted((a, b) => a - b));
    const state = canonical(await (await harness.reopen()).load());
    assert.deepEqual(state.retained, [message("r", "49")]);
  }],

  ["a thousand subscribers of one message and 64 KiB of payload", async (harness) => {
    const ids = Array.from({ length: 1000 }, (_, i) => i + 1);
    const big = { ...message("a"), payload: new Uint8Array(65_536).fill(7) };
    await commit(harness.store, ids.map((id) => ({ kind: "session_put", session: session(id) })));
    await commit(harness.store, [
      { kind: "queue_add", message: big, places: ids.map((id) => place(id, 1)) },
    ]);
    const state = canonical(await (await harness.reopen()).load());
    assert.equal(state.queue.length, 1000);
    assert(state.queue.every((entry) => entry.message.payload.length === 65_536));
  }],
];

function subscriptionOf(sessionId: number, filter: string, qos: 0 | 1 | 2) {
  return {
    sessionId,
    filter,
    qos,
    noLocal: false,
    retainAsPublished: false,
    identifier: null,
  };
}

/** Registers the contract as tests of the implementation that `open` makes. */
export function testSessionStore(name: string, open: () => Promise<SessionStoreHarness>): void {
  for (const [title, run] of CASES) {
    Deno.test(`session store ${name}: ${title}`, async () => {
      await using harness = await open();
      await run(harness);
    });
  }
}
