import assert from "node:assert/strict";
import fc from "fast-check";
import { message, START_MS, TestWriter } from "@/store/fixture.ts";
import { type Queries, type QueryName, type RangePoint, runQuery } from "@/store/queries.ts";

const START_US = START_MS * 1000;
const MINUTE_US = 60_000_000;
const HOUR_US = 60 * MINUTE_US;

function ask<Name extends QueryName>(
  test: TestWriter,
  name: Name,
  parameters: Queries[Name]["parameters"],
): Queries[Name]["result"] {
  return runQuery(test.writer.database, name, parameters);
}

interface Value {
  atUs: number;
  value: number;
}

/** What a chart should show, worked out the slow way. */
function steps(values: Value[], stepUs: number): Omit<RangePoint, "flags">[] {
  const groups = Map.groupBy(values, ({ atUs }) => Math.floor(atUs / stepUs));
  return [...groups].sort(([a], [b]) => a - b).map(([step, group]) => {
    const numbers = group.map(({ value }) => value);
    return {
      atUs: step * stepUs,
      value: numbers.reduce((sum, n) => sum + n, 0) / numbers.length,
      min: Math.min(...numbers),
      max: Math.max(...numbers),
      count: numbers.length,
    };
  });
}

function withoutFlags({ flags: _flags, ...point }: RangePoint): Omit<RangePoint, "flags"> {
  return point;
}

/** Every way to ask for the series gives what the values say. */
function checkSeries(test: TestWriter, device: string, values: Value[]): void {
  const whole = { device, measurement: "temperature", fromUs: 0, toUs: 4e15 };
  const single = ask(test, "readings.range", { ...whole, stepUs: null });
  const sorted = values.map(({ atUs, value }) => ({ atUs, value })).sort((a, b) =>
    a.atUs - b.atUs || a.value - b.value
  );
  const found = single.points.map(({ atUs, value }) => ({ atUs, value }))
    .sort((a, b) => a.atUs - b.atUs || a.value - b.value);
  assert.deepEqual(found, sorted);
  for (const stepUs of [7_000_000, MINUTE_US, 5 * MINUTE_US, HOUR_US]) {
    const range = ask(test, "readings.range", { ...whole, stepUs });
    const expected = steps(values, stepUs);
    range.points.forEach((point, i) => {
      const wanted = expected[i]?.value ?? NaN;
      assert(Math.abs(point.value - wanted) < 1e-9, `${point.value} is not ${wanted}`);
    });
    assert.deepEqual(
      range.points.map((point, i) => ({ ...withoutFlags(point), value: expected[i]?.value })),
      expected,
      `step ${stepUs}`,
    );
  }
  for (const stepMinutes of [1, 5, 120]) checkSteps(test, { device, values, stepMinutes });
}

function checkSteps(
  test: TestWriter,
  { device, values, stepMinutes }: { device: string; values: Value[]; stepMinutes: number },
): void {
  const found = ask(test, "readings.steps", {
    series: [{ device: "nobody", measurement: "x" }, { device, measurement: "temperature" }],
    ...{ fromUs: 0, toUs: 4e15, stepMinutes },
  });
  const expected = steps(values, stepMinutes * MINUTE_US);
  const shown = found.flatMap((series) => series.steps);
  assert.deepEqual(shown, expected.map((step, i) => ({ ...step, value: shown[i]?.value })));
  shown.forEach(({ value }, i) => assert(Math.abs(value - expected[i]!.value) < 1e-9));
}

Deno.test("history: every value counts once, whatever is moved, killed or late", async () => {
  const act = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        act: fc.constant("append" as const),
        entries: fc.array(
          fc.record({
            device: fc.constantFrom("a", "b", "c"),
            // whole quarters: sums are exact
            value: fc.integer({ min: -80, max: 80 }).map((n) => n / 4),
            agoMs: fc.nat(3 * 3_600_000),
          }),
          { maxLength: 40 },
        ),
      }),
    },
    { weight: 3, arbitrary: fc.record({ act: fc.constant("steps" as const), count: fc.nat(12) }) },
    { weight: 1, arbitrary: fc.constant({ act: "wait" as const }) },
    { weight: 1, arbitrary: fc.constant({ act: "kill" as const }) },
  );
  const seed = Number(Deno.env.get("SLUICE_MODEL_SEED") ?? Date.now() % 2 ** 31);
  console.log(`seed ${seed}, repeat it with SLUICE_MODEL_SEED=${seed}`);
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 10, maxLength: 40, size: "max" }), async (acts) => {
      using test = await TestWriter.open({ keepMs: 1e12, durability: "relaxed" });
      const values: (Value & { device: string })[] = [];
      for (const one of acts) {
        if (one.act === "append") {
          const { wallMs } = test.environment;
          const now = one.entries.map(({ device, value, agoMs }) => {
            const ts = wallMs - agoMs;
            values.push({ device, value, atUs: ts * 1000 });
            return message(device, { payload: `{"ts":${ts},"values":{"temperature":${value}}}` });
          });
          test.append(...now);
        } else if (one.act === "steps") {
          for (let i = 0; i < one.count; i++) test.writer.maintain();
        } else if (one.act === "kill") {
          await test.reopen({ kill: true });
        } else test.environment.advance(601_000);
        const cursor = test.writer.database.number("SELECT cursor FROM history");
        const taken = values.slice(0, cursor);
        for (const device of ["a", "b", "c"]) {
          checkSeries(test, device, taken.filter((value) => value.device === device));
        }
      }
    }),
    { seed, numRuns: 15 },
  );
});

Deno.test("history: values end up in the roll-ups, and the tables of recent ones are empty", async () => {
  using test = await TestWriter.open();
  test.append(...Array.from({ length: 5000 }, (_, i) =>
    message("a", {
      payload: `{"ts":${START_MS + i * 1000},"values":{"temperature":${i % 10}}}`,
    })));
  test.upkeep();
  const count = (table: string) => test.writer.database.number(`SELECT count(*) FROM ${table}`);
  assert.deepEqual([count("readings"), count("recent_a"), count("recent_b")], [5000, 0, 0]);
  assert.deepEqual([count("minutes"), count("hours")], [84, 2]);
});

Deno.test("history: latest is the newest event time, and never ahead of time", async () => {
  using test = await TestWriter.open();
  const at = (ms: number, value: number) =>
    message("a", { payload: `{"ts":${START_MS + ms},"values":{"temperature":${value}}}` });
  test.append(at(1000, 1), at(3000, 3), at(2000, 2), at(3 * 86_400_000, 9));
  test.upkeep();
  const [latest] = ask(test, "readings.latest", { devices: ["a"] });
  assert.deepEqual([latest?.value, latest?.atUs, latest?.unit], [
    3,
    START_US + 3_000_000,
    "celsius",
  ]);
  assert.deepEqual(ask(test, "readings.latest", { devices: ["b"] }), []);
});

Deno.test("history: implausible values are shown singly and left out of steps", async () => {
  using test = await TestWriter.open();
  const payloads = [20, 850, 22].map((t, i) =>
    `{"ts":${START_MS + i},"values":{"temperature":${t}}}`
  );
  test.append(...payloads.map((payload) => message("a", { payload })));
  test.upkeep();
  const range = { device: "a", measurement: "temperature", fromUs: 0, toUs: 4e15 };
  const single = ask(test, "readings.range", { ...range, stepUs: null });
  assert.deepEqual(single.points.map((point) => point.flags), [[], ["implausible"], []]);
  for (const advanceMs of [0, 601_000]) {
    test.environment.advance(advanceMs);
    test.upkeep();
    const [step] = ask(test, "readings.range", { ...range, stepUs: MINUTE_US }).points;
    assert.deepEqual([step?.count, step?.value, step?.max], [2, 21, 22]);
  }
});

Deno.test("history: a LoRa packet fills its nodes, the receiver and their last values", async () => {
  using test = await TestWriter.open();
  const payload = `{"ts":194500,"id":"N2","n1":{"t":28.3,"h":52.6,"g":461235},` +
    `"n2":{"t":27.8,"h":48.8},"sig":{"rssi":-32,"snr":12},"sts":{"rx":1,"err":0}}`;
  const packet = { topic: "gateways/N2/packet", payload, fromReceiver: true };
  test.append(message("N2", packet));
  test.upkeep();
  const { items } = ask(test, "devices.list", { limit: 10 });
  assert.deepEqual(items.map(({ device, via, messages }) => [device, via, messages]), [
    ["N2", "N2", 1],
    ["node1", "N2", 1],
    ["node2", "N2", 1],
    ["signal", "N2", 1],
    ["stats", "N2", 1],
  ]);
  const latest = ask(test, "readings.latest", {});
  assert.equal(latest.length, 9);
  assert.equal(latest.find((entry) => entry.measurement === "gas_resistance")?.value, 461235);
});

Deno.test("history: predictions, newest first and by pages; the newest of each device", async () => {
  using test = await TestWriter.open();
  const prediction = (device: string, seq: number, label: string) =>
    message(device, {
      topic: `devices/${device}/prediction`,
      payload: `{"seq":${seq},"ts":${START_MS + seq * 1000},"label":"${label}","score":0.5,` +
        `"avg":0.4,"window":5,"model":"m","debug":{"us":1}}`,
      seq,
    });
  test.append(...[1, 2, 3, 4].map((seq) => prediction("cam", seq, seq % 2 ? "person" : "none")));
  test.append(prediction("cam2", 9, "person"));
  test.upkeep();
  const first = ask(test, "predictions.list", { limit: 3 });
  assert.deepEqual(first.items.map((row) => row.seq), [9, 4, 3]);
  const second = ask(test, "predictions.list", { limit: 3, cursor: first.cursor ?? "" });
  assert.deepEqual([second.items.map((row) => row.seq), second.cursor], [[2, 1], null]);
  const people = ask(test, "predictions.list", { limit: 9, device: "cam", label: "person" });
  assert.deepEqual(people.items.map((row) => row.seq), [3, 1]);
  const course = ask(test, "predictions.course", { device: "cam", fromUs: 0, toUs: 4e15 });
  assert.deepEqual(course.map(({ atUs, label }) => [(atUs - START_US) / 1e6, label]), [
    [1, "person"],
    [2, "none"],
    [3, "person"],
    [4, "none"],
  ]);
  const window = { fromUs: START_US + 2_000_000, toUs: START_US + 10_000_000 };
  assert.deepEqual(ask(test, "predictions.labels", window), [
    { label: "none", count: 2 },
    { label: "person", count: 2 },
  ]);
  assert.deepEqual(ask(test, "predictions.labels", { ...window, device: "cam2" }), [
    { label: "person", count: 1 },
  ]);
  const ascending = ask(test, "predictions.list", {
    limit: 9,
    ascending: true,
    fromUs: START_US + 2_000_000,
    toUs: START_US + 4_000_000,
  });
  assert.deepEqual(ascending.items.map((row) => row.seq), [2, 3]);
  assert.deepEqual(ask(test, "predictions.latest", {}).map((row) => [row.device, row.seq]), [
    ["cam", 4],
    ["cam2", 9],
  ]);
  const [newest] = people.items;
  assert.deepEqual(
    [newest?.score, newest?.avgScore, newest?.window, newest?.model, newest?.debug],
    [
      0.5,
      0.4,
      5,
      "m",
      { us: 1 },
    ],
  );
});

Deno.test("history: attributes keep their newest text", async () => {
  using test = await TestWriter.open();
  const text = (ms: number, firmware: string) =>
    message("a", { payload: `{"ts":${START_MS + ms},"values":{"firmware":"${firmware}"}}` });
  test.append(text(2000, "2.0"), text(1000, "1.0"));
  test.upkeep();
  test.append(text(1500, "1.5"));
  test.upkeep();
  const [attribute] = ask(test, "attributes.list", { device: "a" });
  assert.deepEqual([attribute?.name, attribute?.value], ["firmware", "2.0"]);
  test.append(text(3000, "3.0"));
  test.upkeep();
  const summary = ask(test, "devices.summary", { device: "a" });
  assert.deepEqual([summary.attributes[0]?.value, summary.seen?.messages], ["3.0", 4]);
});

Deno.test("history: a row that cannot be decoded any more is passed over and counted", async () => {
  using test = await TestWriter.open();
  test.append(message("a", { payload: "not json" }), message("a"));
  test.upkeep();
  assert.equal(ask(test, "readings.latest", {}).length, 1);
  assert(test.environment.notices.some((notice) => notice.code === "STO-0403"));
});

Deno.test("retention: old values go, roll-ups stay for longer; a step of the clock deletes nothing", async () => {
  const history = {
    readingsKeepMs: 2 * 3_600_000,
    minutesKeepMs: 5.5 * 3_600_000,
    hoursKeepMs: 1e11,
  };
  using test = await TestWriter.open({ history });
  const hour = 3_600_000;
  const count = (table: string) => test.writer.database.number(`SELECT count(*) FROM ${table}`);
  const values = () => count("readings") + count("recent_a") + count("recent_b");
  test.append(message("a"), message("b"));
  test.upkeep();
  test.environment.advance(hour * 1.1);
  test.upkeep();
  test.append(message("a"));
  test.environment.advance(hour * 1.1);
  test.upkeep();
  assert.deepEqual([values(), count("minutes")], [1, 2], "the first two are too old");
  test.environment.advance(hour * 4);
  test.upkeep();
  assert.deepEqual([values(), count("minutes"), count("hours")], [0, 1, 3]);
  test.append(message("a"));
  test.environment.advance(700_000);
  test.upkeep();
  assert.equal(values(), 1);
  test.environment.wallMs += 365 * 24 * hour;
  test.upkeep();
  test.environment.advance(hour * 0.9);
  test.upkeep();
  assert.equal(values(), 1, "the clock was set, nothing is deleted by it yet");
  test.environment.advance(hour * 0.2);
  test.upkeep();
  assert.equal(values(), 0);
});

Deno.test("messages: the log newest first, of one sender, and after a number", async () => {
  using test = await TestWriter.open();
  test.append(...["a", "b", "a", "b", "a"].map((device) => message(device)));
  const first = ask(test, "messages.list", { limit: 2, device: "a" });
  assert.deepEqual(first.items.map((row) => row.number), [5, 3]);
  const second = ask(test, "messages.list", { limit: 2, device: "a", cursor: first.cursor ?? "" });
  assert.deepEqual([second.items.map((row) => row.number), second.cursor], [[1], null]);
  const after = ask(test, "messages.after", { number: 3, limit: 10 });
  assert.deepEqual(after.map((row) => [row.number, row.device]), [[4, "b"], [5, "a"]]);
  assert(after.every((row) => row.id.startsWith(test.writer.status.epochHex)));
});
