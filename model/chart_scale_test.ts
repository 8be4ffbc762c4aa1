import assert from "node:assert/strict";
import fc from "fast-check";
import { timeTicks, valueScale, withThresholds } from "@/model/chart_scale.ts";

Deno.test("a scale holds its values between round lines", () => {
  assert.deepEqual(valueScale({ min: 19.4, max: 28.3 }), {
    ...{ min: 17.5, max: 30 },
    ticks: [17.5, 20, 22.5, 25, 27.5, 30],
  });
  assert.deepEqual(valueScale(null).ticks, [0, 0.25, 0.5, 0.75, 1]);
  assert.equal(valueScale({ min: 5, max: 5 }).min < 5, true);
  assert.deepEqual(valueScale({ min: 3, max: 4 }, { min: 0, max: 100 }).max, 100);
  const value = fc.double({ min: -1e12, max: 1e12, noNaN: true });
  fc.assert(fc.property(value, value, (a, b) => {
    const [min, max] = [Math.min(a, b), Math.max(a, b)];
    const scale = valueScale({ min, max });
    const slip = Math.max(Math.abs(min), Math.abs(max)) * 1e-12;
    assert(scale.min <= min + slip && scale.max >= max - slip && scale.min < scale.max);
    assert(scale.ticks.length >= 2 && scale.ticks.length <= 9, String(scale.ticks));
  }));
});

Deno.test("a threshold that is near widens a scale, one far away does not", () => {
  assert.deepEqual(withThresholds({ min: 22, max: 27 }, [30, 35]), { min: 22, max: 30 });
  assert.deepEqual(withThresholds({ min: 22, max: 27 }, [90]), { min: 22, max: 27 });
  assert.equal(withThresholds(null, [30]), null);
});

Deno.test("times are round where the viewer is, over a change of the clocks too", () => {
  const timeZone = "Europe/Berlin";
  // Clocks go from 2:00 to 3:00 on this day.
  const fromMs = Date.parse("2026-03-28T20:00:00Z");
  const ticks = timeTicks({ fromMs, toMs: fromMs + 24 * 3_600_000 }, { timeZone, ticksMax: 6 });
  assert.deepEqual(ticks.map(({ label }) => label), [
    ...["29 Mar", "04:00", "08:00", "12:00", "16:00", "20:00"],
  ]);
  assert.equal(new Date(ticks[1]!.atMs).toISOString(), "2026-03-29T02:00:00.000Z");
  const days = timeTicks({ fromMs, toMs: fromMs + 30 * 86_400_000 }, { timeZone, ticksMax: 6 });
  assert.equal(days.every(({ label }) => /^\d+ [A-Z][a-z]+$/.test(label)), true);
  const half = timeTicks({ fromMs, toMs: fromMs + 6 * 3_600_000 }, {
    timeZone: "Asia/Kolkata",
    ticksMax: 6,
  });
  assert.equal(half[0]!.label, "02:00", "half an hour beside the others");
});
