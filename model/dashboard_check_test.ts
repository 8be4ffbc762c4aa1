import assert from "node:assert/strict";
import fc from "fast-check";
import { nearest } from "@/config/nearest.ts";
import { BUILT_IN_DASHBOARDS } from "@/model/built_in_dashboards.ts";
import { checkDashboard, readDashboard } from "@/model/dashboard_check.ts";

function problemsOf(value: unknown): string[] {
  return checkDashboard(value, { nearest }).problems.map(({ path, message }) =>
    `${path}: ${message}`
  );
}

const series = [{ device: "boiler", measurement: "temperature" }];
const panel = { kind: "stat", title: "Now", series };

Deno.test("the built-in dashboards are as they must be, and pass", () => {
  const [environment, signal] = BUILT_IN_DASHBOARDS.map(({ dashboard }) => dashboard);
  assert.equal(environment!.panels.length, 7);
  assert.equal(signal!.panels.length, 4);
  for (const { dashboard } of BUILT_IN_DASHBOARDS) {
    const checked = readDashboard(JSON.stringify(dashboard), { nearest });
    assert.deepEqual(checked.problems, []);
    assert.deepEqual(checked.dashboard, dashboard);
  }
});

Deno.test("what is left out has its default", () => {
  const { dashboard } = checkDashboard({ title: "Boiler", panels: [panel] }, { nearest });
  assert.deepEqual(dashboard?.panels, [
    { ...panel, width: 3, aggregation: "last", thresholds: [] },
  ]);
});

Deno.test("every mistake is said at once, with its path and the nearest name", () => {
  const problems = problemsOf({
    tittle: "x",
    panels: [
      { ...panel, kind: "gague", widht: 6, aggregation: "avarage" },
      { ...panel, kind: "gauge", min: 5, max: 5, width: 5 },
      { ...panel, series: [], note: "" },
      {
        ...panel,
        thresholds: [{ tone: "oK" }, { tone: "bad" }, { from: 3, above: 4, tone: "ok" }],
      },
      { ...panel, aggregation: "percentage" },
      { ...panel, series: [...series, ...series] },
      "nothing",
    ],
  });
  assert.deepEqual(problems, [
    'tittle: is not known here; did you mean "title"?',
    "title: is missing",
    'panels[0].widht: is not known here; did you mean "width"?',
    'panels[0].kind: "gague" is not known; did you mean "gauge"?',
    'panels[0].aggregation: "avarage" is not known; there are last, mean, min, max, count, ' +
    "increase, percentage",
    "panels[1].width: 5 is not one of 3, 4, 6, 8, 12",
    "panels[1].max: 5 is not above min, which is 5",
    "panels[2].series: has 0 entries, exactly 1 may be there",
    "panels[2].note: is empty",
    'panels[3].thresholds[0].tone: "oK" is not known; did you mean "ok"?',
    "panels[3].thresholds[2].above: goes without from: a threshold has one limit",
    "panels[3].thresholds[1]: needs from or above; only the first has neither",
    'panels[4].series[0].of: is missing: the measurement that "temperature" is a part of',
    "panels[5].series: has 2 entries, exactly 1 may be there",
    'panels[6]: "nothing" is not an object',
  ]);
});

Deno.test("all panels together have a limit", () => {
  const twelve = Array(12).fill(series[0]);
  const many = Array(13).fill({ kind: "table", title: "x", series: twelve });
  assert.deepEqual(problemsOf({ title: "x", panels: many }), [
    "panels: have 156 series together, at most 150 may be there",
  ]);
});

Deno.test("the guide's examples are dashboards", async () => {
  const guide = await Deno.readTextFile(new URL("../docs/guides/dashboards.md", import.meta.url));
  const blocks = [...guide.matchAll(/```json\n(.*?)```/gs)].map(([, json = ""]) => json);
  assert.equal(blocks.length > 0, true);
  for (const block of blocks) assert.deepEqual(readDashboard(block, { nearest }).problems, []);
});

Deno.test("text that is no JSON is named with its line", () => {
  const { problems } = readDashboard('{\n  "title": "x",\n  panels\n}', { nearest });
  assert.equal(problems.length, 1);
  assert.match(problems[0]!.message, /this is not JSON: .*line 3/);
  const long = readDashboard(" ".repeat(70_000), { nearest });
  assert.match(long.problems[0]!.message, /70000 characters/);
});

Deno.test("whatever is sent is refused or read, never thrown at", () => {
  const field = fc.constantFrom(
    ...["title", "panels", "kind", "series", "device", "thresholds", "from", "__proto__", "min"],
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.anything(),
      fc.array(tie("tree"), { maxLength: 4 }),
      fc.dictionary(field, tie("tree"), { maxKeys: 5 }),
    ),
  }));
  fc.assert(fc.property(tree, (value) => {
    const { dashboard, problems } = checkDashboard(value, { nearest });
    assert.equal(dashboard === null, problems.length > 0);
    assert(problems.length <= 20);
  }));
});
