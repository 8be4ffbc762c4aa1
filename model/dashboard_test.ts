import assert from "node:assert/strict";
import { type Threshold, thresholdState } from "@/model/dashboard.ts";

const TEMPERATURE: Threshold[] = [
  { tone: "ok" },
  { from: 30, tone: "warn" },
  { from: 35, tone: "bad" },
];
const RSSI: Threshold[] = [{ tone: "bad" }, { from: -80, tone: "warn" }, { from: -60, tone: "ok" }];
const SNR: Threshold[] = [{ tone: "idle" }, { above: 10, tone: "ok", label: "excellent" }];

Deno.test("a limit belongs to the side that it is reached from", () => {
  const at = (value: number, thresholds: Threshold[]) => {
    const state = thresholdState(value, thresholds);
    return state === null ? null : [state.tone, state.limit?.sign, state.limit?.at];
  };
  assert.deepEqual(at(29.9, TEMPERATURE), ["ok", undefined, undefined]);
  assert.deepEqual(at(30, TEMPERATURE), ["warn", "≥", 30]);
  assert.deepEqual(at(34.99, TEMPERATURE), ["warn", "≥", 30]);
  assert.deepEqual(at(35, TEMPERATURE), ["bad", "≥", 35]);
  assert.deepEqual(at(-80.1, RSSI), ["bad", "<", -80]);
  assert.deepEqual(at(-80, RSSI), ["warn", "<", -60]);
  assert.deepEqual(at(-60, RSSI), ["ok", undefined, undefined]);
  assert.deepEqual(at(10, SNR), ["idle", "≤", 10]);
  assert.deepEqual(at(10.5, SNR), ["ok", ">", 10]);
  assert.equal(thresholdState(10.5, SNR)?.label, "excellent");
  assert.equal(at(1, [{ from: 5, tone: "bad" }]), null, "below the first limit nothing is said");
  assert.equal(at(1, []), null);
});
