import assert from "node:assert/strict";
import type { PersistedState, SessionStore, StateOp } from "@/mqtt/broker_types.ts";
import { testSessionStore } from "@/mqtt/session_store_contract.ts";
import {
  type BrokerState,
  type BrokerStateOp,
  copyStateOp,
  readBrokerState,
} from "@/store/broker_state.ts";
import { batchOf, message, storeOptions, TempDir, TestWriter } from "@/store/fixture.ts";
import { openStore } from "@/store/store.ts";
import type { Store } from "@/store/store_types.ts";

/** The two descriptions of these shapes must stay one: this compiles only while they do. */
function asOps(ops: readonly StateOp[]): readonly BrokerStateOp[] {
  return ops;
}

function asPersisted(state: BrokerState): PersistedState {
  return state;
}

function sessionsOf(store: Store): SessionStore {
  return {
    load: async () => asPersisted(await store.loadState()),
    commit: (ops, done) => store.commitState(asOps(ops), done),
  };
}

function sessionsOfWriter(test: TestWriter): SessionStore {
  return {
    load: async () => asPersisted(readBrokerState(test.writer.database)),
    commit: (ops, done) => {
      const stateOps = asOps(ops).map(copyStateOp);
      const { error } = test.writer.commit({ ...batchOf([]), stateOps });
      done(error === null ? null : new Error(error.message));
    },
  };
}

testSessionStore("sqlite, killed", async () => {
  const test = await TestWriter.open();
  return {
    store: sessionsOfWriter(test),
    reopen: async () => {
      await test.reopen({ kill: true });
      return sessionsOfWriter(test);
    },
    [Symbol.asyncDispose]: async () => test[Symbol.dispose](),
  };
});

testSessionStore("sqlite, behind its thread", async () => {
  const dir = new TempDir();
  let store = await openStore(storeOptions(dir.path));
  return {
    store: sessionsOf(store),
    reopen: async () => {
      await store[Symbol.asyncDispose]();
      store = await openStore(storeOptions(dir.path));
      return sessionsOf(store);
    },
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      dir[Symbol.dispose]();
    },
  };
});

Deno.test("broker state: the body of a message goes with its last place", async () => {
  using test = await TestWriter.open();
  const session = {
    sessionId: 1,
    principalId: null,
    clientId: "c",
    expirySeconds: 60,
    disconnectedAtMs: null,
    will: null,
  };
  const queued = {
    topic: "t",
    payload: Uint8Array.of(1),
    qos: 1 as const,
    retain: false,
    properties: null,
    receivedAtMs: 1,
    expiresAtMs: null,
  };
  const place = (sessionId: number, sequence: number) => ({
    sessionId,
    sequence,
    qos: 1 as const,
    retain: false,
    subscriptionIdentifiers: [],
    share: null,
    packetId: null,
    released: false,
  });
  const commit = (...stateOps: BrokerStateOp[]) => {
    assert.equal(test.writer.commit({ ...batchOf([]), stateOps }).error, null);
    return test.writer.database.number("SELECT count(*) FROM queued_bodies");
  };
  commit({ kind: "session_put", session }, {
    kind: "session_put",
    session: { ...session, sessionId: 2, clientId: "d" },
  });
  const add: BrokerStateOp = {
    kind: "queue_add",
    message: queued,
    places: [place(1, 1), place(1, 2), place(2, 1)],
  };
  assert.equal(commit(add), 1);
  assert.equal(commit({ kind: "queue_remove", sessionId: 1, sequence: 1 }), 1);
  assert.equal(commit({ kind: "queue_remove", sessionId: 1, sequence: 1 }), 1, "gone already");
  assert.equal(commit({ kind: "session_delete", sessionId: 1 }), 1);
  assert.equal(commit({ kind: "queue_remove", sessionId: 2, sequence: 1 }), 0);
});

Deno.test("broker state: shares the transaction of a message", async () => {
  using dir = new TempDir();
  await using store = await openStore(storeOptions(dir.path));
  const retained = {
    topic: "t",
    payload: Uint8Array.of(1),
    qos: 1 as const,
    retain: true,
    properties: null,
    receivedAtMs: 1,
    expiresAtMs: null,
  };
  const outcome = new Promise((resolve) =>
    store.append(message("a"), resolve, [{ kind: "retained_put", message: retained }])
  );
  // the caller's buffer is its own again
  retained.payload.fill(9);
  await outcome;
  assert.deepEqual((await store.loadState()).retained, [{
    ...retained,
    payload: Uint8Array.of(1),
  }]);
});
