import assert from "node:assert/strict";
import { bucket } from "./presence_view.ts";

const START_MS = Date.parse("2026-02-10T00:00:00+01:00");
const MINUTE_MS = 60_000;

Deno.test("results of a day become means of ten minutes with their ends", () => {
  const at = (minute: number, value: number) => ({ atMs: START_MS + minute * MINUTE_MS, value });
  const points = bucket([at(0, 0.25), at(9.99, 0.75), at(10, 1), at(35, 0.5)], START_MS);
  assert.deepEqual(
    points.map(({ atMs, ...values }) => ({ minute: (atMs - START_MS) / MINUTE_MS, ...values })),
    [
      { minute: 5, value: 0.5, min: 0.25, max: 0.75 },
      { minute: 15, value: 1, min: 1, max: 1 },
      { minute: 35, value: 0.5, min: 0.5, max: 0.5 },
    ],
  );
  assert.deepEqual(bucket([], START_MS), []);
});

Deno.test("a day of results at ten a second is summed up without running out of stack", () => {
  const many = Array.from({ length: 300_000 }, (_, i) => ({ atMs: START_MS + i, value: i % 2 }));
  assert.deepEqual(bucket(many, START_MS), [
    { atMs: START_MS + 5 * MINUTE_MS, value: 0.5, min: 0, max: 1 },
  ]);
});
