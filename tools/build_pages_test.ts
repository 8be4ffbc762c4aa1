import assert from "node:assert/strict";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { buildMissingPages, buildPages } from "@/tools/build_pages.ts";

/** A project without islands: their packages are found only inside of the repository. */
async function createProject(): Promise<{ folder: TempDir; root: string }> {
  const folder = await TempDir.create();
  const root = `${folder.path}/`;
  for (const name of ["static", "docs/guides"]) await Deno.mkdir(root + name, { recursive: true });
  await Deno.writeTextFile(`${root}deno.json`, "{}");
  await Deno.writeTextFile(`${root}static/style.css`, "body { color: red }");
  await Deno.writeTextFile(`${root}docs/start.md`, '# Start\n\n`${x}` \\ "quoted" \u2028 ü\n');
  await Deno.writeTextFile(`${root}docs/guides/mqtt.md`, "# MQTT\n");
  return { folder, root };
}

async function packedDocs(root: string): Promise<Record<string, string>> {
  const text = await Deno.readTextFile(`${root}_gen/docs.ts`);
  const module = await import(`data:application/typescript;base64,${btoa(utf8(text))}`);
  return module.docs;
}

/** One character for each byte, as `btoa` wants them. */
function utf8(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

Deno.test("the documentation is inside, every text under its path", async () => {
  const { folder, root } = await createProject();
  await using _ = folder;
  await Deno.writeTextFile(`${root}docs/picture.svg`, "<svg/>");
  await buildPages(root);
  const docs = await packedDocs(root);
  assert.deepEqual(Object.keys(docs), ["guides/mqtt.md", "start.md"]);
  assert.equal(docs["start.md"], await Deno.readTextFile(`${root}docs/start.md`));
  assert.match(await Deno.readTextFile(`${root}_gen/assets.ts`), /"\/style\.css"/);
});

Deno.test("it builds what is missing or older than its sources, and nothing else", async () => {
  const { folder, root } = await createProject();
  await using _ = folder;
  assert.equal(await buildMissingPages(root), true);
  assert.equal(await buildMissingPages(root), false);
  const changes: [what: string, change: () => Promise<void>][] = [
    ["edited", () => Deno.writeTextFile(`${root}docs/start.md`, "# Begin\n")],
    ["added", () => Deno.writeTextFile(`${root}static/more.css`, "a { color: blue }")],
    ["renamed", () => Deno.rename(`${root}static/more.css`, `${root}static/less.css`)],
    ["removed", () => Deno.remove(`${root}static/less.css`)],
    ["build cut short", () => Deno.remove(`${root}_gen/sources.sha256`)],
    ["_gen/ removed", () => Deno.remove(`${root}_gen`, { recursive: true })],
  ];
  for (const [what, change] of changes) {
    await change();
    assert.equal(await buildMissingPages(root), true, what);
    assert.equal(await buildMissingPages(root), false, what);
  }
  assert.deepEqual((await packedDocs(root))["start.md"], "# Begin\n");
  assert.doesNotMatch(await Deno.readTextFile(`${root}_gen/assets.ts`), /more|less/);
});

Deno.test("the same sources give the same files", async () => {
  const digests: string[] = [];
  for (let i = 0; i < 2; i++) {
    const { folder, root } = await createProject();
    await using _ = folder;
    await buildPages(root);
    const names = (await Array.fromAsync(Deno.readDir(`${root}_gen`), ({ name }) => name)).sort();
    const texts = await Promise.all(names.map((name) => Deno.readTextFile(`${root}_gen/${name}`)));
    digests.push(JSON.stringify([names, texts]));
  }
  assert.equal(digests[0], digests[1]);
});
