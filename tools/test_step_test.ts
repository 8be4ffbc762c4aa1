import assert from "node:assert/strict";
import { findTestFiles } from "@/tools/repository_files.ts";
import { divide, TEST_GROUPS } from "@/tools/test_groups.ts";
import { countTests, runStep, skippedTests } from "@/tools/test_step.ts";
import { REPOSITORY } from "@/tools/product.ts";

/** Runs `deno test` over files that exist for this test only. */
async function denoTest(files: Record<string, string>) {
  const folder = await Deno.makeTempDir({ prefix: "sluice-step-" });
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    const args = ["test", "--no-check", "--no-config", "--sanitize-ops", "--sanitize-resources"];
    return await runStep({ name: "fixture", kind: "tests", args }, { folder });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("passed, failed and ignored tests of a real run are counted, steps are not", async () => {
  const result = await denoTest({
    "a_test.ts": `Deno.test("one", async (t) => { await t.step("inner", () => {}); });
Deno.test("two", () => {});
Deno.test("three", async (t) => { await t.step("bad", () => { throw new Error("x"); }); });
Deno.test.ignore("four", () => {});`,
  });
  assert.deepEqual([result.passed, result.failed, result.skipped], [2, 1, 1]);
  assert.deepEqual(skippedTests(result.output), ["four"]);
});

Deno.test("a module that does not load is a failure", async () => {
  const result = await denoTest({ "a_test.ts": 'throw new Error("boom");' });
  assert.deepEqual([result.passed, result.failed], [0, 1]);
  assert.match(result.output, /boom/);
  const missing = await denoTest({ "a_test.ts": 'import "./not_there.ts";' });
  assert.equal(missing.failed, 1);
});

Deno.test("a leak is a failure", async () => {
  const leak = 'Deno.test("leak", () => { setInterval(() => {}, 60_000); });';
  assert.equal((await denoTest({ "a_test.ts": leak })).failed, 1);
});

Deno.test("a check counts as one test, by its exit code", async () => {
  const folder = REPOSITORY;
  const good = await runStep({ name: "v", kind: "check", args: ["--version"] }, { folder });
  assert.deepEqual([good.passed, good.failed], [1, 0]);
  const bad = await runStep({ name: "v", kind: "check", args: ["no-such-thing.ts"] }, { folder });
  assert.deepEqual([bad.passed, bad.failed], [0, 1]);
  assert.notEqual(bad.output, "");
});

Deno.test("summaries in all their forms", () => {
  const text = "ok | 12 passed (3 steps) | 0 failed | 2 ignored (1 step) | 4 filtered out (1s)\n";
  assert.deepEqual(countTests(text, true), { passed: 12, failed: 0, skipped: 2 });
  assert.deepEqual(countTests("ok | 1 passed | 0 failed (2ms)", true), {
    passed: 1,
    failed: 0,
    skipped: 0,
  });
  assert.equal(countTests("ok | 1 passed | 0 failed (2ms)", false).failed, 1);
  assert.equal(countTests("Killed", false).failed, 1);
});

Deno.test("every test file of the repository belongs to exactly one group", async () => {
  const files = await findTestFiles(REPOSITORY);
  assert.ok(files.includes("tools/test_step_test.ts"));
  const divided = divide(files).flatMap((part) => part.paths);
  assert.deepEqual(divided.sort(), files);
  assert.ok(TEST_GROUPS.at(-1)!.claims("anything/else_test.ts"));
});
