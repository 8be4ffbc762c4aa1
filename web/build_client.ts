/**
 * Makes the browser's files of a project: one module for each island, shared ones for what they
 * have in common, and everything in `static/`, hashed and compressed.
 */
import { createHash } from "node:crypto";
import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { BuildOptions, Metafile } from "esbuild";
import { commonOptions, withEsbuild } from "./bundler.ts";
import type { Assets, StaticAsset } from "./manifest.ts";
import { islandName, pathIn, type Project } from "./project.ts";

const ISLANDS_URL = "/_islands";

/** `charset` where the type is text; only text is worth compressing. */
const TYPES: Record<string, string> = {
  css: "text/css; charset=utf-8",
  csv: "text/csv; charset=utf-8",
  gif: "image/gif",
  html: "text/html; charset=utf-8",
  ico: "image/x-icon",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  js: "text/javascript; charset=utf-8",
  json: "application/json; charset=utf-8",
  map: "application/json; charset=utf-8",
  md: "text/markdown; charset=utf-8",
  mjs: "text/javascript; charset=utf-8",
  pdf: "application/pdf",
  png: "image/png",
  svg: "image/svg+xml; charset=utf-8",
  txt: "text/plain; charset=utf-8",
  webmanifest: "application/manifest+json; charset=utf-8",
  webp: "image/webp",
  woff2: "font/woff2",
};

export interface ClientOptions {
  /** Readable, with source maps, not compressed: fast to make. */
  development?: boolean;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Throws esbuild's `BuildFailure`, with file and line, where an island does not compile. */
export async function buildClient(
  project: Project,
  { development = false }: ClientOptions = {},
): Promise<Assets> {
  const bundle = await bundleIslands(project, development);
  const files: [string, Bytes][] = [...bundle.files];
  for (const file of project.statics) {
    files.push([`/${file}`, await Deno.readFile(pathIn(project, "static", file))]);
  }
  files.sort(([a], [b]) => a < b ? -1 : 1);
  const assets = files.map(([url, bytes]) => [url, assetOf(url, bytes, !development)] as const);
  const hashes = assets.map(([url, { hash }]) => `${url} ${hash}\n`).join("");
  return {
    buildId: hashOf(new TextEncoder().encode(hashes)),
    boot: bundle.boot,
    islands: bundle.islands,
    files: Object.fromEntries(assets),
  };
}

interface IslandBundle {
  boot: string;
  islands: Record<string, string[]>;
  files: [url: string, bytes: Bytes][];
}

async function bundleIslands(project: Project, development: boolean): Promise<IslandBundle> {
  if (project.islands.length === 0) return { boot: "", islands: {}, files: [] };
  const boot = fileURLToPath(new URL("./client.ts", import.meta.url));
  const sources = project.islands.map((file) =>
    [islandName(file), pathIn(project, "islands", file)] as const
  );
  const outdir = resolve(project.root, ISLANDS_URL.slice(1));
  const options: BuildOptions = {
    ...await commonOptions(project.root),
    entryPoints: { boot, ...Object.fromEntries(sources) },
    outdir,
    splitting: true,
    platform: "browser",
    target: project.config.target,
    minify: !development,
    sourcemap: development ? "inline" : false,
    entryNames: "[dir]/[name]-[hash]",
    chunkNames: "shared-[hash]",
    define: { "process.env.NODE_ENV": development ? '"development"' : '"production"' },
  };
  const result = await withEsbuild((esbuild) => esbuild.build(options));
  const toUrl = (path: string) => `${ISLANDS_URL}/${relative(outdir, resolve(project.root, path))}`;
  const outputs = new OutputGraph(result.metafile!, project.root);
  const urlsOf = (source: string) => outputs.reach(source).map(toUrl);
  return {
    boot: urlsOf(boot)[0]!,
    islands: Object.fromEntries(
      sources.map(([name, source]) => [name, [...new Set([...urlsOf(source), ...urlsOf(boot)])]]),
    ),
    files: (result.outputFiles ?? []).map(({ path, contents }) => [
      toUrl(path),
      new Uint8Array(contents),
    ]),
  };
}

class OutputGraph {
  readonly #outputs: Metafile["outputs"];
  readonly #byEntry = new Map<string, string>();

  constructor({ outputs }: Metafile, root: string) {
    this.#outputs = outputs;
    for (const [path, { entryPoint }] of Object.entries(outputs)) {
      if (entryPoint) this.#byEntry.set(resolve(root, entryPoint), path);
    }
  }

  /** The output made from a source file and all that it imports statically, itself first. */
  reach(source: string): string[] {
    const found = new Set([this.#byEntry.get(source)!]);
    for (const path of found) {
      const imports = this.#outputs[path]?.imports ?? [];
      for (const { kind, path: next } of imports) if (kind === "import-statement") found.add(next);
    }
    return [...found];
  }
}

function assetOf(url: string, bytes: Bytes, compress: boolean): StaticAsset {
  const type = TYPES[/\.(\w+)$/.exec(url)?.[1]?.toLowerCase() ?? ""] ?? "application/octet-stream";
  const asset = { type, hash: hashOf(bytes) };
  const gzip = compress && type.includes("charset") ? gzipSync(bytes, { level: 9 }) : null;
  if (gzip === null || gzip.length >= bytes.length) return { ...asset, raw: bytes };
  const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  const br = brotliCompressSync(bytes, { params });
  return { ...asset, gzip: new Uint8Array(gzip), br: new Uint8Array(br) };
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}
