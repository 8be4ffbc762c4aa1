/** The release's executables: bytes, packed bytes, time to `version`, time to ready. */
import type { Row } from "@/bench/report.ts";
import { run } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { compileExecutable } from "@/tools/compile_executable.ts";
import { bundleProgram, readBuildFacts } from "@/tools/compile_program.ts";
import { hostTarget, TARGETS } from "@/tools/executable/target.ts";

const LIMITS = { bytes: 100e6, packedBytes: 32e6, versionMs: 60, readyMs: 400 };

const VERSION_RUNS = 20;
const READY_RUNS = 10;

/** What the limits are for: sizes for both machines, times for the one that this runs on. */
export async function benchRelease(): Promise<Row[]> {
  await using folder = await TempDir.create("sluice-bench-");
  const bundle = folder.join("sluice.js");
  await bundleProgram(bundle, await readBuildFacts());
  const rows: Row[] = [];
  for (const target of TARGETS) {
    const outfile = folder.join(`sluice-${target}`);
    const bytes = await compileExecutable(target, { bundle, outfile });
    rows.push(row(`${target}: executable`, bytes / 1e6, { limit: LIMITS.bytes / 1e6, unit: "MB" }));
    const packed = Number(await run("sh", { args: ["-c", 'xz -9 -c "$0" | wc -c', outfile] }));
    const limit = LIMITS.packedBytes / 1e6;
    rows.push(row(`${target}: as xz`, packed / 1e6, { limit, unit: "MB" }));
  }
  const program = folder.join(`sluice-${hostTarget()!}`);
  const version = await times(VERSION_RUNS, () => untilPrinted(program));
  rows.push(timeRow("time to version", version, LIMITS.versionMs));
  const ready = await times(READY_RUNS, () => untilReady(program));
  rows.push(timeRow("time to ready", ready, LIMITS.readyMs));
  return rows;
}

/** A limit is no peer: it stands in the note. */
function row(name: string, ours: number, { limit, unit }: { limit: number; unit: string }): Row {
  const verdict = ours <= limit ? "kept" : "NOT KEPT";
  return { name, ours, peer: null, unit, note: `limit ${limit} ${unit}: ${verdict}` };
}

/** The median; beside it the fastest, which other work on the machine disturbs least. */
function timeRow(name: string, sorted: number[], limit: number): Row {
  const median = row(name, sorted[sorted.length >> 1]!, { limit, unit: "ms" });
  const note = `${median.note}; fastest of ${sorted.length}: ${sorted[0]!.toFixed(1)} ms`;
  return { ...median, note };
}

/** ms, sorted. */
async function times(runs: number, measured: () => Promise<number>): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < runs; i++) all.push(await measured());
  return all.sort((a, b) => a - b);
}

async function untilPrinted(program: string): Promise<number> {
  const startedMs = performance.now();
  await run(program, { args: ["version"] });
  return performance.now() - startedMs;
}

/** From the start of the process to its line on standard output, on an empty data folder. */
async function untilReady(program: string): Promise<number> {
  await using folder = await TempDir.create("sluice-bench-");
  const ports = ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"];
  const startedMs = performance.now();
  const child = new Deno.Command(program, {
    args: ["serve", ...ports, "--data", folder.join("data")],
    cwd: folder.path,
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const output = child.stdout.getReader();
  const { value } = await output.read();
  const tookMs = performance.now() - startedMs;
  if (value === undefined) throw new Error("The gateway ended before it was ready");
  child.kill("SIGTERM");
  await Promise.all([output.read(), child.status]);
  return tookMs;
}
