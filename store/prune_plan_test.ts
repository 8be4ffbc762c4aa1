import assert from "node:assert/strict";
import { keepLimits, prunableThrough } from "@/store/prune_plan.ts";

Deno.test("prune plan: the slowest of all decides", () => {
  const bounds = { lowestCursor: 50, historyCursor: 40, windowsThrough: 30, stampedThrough: 60 };
  assert.equal(prunableThrough(bounds), 30);
  assert.equal(prunableThrough({ ...bounds, windowsThrough: 100 }), 40);
  assert.equal(prunableThrough({ ...bounds, windowsThrough: 100, historyCursor: 100 }), 50);
  assert.equal(prunableThrough({ ...bounds, lowestCursor: null }), 30);
  assert.equal(prunableThrough({ ...bounds, stampedThrough: 0 }), 0);
});

Deno.test("prune plan: kept for a time and within bytes, unless space is short", () => {
  const rules = { keepMs: 1000, keepBytesMax: 500, spaceIsShort: false };
  const at = { nowUs: 5_000_000, boundBytes: 2000 };
  assert.deepEqual(keepLimits(rules, at), { receivedBeforeUs: 4_000_000, offsetThrough: 1500 });
  const short = keepLimits({ ...rules, spaceIsShort: true }, at);
  assert.deepEqual(short, { receivedBeforeUs: Infinity, offsetThrough: Infinity });
});
