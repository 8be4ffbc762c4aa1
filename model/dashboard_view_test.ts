import assert from "node:assert/strict";
import {
  type DashboardView,
  drawnDecimals,
  panelEnds,
  type PanelView,
  type PointColumns,
  type SeriesView,
  unbrokenRuns,
  withReadings,
} from "@/model/dashboard_view.ts";
import type { LiveSeries } from "@/model/live_events.ts";

const NOW = 1_000_000;

function series(changes: Partial<SeriesView> = {}): SeriesView {
  return {
    ...{ device: "boiler", measurement: "temperature", label: "boiler", colour: 1, unit: "°C" },
    ...{ known: true, intervalMs: 10_000, isNewest: true, value: 20, spark: null },
    latest: { atMs: NOW - 5_000, value: 20, implausible: false },
    window: { min: 18, mean: 19, max: 20 },
    day: { min: 18, max: 20 },
    points: points([18, null, 20]),
    ...changes,
  };
}

/** Steps of 10 s, the last of which has begun 5 s ago. */
function points(value: (number | null)[], changes: Partial<PointColumns> = {}): PointColumns {
  const firstMs = NOW - 5_000 - (value.length - 1) * 10_000;
  return { firstMs, stepMs: 10_000, value, lastCount: 1, ...changes };
}

function view(changes: Partial<PanelView> = {}, of: Partial<SeriesView> = {}): DashboardView {
  const panel: PanelView = {
    ...{ kind: "time_series", title: "Boiler", width: 6, aggregation: "mean", thresholds: [] },
    ...{ min: null, max: null, note: null, series: [series(of)] },
    ...changes,
  };
  return { atMs: NOW, fromMs: NOW - 60_000, toMs: NOW, isZoomed: false, panels: [panel] };
}

function reading(value: number, changes: Partial<LiveSeries> = {}): LiveSeries {
  return {
    ...{ device: "boiler", measurement: "temperature", unit: "celsius", atMs: NOW + 1_000, value },
    ...{ min: value, max: value, count: 1, flags: [] },
    ...changes,
  };
}

function after(before: DashboardView, arrived: LiveSeries, atMs = NOW + 1_000): SeriesView {
  return withReadings(before, [arrived], atMs).panels[0]!.series[0]!;
}

Deno.test("a value in the last step moves its mean, one in a later step begins it", () => {
  const same = after(view(), reading(23, { count: 2 }));
  assert.deepEqual(same.points?.value, [18, null, 22]);
  assert.equal(same.points?.lastCount, 3);
  assert.equal(same.value, 23);
  assert.deepEqual(same.day, { min: 18, max: 23 });
  const later = after(view(), reading(23, { atMs: NOW + 26_000 }), NOW + 26_000);
  assert.deepEqual(later.points?.value, [18, null, 20, null, null, 23]);
});

Deno.test("what was there is not changed, and what nothing came for stays the same object", () => {
  const before = view();
  const copy = structuredClone(before);
  withReadings(before, [reading(99)], NOW + 1_000);
  assert.deepEqual(before, copy);
  const untouched = withReadings(before, [reading(1, { device: "other" })], NOW + 1_000);
  assert.equal(untouched.panels[0], before.panels[0]);
});

Deno.test("the first value ever begins the columns", () => {
  const empty = { firstMs: 0, stepMs: 10_000, value: [], lastCount: 0 };
  const unknown = { known: false, latest: null, value: null, day: null, window: null };
  const first = after(view({}, { ...unknown, points: empty }), reading(21));
  assert.deepEqual(first.points, { firstMs: 1_000_000, stepMs: 10_000, value: [21], lastCount: 1 });
  assert.deepEqual([first.known, first.value, first.day], [true, 21, { min: 21, max: 21 }]);
});

Deno.test("what falls out of the window is cut off", () => {
  const now = NOW + 70_000;
  const cut = after(view(), reading(30, { atMs: now }), now);
  assert.deepEqual(cut.points?.value.at(-1), 30);
  assert(cut.points!.firstMs > now - 70_001, "no point is older than the window and a step");
  assert.equal(cut.points!.value.length <= 7, true);
});

Deno.test("late, early, implausible and future values", () => {
  const late = after(view(), reading(5, { atMs: NOW - 15_000 }));
  assert.deepEqual(late.points?.value, [18, 5, 20], "an empty step is filled");
  assert.equal(late.value, 20, "it is not the newest");
  const known = after(view(), reading(5, { atMs: NOW - 25_000 }));
  assert.deepEqual(known.points?.value, [18, null, 20], "how many values it has is not known");
  const old = after(view(), reading(5, { atMs: NOW - 500_000 }));
  assert.deepEqual(old.points?.value, [18, null, 20]);
  const strange = after(view(), reading(900, { flags: ["implausible"] }));
  assert.deepEqual(strange.points?.value, [18, null, 20]);
  assert.deepEqual(strange.latest, { atMs: NOW + 1_000, value: 900, implausible: true });
  const future = after(view(), reading(7, { atMs: NOW + 1e9, flags: ["ts_future"] }));
  assert.equal(future.value, 20);
  const ahead = after(view(), reading(7, { atMs: NOW + 1e9 }));
  assert.equal(ahead.points?.value.length, 3, "a clock that is ahead does not stretch a chart");
});

Deno.test("bands and other aggregations go on as they were summed up", () => {
  const band = after(
    view({}, { points: points([18, 20], { min: [17, 19], max: [19, 21] }) }),
    reading(22, { min: 16, max: 24, count: 3 }),
  );
  assert.deepEqual([band.points?.min, band.points?.max], [[17, 16], [19, 24]]);
  const summed = (aggregation: PanelView["aggregation"]) =>
    after(view({ aggregation }, { isNewest: false, value: 7 }), reading(23, { count: 2 }));
  assert.deepEqual(summed("increase").points?.value, [18, null, 23]);
  assert.equal(summed("increase").value, 10);
  assert.deepEqual(summed("count").points?.value, [18, null, 22]);
  assert.equal(summed("count").value, 9);
  assert.deepEqual(summed("max").points?.value, [18, null, 23]);
  assert.deepEqual(summed("min").points?.value, [18, null, 20]);
  assert.deepEqual(summed("last").points?.value, [18, null, 23]);
  assert.deepEqual(summed("percentage").points?.value, [18, null, 20], "the server knows");
});

Deno.test("a counter that restarted grew by its value", () => {
  const counter = after(
    view({ aggregation: "increase" }, { isNewest: false, value: 50 }),
    reading(3),
  );
  assert.equal(counter.value, 53);
});

Deno.test("what somebody looks closer at stays, while its newest value moves", () => {
  const zoomed = { ...view(), fromMs: NOW - 30_000, toMs: NOW - 10_000, isZoomed: true };
  const next = withReadings(zoomed, [reading(23)], NOW + 1_000);
  assert.deepEqual([next.fromMs, next.toMs], [zoomed.fromMs, zoomed.toMs]);
  const [shown] = next.panels[0]!.series;
  assert.equal(shown!.value, 23);
  assert.deepEqual(shown!.points, zoomed.panels[0]!.series[0]!.points);
});

Deno.test("ends, runs and decimals of what is drawn", () => {
  const { panels: [panel] } = view({}, {
    points: points([18, null, 20], { min: [17, null, 19], max: [18, null, 25] }),
  });
  assert.deepEqual(panelEnds(panel!), { min: 17, max: 25 });
  assert.equal(panelEnds(view({}, { points: null }).panels[0]!), null);
  assert.deepEqual(unbrokenRuns(points([1, 2, null, 4, null, null, null, 8]), 25_000), [
    [0, 1, 3],
    [7],
  ]);
  assert.equal(drawnDecimals({ min: 20, max: 30 }), 2);
  assert.equal(drawnDecimals({ min: 0, max: 120_000 }), 0);
  assert.equal(drawnDecimals({ min: 5, max: 5 }), 7);
});
