import assert from "node:assert/strict";
import fc from "fast-check";
import type { ChartPoint, ChartWindow } from "@/store/chart_queries.ts";
import { message, START_MS, TestWriter } from "@/store/fixture.ts";
import { runQuery } from "@/store/queries.ts";

const START_US = START_MS * 1000;
const MINUTE_US = 60_000_000;
const HOUR_US = 60 * MINUTE_US;

interface Value {
  atUs: number;
  value: number;
}

function read(test: TestWriter, windows: ChartWindow[], device = "boiler") {
  const requests = [{ device, measurement: "temperature", windows }];
  return runQuery(test.writer.database, "charts.read", { requests, nowUs: START_US })[0]!;
}

function send(test: TestWriter, values: Value[]): void {
  test.append(
    ...values.map(({ atUs, value }) =>
      message("boiler", { payload: JSON.stringify({ ts: atUs, values: { temperature: value } }) })
    ),
  );
}

/** What a chart should show, worked out the slow way. */
function slowly(values: Value[], stepUs: number): Omit<ChartPoint, "last" | "grown">[] {
  const groups = Map.groupBy(values, ({ atUs }) => Math.floor(atUs / stepUs));
  return [...groups].sort(([a], [b]) => a - b).map(([step, group]) => {
    const numbers = group.map(({ value }) => value);
    return {
      atUs: step * stepUs,
      count: numbers.length,
      mean: numbers.reduce((sum, n) => sum + n, 0) / numbers.length,
      min: Math.min(...numbers),
      max: Math.max(...numbers),
    };
  });
}

Deno.test("charts: steps are what the values say, moved to the roll-ups or not", async () => {
  const value = fc.record({
    agoUs: fc.integer({ min: 1, max: 40 * HOUR_US }),
    value: fc.integer({ min: -400, max: 850 }).map((n) => n / 10),
  });
  const batches = fc.array(fc.array(value, { minLength: 1, maxLength: 20 }), {
    minLength: 1,
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(batches, fc.boolean(), async (parts, moves) => {
      using test = await TestWriter.open();
      const all: Value[] = [];
      for (const part of parts) {
        const values = part.map(({ agoUs, value }) => ({ atUs: START_US - agoUs, value }));
        send(test, values);
        all.push(...values);
        test.upkeep();
        if (!moves) continue;
        // What waits is moved after ten minutes.
        test.environment.advance(601_000);
        test.upkeep();
      }
      const window = { fromUs: START_US - 40 * HOUR_US, toUs: START_US };
      for (const stepUs of [20_000_000, MINUTE_US, 10 * MINUTE_US, HOUR_US, 4 * HOUR_US]) {
        for (const isCounter of [false, true]) {
          const { windows } = read(test, [{ ...window, stepUs, isCounter }]);
          const points = windows[0]!.points.map(({ last: _last, grown: _grown, ...point }) =>
            point
          );
          const expected = slowly(all, stepUs);
          assert.equal(points.length, expected.length);
          points.forEach((point, i) => {
            const { mean, ...rest } = expected[i]!;
            assert(Math.abs(point.mean - mean) < 1e-9, `${point.mean} is not ${mean}`);
            assert.deepEqual({ ...point, mean: 0 }, { ...rest, mean: 0 });
          });
        }
      }
    }),
    { numRuns: 15 },
  );
});

Deno.test("charts: newest value, interval, growth of a counter over a restart", async () => {
  using test = await TestWriter.open();
  const counts = [50, 60, 75, 5, 20, 20];
  send(test, counts.map((value, i) => ({ atUs: START_US - (60 - 10 * i) * 1e6, value })));
  test.upkeep();
  const window = { fromUs: START_US - HOUR_US, toUs: START_US, isCounter: true };
  const series = read(test, [{ ...window, stepUs: 20_000_000 }]);
  assert.equal(series.known, true);
  assert.equal(series.unit, "celsius");
  assert.equal(series.latest?.value, 20);
  assert.equal(series.intervalUs, 10_000_000);
  const { points } = series.windows[0]!;
  assert.equal(points.reduce((sum, { grown }) => sum + grown, 0), 10 + 15 + 5 + 15);
  assert.equal(points.at(-1)!.last, 20);
});

Deno.test("charts: a series that never sent is unknown, with a window for each asked", async () => {
  using test = await TestWriter.open();
  const window = { fromUs: 0, toUs: START_US, stepUs: HOUR_US, isCounter: false };
  const series = read(test, [window, window], "nobody");
  assert.deepEqual(series, {
    ...{ device: "nobody", measurement: "temperature", known: false, unit: null, latest: null },
    intervalUs: null,
    windows: [{ stepUs: HOUR_US, points: [] }, { stepUs: HOUR_US, points: [] }],
  });
});

Deno.test("charts: a fast series takes minutes where single values would be too many", async () => {
  using test = await TestWriter.open();
  const every = (us: number, n: number) =>
    Array.from({ length: n }, (_, i) => ({ atUs: START_US - (n - i) * us, value: i }));
  send(test, every(1000, 40));
  test.upkeep();
  const window = { toUs: START_US, stepUs: 20_000_000, isCounter: false };
  const hour = read(test, [{ ...window, fromUs: START_US - HOUR_US }]);
  assert.equal(hour.windows[0]!.stepUs, MINUTE_US);
  const seconds = read(test, [{ ...window, fromUs: START_US - 15_000_000 }]);
  assert.equal(seconds.windows[0]!.stepUs, 20_000_000);
});

Deno.test("charts: which devices there are, by measurement", async () => {
  using test = await TestWriter.open();
  const database = test.writer.database;
  const overview = () => runQuery(database, "series.overview", { devices: ["node1", "node2"] });
  assert.deepEqual(overview(), { devices: [], others: false });
  test.append(message("b"), message("a"), message("c"));
  test.append(message("a", { payload: '{"humidity":40}' }));
  test.upkeep();
  assert.deepEqual(overview(), { devices: [], others: true });
  const limits = { devicesMax: 2, measurementsMax: 10 };
  assert.deepEqual(runQuery(database, "series.by_measurement", limits), [
    { measurement: "temperature", devices: ["a", "b"], total: 3 },
    { measurement: "humidity", devices: ["a"], total: 1 },
  ]);
});
