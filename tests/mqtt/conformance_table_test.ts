import assert from "node:assert/strict";
import { conformanceFaults } from "@/tools/mqtt_conformance.ts";

Deno.test("every statement that binds a server has a case, and every case a statement", () => {
  assert.deepEqual(conformanceFaults(), []);
});
