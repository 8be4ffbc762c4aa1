/**
 * The build: `buildProject` makes the browser's files and writes `_gen/`, `bundleServer` then makes
 * one file of the program that holds all of it.
 *
 * Run as a program: `deno run --allow-read --allow-write=_gen --allow-env --allow-run
 * web/build.ts [project]` does the first; only the build needs these permissions.
 */
import { builtinModules } from "node:module";
import { resolve } from "node:path";
import type { BuildOptions, Metafile, Plugin } from "esbuild";
import { buildClient } from "./build_client.ts";
import { commonOptions, withEsbuild } from "./bundler.ts";
import { loadConfig } from "./config.ts";
import { generate } from "./generate.ts";
import type { Assets } from "./manifest.ts";
import { scanProject } from "./project.ts";
import { workerPlugin } from "./worker_plugin.ts";

export { buildClient } from "./build_client.ts";

/** Writes `_gen/` with the assets inside and returns them. */
export async function buildProject(root: string): Promise<Assets> {
  const project = await scanProject(root, await loadConfig(root));
  const assets = await buildClient(project);
  await generate(project, assets);
  return assets;
}

export interface ServerBundleOptions {
  /** Folder of the project; its deno.json, or the next one above, gives the import map. */
  root: string;
  /** Relative to the root: the program's entry, and where the one file goes. */
  entry: string;
  outfile: string;
  /** Every Worker's entry, relative to the root: the build fails if the bundle holds others. */
  workers: string[];
  /** Constants to put in, as esbuild's `define`. */
  define?: Record<string, string>;
  minify?: boolean;
}

/** Makes one self-contained ECMAScript module; returns its size in bytes. */
export async function bundleServer(options: ServerBundleOptions): Promise<number> {
  const { root, entry, outfile, workers } = options;
  const found = new Set<string>();
  const common = await serverOptions(options);
  const bundle = async (path: string, starters: string[]): Promise<string> => {
    if (starters.includes(path)) throw new Error(`Cannot bundle "${path}": it starts itself`);
    const inside = (worker: string) => bundle(worker, [...starters, path]);
    const inserted = workerPlugin({ bundle: inside, found: (worker) => found.add(worker) });
    const plugins = [...common.plugins ?? [], inserted];
    const build: BuildOptions = { ...common, plugins, entryPoints: [path] };
    const result = await withEsbuild((esbuild) => esbuild.build(build));
    refuseLeftovers(result.metafile!, path);
    return result.outputFiles![0]!.text;
  };
  const text = await bundle(resolve(root, entry), []);
  compareWorkers(workers.map((worker) => resolve(root, worker)), [...found]);
  const bytes = new TextEncoder().encode(text);
  await Deno.writeFile(resolve(root, outfile), bytes);
  return bytes.length;
}

async function serverOptions(
  { root, define, minify = true }: ServerBundleOptions,
): Promise<BuildOptions> {
  const common = await commonOptions(root);
  return {
    ...common,
    plugins: [builtinPlugin(), ...common.plugins],
    platform: "node",
    mainFields: ["module", "main"],
    conditions: ["deno", "import", "module"],
    target: "esnext",
    // Names stay: logs and errors show them.
    minifyWhitespace: minify,
    minifySyntax: minify,
    // CommonJS packages ask for built-ins by require. The base is no real place, so that the file
    // may be loaded from anywhere, a blob included. Packages find an empty environment: some list
    // all of it, which a program with narrow permissions must not; ours is read by `Deno.env`.
    banner: {
      js: 'import { createRequire as makeRequire } from "node:module";' +
        'const require = makeRequire("file:///bundle.js");const packageEnv = {};',
    },
    define: {
      "process.env": "packageEnv",
      "process.env.NODE_ENV": '"production"',
      ...define,
    },
  };
}

/** Packages for Node write `net`; Deno wants `node:net`. */
function builtinPlugin(): Plugin {
  const names = new Set(builtinModules.map((name) => name.replace(/^node:/, "")));
  return {
    name: "builtins",
    setup(build) {
      build.onResolve({ filter: /^[a-z_/0-9]+$/ }, ({ path }) => {
        return names.has(path) ? { path: `node:${path}`, external: true } : undefined;
      });
    },
  };
}

/** What is left outside would be looked for at run time, beside a file that stands alone. */
function refuseLeftovers({ outputs }: Metafile, entry: string): void {
  const left = Object.values(outputs).flatMap(({ imports }) => imports)
    // An optional package is required within try, and may be missing.
    .filter(({ kind, path }) => kind !== "require-call" && !path.startsWith("node:"))
    .map(({ path }) => path);
  if (left.length === 0) return;
  throw new Error(
    `Cannot bundle "${entry}": it would still import ${[...new Set(left)].join(", ")}`,
  );
}

function compareWorkers(expected: string[], found: string[]): void {
  const missing = expected.filter((worker) => !found.includes(worker));
  const unknown = found.filter((worker) => !expected.includes(worker));
  if (missing.length === 0 && unknown.length === 0) return;
  throw new Error(
    "Workers differ from those listed:" +
      missing.map((worker) => ` "${worker}" is started nowhere in the known form;`).join("") +
      unknown.map((worker) => ` "${worker}" is not listed;`).join(""),
  );
}

if (import.meta.main) {
  const assets = await buildProject(Deno.args[0] ?? ".");
  console.error(`Built ${Object.keys(assets.files).length} browser files, id ${assets.buildId}`);
}
