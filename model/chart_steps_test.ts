import assert from "node:assert/strict";
import { gapAfter, lateAfter, RANGE_MS, stepFor, typicalInterval } from "@/model/chart_steps.ts";

Deno.test("a step never gives more points than there is room for", () => {
  for (const rangeMs of Object.values(RANGE_MS)) {
    for (const points of [1, 7, 48, 180, 333, 1200]) {
      const step = stepFor(rangeMs, points);
      assert(rangeMs / step <= points, `${rangeMs} in ${points}`);
      if (step > 60_000) assert.equal(step % 60_000, 0, "roll-ups have whole minutes");
    }
  }
  assert.equal(stepFor(RANGE_MS["1h"], 180), 20_000);
  assert.equal(stepFor(RANGE_MS["30d"], 180), 4 * 3_600_000);
});

Deno.test("how often a device sends, when it is late, what is a gap", () => {
  assert.equal(typicalInterval([0, 10, 20]), null, "too few");
  assert.equal(typicalInterval([50, 40, 0, 10, 20, 30, 900]), 10, "a pause does not count");
  assert.equal(typicalInterval([5, 5, 5, 5, 5]), null, "one moment is no interval");
  assert.equal(lateAfter(10_000), 120_000);
  assert.equal(lateAfter(3_600_000), 3 * 3_600_000);
  assert.equal(lateAfter(null), 120_000);
  assert.equal(gapAfter(10_000, 20_000), 50_000);
  assert.equal(gapAfter(600_000, 20_000), 1_800_000);
});
