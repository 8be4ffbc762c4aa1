import assert from "node:assert/strict";
import { alignedColumn, lonelyPlaces, timesOf } from "./plot_data.ts";
import type { PointColumns } from "@/model/dashboard_view.ts";

function points(value: (number | null)[], changes: Partial<PointColumns> = {}): PointColumns {
  return { firstMs: 1000, stepMs: 10, value, lastCount: 1, ...changes };
}

function align(series: PointColumns, intervalMs: number | null, others: PointColumns[] = []) {
  const times = [...new Set([series, ...others].flatMap(timesOf))].sort((a, b) => a - b);
  const place = new Map(times.map((time, i) => [time, i]));
  const options = { values: series.value, place, length: times.length };
  return alignedColumn({ points: series, intervalMs }, options);
}

Deno.test("a step or two without a value is no gap, three are", () => {
  assert.deepEqual(align(points([1, null, 3]), null), [1, undefined, 3]);
  assert.deepEqual(align(points([1, null, null, 4]), null), [1, null, null, 4]);
});

Deno.test("a device that sends rarely has wider gaps", () => {
  const rare = points([1, null, null, null, 5, null, null, null, null, null, null, null, null, 14]);
  const column = align(rare, 40);
  assert.deepEqual(column.slice(0, 5), [1, undefined, undefined, undefined, 5]);
  const sparse = align(points([1, ...Array(12).fill(null), 14]), 40);
  assert.deepEqual(sparse.slice(1, -1), Array(12).fill(null), "130 ms without one of 40");
});

Deno.test("another series' times do not break a line, but lie in its gaps", () => {
  const other = points([5, 6, 7, 8, 9, 10, 11], { firstMs: 1005 });
  const column = align(points([1, 2, null, null, null, 6]), null, [other]);
  assert.deepEqual(column, [
    ...[1, undefined, 2, null, null, null, null, null, null, null, 6],
    ...[undefined, undefined],
  ]);
});

Deno.test("nothing known is an empty column", () => {
  const place = new Map([[1000, 0]]);
  const options = { values: undefined, place, length: 1 };
  assert.deepEqual(alignedColumn({ points: null, intervalMs: null }, options), [undefined]);
});

Deno.test("values between gaps are dots", () => {
  assert.deepEqual(lonelyPlaces([1, null, 2, undefined, 3, null, 4, null]), [0, 6]);
  assert.deepEqual(lonelyPlaces([undefined, 1, undefined]), [1]);
  assert.deepEqual(lonelyPlaces([]), []);
});
