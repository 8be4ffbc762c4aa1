/// <reference lib="deno.unstable" />
import assert from "node:assert/strict";
import plugin, { fileNameProblem } from "@/tools/check_shape.ts";

function findings(path: string, source: string): string[] {
  return Deno.lint.runPlugin(plugin, path, source).map((finding) => finding.message);
}

function functionOf(lines: number): string {
  return `function long() {\n${"  count++;\n".repeat(lines - 2)}}`;
}

Deno.test("a function of 70 lines stands, one of 71 does not", () => {
  assert.deepEqual(findings("store/a.ts", functionOf(70)), []);
  assert.match(findings("store/a.ts", functionOf(71))[0] ?? "", /71 lines/);
  const method = `class A {\n  ${functionOf(71).replace("function ", "")}\n}`;
  assert.equal(findings("store/a.ts", method).length, 1);
  assert.deepEqual(findings("store/a_test.ts", functionOf(200)), []);
});

Deno.test("braces inside texts, comments and patterns do not mislead", () => {
  const tricky = "function a() {\n  return /}{/.test('}') ? `}${'{'}` : \"}\"; // }\n}";
  assert.deepEqual(findings("store/a.ts", tricky), []);
});

Deno.test("five parameters are too many", () => {
  assert.equal(findings("store/a.ts", "function f(a, b, c, d, e) {}").length, 1);
  assert.deepEqual(findings("store/a.ts", "function f(a, b, c, d) {}"), []);
});

Deno.test("top-level functions are declarations", () => {
  assert.equal(findings("store/a.ts", "export const f = () => 1;").length, 1);
  assert.equal(findings("store/a.ts", "const f = function () {};").length, 1);
  assert.deepEqual(findings("store/a.ts", "const f = [() => 1]; function g() {}"), []);
});

Deno.test("a small file that only passes things on is refused", () => {
  const passing = 'export * from "./b.ts";\nexport type { C } from "./c.ts";\n';
  assert.match(findings("store/a.ts", passing)[0] ?? "", /only passes things on/);
  assert.deepEqual(findings("store/a.ts", passing + "export const x = 1;"), []);
  assert.deepEqual(findings("web/fresh.ts", passing), []);
});

Deno.test("names of files", () => {
  const good = [
    "store/group_commit.ts",
    "store/group_commit_test.ts",
    "components/StatusBadge.tsx",
    "components/StatusBadge_test.tsx",
    "islands/LiveChart.tsx",
    "routes/index.tsx",
    "routes/devices/[id].tsx",
    "routes/api/[...rest].ts",
    "routes/_404.tsx",
    "fresh.config.ts",
    "tests/helpers/until.ts",
    "main.ts",
  ];
  for (const path of good) assert.equal(fileNameProblem(path), null, path);
  const bad = [
    "store/groupCommit.ts",
    "store/group-commit.ts",
    "store/index.ts",
    "store/utils.ts",
    "cli/string_helpers.ts",
    "store/connection_manager.ts",
    "model/common.ts",
    "components/status_badge.tsx",
    "routes/Devices.tsx",
  ];
  for (const path of bad) assert.notEqual(fileNameProblem(path), null, path);
});
