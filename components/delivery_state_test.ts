import assert from "node:assert/strict";
import { ledgerSum, pipeOf, stateOf } from "@/components/delivery_state.ts";
import type { DestinationView } from "@/model/live_events.ts";

function destination(over: Partial<DestinationView> = {}): DestinationView {
  return {
    ...{ name: "a", type: "postgres", mode: "idle", up: true, paused: false, removed: false },
    ...{ accepted: 0, acked: 0, expired: 0, purged: 0, dropped: 0 },
    ...{ enqueued: 0, inFlight: 0, dead: 0, oldestMs: null, perSecond: 0, toEmptyMs: null },
    ...{ lastError: null, nextAttemptAtMs: null, queuedBytes: 0, lastSuccessAtMs: null, ...over },
  };
}

Deno.test("a destination's state follows acts, then its mode, then its rate", () => {
  const cases: [Partial<DestinationView>, ReturnType<typeof stateOf>][] = [
    [{ removed: true, paused: true, mode: null }, "removed"],
    [{ paused: true, mode: "backing_off" }, "paused"],
    [{ mode: "backing_off", up: false }, "backingOff"],
    [{ mode: "circuit_open", up: false }, "circuitOpen"],
    [{ mode: "starting", up: false }, "retrying"],
    [{ mode: "starting", up: null }, "starting"],
    [{ mode: "idle", perSecond: 0.1 }, "delivering"],
    [{ mode: "delivering", perSecond: 0, inFlight: 5 }, "waiting"],
    [{ mode: "idle" }, "upToDate"],
    [{ mode: "a mode of a later version" }, "upToDate"],
  ];
  for (const [over, state] of cases) assert.equal(stateOf(destination(over)), state);
});

Deno.test("water moves only where something flows, gates and breaks are told apart", () => {
  assert.equal(pipeOf(destination({ perSecond: 3 })), "flowing");
  assert.equal(pipeOf(destination()), "still");
  assert.equal(pipeOf(destination({ paused: true, perSecond: 3 })), "shut");
  assert.equal(pipeOf(destination({ mode: "circuit_open", perSecond: 3 })), "broken");
});

Deno.test("the sentence of the ledger adds up and names rare outcomes only where they are", () => {
  const one = destination({ accepted: 10, acked: 4, enqueued: 3, inFlight: 2, dead: 1 });
  const other = destination({ accepted: 7, expired: 5, purged: 2 });
  assert.deepEqual(ledgerSum([one]).columns.map(({ column }) => column), [
    "acked",
    "queued",
    "inFlight",
    "dead",
  ]);
  const { accepted, columns } = ledgerSum([one, other]);
  assert.equal(accepted, columns.reduce((sum, { count }) => sum + count, 0));
  assert.deepEqual(columns.slice(4).map(({ column }) => column), ["expired", "purged"]);
});
