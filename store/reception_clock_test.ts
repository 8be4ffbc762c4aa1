import assert from "node:assert/strict";
import fc from "fast-check";
import { ReceptionClock, restamp } from "@/store/reception_clock.ts";

const BUILD = 1_000_000_000_000;
const DAY = 86_400_000_000;

function clock(wallUs: number, newestUs = 0, monotonicUs = 0): ReceptionClock {
  return new ReceptionClock({ buildUs: BUILD, newestUs, reading: { wallUs, monotonicUs } });
}

Deno.test("reception clock: trusted from the build and from a day before the newest reception", () => {
  assert.equal(clock(BUILD - 1).trusted, false);
  assert.equal(clock(BUILD).trusted, true);
  assert.equal(clock(BUILD + DAY, BUILD + 2 * DAY).trusted, true);
  assert.equal(clock(BUILD + DAY - 1, BUILD + 2 * DAY).trusted, false);
});

Deno.test("reception clock: untrusted time goes on from the newest known at the monotonic pace", () => {
  const newest = BUILD + 5 * DAY;
  const subject = clock(0, newest, 1000);
  assert.equal(subject.trusted, false);
  subject.observe({ wallUs: 5, monotonicUs: 3000 });
  assert.equal(subject.stamp(0), newest + 2000);
  assert.equal(subject.stamp(0), newest + 2001);
});

Deno.test("reception clock: becoming trusted is said once", () => {
  const subject = clock(0);
  assert.equal(subject.observe({ wallUs: 1, monotonicUs: 1 }), false);
  assert.equal(subject.observe({ wallUs: BUILD + 10, monotonicUs: 2 }), true);
  assert.equal(subject.observe({ wallUs: BUILD + 11, monotonicUs: 3 }), false);
  assert.equal(subject.stamp(0), BUILD + 11);
});

Deno.test("reception clock: after a step back times go on at half the pace", () => {
  const subject = clock(BUILD + 1000, 0, 0);
  assert.equal(subject.stamp(0), BUILD + 1000);
  subject.observe({ wallUs: BUILD + 200, monotonicUs: 100 });
  assert.equal(subject.stamp(0), BUILD + 1050);
  // caught up
  subject.observe({ wallUs: BUILD + 5000, monotonicUs: 4900 });
  assert.equal(subject.stamp(0), BUILD + 5000);
});

Deno.test("reception clock: times strictly increase whatever the clocks do", () => {
  const step = fc.record({
    wallStepUs: fc.integer({ min: -3 * DAY, max: 3 * DAY }),
    elapsedUs: fc.nat(10_000_000),
    ages: fc.array(fc.nat(100_000), { maxLength: 5 }),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
    let wallUs = BUILD;
    let monotonicUs = 0;
    const subject = clock(wallUs);
    let last = 0;
    for (const { wallStepUs, elapsedUs, ages } of steps) {
      wallUs += wallStepUs + elapsedUs;
      monotonicUs += elapsedUs;
      subject.observe({ wallUs, monotonicUs });
      for (const ageUs of ages) {
        const stamped = subject.stamp(ageUs);
        assert(stamped > last && Number.isSafeInteger(stamped));
        last = stamped;
      }
    }
  }));
});

Deno.test("restamp: as long ago as the monotonic clock says, behind the message in front", () => {
  const reading = { wallUs: BUILD + 100, monotonicUs: 70 };
  assert.equal(restamp(50, { previousUs: 0, reading }), BUILD + 80);
  assert.equal(restamp(50, { previousUs: BUILD + 80, reading }), BUILD + 81);
});
