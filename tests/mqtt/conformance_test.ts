/** Runs every case; the names say which statements of which version each shows. */
import { CASES } from "@/tests/mqtt/cases/all_cases.ts";
import { runCase } from "@/tests/mqtt/script.ts";

for (const found of CASES) {
  const spec = found.version === 5 ? "5.0" : "3.1.1";
  const numbers = found.covers.map((cover) => `[MQTT-${cover.slice(2)}]`).join(" ");
  Deno.test(`${spec} ${found.name} ${numbers}`, () => runCase(found));
}
