import assert from "node:assert/strict";
import { CIRCUIT_FAILURES, type DeliveryFacts, nextStep } from "@/forward/delivery_mode.ts";

const READY: DeliveryFacts = {
  stopping: false,
  known: true,
  paused: false,
  prepared: true,
  failures: 0,
  backoffLeftMs: 0,
  available: 1,
  unstamped: 0,
  lingerLeftMs: 0,
};

const CASES: [what: string, facts: Partial<DeliveryFacts>, step: string][] = [
  ["something to send", {}, "delivering deliver null"],
  ["nothing to send", { available: 0 }, "idle wait null"],
  ["an incomplete batch", { lingerLeftMs: 7 }, "lingering wait 7"],
  ["nothing but unstamped ones", { available: 0, unstamped: 3 }, "waiting_for_clock wait null"],
  ["stamped and unstamped ones", { unstamped: 3 }, "delivering deliver null"],
  ["not known to the store", { known: false, prepared: false }, "starting wait null"],
  ["not prepared", { prepared: false }, "starting prepare null"],
  ["prepared anew after a failure", { prepared: false, failures: 1 }, "starting prepare null"],
  ["a failure", { failures: 1, backoffLeftMs: 9, prepared: false }, "backing_off wait 9"],
  [
    "many failures",
    { failures: CIRCUIT_FAILURES, backoffLeftMs: 9, prepared: false },
    "circuit_open wait 9",
  ],
  [
    "the probe's connection",
    { failures: CIRCUIT_FAILURES, prepared: false },
    "probing prepare null",
  ],
  ["the probe's message", { failures: CIRCUIT_FAILURES }, "probing deliver null"],
  ["paused", { paused: true }, "paused wait null"],
  ["paused while backing off", { paused: true, backoffLeftMs: 9 }, "paused wait null"],
  ["paused before the start", { paused: true, prepared: false }, "paused wait null"],
  ["stopping", { stopping: true }, "stopping stop null"],
  ["stopping while all else is wrong", {
    stopping: true,
    known: false,
    paused: true,
    backoffLeftMs: 9,
  }, "stopping stop null"],
];

for (const [what, facts, step] of CASES) {
  Deno.test(`delivery mode: ${what}`, () => {
    const { mode, act, waitMs } = nextStep({ ...READY, ...facts });
    assert.equal(`${mode} ${act} ${waitMs}`, step);
  });
}
