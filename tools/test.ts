/**
 * `deno task test`: everything that continuous integration checks, in one command.
 *
 *   deno task test                 all of it
 *   deno task test store mqtt/     the tests below these folders or in these files
 *   deno task test "poison batch"  the tests whose names contain these words
 *
 * The last line is always `N passed, N failed, N skipped`; the exit code is 1 when one failed.
 */
import { ensurePackages, runCommand } from "@/tools/debian.ts";
import { REPOSITORY } from "@/tools/product.ts";
import { findSourceFiles, findTestFiles } from "@/tools/repository_files.ts";
import { divide, type TestGroup } from "@/tools/test_groups.ts";
import { runStep, skippedTests, type Step, type StepResult } from "@/tools/test_step.ts";

/** In continuous integration the lock file must fit as it is. */
const FROZEN = Deno.env.get("CI") === undefined ? [] : ["--frozen"];

/** The linter takes files relative to its configuration, so these two name every file. */
async function checks(): Promise<Step[]> {
  const files = await findSourceFiles(REPOSITORY);
  const houseLint = (name: string): Step => ({
    name,
    kind: "check",
    args: ["lint", "--config", `tools/${name}.json`, ...files],
  });
  return [houseLint("layers"), houseLint("shape"), ...CHECKS];
}

const CHECKS: Step[] = [
  { name: "format", kind: "check", args: ["fmt", "--check"] },
  { name: "lint", kind: "check", args: ["lint"] },
  { name: "types", kind: "check", args: ["check", "--quiet", ...FROZEN] },
  {
    name: "generated files",
    kind: "check",
    args: ["run", ...FROZEN, "--allow-read", "--allow-env", "tools/check_generated.ts"],
  },
];

/** The program of a checkout has them built by its task; tests start it without the task. */
const PAGES: Step = { name: "pages", kind: "check", args: ["task", "--quiet", "pages"] };

/** The emulator's tests run the nodes as they are built now. */
const FIRMWARE: Step = { name: "firmware", kind: "check", args: ["task", "--quiet", "firmware"] };

interface Selection {
  paths: string[];
  filter: string | null;
}

function select(args: readonly string[], files: readonly string[]): Selection {
  const folders = args.map((arg) => arg.replace(/^\.\//, ""));
  const chosen = files.filter((path) =>
    folders.some((arg) => path === arg || path.startsWith(arg.endsWith("/") ? arg : `${arg}/`))
  );
  const unmatched = args.filter((_, i) =>
    !files.some((path) =>
      path === folders[i] || path.startsWith(`${folders[i]!.replace(/\/$/, "")}/`)
    )
  );
  return {
    paths: chosen.length > 0 ? chosen : [...files],
    filter: unmatched.length > 0 ? unmatched.join(" ") : null,
  };
}

function testStep(
  group: TestGroup,
  paths: string[],
  options: { filter: string | null; live: boolean },
): Step {
  const parallel = group.parallel ? ["--parallel"] : [];
  const filter = options.filter === null ? [] : [`--filter=${options.filter}`];
  const sanitizers = ["--sanitize-ops", "--sanitize-resources"];
  // Types are a check of their own.
  const how = ["test", "--no-prompt", "--no-check", ...FROZEN, ...sanitizers, ...parallel];
  return {
    name: `tests: ${group.name}`,
    kind: "tests",
    live: options.live,
    args: [...how, ...group.permissions, ...filter, ...paths],
  };
}

function report(result: StepResult): void {
  const verdict = result.failed === 0 ? "ok    " : "FAILED";
  const counts = `${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped`;
  console.log(`${verdict} ${result.name} (${result.seconds.toFixed(1)} s): ${counts}`);
}

async function packageStep(): Promise<StepResult> {
  const startedMs = performance.now();
  const { ok, text } = await ensurePackages({ run: runCommand, isRoot: Deno.uid() === 0 });
  return {
    name: "Debian packages",
    output: text,
    seconds: (performance.now() - startedMs) / 1000,
    passed: ok ? 1 : 0,
    failed: ok ? 0 : 1,
    skipped: 0,
  };
}

async function runAll(args: readonly string[]): Promise<StepResult[]> {
  const files = await findTestFiles(REPOSITORY);
  const whole = args.length === 0;
  const { paths, filter } = select(args, files);
  const steps = divide(paths).map((part) =>
    testStep(part.group, part.paths, { filter, live: !whole })
  );
  if (paths.some((path) => path.startsWith("tests/firmware/"))) steps.unshift(FIRMWARE);
  const results: StepResult[] = [];
  const add = (result: StepResult) => {
    report(result);
    results.push(result);
  };
  if (whole) add(await packageStep());
  add(await runStep(PAGES, { folder: REPOSITORY }));
  for (const step of whole ? [...await checks(), ...steps] : steps) {
    add(await runStep(step, { folder: REPOSITORY }));
  }
  return results;
}

function printEnd(results: StepResult[], options: { outputs: boolean }): void {
  for (const { name, output, failed } of results) {
    if (failed > 0 && options.outputs) console.log(`\n===== ${name}\n${output.trimEnd()}`);
  }
  const skipped = results.flatMap((result) => skippedTests(result.output));
  if (skipped.length > 0) {
    console.log(`\nskipped:\n${skipped.map((name) => `  ${name}`).join("\n")}`);
  }
  const sum = (key: "passed" | "failed" | "skipped") =>
    results.reduce((total, result) => total + result[key], 0);
  console.log(`\n${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`);
}

if (import.meta.main) {
  const results = await runAll(Deno.args);
  printEnd(results, { outputs: Deno.args.length === 0 });
  const passed = results.some((result) => result.passed > 0);
  if (!passed || results.some((result) => result.failed > 0)) Deno.exit(1);
}
