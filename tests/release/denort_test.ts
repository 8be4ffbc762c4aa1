/**
 * The executable by `deno compile`. Its own runtime cannot be downloaded where this runs; the ELF of
 * Deno stands for it, and what was put into it is read instead of run.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { ReleaseBuild } from "@/tests/release/release_build.ts";
import { compileWithDenort } from "@/tools/compile_executable.ts";
import { hostTarget } from "@/tools/executable/target.ts";

const MAGIC = "d3n0l4nd";

interface Metadata {
  permissions: Record<string, unknown>;
  v8_flags: string[];
  entrypoint_key: string;
  node_modules: unknown;
  unstable_config: { features: string[] };
}

/** What Deno wrote before the program: twice the magic, a length, JSON. */
function metadataOf(file: Buffer): Metadata {
  const at = file.indexOf(MAGIC + MAGIC) + 2 * MAGIC.length;
  const length = Number(file.readBigUInt64LE(at));
  return JSON.parse(file.subarray(at + 8, at + 8 + length).toString());
}

Deno.test("deno compile gets the same bundle with the same rights, and gives the same bytes", async () => {
  await using build = await ReleaseBuild.create([]);
  const files: Buffer[] = [];
  for (const name of ["first", "second"]) {
    await using folder = await TempDir.create();
    // The name is part of what is made.
    const outfile = folder.join("sluice");
    const denort = Deno.execPath();
    const size = await compileWithDenort(hostTarget()!, { bundle: build.bundle, outfile, denort });
    files.push(Buffer.from(await Deno.readFile(outfile)));
    assert.equal(files.at(-1)!.length, size, name);
  }
  const [file, again] = files;
  assert.equal(Buffer.compare(file!, again!), 0);
  assert.ok(
    file!.includes(Buffer.from(await Deno.readFile(build.bundle))),
    "the bundle is inside as it is",
  );
  const { permissions, v8_flags, entrypoint_key, node_modules, unstable_config } = metadataOf(
    file!,
  );
  const granted = Object.entries(permissions).filter(([, value]) => value !== null);
  assert.deepEqual(Object.fromEntries(granted), {
    allow_env: ["SLUICE_*", "NOTIFY_SOCKET", "WATCHDOG_USEC"],
    ...{ allow_import: [], allow_net: [], allow_read: [], allow_write: [] },
    ...{ allow_run: ["stty", "cat"], allow_sys: ["statfs", "networkInterfaces"], prompt: false },
  });
  assert.ok(v8_flags.includes("--max-semi-space-size=2"), v8_flags.join());
  assert.deepEqual([entrypoint_key, node_modules], ["sluice.js", null]);
  assert.deepEqual(unstable_config.features, ["net"]);
});

Deno.test("a runtime that is not there is named", async () => {
  await using folder = await TempDir.create();
  const denort = folder.join("denort");
  const options = { bundle: folder.join("sluice.js"), outfile: folder.join("sluice"), denort };
  await assert.rejects(
    compileWithDenort(hostTarget()!, options),
    /Cannot use the runtime ".*\/denort" of --denort: No such file/,
  );
});
