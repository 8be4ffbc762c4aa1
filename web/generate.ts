/**
 * Writes the modules in `_gen/` that name a project's files, so that a bundler sees them:
 * `routes.ts` and `islands.ts` from the file tree, `assets.ts` with the browser's files inside.
 * The same tree gives the same bytes, and unchanged files are not touched.
 *
 * Run as a program: `deno run --allow-read --allow-write=_gen web/generate.ts [project]`.
 */
import { relative } from "node:path";
import { loadConfig } from "./config.ts";
import { type Assets, UNBUILT } from "./manifest.ts";
import { islandName, pathIn, type Project, scanProject } from "./project.ts";

const BANNER = "// Generated from the file tree, do not edit.\n";

/** Without `assets` an existing `assets.ts` stays, a missing one is made empty. */
export async function generate(project: Project, assets?: Assets): Promise<void> {
  await Deno.mkdir(pathIn(project, "gen"), { recursive: true });
  await writeIfChanged(pathIn(project, "gen", "routes.ts"), routesModule(project));
  await writeIfChanged(pathIn(project, "gen", "islands.ts"), islandsModule(project));
  const path = pathIn(project, "gen", "assets.ts");
  if (assets || !await exists(path)) await writeIfChanged(path, assetsModule(assets ?? UNBUILT));
}

function routesModule(project: Project): string {
  const imports = project.routes.map((file, i) =>
    `import * as route${i} from ${specifier(project, { folder: "routes", file })};\n`
  );
  const entries = project.routes.map((file, i) => `  ${JSON.stringify(file)}: route${i},\n`);
  return BANNER + `import type { RouteModule } from "fresh";\n` + imports.join("") +
    `\nexport const routes: Record<string, RouteModule> = {\n${entries.join("")}};\n`;
}

function islandsModule(project: Project): string {
  const imports = project.islands.map((file, i) =>
    `import island${i} from ${specifier(project, { folder: "islands", file })};\n`
  );
  const entries = project.islands.map((file, i) =>
    `  ${JSON.stringify(islandName(file))}: island${i},\n`
  );
  return BANNER + `import type { AnyComponent } from "fresh";\n` + imports.join("") +
    `\nexport const islands: Record<string, AnyComponent> = {\n${entries.join("")}};\n`;
}

function assetsModule(assets: Assets): string {
  const text = JSON.stringify(
    assets,
    (_, value) => value instanceof Uint8Array ? value.toBase64() : value,
    2,
  );
  return BANNER +
    `import type { Assets } from "fresh";\n\nexport const assets: Assets = ${text};\n`;
}

function specifier(
  project: Project,
  { folder, file }: { folder: "routes" | "islands"; file: string },
): string {
  const path = relative(pathIn(project, "gen"), pathIn(project, folder, file));
  return JSON.stringify(path.startsWith(".") ? path : `./${path}`);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

/** Whoever reads the file meanwhile finds the old text or the new one, never half of it. */
export async function writeIfChanged(path: string, text: string): Promise<void> {
  const old = await Deno.readTextFile(path).catch(() => null);
  if (old === text) return;
  const next = `${path}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(next, text);
  await Deno.rename(next, path);
}

if (import.meta.main) {
  const root = Deno.args[0] ?? ".";
  const project = await scanProject(root, await loadConfig(root));
  await generate(project);
  console.error(`Generated ${pathIn(project, "gen")}`);
}
