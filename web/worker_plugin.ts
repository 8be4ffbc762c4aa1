/**
 * Puts Web Workers into the bundle. Source starts a Worker by
 *
 *     new Worker(new URL("./x_worker.ts", import.meta.url), { type: "module" })
 *
 * which runs as it is from a checkout. In the bundle the URL becomes that of a blob whose text is
 * the worker, bundled by itself; Deno starts it with the rights of the program, and no file has to
 * lie beside the bundle. A Worker started in any other way is left alone and will not be found.
 */
import { dirname, join, relative } from "node:path";
import type { OnLoadArgs, Plugin } from "esbuild";

const NEW_WORKER = /new\s+Worker\(\s*new\s+URL\(\s*"([^"]+)"\s*,\s*import\.meta\.url\s*,?\s*\)/g;

/** Gets the path of a worker's entry below the root; returns an expression for its bundle's text. */
export type WorkerText = (entry: string) => Promise<string>;

export function workerPlugin(textOf: WorkerText): Plugin {
  return {
    name: "workers",
    setup(build) {
      build.onLoad({ filter: /\.tsx?$/, namespace: "file" }, rewriteWorkers);
      const root = build.initialOptions.absWorkingDir!;
      // Relative, because the bundle names its modules: not where it was built.
      build.onResolve({ filter: /^worker:/ }, ({ path, resolveDir }) => ({
        path: relative(root, join(resolveDir, path.slice("worker:".length))),
        namespace: "worker",
      }));
      build.onLoad({ filter: /.*/, namespace: "worker" }, async ({ path }) => ({
        contents: blobModule(await textOf(path)),
        loader: "js",
      }));
    },
  };
}

/** Imports go to the end, where they change no line number. */
async function rewriteWorkers({ path }: OnLoadArgs) {
  const source = await Deno.readTextFile(path);
  const imports: string[] = [];
  const contents = source.replace(NEW_WORKER, (whole, entry: string, offset: number) => {
    if (isComment(source, offset)) return whole;
    const name = `workerUrl${imports.length}`;
    imports.push(`\nimport { workerUrl as ${name} } from ${JSON.stringify(`worker:${entry}`)};`);
    return `new Worker(${name}()`;
  });
  if (imports.length === 0) return undefined;
  const loader = path.endsWith("x") ? "tsx" as const : "ts" as const;
  return { contents: contents + imports.join(""), loader, resolveDir: dirname(path) };
}

function isComment(source: string, offset: number): boolean {
  const line = source.slice(source.lastIndexOf("\n", offset - 1) + 1, offset);
  return /^\s*(\/?\*|\/\/)/.test(line) || line.includes(" // ");
}

/** One URL for the life of the program, so that a Worker can be started again. */
function blobModule(expression: string): string {
  return `let url;
export function workerUrl() {
  return url ??= URL.createObjectURL(new Blob([${expression}], { type: "text/javascript" }));
}`;
}
