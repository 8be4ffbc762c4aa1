import { pathToFileURL } from "node:url";
import { buildClient } from "./build_client.ts";
import { loadConfig } from "./config.ts";
import type { AnyComponent, Manifest, RouteModule } from "./manifest.ts";
import { islandName, pathIn, scanProject } from "./project.ts";

/**
 * The manifest of a project straight from its sources, for tests and tools: nothing is written,
 * nothing has to be built before. Needs to read the project and to run esbuild.
 */
export async function loadManifest(root: string): Promise<Manifest> {
  const project = await scanProject(root, await loadConfig(root));
  const load = (folder: "routes" | "islands", file: string) =>
    import(pathToFileURL(pathIn(project, folder, file)).href);
  const routes = await Promise.all(
    project.routes.map(async (file): Promise<[string, RouteModule]> => [
      file,
      await load("routes", file),
    ]),
  );
  const islands = await Promise.all(
    project.islands.map(async (file): Promise<[string, AnyComponent]> => [
      islandName(file),
      (await load("islands", file)).default,
    ]),
  );
  return {
    routes: Object.fromEntries(routes),
    islands: Object.fromEntries(islands),
    assets: await buildClient(project, { development: true }),
  };
}
