/**
 * Development: an edit under routes/, islands/, components/ or static/ is on the screen within a
 * second, while the process, its connections and its data stay. What is in those folders is
 * bundled into one new module and imported beside the old one; everything that it imports from
 * elsewhere stays outside and is the very module instance that the process already runs. Editing
 * anything else needs a restart of the process. Old modules stay in memory until then.
 *
 * A version that does not compile or load is reported, and the last good one keeps answering.
 */
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { OnResolveArgs, Plugin } from "esbuild";
import { type App, setManifest } from "./app.ts";
import { buildClient } from "./build_client.ts";
import { commonOptions, withEsbuild } from "./bundler.ts";
import { loadConfig } from "./config.ts";
import { generate } from "./generate.ts";
import type { DevHooks, Manifest } from "./manifest.ts";
import { pathIn, type Project, scanProject } from "./project.ts";

const SCRIPT_URL = "/_dev/reload.js";
const EVENTS_URL = "/_dev/events";
/** An editor writes, renames and touches for one save; this long without an event ends it. */
const QUIET_MS = 30;
/** Open pages; more get 503 and do not reload by themselves. */
const PAGES_MAX = 32;

const SCRIPT = `const events = new EventSource("${EVENTS_URL}");
let opened = false;
events.addEventListener("open", () => opened ? location.reload() : opened = true);
events.addEventListener("reload", () => location.reload());
events.addEventListener("failed", (event) => console.error(JSON.parse(event.data)));
`;

export interface DevOptions<State> {
  root: string;
  app: App<State>;
  /** Told after each reload: how long it took, or why it failed. */
  report?: (outcome: { tookMs: number } | { error: unknown }) => void;
}

/** Keeps an app's manifest equal to the files until it is stopped. */
export class DevSession<State> implements AsyncDisposable {
  readonly #root: string;
  readonly #app: App<State>;
  readonly #report: NonNullable<DevOptions<State>["report"]>;
  readonly #pages = new OpenPages();
  #watcher: Deno.FsWatcher | null = null;
  #watching: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reloading: Promise<void> = Promise.resolve();
  #generation = 0;

  constructor({ root, app, report = reportToConsole }: DevOptions<State>) {
    this.#root = resolve(root);
    this.#app = app;
    this.#report = report;
  }

  /** Loads the project, then follows its edits. Throws if the first version does not load. */
  async start(): Promise<this> {
    const { directories } = await this.#load();
    const { routes, islands, components, static: statics } = directories;
    const folders = [routes, islands, components, statics].map((name) => join(this.#root, name));
    const present = await Promise.all(folders.map((path) => Deno.stat(path).catch(() => null)));
    this.#watcher = Deno.watchFs(folders.filter((_, i) => present[i]?.isDirectory));
    this.#watching = this.#watch(this.#watcher);
    return this;
  }

  async stop(): Promise<void> {
    this.#watcher?.close();
    await this.#watching;
    clearTimeout(this.#timer);
    await this.#reloading;
    this.#pages.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #watch(watcher: Deno.FsWatcher): Promise<void> {
    for await (const { kind } of watcher) {
      if (kind === "access") continue;
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => {
        this.#reloading = this.#reloading.then(() => this.#reload());
      }, QUIET_MS);
    }
  }

  async #reload(): Promise<void> {
    const startMs = performance.now();
    try {
      await this.#load();
      this.#pages.send("reload", "");
      this.#report({ tookMs: performance.now() - startMs });
    } catch (error) {
      this.#pages.send("failed", JSON.stringify(String(error)));
      this.#report({ error });
    }
  }

  async #load() {
    const config = await loadConfig(this.#root);
    const project = await scanProject(this.#root, config);
    await generate(project);
    const [assets, modules] = await Promise.all([
      buildClient(project, { development: true }),
      this.#importModules(project),
    ]);
    setManifest(this.#app, { ...modules, assets, dev: this.#pages });
    return config;
  }

  async #importModules(project: Project): Promise<Pick<Manifest, "routes" | "islands">> {
    const outfile = pathIn(project, "gen", `dev-${Deno.pid}-${++this.#generation}.js`);
    const common = await commonOptions(project.root);
    const result = await withEsbuild((esbuild) =>
      esbuild.build({
        ...common,
        plugins: [outsidePlugin(project), ...common.plugins],
        stdin: {
          contents: `export * from "./routes.ts"; export * from "./islands.ts";`,
          resolveDir: pathIn(project, "gen"),
        },
        platform: "neutral",
        target: "esnext",
        sourcemap: "inline",
      })
    );
    await Deno.writeFile(outfile, result.outputFiles[0]!.contents);
    try {
      return await import(pathToFileURL(outfile).href);
    } finally {
      await Deno.remove(outfile);
    }
  }
}

/** Leaves everything outside of the watched folders to the runtime, as the URL it already has. */
function outsidePlugin(project: Project): Plugin {
  const folders = (["routes", "islands", "components", "gen"] as const)
    .map((name) => pathIn(project, name) + "/");
  const isInside = (path: string) => folders.some((folder) => path.startsWith(folder));
  return {
    name: "outside",
    setup(build) {
      build.onResolve({ filter: /.*/ }, async (args: OnResolveArgs) => {
        if (args.kind === "entry-point" || args.pluginData === "seen") return undefined;
        if (!/^(\.{0,2}|@)\//.test(args.path)) return { path: args.path, external: true };
        const { kind, importer, resolveDir } = args;
        const options = { kind, importer, resolveDir, pluginData: "seen" };
        const { path, errors } = await build.resolve(args.path, options);
        if (errors.length > 0) return { errors };
        return isInside(path) ? { path } : { path: pathToFileURL(path).href, external: true };
      });
    },
  };
}

/** The browser's side of a session: a script on every page and the events that it listens to. */
class OpenPages implements DevHooks {
  readonly script = SCRIPT_URL;
  readonly #streams = new Set<ReadableStreamDefaultController<Uint8Array>>();

  handle(request: Request): Response | null {
    const { pathname } = new URL(request.url);
    if (pathname === SCRIPT_URL) return answer(SCRIPT, "text/javascript; charset=utf-8");
    if (pathname !== EVENTS_URL) return null;
    if (this.#streams.size >= PAGES_MAX) return new Response(null, { status: 503 });
    return answer(this.#open(), "text/event-stream");
  }

  send(event: string, data: string): void {
    const bytes = new TextEncoder().encode(`event: ${event}\ndata: ${data}\n\n`);
    for (const stream of this.#streams) stream.enqueue(bytes);
  }

  close(): void {
    for (const stream of this.#streams) stream.close();
    this.#streams.clear();
  }

  #open(): ReadableStream<Uint8Array> {
    let own: ReadableStreamDefaultController<Uint8Array>;
    return new ReadableStream({
      start: (controller) => {
        own = controller;
        this.#streams.add(own);
        own.enqueue(new TextEncoder().encode("retry: 200\n\n"));
      },
      cancel: () => {
        this.#streams.delete(own);
      },
    });
  }
}

function answer(body: BodyInit, type: string): Response {
  return new Response(body, { headers: { "content-type": type, "cache-control": "no-store" } });
}

function reportToConsole(outcome: { tookMs: number } | { error: unknown }): void {
  if ("error" in outcome) console.error("Cannot reload:", outcome.error);
  else console.error(`Reloaded in ${Math.round(outcome.tookMs)} ms`);
}
