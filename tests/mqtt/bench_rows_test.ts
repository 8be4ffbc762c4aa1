/** The benchmark's measurements run to their end, in small. */
import assert from "node:assert/strict";
import { benchMqtt } from "@/bench/mqtt_bench.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";

Deno.test("the MQTT benchmark measures both brokers", async () => {
  await using folder = await TempDir.create();
  const rows = await benchMqtt({
    folder: folder.path,
    runs: 1,
    fanInMessages: 2000,
    fanOutMessages: 2,
    idleConnections: 200,
  });
  assert.equal(rows.length, 5);
  for (const { name, ours, peer } of rows) {
    assert(Number.isFinite(ours) && Number.isFinite(peer), name);
  }
  const rates = rows.filter(({ unit }) => unit.endsWith("/s"));
  for (const { name, ours, peer } of rates) assert(ours > 0 && peer! > 0, name);
});
