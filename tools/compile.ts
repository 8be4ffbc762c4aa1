/**
 * `deno task compile [--target linux-x64|linux-arm64]… [--out DIR] [--denort FILE]`
 *
 * Builds the release: `sluice.js`, the whole program in one module that also runs with plain Deno,
 * `sluice-<target>`, the executable, for both targets unless some are named, and `licences.txt`.
 * `--denort` makes the executables by `deno compile` with Deno's own runtime for compiled programs.
 *
 * The same commit gives the same bytes.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { compileExecutable, compileWithDenort } from "@/tools/compile_executable.ts";
import { collectLicences } from "@/tools/compile_licences.ts";
import { bundleProgram, readBuildFacts } from "@/tools/compile_program.ts";
import { type Target, TARGETS } from "@/tools/executable/target.ts";
import { REPOSITORY } from "@/tools/product.ts";

interface CompileOptions {
  targets: Target[];
  out: string;
  denort: string | null;
}

/** Throws with a text for people where the arguments are wrong. */
export function parseCompileArgs(args: string[]): CompileOptions {
  const { values } = parseArgs({
    args,
    options: {
      target: { type: "string", multiple: true },
      out: { type: "string", default: `${REPOSITORY}dist` },
      denort: { type: "string" },
    },
  });
  const targets = values.target?.map(parseTarget) ?? [...TARGETS];
  return { targets, out: resolve(values.out), denort: values.denort ?? null };
}

function parseTarget(name: string): Target {
  const target = TARGETS.find((known) => known === name);
  if (target !== undefined) return target;
  throw new Error(`Unknown target "${name}", known are ${TARGETS.join(" and ")}`);
}

export async function compile({ targets, out, denort }: CompileOptions): Promise<void> {
  await Deno.mkdir(out, { recursive: true });
  const bundle = `${out}/sluice.js`;
  const facts = await readBuildFacts();
  report(bundle, await bundleProgram(bundle, facts));
  await Deno.writeTextFile(`${out}/licences.txt`, await collectLicences());
  for (const target of targets) {
    const outfile = `${out}/sluice-${target}`;
    const size = denort === null
      ? await compileExecutable(target, { bundle, outfile })
      : await compileWithDenort(target, { bundle, outfile, denort });
    report(outfile, size);
  }
}

function report(path: string, bytes: number): void {
  console.log(`${path}  ${(bytes / 1e6).toFixed(1)} MB`);
}

if (import.meta.main) {
  try {
    await compile(parseCompileArgs(Deno.args));
  } catch (error) {
    console.error((error as Error).message);
    Deno.exit(1);
  }
}
