/**
 * The build: `buildProject` makes the browser's files and writes `_gen/`, `bundleServer` then makes
 * one file of the program that holds all of it.
 *
 * Run as a program: `deno run --allow-read --allow-write=_gen --allow-env --allow-run
 * web/build.ts [project]` does the first; only the build needs these permissions.
 */
import { buildClient } from "./build_client.ts";
import { loadConfig } from "./config.ts";
import { generate } from "./generate.ts";
import type { Assets } from "./manifest.ts";
import { scanProject } from "./project.ts";

export { buildClient } from "./build_client.ts";
export { bundleServer, type ServerBundleOptions } from "./build_server.ts";

/** Writes `_gen/` with the assets inside and returns them. */
export async function buildProject(root: string): Promise<Assets> {
  const project = await scanProject(root, await loadConfig(root));
  const assets = await buildClient(project);
  await generate(project, assets);
  return assets;
}

if (import.meta.main) {
  const assets = await buildProject(Deno.args[0] ?? ".");
  console.error(`Built ${Object.keys(assets.files).length} browser files, id ${assets.buildId}`);
}
