/** One step of the test run: a program, its output, and what its end means. */

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export interface StepResult extends Counts {
  name: string;
  output: string;
  seconds: number;
}

export interface Step {
  name: string;
  args: string[];
  /** `check`: the whole program counts as one test; `tests`: it is `deno test`. */
  kind: "check" | "tests";
  /** Prints as it goes instead of at the end. */
  live?: boolean;
}

/** A step that takes longer hangs; it is ended and counts as failed. */
const STEP_TIME_MAX_MS = 45 * 60_000;

/** Runs one step with this Deno in the given folder. */
export async function runStep(step: Step, options: { folder: string }): Promise<StepResult> {
  const startedMs = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: step.args,
    cwd: options.folder,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const watchdog = setTimeout(() => child.kill("SIGKILL"), STEP_TIME_MAX_MS);
  const chunks: string[] = [];
  const collect = (stream: ReadableStream<Uint8Array>) => collectText(stream, chunks, step);
  const [status] = await Promise.all([
    child.status,
    collect(child.stdout),
    collect(child.stderr),
  ]);
  clearTimeout(watchdog);
  const seconds = (performance.now() - startedMs) / 1000;
  const killed = status.signal === "SIGKILL" ? "\nEnded: it took longer than 45 minutes\n" : "";
  const output = chunks.join("") + killed;
  const counts = step.kind === "check"
    ? { passed: status.success ? 1 : 0, failed: status.success ? 0 : 1, skipped: 0 }
    : countTests(output, status.success);
  return { name: step.name, output, seconds, ...counts };
}

async function collectText(
  stream: ReadableStream<Uint8Array>,
  chunks: string[],
  step: Step,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) {
    chunks.push(decoder.decode(bytes, { stream: true }));
    if (step.live) await Deno.stdout.write(bytes);
  }
}

const SUMMARY =
  /^(?:ok|FAILED) \| (\d+) passed(?: \([^)]*\))? \| (\d+) failed(?: \([^)]*\))?(?: \| (\d+) ignored)?/gm;

/**
 * Reads the summary of `deno test`. A run that ends badly without naming a failed test (a module
 * that does not load, a crash) counts as one failure; so does a run in which nothing ran.
 */
export function countTests(output: string, success: boolean): Counts {
  const summary = [...output.matchAll(SUMMARY)].at(-1);
  if (summary === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const [passed, failed, skipped] = summary.slice(1).map((count) => Number(count ?? 0)) as [
    number,
    number,
    number,
  ];
  return { passed, failed: success ? failed : Math.max(1, failed), skipped };
}

/** Names of the tests that were ignored, for the report: nothing is skipped in silence. */
export function skippedTests(output: string): string[] {
  return [...output.matchAll(/^(.*?) \.\.\. ignored \(.*\)$/gm)].map((match) => match[1]!);
}
