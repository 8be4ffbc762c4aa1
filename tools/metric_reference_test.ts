import assert from "node:assert/strict";
import { Metrics } from "@/observe/metrics.ts";
import { metricReference } from "@/tools/metric_reference.ts";

Deno.test("the reference has every metric of a scrape, with its kind", async () => {
  const scrape = await new Metrics().render();
  const kinds = [...scrape.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map((
    [, name, kind],
  ) => [name, kind]);
  assert.ok(kinds.length > 20);
  const reference = metricReference();
  for (const [name, kind] of kinds) {
    assert.ok(reference.includes(`| \`${name}\` | ${kind} |`), String(name));
  }
  assert.equal([...reference.matchAll(/^\| `sluice_/gm)].length, kinds.length);
});
