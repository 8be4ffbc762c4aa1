import assert from "node:assert/strict";
import fc from "fast-check";
import {
  dayStartMs,
  localDate,
  type Observed,
  probabilityOfPresence,
  shiftDate,
  sumUpDay,
} from "@/routes/api/presence.ts";

const HOUR_MS = 3_600_000;

Deno.test("a day begins where its zone says, also when clocks change", () => {
  const start = (date: string, zone: string) => new Date(dayStartMs(date, zone)).toISOString();
  assert.equal(start("2026-03-29", "Europe/Berlin"), "2026-03-28T23:00:00.000Z");
  assert.equal(start("2026-03-30", "Europe/Berlin"), "2026-03-29T22:00:00.000Z");
  assert.equal(start("2026-01-01", "Pacific/Kiritimati"), "2025-12-31T10:00:00.000Z");
  assert.equal(start("2026-01-01", "Etc/GMT+12"), "2026-01-01T12:00:00.000Z");
  assert.equal(start("2026-01-01", "Asia/Kathmandu"), "2025-12-31T18:15:00.000Z");
  // Clocks went from 24:00 to 01:00: the day has no midnight.
  assert.equal(start("2018-11-04", "America/Sao_Paulo"), "2018-11-04T03:00:00.000Z");
  assert.equal(
    localDate(dayStartMs("2018-11-04", "America/Sao_Paulo"), "America/Sao_Paulo"),
    "2018-11-04",
  );
  assert.equal(shiftDate("2028-02-28", 1), "2028-02-29");
});

Deno.test("presence and absence never exceed the day, whatever was observed", () => {
  const startMs = Date.parse("2026-01-01T00:00:00Z");
  const endMs = startMs + 24 * HOUR_MS;
  const observation = fc.record({
    atMs: fc.integer({ min: startMs - 5 * 60_000, max: endMs - 1 }),
    isPresent: fc.boolean(),
    probability: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(fc.property(
    fc.array(observation, { maxLength: 300 }),
    fc.integer({ min: startMs, max: endMs + HOUR_MS }),
    (unsorted: Observed[], nowMs) => {
      const observed = unsorted.toSorted((a, b) => a.atMs - b.atMs);
      const day = sumUpDay(observed, { startMs, endMs, nowMs });
      assert.equal(day.hours.length, 24);
      assert(day.presenceMinutes + day.absenceMinutes <= 24 * 60 + 0.01);
      for (const hour of day.hours) {
        assert(hour.presenceMinutes >= 0 && hour.absenceMinutes >= 0);
        assert(hour.presenceMinutes + hour.absenceMinutes <= 60.01);
      }
    },
  ));
});

Deno.test("a score is how sure the device is of its label, or how likely somebody is there", () => {
  assert.equal(probabilityOfPresence(0.93, true), 0.93);
  assert.equal(probabilityOfPresence(0.75, false), 0.25, "sure that nobody is there");
  assert.equal(probabilityOfPresence(0.001, false), 0.001, "unlikely that somebody is there");
  for (let score = 0; score <= 1; score += 0.125) {
    assert(probabilityOfPresence(score, false) <= 0.5);
  }
});
