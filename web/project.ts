import { extname, join, resolve } from "node:path";
import type { Directories, ResolvedConfig } from "./config.ts";

/** The files of a project that the framework works on; paths sorted, with "/" on every system. */
export interface Project {
  /** Absolute. */
  root: string;
  config: ResolvedConfig;
  /** Below routes/, with extension. */
  routes: string[];
  /** Below islands/, with extension; helper modules in `.ts` are no islands. */
  islands: string[];
  /** Below static/. */
  statics: string[];
}

/** Lists a project's routes, islands and static files; a missing folder is an empty one. */
export async function scanProject(root: string, config: ResolvedConfig): Promise<Project> {
  const { routes, islands, static: statics } = config.directories;
  const [routeFiles, islandFiles, staticFiles] = await Promise.all(
    [routes, islands, statics].map((folder) => listFiles(join(root, folder))),
  );
  return {
    root: resolve(root),
    config,
    routes: routeFiles!.filter(isModule),
    islands: islandFiles!.filter((file) => isModule(file) && extname(file) === ".tsx"),
    statics: staticFiles!,
  };
}

export function pathIn(project: Project, folder: keyof Directories, file = ""): string {
  return join(project.root, project.config.directories[folder], file);
}

/** `admin/Chart.tsx` → `admin/Chart`. */
export function islandName(file: string): string {
  return file.replace(/\.tsx$/, "");
}

/** Folders like `(_components)` hold parts of the routes beside them. */
function isModule(file: string): boolean {
  if (file.includes("(_")) return false;
  return /\.tsx?$/.test(file) && !/(_test|\.test|\.d)\.tsx?$/.test(file);
}

async function listFiles(folder: string, prefix = ""): Promise<string[]> {
  const files: string[] = [];
  try {
    for await (const entry of Deno.readDir(join(folder, prefix))) {
      const path = prefix + entry.name;
      if (entry.name.startsWith(".")) continue;
      if (entry.isDirectory) files.push(...await listFiles(folder, `${path}/`));
      else files.push(path);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return files.sort();
}
