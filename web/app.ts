/**
 * How a request runs: the router gives everything registered for its path, in order of
 * registration. Middlewares, then the first route that takes the method (with the middlewares of
 * its folders), become one chain of steps that ends in 405 or 404. Each step knows its folder, and
 * what it throws becomes the answer of that folder's error page before the step above sees it.
 */
import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";
import { type FreshConfig, resolveConfig } from "./config.ts";
import { RequestContext } from "./context.ts";
import type { Method, Middleware } from "./define.ts";
import { setHeaders } from "./headers.ts";
import { errorAnswer, HttpError, statusText } from "./http_error.ts";
import { registerIslands } from "./islands.ts";
import { type Manifest, type RouteConfig, UNBUILT } from "./manifest.ts";
import { pageState } from "./page_state.ts";
import { routerPaths } from "./paths.ts";
import { renderView } from "./render.ts";
import { handlerOf, methodsOf, type RouteFile, RouteTree } from "./route_tree.ts";

export interface AppOptions extends FreshConfig {
  /** Told of every error that becomes a 5xx; default `console.error`. */
  reportError?: (error: unknown, req: Request) => void;
  /** Turns what was thrown into what the error pages get; its `status` is answered. */
  errorOf?: (error: unknown) => unknown;
}

interface Step<State> {
  folder: string;
  run: Middleware<State>;
}

interface Entry<State> {
  /** Null for a middleware. */
  route: string | null;
  /** Null for any method. */
  methods: Method[] | null;
  steps: Step<State>[];
}

interface Plan<State> {
  route: string | null;
  params: Record<string, string>;
  steps: Step<State>[];
}

interface ErrorInit {
  status?: number;
  headers?: Record<string, string>;
}

type Registration<State> = { path: string; entry: Entry<State> } | "files";

/** Gives an app its routes, islands and assets; again at any time, for the requests that follow. */
export let setManifest: <State>(app: App<State>, manifest: Manifest) => void;

/** Answers requests by middlewares, routes and the files under routes/. */
export class App<State = unknown> {
  readonly #config: ReturnType<typeof resolveConfig>;
  readonly #reportError: (error: unknown, req: Request) => void;
  readonly #errorOf: (error: unknown) => unknown;
  readonly #registrations: Registration<State>[] = [];
  #manifest: Manifest = { routes: {}, islands: {}, assets: UNBUILT };
  #tree = new RouteTree<State>({});
  #router: SmartRouter<Entry<State>> | null = null;

  static {
    setManifest = (app, manifest) => app.#setManifest(manifest);
  }

  constructor(options: AppOptions = {}) {
    this.#config = resolveConfig(options);
    this.#reportError = options.reportError ?? ((error) => console.error(error));
    this.#errorOf = options.errorOf ?? ((error) => error);
  }

  /** Adds middlewares for every path, or for `path` and all below it. */
  use(...middlewares: Middleware<State>[]): this;
  use(path: string, ...middlewares: Middleware<State>[]): this;
  use(first: string | Middleware<State>, ...rest: Middleware<State>[]): this {
    const [base, runs] = typeof first === "string" ? [first, rest] : ["/", [first, ...rest]];
    const path = `${base.replace(/\/?\*?$/, "")}/*`;
    return this.#add(path, { route: null, methods: null, steps: runs.map(rootStep) });
  }

  /** Paths as in `/devices/:id` and `/files/:path*`; GET answers HEAD too. */
  get(path: string, ...middlewares: Middleware<State>[]): this {
    return this.#route(path, ["GET", "HEAD"], middlewares);
  }

  head(path: string, ...middlewares: Middleware<State>[]): this {
    return this.#route(path, ["HEAD"], middlewares);
  }

  post(path: string, ...middlewares: Middleware<State>[]): this {
    return this.#route(path, ["POST"], middlewares);
  }

  put(path: string, ...middlewares: Middleware<State>[]): this {
    return this.#route(path, ["PUT"], middlewares);
  }

  patch(path: string, ...middlewares: Middleware<State>[]): this {
    return this.#route(path, ["PATCH"], middlewares);
  }

  delete(path: string, ...middlewares: Middleware<State>[]): this {
    return this.#route(path, ["DELETE"], middlewares);
  }

  all(path: string, ...middlewares: Middleware<State>[]): this {
    return this.#route(path, null, middlewares);
  }

  /** Inserts the files under routes/ here: what was added before runs before them. */
  fsRoutes(): this {
    this.#registrations.push("files");
    this.#router = null;
    return this;
  }

  /** The app as a function, for a server or a test. It never rejects. */
  handler(): (req: Request, info?: Deno.ServeHandlerInfo) => Promise<Response> {
    return (req, info) => this.#handle(req, info);
  }

  #setManifest(manifest: Manifest): void {
    const before = { manifest: this.#manifest, tree: this.#tree };
    try {
      this.#tree = new RouteTree(manifest.routes);
      this.#manifest = manifest;
      this.#router = this.#buildRouter();
      registerIslands(manifest.islands);
      // For what runs outside of rendering; during it the renderer sets the page's own.
      pageState.buildId = manifest.assets.buildId;
    } catch (error) {
      this.#tree = before.tree;
      this.#manifest = before.manifest;
      throw error;
    }
  }

  #route(path: string, methods: Method[] | null, middlewares: Middleware<State>[]): this {
    return this.#add(path, { route: path, methods, steps: middlewares.map(rootStep) });
  }

  #add(path: string, entry: Entry<State>): this {
    this.#registrations.push({ path, entry });
    this.#router = null;
    return this;
  }

  #buildRouter(): SmartRouter<Entry<State>> {
    const routers = [new RegExpRouter<Entry<State>>(), new TrieRouter<Entry<State>>()];
    const router = new SmartRouter<Entry<State>>({ routers });
    const paths = this.#registrations.flatMap((registration) =>
      registration === "files" ? this.#fileEntries() : registration
    );
    for (const { path, entry } of paths) {
      for (const routerPath of routerPaths(path)) router.add("ALL", routerPath, entry);
    }
    return router;
  }

  #fileEntries(): { path: string; entry: Entry<State> }[] {
    return this.#tree.routes().flatMap((route) => {
      const answer: Middleware<State> = (ctx) => {
        const method = ctx.req.method as Method;
        return this.#answer(ctx as RequestContext<State>, { file: route, method, init: {} });
      };
      const steps = [...this.#tree.middlewares(route.folder), {
        folder: route.folder,
        run: answer,
      }];
      const methods = methodsOf(route);
      return route.patterns.map((path) => ({ path, entry: { route: path, methods, steps } }));
    });
  }

  async #handle(req: Request, info?: Deno.ServeHandlerInfo): Promise<Response> {
    const developed = this.#manifest.dev?.handle(req);
    if (developed) return developed;
    const url = new URL(req.url);
    const { route, params, steps } = this.#plan(req.method as Method, url.pathname);
    const { assets } = this.#manifest;
    const ctx = new RequestContext<State>({ req, url, info, route, params, assets });
    const response = await this.#run(ctx, steps, 0);
    const complete = setHeaders(response, this.#config.securityHeaders, { keep: true });
    return req.method === "HEAD" ? await withoutBody(complete) : complete;
  }

  #plan(method: Method, pathname: string): Plan<State> {
    this.#router ??= this.#buildRouter();
    const plan: Plan<State> = { route: null, params: {}, steps: [] };
    const allowed = new Set<Method>();
    for (const { entry, params } of matchesOf(this.#router, pathname)) {
      const takes = entry.methods === null || entry.methods.includes(method);
      if (takes) plan.steps.push(...entry.steps);
      else entry.methods?.forEach((other) => allowed.add(other));
      if (takes && entry.route !== null && plan.route === null) {
        plan.route = entry.route;
        plan.params = params;
      }
    }
    if (plan.route === null) plan.steps.push(...this.#tree.middlewares(""));
    plan.steps.push(rootStep(() => refuse([...allowed].sort())));
    return plan;
  }

  async #run(ctx: RequestContext<State>, steps: Step<State>[], at: number): Promise<Response> {
    const { folder, run } = steps[at]!;
    ctx.next = () => this.#run(ctx, steps, at + 1);
    ctx.renderer = (children, init, config) => {
      return this.#render(ctx, { content: { children }, folder, config, init });
    };
    try {
      const response = await run(ctx);
      if (response instanceof Response) return response;
      throw new TypeError(`Expected a Response for ${ctx.url.pathname}, got ${typeof response}`);
    } catch (error) {
      return await this.#fail(ctx, { error, folder });
    }
  }

  async #answer(
    ctx: RequestContext<State>,
    { file, method, init }: { file: RouteFile<State>; method: Method; init: ErrorInit },
  ): Promise<Response> {
    const { component, folder, config } = file;
    const handler = handlerOf(file, method);
    const result = handler ? await handler(ctx) : { data: undefined };
    if (result instanceof Response) return setHeaders(result, init.headers ?? {}, { keep: true });
    if (typeof result !== "object" || !("data" in result)) {
      throw new TypeError(`"${file.file}" answered ${method} with neither a Response nor page()`);
    }
    if (component === null) throw new Error(`Nothing to render: "${file.file}" exports no page`);
    const { data, ...own } = result;
    return await this.#render(ctx, {
      content: component,
      data,
      folder,
      config,
      init: { ...init, ...own },
    });
  }

  async #fail(
    ctx: RequestContext<State>,
    { error: thrown, folder }: { error: unknown; folder: string },
  ): Promise<Response> {
    const error = this.#errorOf(thrown);
    ctx.error = error;
    const init = errorAnswer(error);
    if (init.status >= 500) this.#reportError(error, ctx.req);
    try {
      const file = this.#tree.errorPage(folder, init.status);
      if (file) return await this.#answer(ctx, { file, method: "GET", init });
    } catch (second) {
      // An error page that fails itself leaves the first error's status.
      this.#reportError(second, ctx.req);
    }
    const text = `${init.status} ${statusText(init.status)}\n`;
    return setHeaders(new Response(text, { status: init.status }), init.headers);
  }

  #render(
    ctx: RequestContext<State>,
    { folder, config, init, content, data }: {
      folder: string;
      config: RouteConfig;
      init: ResponseInit;
      content: Parameters<typeof renderView>[1]["content"];
      data?: unknown;
    },
  ): Promise<Response> {
    const shells = this.#tree.shells(folder, config);
    const { islandPreload } = this.#config;
    const view = { content, data, shells, manifest: this.#manifest, islandPreload };
    return renderView(ctx, view, init);
  }
}

function rootStep<State>(run: Middleware<State>): Step<State> {
  return { folder: "", run };
}

function* matchesOf<T>(router: SmartRouter<T>, pathname: string) {
  const [found, values] = router.match("ALL", pathname);
  for (const [entry, indexed] of found) {
    const params: Record<string, string> = {};
    for (const [name, value] of Object.entries(indexed)) {
      params[name] = decoded(typeof value === "number" ? values?.[value] ?? "" : value);
    }
    yield { entry, params };
  }
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    // A malformed escape stays as it came: it will name nothing that exists.
    return value;
  }
}

function refuse(allowed: Method[]): never {
  if (allowed.length === 0) throw new HttpError(404);
  throw Object.assign(new HttpError(405), { headers: { allow: allowed.join(", ") } });
}

async function withoutBody(response: Response): Promise<Response> {
  await response.body?.cancel();
  return new Response(null, response);
}
