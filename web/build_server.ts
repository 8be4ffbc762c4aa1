/**
 * Makes one self-contained ECMAScript module of a program, its Workers inside:
 *
 *     const bundle = {program() {…}, packed: {"x_worker.ts": "…"}, unpacked(name), run()};
 *     front, or bundle.run()
 *
 * The program is a comment inside of its function until `run` reads it off that and evaluates it as
 * the body of another one. A runtime parses a module twice before its first line runs, once for its
 * imports and once to compile it; of a comment both see only where it ends. So a front answers at
 * once what needs no program, and the program itself is parsed once. (Packed, it would be smaller,
 * and be unpacked at every start; as a literal, every escape would be undone.) Workers are packed:
 * they are a fifth of it, and start beside the program.
 *
 * The price: no top-level await in the program, and no `import.meta`.
 */
import { builtinModules } from "node:module";
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import type { BuildOptions, Metafile, Plugin } from "esbuild";
import { commonOptions, withEsbuild } from "./bundler.ts";
import { workerPlugin } from "./worker_plugin.ts";

export interface ServerBundleOptions {
  /** Folder of the project; its deno.json, or the next one above, gives the import map. */
  root: string;
  /** Relative to the root: the program's entry, and where the one file goes. */
  entry: string;
  outfile: string;
  /**
   * Relative to the root: what runs first. It starts the program by `bundle.run()`, a global of its
   * module, or does not.
   */
  front?: string;
  /** Every Worker's entry, relative to the root: the build fails if the bundle holds others. */
  workers: string[];
  /** Constants to put in, as esbuild's `define`. */
  define?: Record<string, string>;
  /** Files of packages that the program never reaches; empty ones are put in their places. */
  leftOut?: RegExp[];
  minify?: boolean;
}

interface Texts {
  program: string;
  /** By entry, relative to the root; sorted, because which of them is bundled first is chance. */
  workers: [name: string, text: string][];
}

/** Ends the comment around the program; inside of it that is written otherwise. */
const END = "*/";
const ESCAPED_END = "*\u0001/";

const UNPACKED = `unpacked(name){const {gunzipSync}=process.getBuiltinModule("node:zlib");` +
  `return gunzipSync(Uint8Array.fromBase64(this.packed[name]))},`;

const RUN = `run(){const whole=this.program.toString();` +
  `const text=whole.slice(whole.indexOf("/*")+2,-3).replaceAll(${JSON.stringify(ESCAPED_END)},` +
  `"*"+"/");new Function("bundle",text)(this)}`;

/**
 * CommonJS packages ask for built-ins by require, and try optional packages, which are not there.
 * Packages find an empty environment: some list all of it, which a program with narrow permissions
 * must not; ours is read by `Deno.env`.
 */
const PRELUDE = `const require=(name)=>{` +
  `const found=process.getBuiltinModule(name);if(found)return found;` +
  `throw new Error("Cannot find module "+name)};const packageEnv={};`;

/** Writes the module; returns its size in bytes. */
export async function bundleServer(options: ServerBundleOptions): Promise<number> {
  const { root, entry, outfile, front } = options;
  const { program, workers } = await bundleTexts(options);
  const packed = workers.map(([name, text]) =>
    `${JSON.stringify(name)}:"${gzipSync(text, { level: 9 }).toString("base64")}"`
  );
  const first = front === undefined
    ? "bundle.run();\n"
    : await bundleOne(front, options, { format: "esm", plugins: [] });
  const parts = [
    `const bundle={program(){/*${commentOf(program, entry)}${END}},`,
    `packed:{${packed.join(",\n")}},`,
    `${UNPACKED}${RUN}};`,
    first,
  ];
  const bytes = new TextEncoder().encode(parts.join("\n"));
  await Deno.writeFile(resolve(root, outfile), bytes);
  return bytes.length;
}

function commentOf(text: string, name: string): string {
  if (!text.includes(ESCAPED_END)) return text.replaceAll(END, ESCAPED_END);
  throw new Error(`Cannot bundle "${name}": it holds ${JSON.stringify(ESCAPED_END)}, write \\x01`);
}

async function bundleTexts(options: ServerBundleOptions): Promise<Texts> {
  const { entry } = options;
  const texts = new Map<string, string>();
  const found = new Set<string>();
  const bundle = async (name: string, starters: string[]): Promise<string> => {
    if (starters.includes(name)) throw new Error(`Cannot bundle "${name}": it starts itself`);
    const isProgram = starters.length === 0;
    const textOf = async (worker: string): Promise<string> => {
      found.add(worker);
      const text = await bundle(worker, [...starters, name]);
      // A Worker's own Workers know nothing of the bundle.
      if (!isProgram) return JSON.stringify(text);
      texts.set(worker, text);
      return `bundle.unpacked(${JSON.stringify(worker)})`;
    };
    // A Worker's text becomes a module of its own.
    const format = isProgram ? "cjs" : "esm";
    return await bundleOne(name, options, { format, plugins: [workerPlugin(textOf)] });
  };
  const program = `"use strict";${await bundle(entry, [])}//# sourceURL=${entry}\n`;
  compareWorkers(options.workers, [...found]);
  return { program, workers: [...texts].sort(([a], [b]) => a < b ? -1 : 1) };
}

async function bundleOne(
  name: string,
  { root, define, leftOut = [], minify = true }: ServerBundleOptions,
  { format, plugins }: { format: "cjs" | "esm"; plugins: Plugin[] },
): Promise<string> {
  const common = await commonOptions(root);
  const build: BuildOptions = {
    ...common,
    entryPoints: [resolve(root, name)],
    plugins: [builtinPlugin(), leftOutPlugin(leftOut), ...common.plugins, ...plugins],
    format,
    platform: "node",
    mainFields: ["module", "main"],
    conditions: ["deno", "import", "module"],
    target: "esnext",
    // Names stay: logs and errors show them.
    minifyWhitespace: minify,
    minifySyntax: minify,
    define: {
      "process.env": "packageEnv",
      "process.env.NODE_ENV": '"production"',
      ...define,
    },
  };
  const result = await withEsbuild((esbuild) => esbuild.build(build));
  refuseLeftovers(result.metafile!, { name, format });
  const text = result.outputFiles![0]!.text;
  return /\b(require|packageEnv)\b/.test(text) ? PRELUDE + text : text;
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

function leftOutPlugin(files: RegExp[]): Plugin {
  return {
    name: "left-out",
    setup(build) {
      for (const filter of files) build.onLoad({ filter }, () => ({ contents: "", loader: "js" }));
    },
  };
}

/** What is left outside would be looked for at run time, beside a file that stands alone. */
function refuseLeftovers(
  { inputs, outputs }: Metafile,
  { name, format }: { name: string; format: "cjs" | "esm" },
): void {
  // Which way it was written says the input, what remains of it the output.
  const remaining = Object.values(outputs).flatMap(({ imports }) =>
    imports.map(({ path }) => path)
  );
  const left = Object.values(inputs).flatMap(({ imports }) => imports)
    // An optional package is required within try, and may be missing.
    .filter(({ path, kind }) => kind !== "require-call" && remaining.includes(path))
    // A function can ask for what is built in, not import it.
    .filter(({ path, kind }) => {
      return !path.startsWith("node:") || (format === "cjs" && kind === "dynamic-import");
    })
    .map(({ path }) => path);
  if (left.length === 0) return;
  throw new Error(
    `Cannot bundle "${name}": it would still import ${[...new Set(left)].join(", ")}`,
  );
}

/** Both relative to the root. */
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
