import assert from "node:assert/strict";
import fc from "fast-check";
import { PoisonSearch } from "@/forward/poison.ts";
import { PermanentError } from "@/model/errors.ts";

/** Sends messages as a delivery would; returns how often, and which were condemned. */
function search(
  count: number,
  { isBad, whims = 0 }: { isBad: (index: number) => boolean; whims?: number },
): { sends: number; condemned: number[]; accepted: number[] } {
  const poison = new PoisonSearch();
  const error = new PermanentError("bad", { code: "TST-0001", hint: "This is a test" });
  const condemned: number[] = [];
  const accepted: number[] = [];
  let [front, sends] = [0, 0];
  while (front < count) {
    if (poison.verdict() !== null) {
      condemned.push(front++);
      continue;
    }
    const size = poison.nextSize(count - front);
    const range = Array.from({ length: size }, (_, index) => front + index);
    sends++;
    if (range.some(isBad) || whims-- > 0) poison.refused(size, error);
    else {
      accepted.push(...range);
      poison.accepted(size);
      front += size;
    }
  }
  return { sends, condemned, accepted };
}

Deno.test("poison: each place of 500 is found within ten more sends, nothing else is condemned", () => {
  for (let bad = 0; bad < 500; bad++) {
    const { sends, condemned } = search(500, { isBad: (index) => index === bad });
    assert.deepEqual(condemned, [bad]);
    assert(sends <= 11, `${sends} sends for ${bad}`);
  }
});

Deno.test("poison: any set of bad ones is found exactly, and order is kept", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 300 }),
    fc.uniqueArray(fc.nat(299), { maxLength: 30 }),
    (count, numbers) => {
      const bad = numbers.filter((number) => number < count).sort((a, b) => a - b);
      const { condemned, accepted, sends } = search(count, { isBad: (i) => bad.includes(i) });
      assert.deepEqual(condemned, bad);
      assert.deepEqual(accepted, accepted.toSorted((a, b) => a - b));
      assert.equal(accepted.length + condemned.length, count);
      assert(sends <= 1 + bad.length * 12 + 12, `${sends} sends for ${bad.length} bad ones`);
    },
  ));
});

Deno.test("poison: one refusal out of a whim condemns nothing", () => {
  for (const count of [1, 2, 3, 500]) {
    const { condemned, accepted } = search(count, { isBad: () => false, whims: 1 });
    // a message refused alone is condemned at once: nothing tells a whim from a verdict there
    assert.deepEqual(condemned, count === 1 ? [0] : []);
    assert.equal(accepted.length, count === 1 ? 0 : count);
  }
});
