/** The bundle as an executable: with the rights of the task `sluice`, and none that a caller adds. */
import { makeExecutable, PROGRAM_PATH } from "@/tools/executable/inject.ts";
import { runtimeElf } from "@/tools/executable/runtime.ts";
import type { Target } from "@/tools/executable/target.ts";
import { productFlags } from "@/tools/product.ts";

/** The file stands alone: no configuration, package or cache beside it counts. */
const ALONE = [
  ...["--no-config", "--no-lock", "--no-remote", "--no-npm", "--cached-only"],
  ...["--no-code-cache", "--ext=js"],
];

/** What an executable of ours says to the Deno inside, whatever the caller's environment says. */
const VARIABLES = {
  // A place that cannot exist: nothing is written outside the data folder.
  DENO_DIR: "/dev/null/none",
  DENO_NO_PACKAGE_JSON: "1",
  DENO_NO_UPDATE_CHECK: "1",
  // Authorities that the administrator has added count, and in a bare container there are some.
  DENO_TLS_CA_STORE: "system,mozilla",
};

/** Settings for Deno and Node in general are not meant for this program. */
const DROPPED = ["DENO_", "NODE_"];

/** Deno's names of the targets. */
const TRIPLES: Record<Target, string> = {
  "linux-x64": "x86_64-unknown-linux-gnu",
  "linux-arm64": "aarch64-unknown-linux-gnu",
};

/** Writes the executable from the official Deno of npm; returns its size. */
export async function compileExecutable(
  target: Target,
  { bundle, outfile }: { bundle: string; outfile: string },
): Promise<number> {
  const bytes = makeExecutable({
    target,
    runtime: await runtimeElf(target),
    program: await Deno.readFile(bundle),
    args: ["run", ...ALONE, ...productFlags(), PROGRAM_PATH],
    variables: VARIABLES,
    droppedPrefixes: DROPPED,
  });
  await replaceFile(outfile, bytes);
  return bytes.length;
}

/** A running program's file cannot be written to, only replaced. */
async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const next = `${path}.new`;
  await Deno.writeFile(next, bytes, { mode: 0o755 });
  await Deno.chmod(next, 0o755);
  await Deno.rename(next, path);
}

/** The same bundle by `deno compile`, with Deno's runtime for compiled programs from a file. */
export async function compileWithDenort(
  target: Target,
  { bundle, outfile, denort }: { bundle: string; outfile: string; denort: string },
): Promise<number> {
  await Deno.stat(denort).catch((cause) => {
    throw new Error(`Cannot use the runtime "${denort}" of --denort: ${cause.message}`, { cause });
  });
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: denortArgs(target, { bundle, outfile }),
    env: { DENORT_BIN: denort },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`deno compile failed: ${new TextDecoder().decode(stderr)}`);
  return (await Deno.stat(outfile)).size;
}

function denortArgs(
  target: Target,
  { bundle, outfile }: { bundle: string; outfile: string },
): string[] {
  const flags = ALONE.filter((flag) => flag !== "--no-code-cache");
  return [
    ...["compile", "--quiet", `--target=${TRIPLES[target]}`, `--output=${outfile}`],
    ...[...flags, ...productFlags(), bundle],
  ];
}
