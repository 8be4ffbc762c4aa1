import assert from "node:assert/strict";
import { RecentRates } from "@/runtime/recent_rates.ts";

Deno.test("a drain rate is the mean of the last ten seconds", () => {
  let nowMs = 5_000;
  const rates = new RecentRates(() => nowMs);
  assert.equal(rates.rate("pg"), 0);
  rates.add("pg", 100);
  nowMs = 8_500;
  rates.add("pg", 100);
  assert.equal(rates.rate("pg"), 20);
  nowMs = 15_000;
  assert.equal(rates.rate("pg"), 10, "the first hundred is older than ten seconds");
  nowMs = 100_000;
  assert.equal(rates.rate("pg"), 0);
});
