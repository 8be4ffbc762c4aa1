import assert from "node:assert/strict";
import { RateLimit } from "@/auth/rate_limit.ts";

Deno.test("a bucket empties, says how long, and fills again", () => {
  let nowMs = 0;
  const limit = new RateLimit({ perSecond: 10, burst: 2, keysMax: 10, now: () => nowMs });
  assert.equal(limit.take("a"), 0);
  assert.equal(limit.take("a"), 0);
  assert.equal(limit.take("a"), 0.1);
  assert.equal(limit.take("b"), 0, "another key is another bucket");
  nowMs = 100;
  assert.equal(limit.take("a"), 0);
});

Deno.test("the longest unused key is forgotten at the bound", () => {
  const limit = new RateLimit({ perSecond: 1, burst: 1, keysMax: 2, now: () => 0 });
  limit.take("a");
  limit.take("b");
  assert.notEqual(limit.take("a"), 0);
  limit.take("c");
  assert.equal(limit.take("b"), 0, "b was forgotten");
});
