import assert from "node:assert/strict";
import fc from "fast-check";
import { counterIncrease, type CounterSample, percentageOf } from "@/model/counter.ts";

const single = (value: number): CounterSample => ({ min: value, max: value, last: value });

Deno.test("a counter's growth from its values", () => {
  const growth = (...values: number[]) => counterIncrease(values.map(single));
  assert.equal(growth(), null);
  assert.equal(growth(42), 0, "how much came before is not known");
  assert.equal(growth(100, 110, 110, 125), 25);
  assert.equal(growth(100, 110, 10), 20, "a restart begins at zero");
  assert.equal(growth(100, 0, 3), 3);
  assert.equal(growth(5, 3, 8, 2), 3 + 5 + 2);
});

Deno.test("a share of nothing counted is none, not zero and not infinite", () => {
  assert.equal(percentageOf(1, 8), 12.5);
  assert.equal(percentageOf(0, 8), 0);
  assert.equal(percentageOf(0, 0), null);
  assert.equal(percentageOf(3, 0), null);
  assert.equal(percentageOf(null, 8), null);
  assert.equal(percentageOf(1, null), null);
});

/** Growth of all values one by one: what roll-ups must come to. */
function slowly(values: number[]): number {
  return values.slice(1).reduce((sum, value, i) => {
    const before = values[i]!;
    return sum + (value >= before ? value - before : value);
  }, 0);
}

Deno.test("rolled up values grow as single ones, with at most one restart in each", () => {
  // Growth is at least 1 after a restart: a counter that stands at its old value hides it.
  const piece = fc.record({
    before: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 8 }),
    restarts: fc.boolean(),
    after: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 8 }),
  });
  fc.assert(fc.property(fc.array(piece, { minLength: 1, maxLength: 20 }), (pieces) => {
    let counter = 1_000;
    const all: number[] = [];
    const samples = pieces.map(({ before, restarts, after }): CounterSample => {
      const values = before.map((growth) => counter += growth);
      // The first sample's beginning is not known: a restart in it cannot be taken apart.
      if (restarts && all.length > 0) counter = 0;
      values.push(...after.map((growth) => counter += growth));
      all.push(...values);
      return { min: Math.min(...values), max: Math.max(...values), last: values.at(-1)! };
    });
    const isHidden = samples.some(({ min, last }, i) =>
      i > 0 && last >= samples[i - 1]!.last && min < last
    );
    fc.pre(
      !isHidden || samples.every((sample, i) => i === 0 || sample.min >= samples[i - 1]!.last),
    );
    assert.equal(counterIncrease(samples), slowly(all));
  }));
});
