/** What every esbuild run here shares: the process's life, JSX, and the project's import map. */
import * as esbuild from "esbuild";
import childProcess from "node:child_process";
import { dirname, join, resolve } from "node:path";

let running = 0;
let service: childProcess.ChildProcess | null = null;

/** Runs builds; esbuild's child process has ended when the last of them returns. */
export async function withEsbuild<T>(work: (bundler: typeof esbuild) => Promise<T>): Promise<T> {
  running++;
  try {
    return await work(esbuild);
  } finally {
    if (--running === 0) await stopService();
  }
}

/**
 * esbuild's own `stop` returns before its process has ended, and shows that process to nobody: a
 * program that builds would not know when it may end. So the call that starts it is watched.
 */
const { spawn } = childProcess;
childProcess.spawn = ((command: string, args: string[], options: childProcess.SpawnOptions) => {
  const child = spawn(command, args, options);
  if (args?.some?.((arg) => arg.startsWith("--service="))) service = child;
  return child;
}) as typeof spawn;

async function stopService(): Promise<void> {
  const child = service;
  service = null;
  const isAlive = child?.exitCode === null && child.signalCode === null;
  const ended = Promise.withResolvers<void>();
  child?.once("close", ended.resolve).ref();
  await esbuild.stop();
  if (isAlive) await ended.promise;
}

export async function commonOptions(root: string) {
  return {
    absWorkingDir: resolve(root),
    bundle: true,
    format: "esm",
    jsx: "automatic",
    jsxImportSource: "preact",
    logLevel: "silent",
    metafile: true,
    write: false,
    plugins: [importMapPlugin(await findImportMap(resolve(root)))],
    // Nothing from a tsconfig.json that may lie in a folder above.
    tsconfigRaw: {},
  } satisfies esbuild.BuildOptions;
}

interface ImportMap {
  base: string;
  /** Names that lead to files of the project or of a package; a package is found by its own name. */
  local: [name: string, target: string][];
}

async function findImportMap(folder: string): Promise<ImportMap> {
  for (let base = folder;; base = dirname(base)) {
    const text = await Deno.readTextFile(join(base, "deno.json")).catch(() => null);
    if (text !== null) {
      const { imports = {} }: { imports?: Record<string, string> } = JSON.parse(text);
      const local = Object.entries(imports).map(([name, to]) => [name, filePath(to)] as const);
      return { base, local: local.filter((entry): entry is [string, string] => entry[1] !== null) };
    }
    if (base === dirname(base)) throw new Error(`Cannot find deno.json in or above "${folder}"`);
  }
}

/** `npm:/icons@1.2.3/dist/` is a folder of the package, as the runtime sees it; null for a package. */
function filePath(target: string): string | null {
  const inPackage = /^npm:\/?((?:@[^/]+\/)?[^@/]+)@[^/]+(\/.+)$/.exec(target);
  if (inPackage !== null) return `node_modules/${inPackage[1]}${inPackage[2]}`;
  return /^\.{1,2}\//.test(target) ? target : null;
}

function importMapPlugin({ base, local }: ImportMap): esbuild.Plugin {
  const target = (path: string) => {
    for (const [name, to] of local) {
      if (path === name) return join(base, to);
      if (name.endsWith("/") && path.startsWith(name)) {
        return join(base, to, path.slice(name.length));
      }
    }
    return null;
  };
  return {
    name: "import-map",
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, (args) => {
        const path = target(args.path);
        return path === null ? undefined : { path };
      });
    },
  };
}
