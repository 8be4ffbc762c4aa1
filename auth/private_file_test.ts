import assert from "node:assert/strict";
import { isExposed, readIfThere, writeWhole } from "@/auth/private_file.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";

Deno.test("a file is written whole, for its owner alone, and leaves nothing beside it", async () => {
  await using dir = await TempDir.create();
  const path = dir.join("secret");
  assert.equal(await readIfThere(path), null);
  for (const text of ["first", "ü".repeat(300_000), ""]) {
    await writeWhole(path, text);
    assert.equal(await readIfThere(path), text);
    assert.equal(await isExposed(path), false);
  }
  await writeWhole(dir.join("public"), "x", { mode: 0o644 });
  assert.equal(await isExposed(dir.join("public")), true);
  assert.deepEqual([...Deno.readDirSync(dir.path)].map(({ name }) => name).sort(), [
    "public",
    "secret",
  ]);
});

Deno.test("a write that fails leaves the old file and nothing beside it", async () => {
  await using dir = await TempDir.create();
  const path = dir.join("folder");
  await Deno.mkdir(dir.join("folder", "full"), { recursive: true });
  await assert.rejects(writeWhole(path, "text"));
  assert.deepEqual([...Deno.readDirSync(dir.path)].map(({ name }) => name), ["folder"]);
});
