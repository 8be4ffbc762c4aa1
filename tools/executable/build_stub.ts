/**
 * Compiles stub.c for both machines and writes `stub_code.ts`, so that a release needs no compiler
 * and does not depend on which one is there. Run after a change of stub.c or stub.ld:
 *
 *     deno run --allow-read --allow-write --allow-run tools/executable/build_stub.ts
 *
 * Debian: `apt-get install gcc gcc-aarch64-linux-gnu`; STUB_COMPILER names the version.
 */
import { fileURLToPath } from "node:url";
import { type Target, TARGETS } from "@/tools/executable/target.ts";

const FOLDER = fileURLToPath(new URL(".", import.meta.url));

/** GNU prefix of each target's compiler, and what its machine needs besides. */
const COMPILERS: Record<Target, { prefix: string; flags: string[] }> = {
  "linux-x64": { prefix: "x86_64-linux-gnu-", flags: ["-fcf-protection=none"] },
  "linux-arm64": { prefix: "aarch64-linux-gnu-", flags: ["-mbranch-protection=none"] },
};

const FLAGS = [
  ...["-std=c11", "-Wall", "-Wextra", "-Werror", "-Os", "-ffreestanding", "-fPIC"],
  // No libc: nothing may be turned into a call of memcpy or of a stack check.
  ...["-fno-stack-protector", "-fno-tree-loop-distribute-patterns"],
  ...["-fno-asynchronous-unwind-tables", "-nostdlib", "-static"],
  ...["-Wl,--build-id=none", "-Wl,-T,stub.ld"],
];

/** Hex of the code for one target. */
export async function compileStub(target: Target): Promise<string> {
  const { prefix, flags } = COMPILERS[target];
  const work = await Deno.makeTempDir({ prefix: "sluice-stub-" });
  try {
    await run(`${prefix}gcc`, [...FLAGS, ...flags, "stub.c", "-o", `${work}/stub.elf`]);
    await run(`${prefix}objcopy`, ["-O", "binary", `${work}/stub.elf`, `${work}/stub.bin`]);
    return (await Deno.readFile(`${work}/stub.bin`)).toHex();
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** Version of the compiler for a target, for example `12.2.0`. */
export async function compilerVersion(target: Target): Promise<string> {
  return (await run(`${COMPILERS[target].prefix}gcc`, ["-dumpfullversion"])).trim();
}

/** Digest of the sources, by which a change without a new build is noticed. */
export async function sourceDigest(): Promise<string> {
  const texts = await Promise.all(
    ["stub.c", "stub.ld"].map((name) => Deno.readTextFile(FOLDER + name)),
  );
  const bytes = new TextEncoder().encode(texts.join("\0"));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

async function run(command: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, cwd: FOLDER })
    .output();
  if (!success) throw new Error(`${command} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

function moduleText(
  { digest, compiler, code }: { digest: string; compiler: string; code: Record<Target, string> },
): string {
  const lines = (hex: string) => hex.match(/.{1,88}/g)!.map((line) => `    "${line}"`).join(" +\n");
  const entries = TARGETS.map((target) => `  "${target}":\n${lines(code[target])},`);
  return `/** Machine code of stub.c. Written by build_stub.ts, not by hand. */
import type { Target } from "@/tools/executable/target.ts";

/** SHA-256 of stub.c and stub.ld as compiled. */
export const STUB_SOURCE_DIGEST = "${digest}";

/** Version of gcc that made it; another one may choose other instructions. */
export const STUB_COMPILER = "${compiler}";

export const STUB_CODE: Record<Target, string> = {
${entries.join("\n")}
};
`;
}

if (import.meta.main) {
  const code = {} as Record<Target, string>;
  for (const target of TARGETS) code[target] = await compileStub(target);
  const [digest, compiler] = [await sourceDigest(), await compilerVersion("linux-arm64")];
  await Deno.writeTextFile(`${FOLDER}stub_code.ts`, moduleText({ digest, compiler, code }));
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", `${FOLDER}stub_code.ts`] })
    .output();
}
