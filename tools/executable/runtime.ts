/**
 * The official Deno for each target, from npm. Version and digest of the packages stand in
 * `runtime/deno.lock`; the digest of the file itself stands here, so that a damaged or exchanged
 * file in a cache is noticed as well.
 */
import type { Target } from "@/tools/executable/target.ts";

const FOLDER = new URL("./runtime/", import.meta.url);

/** SHA-256 of the ELF file of the version in `runtime/deno.lock`. */
const DIGESTS: Record<Target, string> = {
  "linux-x64": "dc480c462c8c3582524f3e75c160613d0a975e1f66b5465995d58bae236da7d3",
  "linux-arm64": "e1a70c5eb03b0ebaf761077029ef86b9ba22d50e2b54ca45ce5437457f701b63",
};

/** The ELF file; installs the packages first where they are not there yet. */
export async function runtimeElf(target: Target): Promise<Uint8Array> {
  const file = new URL(`node_modules/@deno/${target}-glibc/deno`, FOLDER);
  const bytes = await readOrInstall(file);
  await checkDigest(bytes, target);
  return bytes;
}

async function readOrInstall(file: URL): Promise<Uint8Array> {
  try {
    return await Deno.readFile(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    await install();
    return await Deno.readFile(file);
  }
}

async function install(): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["install", "--frozen", "--quiet"],
    cwd: FOLDER,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  throw new Error(
    "Cannot install the Deno runtimes of tools/executable/runtime from npm, " +
      `check the connection to registry.npmjs.org: ${new TextDecoder().decode(stderr).trim()}`,
  );
}

async function checkDigest(bytes: Uint8Array, target: Target): Promise<void> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource));
  if (digest.toHex() === DIGESTS[target]) return;
  throw new Error(
    `Cannot use the Deno runtime for ${target}: its SHA-256 is ${digest.toHex()} instead of ` +
      `${DIGESTS[target]}; remove tools/executable/runtime/node_modules and try again`,
  );
}
