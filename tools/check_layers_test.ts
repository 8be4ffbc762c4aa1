/// <reference lib="deno.unstable" />
import assert from "node:assert/strict";
import plugin, { judgeImport } from "@/tools/check_layers.ts";

/** Messages of the checker for one file of the repository. */
function findings(path: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, path, source).map((finding) => finding.message);
}

/** [importing file, imported module, true when it only wants types]. */
type Case = [from: string, specifier: string, typeOnly?: boolean];

const REFUSED: Case[] = [
  ["model/a.ts", "@/config/schema.ts"],
  ["model/decode/a.ts", "node:buffer"],
  ["mqtt/codec/a.ts", "@/model/message.ts"],
  ["mqtt/a.ts", "@/model/errors_more.ts"],
  ["observe/a.ts", "@/store/store.ts", true],
  ["store/a.ts", "@/ingest/intake.ts"],
  ["store/a.ts", "@/config/schema.ts", true],
  ["ingest/a.ts", "@/forward/destination.ts"],
  ["forward/a.ts", "../ingest/intake.ts"],
  ["forward/a.ts", "@/config/schema.ts", false],
  ["cli/a.ts", "@/ingest/intake.ts", true],
  ["cli/a.ts", "@/mqtt/codec/packet.ts"],
  ["web/a.ts", "@/model/message.ts"],
  ["components/A.tsx", "fresh"],
  ["components/A.tsx", "node:fs"],
  ["routes/a.ts", "@/forward/destination.ts"],
  ["routes/a.ts", "@/ingest/intake.ts", true],
  ["store/a.ts", "@/gateway.ts", true],
  ["gateway.ts", "@/tests/helpers/until.ts"],
  ["store/a.ts", "@/runtime/options.ts"],
  ["store/a.ts", "@/store/a_test.ts"],
  ["cli/a.ts", "@/tools/product.ts"],
  ["elsewhere/a.ts", "@/model/message.ts"],
  ["forward/influxdb.ts", "postgres"],
  ["cli/a.ts", "smol-toml"],
  ["cli/a.ts", "node:sqlite"],
  ["main.ts", "npm:zod@4"],
  ["tests/a_test.ts", "jsr:@std/assert"],
  ["tools/a.ts", "https://example.com/x.ts"],
];

const ALLOWED: Case[] = [
  ["model/decode/a.ts", "@/model/errors.ts"],
  ["mqtt/codec/a.ts", "@/model/errors.ts"],
  ["mqtt/a.ts", "node:net"],
  ["store/a.ts", "@/model/decode/decode.ts"],
  ["store/a.ts", "node:sqlite"],
  ["ingest/a.ts", "@/mqtt/broker_types.ts"],
  ["forward/a.ts", "@/config/schema.ts", true],
  ["forward/postgres_session.ts", "postgres"],
  ["cli/a.ts", "@/store/store_types.ts"],
  ["cli/a.ts", "./options.ts"],
  ["components/A.tsx", "fresh/runtime"],
  ["islands/A.tsx", "@/components/B.tsx"],
  ["routes/api/a.ts", "fresh"],
  ["main.ts", "@/cli/serve.ts"],
  ["gateway.ts", "./app.ts"],
  ["gateway.ts", "@/runtime/options.ts"],
  ["runtime/options.ts", "@/forward/destination.ts"],
  ["store/a_test.ts", "@/tests/helpers/until.ts"],
  ["store/a_test.ts", "@/forward/destination.ts"],
  ["tests/flow/a_test.ts", "@/gateway.ts"],
  ["bench/main.ts", "@/tools/product.ts"],
  ["mqtt/session_store_contract.ts", "@/tests/helpers/until.ts"],
];

Deno.test("imports across the table are refused with a hint", () => {
  for (const [from, specifier, typeOnly = false] of REFUSED) {
    const refusal = judgeImport(from, { specifier, typeOnly });
    assert.ok(refusal !== null, `${from} → ${specifier}`);
    assert.notEqual(refusal.hint, "");
  }
});

Deno.test("imports along the table are allowed", () => {
  for (const [from, specifier, typeOnly = false] of ALLOWED) {
    assert.equal(judgeImport(from, { specifier, typeOnly }), null, `${from} → ${specifier}`);
  }
});

Deno.test("every way to import is seen", () => {
  const sources = [
    'import { x } from "@/ingest/intake.ts";',
    'import type { X } from "@/ingest/intake.ts";',
    'import "@/ingest/intake.ts";',
    'export * from "@/ingest/intake.ts";',
    'export { x } from "@/ingest/intake.ts";',
    'export type { X } from "@/ingest/intake.ts";',
    'const x = await import("@/ingest/intake.ts");',
    'type X = import("@/ingest/intake.ts").X;',
    'new Worker(new URL("../ingest/intake.ts", import.meta.url), { type: "module" });',
  ];
  for (const source of sources) assert.equal(findings("store/a.ts", source).length, 1, source);
  const quiet = '// import "@/ingest/x.ts";\nconst t = \'import "@/ingest/x.ts"\';';
  assert.deepEqual(findings("store/a.ts", quiet), []);
});

Deno.test("types of the configuration may come in every form of a type import", () => {
  assert.deepEqual(findings("forward/a.ts", 'import type { C } from "@/config/schema.ts";'), []);
  assert.deepEqual(findings("forward/a.ts", 'import { type C } from "@/config/schema.ts";'), []);
  assert.equal(findings("forward/a.ts", 'import { c } from "@/config/schema.ts";').length, 1);
  const mixed = 'import { type C, c } from "@/config/schema.ts";';
  assert.equal(findings("forward/a.ts", mixed).length, 1);
});

Deno.test("code for the browser uses no Deno and no node:", () => {
  assert.equal(findings("model/a.ts", "const now = Deno.readTextFile;").length, 1);
  assert.equal(findings("islands/A.tsx", 'import fs from "node:fs";').length, 1);
  assert.deepEqual(findings("store/a.ts", "Deno.cwd();"), []);
  assert.deepEqual(findings("model/a_test.ts", "Deno.test('x', () => {});"), []);
});
