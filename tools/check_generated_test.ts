import assert from "node:assert/strict";
import { staleFiles } from "@/tools/check_generated.ts";

Deno.test("a generated file that is missing or edited is named with its first difference", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sluice-generated-" }) + "/";
  try {
    await Deno.writeTextFile(`${folder}same.md`, "a\nb\n");
    await Deno.writeTextFile(`${folder}edited.md`, "a\nc\n");
    await Deno.writeTextFile(`${folder}longer.md`, "a\nb\nmore");
    const make = () => "a\nb\n";
    const files = ["same.md", "edited.md", "longer.md", "gone.md"].map((path) => ({ path, make }));
    assert.deepEqual(await staleFiles(files, { folder }), [
      'edited.md differs at line 2: is "c", should be "b"',
      'longer.md differs at line 3: is "more", should be ""',
      "gone.md is missing",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
