/**
 * `deno task pages`: makes `_gen/`, what the pages need at run time: routes, islands, browser files
 * (hashed, compressed) as `web/build.ts` writes them, and the documentation as `docs.ts`:
 *
 *     export const docs: Record<string, string>   // "guides/mqtt.md" → the Markdown text
 *
 * packed, because the release has room for a third of them.
 *
 * Does nothing while what is there was made from the present sources, so that `deno task sluice`
 * can ask for it at every start. `SOURCES` is what decides; the digest of their bytes is kept in
 * `_gen/sources.sha256`, written last: a build that was cut short is done again.
 */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { REPOSITORY } from "@/tools/product.ts";

/** Folders and files that a page's browser code or the documentation may be made of. */
const SOURCES = [
  ...["routes", "islands", "components", "static", "model", "web", "docs"],
  ...["deno.json", "deno.lock", "fresh.config.ts", "tools/build_pages.ts"],
];

const MARK = "_gen/sources.sha256";

const BANNER = "// Generated from docs/, do not edit.\n";

/** Builds in any case; the release must not depend on what lies there. */
export async function buildPages(root: string): Promise<void> {
  const digest = await digestOf(root);
  // esbuild is loaded to build only: looking takes a tenth of the time.
  const { buildProject } = await import("@/web/build.ts");
  const { writeIfChanged } = await import("@/web/generate.ts");
  await Deno.remove(`${root}${MARK}`).catch(ignoreMissing);
  await buildProject(root);
  await writeIfChanged(`${root}_gen/docs.ts`, await docsModule(`${root}docs`));
  await Deno.writeTextFile(`${root}${MARK}`, digest);
}

/** Whether it built. `root` ends with a slash. */
export async function buildMissingPages(root: string): Promise<boolean> {
  const built = await Deno.readTextFile(`${root}${MARK}`).catch(ignoreMissing);
  if (built === await digestOf(root)) return false;
  await buildPages(root);
  return true;
}

async function docsModule(folder: string): Promise<string> {
  const paths = (await filesIn(folder)).filter((path) => path.endsWith(".md"));
  const texts: Record<string, string> = {};
  for (const path of paths) texts[path] = await Deno.readTextFile(`${folder}/${path}`);
  const packed = gzipSync(JSON.stringify(texts), { level: 9 }).toString("base64");
  return `${BANNER}import { gunzipSync } from "node:zlib";

const PACKED =
  "${packed}";

export const docs: Record<string, string> = JSON.parse(
  new TextDecoder().decode(gunzipSync(Uint8Array.fromBase64(PACKED))),
);
`;
}

async function digestOf(root: string): Promise<string> {
  const hash = createHash("sha256");
  for (const source of SOURCES) {
    for (const path of await filesIn(root + source)) {
      const name = path === "" ? source : `${source}/${path}`;
      const bytes = await Deno.readFile(root + name);
      hash.update(`${name}\0${bytes.length}\0`).update(bytes);
    }
  }
  return hash.digest("hex") + "\n";
}

/** Paths below a folder, sorted; `[""]` for a file, none for what is missing. */
async function filesIn(path: string): Promise<string[]> {
  const info = await Deno.stat(path).catch(ignoreMissing);
  if (info === undefined) return [];
  return info.isDirectory ? (await listFolder(path, "")).sort() : [""];
}

async function listFolder(folder: string, below: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${below}`)) {
    if (name.startsWith(".") || name === "_gen") continue;
    if (isDirectory) paths.push(...await listFolder(folder, `${below}${name}/`));
    else paths.push(below + name);
  }
  return paths;
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

if (import.meta.main) {
  try {
    if (await buildMissingPages(REPOSITORY)) console.error("Built the pages");
  } catch (error) {
    console.error(`Cannot build the pages: ${(error as Error).message}`);
    Deno.exit(1);
  }
}
