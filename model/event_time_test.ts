import { deepStrictEqual, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { closestYear, formatInstant, parseRfc3339, parseSentTime } from "@/model/event_time.ts";

/** 2026-01-01T00:00:00Z */
const SECONDS = 1_767_225_600;
const US = SECONDS * 1e6;
const noText = () => undefined;

Deno.test("the digits of a number tell its unit", () => {
  const cases: [unknown, number, number][] = [
    [SECONDS, US, 0],
    [SECONDS * 1e3 + 123, US + 123_000, 0],
    [SECONDS * 1e6 + 123_456, US + 123_456, 0],
    [SECONDS + 0.5, US + 500_000, 0],
    [SECONDS + 0.123456, US + 123_456, 0],
    [SECONDS * 1e3 + 0.25, US + 250, 0],
    [SECONDS * 1e6 + 0.5, US, 500],
    [0, 0, 0],
    [-0, 0, 0],
    [194_500, 194_500e6, 0],
    [-5, -5e6, 0],
    [9_007_199_254_740_991, 9_007_199_254_740_991, 0],
  ];
  for (const [value, us, ns] of cases) {
    deepStrictEqual(parseSentTime(value, noText), { us, ns }, String(value));
  }
});

Deno.test("nanoseconds are read from the source text, digit by digit", () => {
  const cases: [string, number, number][] = [
    ["1767225600123456789", US + 123_456, 789],
    ["1767225600000000001", US, 1],
    ["17672256000000000", 17_672_256_000_000, 0],
    ["-1767225600000000001", -US - 1, 999],
  ];
  for (const [text, us, ns] of cases) {
    deepStrictEqual(parseSentTime(Number(text), () => text), { us, ns }, text);
    deepStrictEqual(parseSentTime(text, noText), { us, ns }, text);
  }
  // with an exponent only the double is left
  deepStrictEqual(parseSentTime(1.7672256e18, () => "1.7672256e18"), { us: US, ns: 0 });
});

Deno.test("what is no time is refused", () => {
  const refused: unknown[] = [
    true,
    {},
    [],
    "",
    "yesterday",
    "12:00",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "2026-02-30T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z",
    "2026-01-01T00:00:61Z",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00+0100",
    "9999-12-31T23:59:59Z",
    "12345678901234567890",
    " 1767225600",
    1e19,
    -1e19,
    Infinity,
    NaN,
    9_999_999_999,
    9_999_999_999_999,
    9_900_000_000_000_000,
    `2026-01-01T00:00:00.${"0".repeat(100)}Z`,
  ];
  for (const value of refused) strictEqual(parseSentTime(value, noText), null, String(value));
});

Deno.test("RFC 3339 is read to the nanosecond, with its zone", () => {
  const cases: [string, number, number][] = [
    ["2026-01-01T00:00:00Z", US, 0],
    ["2026-01-01t00:00:00z", US, 0],
    ["2026-01-01 00:00:00Z", US, 0],
    ["2026-01-01T00:00:00.1Z", US + 100_000, 0],
    ["2026-01-01T00:00:00.123456789Z", US + 123_456, 789],
    ["2026-01-01T00:00:00.1234567891Z", US + 123_456, 789],
    ["2026-01-01T01:30:00+01:30", US, 0],
    ["2025-12-31T19:00:00-05:00", US, 0],
    ["2025-12-31T23:59:60Z", US, 0],
    ["1969-12-31T23:59:59.999999999Z", -1, 999],
    ["0001-01-01T00:00:00Z", Number.MIN_SAFE_INTEGER, 0],
  ];
  for (const [text, us, ns] of cases) {
    deepStrictEqual(parseRfc3339(text), { us, ns }, text);
  }
});

Deno.test("every instant reads back as it was written", () => {
  const seed = Date.now() & 0x7fffffff;
  console.log(`seed ${seed}`);
  const us = fc.integer({ min: -2e15, max: Number.MAX_SAFE_INTEGER });
  fc.assert(
    fc.property(us, fc.integer({ min: 0, max: 999 }), (us, ns) => {
      const value = { us, ns };
      deepStrictEqual(parseSentTime(formatInstant(value), noText), value);
      if (us < 1e14) return;
      const digits = `${us}${String(ns).padStart(3, "0")}`;
      deepStrictEqual(parseSentTime(Number(digits), () => digits), value);
    }),
    { seed, numRuns: 2000 },
  );
});

Deno.test("instants are written with as many digits as they need", () => {
  strictEqual(formatInstant({ us: US, ns: 0 }), "2026-01-01T00:00:00.000Z");
  strictEqual(formatInstant({ us: US + 120_000, ns: 0 }), "2026-01-01T00:00:00.120Z");
  strictEqual(formatInstant({ us: US + 1, ns: 0 }), "2026-01-01T00:00:00.000001Z");
  strictEqual(formatInstant({ us: US + 1, ns: 5 }), "2026-01-01T00:00:00.000001005Z");
  strictEqual(formatInstant({ us: -1, ns: 999 }), "1969-12-31T23:59:59.999999999Z");
});

Deno.test("a date without a year lands closest to its reception", () => {
  const at = (text: string) => Date.parse(text) * 1000;
  const cases: [string, [number, number, number, number], string | null][] = [
    ["2026-12-03T12:25:00Z", [12, 3, 12, 24], "2026-12-03T12:24:00Z"],
    ["2026-01-01T00:00:10Z", [12, 31, 23, 59], "2025-12-31T23:59:00Z"],
    ["2025-12-31T23:59:50Z", [1, 1, 0, 1], "2026-01-01T00:01:00Z"],
    ["2026-03-01T00:00:00Z", [8, 31, 0, 0], "2025-08-31T00:00:00Z"],
    ["2026-03-01T00:00:00Z", [8, 29, 0, 0], "2026-08-29T00:00:00Z"],
    ["2027-02-28T00:00:00Z", [2, 29, 8, 0], "2028-02-29T08:00:00Z"],
    ["2100-03-01T00:00:00Z", [2, 29, 0, 0], "2104-02-29T00:00:00Z"],
    ["2101-01-01T00:00:00Z", [2, 29, 0, 0], "2104-02-29T00:00:00Z"],
    ["1970-01-01T00:00:00Z", [12, 31, 0, 0], "1969-12-31T00:00:00Z"],
    ["2026-01-01T00:00:00Z", [2, 30, 0, 0], null],
    ["2026-01-01T00:00:00Z", [0, 1, 0, 0], null],
    ["2026-01-01T00:00:00Z", [1, 0, 0, 0], null],
    ["2026-01-01T00:00:00Z", [1, 1, 24, 0], null],
    ["2026-01-01T00:00:00Z", [1, 1, 0, 60], null],
  ];
  for (const [received, [month, day, hour, minute], wanted] of cases) {
    const found = closestYear({ month, day, hour, minute }, at(received));
    deepStrictEqual(found, wanted === null ? null : { us: at(wanted), ns: 0 }, received);
  }
});
