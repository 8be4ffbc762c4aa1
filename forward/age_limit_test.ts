import assert from "node:assert/strict";
import { AgeLimit } from "@/forward/age_limit.ts";
import { FakeTiming } from "@/tests/helpers/fake_timing.ts";

const HOUR_MS = 3_600_000;

function message(number: number, receivedMs: number, clockUntrusted = false) {
  return { number, receivedUs: receivedMs * 1000, clockUntrusted };
}

Deno.test("age limit: messages of this run age by the monotonic clock, whatever they say", () => {
  const timing = new FakeTiming();
  const age = new AgeLimit(HOUR_MS, { timing, head: 10 });
  age.observe(20);
  timing.advance(HOUR_MS / 2);
  age.observe(30);
  assert(!age.isExpired(message(15, 0)), "its wall time counts for nothing");
  timing.stepWall(1e12);
  assert(!age.isExpired(message(15, 0)));
  timing.advance(HOUR_MS / 2 + 1);
  assert(age.isExpired(message(20, timing.wallMs() + 1e12)));
  assert(!age.isExpired(message(21, 0)));
  timing.advance(HOUR_MS / 2);
  assert(age.isExpired(message(30, 0)));
});

Deno.test("age limit: messages of an earlier run age by the wall clock of the start", () => {
  const timing = new FakeTiming();
  const startMs = timing.wallMs();
  const age = new AgeLimit(HOUR_MS, { timing, head: 10 });
  assert(age.isExpired(message(1, startMs - HOUR_MS - 1)));
  assert(!age.isExpired(message(2, startMs - HOUR_MS + 1)));
  timing.stepWall(1e12);
  assert(!age.isExpired(message(2, startMs - HOUR_MS + 1)), "a step is no age");
  timing.advance(2);
  assert(age.isExpired(message(2, startMs - HOUR_MS + 1)));
  assert(!age.isExpired(message(3, 0, true)), "its time was never known");
});

Deno.test("age limit: what is remembered is bounded, and errs to the side of keeping", () => {
  const timing = new FakeTiming();
  const age = new AgeLimit(HOUR_MS, { timing, head: 0 });
  for (let head = 1; head <= 10_000; head++) {
    timing.advance(1_000);
    age.observe(head);
    // number n came at n seconds; by now it is head − n seconds old
    const expired = Math.max(0, head - 3_600);
    assert(!age.isExpired(message(expired + 1, 0)), `${expired + 1} at ${head}`);
    const surely = expired - 3_600 / 64;
    if (surely > 0) assert(age.isExpired(message(Math.floor(surely), 0)), `${surely} at ${head}`);
  }
});
