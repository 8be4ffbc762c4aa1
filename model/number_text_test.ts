import { ok, strictEqual, throws } from "node:assert/strict";
import fc from "fast-check";
import { plainDecimal } from "@/model/number_text.ts";

Deno.test("numbers are written as people write them", () => {
  const cases: [number, string][] = [
    [26.0, "26"],
    [26.7, "26.7"],
    [-33, "-33"],
    [0, "0"],
    [-0, "0"],
    [1013.25, "1013.25"],
    [0.1 + 0.2, "0.30000000000000004"],
    [1e-6, "0.000001"],
    [1e-7, "0.0000001"],
    [-1.5e-7, "-0.00000015"],
    [1e20, "100000000000000000000"],
    [1e21, "1000000000000000000000"],
    [-1.2345e22, "-12345000000000000000000"],
    [2 ** 53, "9007199254740992"],
    [Number.MIN_VALUE, `0.${"0".repeat(323)}5`],
  ];
  for (const [value, text] of cases) strictEqual(plainDecimal(value), text);
  strictEqual(plainDecimal(Number.MAX_VALUE).length, 309);
});

Deno.test("what has no digits is refused", () => {
  for (const value of [NaN, Infinity, -Infinity]) throws(() => plainDecimal(value), RangeError);
});

Deno.test("every number reads back, without an exponent and with the fewest digits", () => {
  const seed = Date.now() & 0x7fffffff;
  console.log(`seed ${seed}`);
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
  const digits = (text: string) => text.replace(/e.*|[-.]/g, "").replace(/^0+|0+$/g, "");
  fc.assert(
    fc.property(finite, (value) => {
      const text = plainDecimal(value);
      ok(/^-?(0|[1-9]\d*)(\.\d*[1-9])?$/.test(text), text);
      strictEqual(Number(text), value + 0);
      strictEqual(digits(text), digits(String(value)));
    }),
    { seed, numRuns: 5000 },
  );
});
