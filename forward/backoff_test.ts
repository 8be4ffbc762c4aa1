import assert from "node:assert/strict";
import { BACKOFF_MAX_MS, backoffMs, RETRY_AFTER_MAX_MS } from "@/forward/backoff.ts";

function drawn(failures: number, random: number, retryAfterMs: number | null = null): number {
  return backoffMs(failures, { random: () => random, retryAfterMs });
}

Deno.test("backoff: full jitter below 1 s doubling to 60 s", () => {
  const ceilings = [1, 2, 3, 4, 5, 6, 7, 8, 1000].map((failures) => drawn(failures, 0.999999));
  assert.deepEqual(ceilings, [1, 2, 4, 8, 16, 32, 60, 60, 60].map((s) => s * 1000));
  assert.equal(drawn(4, 0.5), 4000);
  assert.equal(drawn(1, 0), 1, "never at once");
  assert.equal(drawn(1e9, 0.999999), BACKOFF_MAX_MS);
});

Deno.test("backoff: Retry-After is the least, within reason", () => {
  assert.equal(drawn(1, 0.5, 30_000), 30_000);
  assert.equal(drawn(7, 0.5, 1_000), 30_000);
  assert.equal(drawn(1, 0.5, 1e12), RETRY_AFTER_MAX_MS);
});
