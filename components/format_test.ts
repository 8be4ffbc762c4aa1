import assert from "node:assert/strict";
import {
  formatAge,
  formatBytes,
  formatDuration,
  formatNumber,
  formatTime,
  formatValue,
  measurementTitle,
  THIN_SPACE as THIN,
  unitSymbol,
} from "@/components/format.ts";

const spaced = (text: string) => text.replaceAll("_", THIN);

Deno.test("numbers are grouped by thin spaces, without zeros that say nothing", () => {
  const shown = [0, 7, 1000, 1234567.5, -33, 0.1 + 0.2, 100, 1010, -0.0001, 1e20, 20.5];
  const texts = shown.map((value) => formatNumber(value));
  const expected = ["0", "7", "1_000", "1_234_567.5", "−33", "0.3", "100", "1_010"];
  assert.deepEqual(texts.slice(0, 8), expected.map(spaced));
  assert.equal(formatNumber(20.5), "20.5");
  assert.equal(formatNumber(NaN), "–");
  assert.equal(formatNumber(1e20), "1.00e+20");
  assert.equal(formatNumber(-0.4, 0), "0");
});

Deno.test("measured values keep the decimals that make sense at their size", () => {
  assert.deepEqual(
    [27.6, 1013.25, 101169, 0.93, 0.12345, 461.27].map(formatValue),
    ["27.6", "1_013", "101_169", "0.93", "0.1235", "461.3"].map(spaced),
  );
});

Deno.test("sizes and durations take the unit that keeps them short", () => {
  assert.deepEqual(
    [0, 999, 1000, 31_400_000, 4.2e9].map(formatBytes),
    ["0_B", "999_B", "1_kB", "31_MB", "4.2_GB"].map(spaced),
  );
  assert.deepEqual(
    [3.1, 400, 59_000, 3_725_000, 90_000_000, 3_600_000].map(formatDuration),
    ["3.1_ms", "400_ms", "59_s", "1_h 2_min", "1_d 1_h", "1_h"].map(spaced),
  );
});

Deno.test("ages are relative, also for what is to come", () => {
  assert.deepEqual(
    [0, 42_000, 185_000, 7_200_000, -5_000].map((age) => formatAge(1e12, 1e12 + age)),
    ["just now", "42_s ago", "3_min ago", "2_h ago", "in 5_s"].map(spaced),
  );
});

Deno.test("times are absolute in a time zone", () => {
  const atMs = Date.UTC(2026, 2, 29, 1, 30, 5);
  assert.equal(formatTime(atMs, "UTC"), "2026-03-29 01:30:05 UTC");
  assert.equal(formatTime(atMs, "Europe/Berlin"), "2026-03-29 03:30:05 Europe/Berlin");
  assert.equal(formatTime(Infinity, "UTC"), "–");
});

Deno.test("units and measurements in people's words", () => {
  assert.equal(unitSymbol("celsius"), "°C");
  assert.equal(unitSymbol("bar"), "bar");
  assert.equal(unitSymbol(null), "");
  assert.equal(measurementTitle("gas_resistance"), "Gas resistance");
});
