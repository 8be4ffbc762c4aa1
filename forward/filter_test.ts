import assert from "node:assert/strict";
import { Filter } from "@/forward/filter.ts";
import { batchEntry } from "@/tests/helpers/log_rows.ts";

Deno.test("filter: globs by device and measurement, everything without any", () => {
  const { normalized } = batchEntry(1, {
    device: "green-1",
    values: { temperature: 1, note: "x" },
  });
  const [reading] = normalized.readings;
  const [attribute] = normalized.attributes;
  assert(reading !== undefined && attribute !== undefined);
  const cases: [devices: string[], measurements: string[], reading: boolean, attribute: boolean][] =
    [
      [[], [], true, true],
      [["green-*"], [], true, true],
      [["*-1"], ["temp*"], true, false],
      [["green-1"], ["note"], false, true],
      [["red-*", "green-?"], [], false, false], // only * is special
      [["green"], [], false, false],
      [["*"], ["*"], true, true],
      [["green.1"], [], false, false],
    ];
  for (const [devices, measurements, takesReading, takesAttribute] of cases) {
    const filter = new Filter({ devices, measurements });
    assert.equal(filter.takesReading(reading), takesReading, `${devices} ${measurements}`);
    assert.equal(filter.takesAttribute(attribute), takesAttribute, `${devices} ${measurements}`);
    assert.equal(filter.takesAny(normalized, { attributes: true }), takesReading || takesAttribute);
    assert.equal(filter.takesAny(normalized, { attributes: false }), takesReading);
  }
});

Deno.test("filter: predictions go by the name prediction", () => {
  const { normalized } = batchEntry(1, {
    topic: "devices/cam/prediction",
    payload: '{"label":"person","score":1}',
    device: "cam",
  });
  const takes = (measurement: string) =>
    new Filter({ devices: [], measurements: [measurement] }).takesAny(normalized, {
      attributes: true,
    });
  assert(takes("prediction"));
  assert(!takes("score"));
});
