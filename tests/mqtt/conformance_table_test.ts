import assert from "node:assert/strict";
import { CONFORMANCE_PATH, conformanceFaults, mqttConformance } from "@/tools/mqtt_conformance.ts";

Deno.test("every statement that binds a server has a case, and every case a statement", () => {
  assert.deepEqual(conformanceFaults(), []);
});

Deno.test("the conformance table is what the suite makes", async () => {
  const file = new URL(`../../${CONFORMANCE_PATH}`, import.meta.url);
  assert.equal(
    await Deno.readTextFile(file),
    mqttConformance(),
    "write it again: deno run --allow-write=docs/reference tools/mqtt_conformance.ts",
  );
});
