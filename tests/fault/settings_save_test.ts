/** The file of the settings page is the old one or the new one, wherever its writing ends. */
import assert from "node:assert/strict";
import { DISK, type FileSteps, writeWhole } from "@/config/whole_file.ts";

const OLD = '[log]\nlevel = "error"\n';
const NEW = `# ${"x".repeat(200_000)}\n[log]\nlevel = "debug"\n`;

async function inFolder(test: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "sluice-settings-" });
  try {
    await Deno.writeTextFile(`${folder}/settings.toml`, OLD);
    await test(`${folder}/settings.toml`, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the file is replaced, for its owner alone, with nothing beside it", async () => {
  await inFolder(async (path, folder) => {
    await Deno.chmod(path, 0o644);
    await writeWhole(path, NEW);
    assert.equal(await Deno.readTextFile(path), NEW);
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["settings.toml"]);
  });
});

Deno.test("the bytes are on the disk before the name is theirs, the name before the end", async () => {
  await inFolder(async (path) => {
    const seen: string[] = [];
    const note = <K extends keyof FileSteps>(name: K): FileSteps[K] =>
      (async (...given: [string, string & Uint8Array]) => {
        seen.push(`${name} ${String(given[0]).slice(path.length - "settings.toml".length)}`);
        await (DISK[name] as (...rest: unknown[]) => Promise<void>)(...given);
      }) as FileSteps[K];
    const steps: FileSteps = {
      remove: note("remove"),
      writeNew: note("writeNew"),
      rename: note("rename"),
      syncFolder: note("syncFolder"),
    };
    await writeWhole(path, NEW, steps);
    assert.deepEqual(seen.map((step) => step.split(" ")[0]), [
      "remove",
      "writeNew",
      "rename",
      "syncFolder",
    ]);
  });
});

Deno.test("a disk that fails at any step leaves the old file or the new one", async () => {
  for (const failing of ["writeNew", "rename", "syncFolder"] as const) {
    await inFolder(async (path) => {
      const steps: FileSteps = {
        ...DISK,
        [failing]: () => Promise.reject(new Error("No space left on device")),
      };
      await assert.rejects(writeWhole(path, NEW, steps), /No space left/);
      assert.equal(await Deno.readTextFile(path), failing === "syncFolder" ? NEW : OLD, failing);
    });
  }
});

/** A process that ends itself at once, as by SIGKILL, before or in the middle of a step. */
async function saveAndDie(path: string, at: string): Promise<number> {
  const module = new URL("../../config/whole_file.ts", import.meta.url).href;
  const code = `
    import { DISK, writeWhole } from ${JSON.stringify(module)};
    const die = () => Deno.kill(Deno.pid, "SIGKILL");
    const at = ${JSON.stringify(at)};
    const before = (name) => async (...given) => {
      if (at === name) die();
      if (at === "half" && name === "writeNew") {
        await Deno.writeFile(given[0], given[1].subarray(0, given[1].length >> 1));
        die();
      }
      await DISK[name](...given);
      if (at === "after " + name) die();
    };
    const names = ["remove", "writeNew", "rename", "syncFolder"];
    const steps = Object.fromEntries(names.map((name) => [name, before(name)]));
    await writeWhole(${JSON.stringify(path)}, ${JSON.stringify(NEW)}, steps);
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--quiet", "--allow-read", "--allow-write", "--allow-run", "-"],
    stdin: "piped",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(code));
  await writer.close();
  return (await child.status).code;
}

Deno.test("a process killed anywhere in a save leaves the old file or the new one", async () => {
  const places: [at: string, expected: string][] = [
    ["remove", OLD],
    ["writeNew", OLD],
    ["half", OLD],
    ["after writeNew", OLD],
    ["rename", OLD],
    ["after rename", NEW],
    ["syncFolder", NEW],
    ["after syncFolder", NEW],
  ];
  for (const [at, expected] of places) {
    await inFolder(async (path, folder) => {
      assert.notEqual(await saveAndDie(path, at), 0, `${at}: it was to be killed`);
      assert.equal(await Deno.readTextFile(path), expected, at);
      await writeWhole(path, NEW);
      const left = [...Deno.readDirSync(folder)].map(({ name }) => name);
      assert.deepEqual(left, ["settings.toml"], `${at}: the next save clears up`);
    });
  }
});
