import assert from "node:assert/strict";
import { timeTicks, valueAxis, zoneOffsetMs } from "@/components/chart_axes.ts";

Deno.test("values get round lines around them", () => {
  const labels = (low: number, high: number) => valueAxis(low, high).ticks.map((t) => t.label);
  assert.deepEqual(labels(17.3, 18.9), ["17", "17.5", "18", "18.5", "19"]);
  assert.deepEqual(labels(0, 1), ["0", "0.5", "1"]);
  assert.deepEqual(labels(-12, 31), ["−20", "0", "20", "40"]);
  assert.deepEqual(labels(0.00012, 0.00031), [
    "0.0001",
    "0.00015",
    "0.0002",
    "0.00025",
    "0.0003",
    "0.00035",
  ]);
});

Deno.test("a flat line, also at zero, stands in the middle of a range", () => {
  for (const value of [0, 21.5, -3, 1e12]) {
    const { from, to, ticks } = valueAxis(value, value);
    assert(from < value && value < to, `${value} in ${from} – ${to}`);
    assert(ticks.length >= 2 && ticks.length < 10);
  }
});

Deno.test("moments are round in the zone of the reader", () => {
  const at = Date.parse("2026-03-12T07:10:00Z");
  const labels = (hours: number, zone: string) =>
    timeTicks(at, at + hours * 3_600_000, zone).map(({ label }) => label);
  assert.deepEqual(labels(6, "UTC"), ["08:00", "09:00", "10:00", "11:00", "12:00", "13:00"]);
  assert.deepEqual(labels(24, "Asia/Kathmandu"), [
    "16:00",
    "20:00",
    "00:00",
    "04:00",
    "08:00",
    "12:00",
  ]);
  assert.deepEqual(
    labels(24 * 7, "Europe/Berlin"),
    [13, 14, 15, 16, 17, 18, 19].map((n) => `${n} Mar`),
  );
});

Deno.test("where clocks are set, ticks stay at whole hours", () => {
  const from = Date.parse("2026-03-29T00:00:00+01:00");
  const labels = timeTicks(from, from + 23 * 3_600_000, "Europe/Berlin").map(({ label }) => label);
  assert.deepEqual(labels, ["00:00", "04:00", "08:00", "12:00", "16:00", "20:00", "00:00"]);
  assert.equal(zoneOffsetMs(from, "Europe/Berlin"), 3_600_000);
});
