import type { HandlerFn, Method, Middleware, RouteHandler } from "./define.ts";
import { compareRoutes, foldersOf, routePatterns, routeRank } from "./paths.ts";
import type { AnyComponent, RouteConfig, RouteModule } from "./manifest.ts";

const SPECIAL = ["_app", "_layout", "_middleware", "_error", "_404"] as const;

/** A route, `_error` or `_404` file with its exports checked. */
export interface RouteFile<State> {
  file: string;
  /** The innermost folder, `"devices/"`; `""` is routes/ itself. */
  folder: string;
  component: AnyComponent | null;
  handler: RouteHandler<unknown, State> | null;
  config: RouteConfig;
}

/** Layouts outermost first, and the document around them. */
export interface Shells {
  app: AnyComponent | null;
  layouts: AnyComponent[];
}

/** The modules under routes/, asked by folder. */
export class RouteTree<State> {
  readonly #modules: Record<string, RouteModule>;

  /** Throws for a file that is not what its name says, so that no route is silently missing. */
  constructor(modules: Record<string, RouteModule>) {
    this.#modules = modules;
    for (const file of Object.keys(modules)) checkName(file);
  }

  /** Every page and endpoint with its patterns, the most literal first. */
  routes(): (RouteFile<State> & { patterns: string[] })[] {
    const files = Object.keys(this.#modules).filter((file) => !isSpecial(file)).sort(compareRoutes);
    refuseTwins(files);
    return files.map((file) => ({ ...this.#read(file), patterns: routePatterns(file) }));
  }

  /** The middlewares of a folder and those above it, outermost first, each with its folder. */
  middlewares(folder: string): { folder: string; run: Middleware<State> }[] {
    return foldersOf(folder).flatMap((above) => {
      const file = this.#find(above, "_middleware");
      if (file === null) return [];
      const runs = [this.#modules[file]?.default ?? this.#modules[file]?.handler].flat();
      return runs.map((run) => {
        if (typeof run === "function") return { folder: above, run: run as Middleware<State> };
        throw new Error(`Cannot use "${file}": its default export is not a middleware`);
      });
    });
  }

  /** What surrounds a page of this folder. */
  shells(folder: string, config: RouteConfig): Shells {
    const app = config.skipAppWrapper ? null : this.#component("", "_app")?.component ?? null;
    let layouts: AnyComponent[] = [];
    for (const above of config.skipInheritedLayouts ? [] : foldersOf(folder)) {
      const layout = this.#component(above, "_layout");
      if (layout?.config.skipInheritedLayouts) layouts = [];
      if (layout) layouts.push(layout.component);
    }
    return { app, layouts };
  }

  /** The innermost error page at or above a folder; a 404 prefers `_404`. */
  errorPage(folder: string, status: number): RouteFile<State> | null {
    const names = status === 404 ? ["_404", "_error"] as const : ["_error"] as const;
    for (const name of names) {
      const file = foldersOf(folder).reverse().map((above) => this.#find(above, name)).find(
        Boolean,
      );
      if (file) return this.#read(file);
    }
    return null;
  }

  #component(folder: string, name: "_app" | "_layout") {
    const file = this.#find(folder, name);
    if (file === null) return null;
    const { component, config } = this.#read(file);
    if (component === null) throw new Error(`Cannot use "${file}": it has no default export`);
    return { component, config };
  }

  #find(folder: string, name: typeof SPECIAL[number]): string | null {
    const files = [`${folder}${name}.tsx`, `${folder}${name}.ts`];
    return files.find((file) => Object.hasOwn(this.#modules, file)) ?? null;
  }

  #read(file: string): RouteFile<State> {
    const module = this.#modules[file] ?? {};
    const [component = null, handler = null] = [module.default, module.handler ?? module.handlers];
    if (component !== null && typeof component !== "function") {
      throw new Error(`Cannot use "${file}": its default export is not a component`);
    }
    if (component === null && handler === null) {
      throw new Error(`Cannot use "${file}": it exports neither a handler nor a component`);
    }
    return {
      file,
      folder: foldersOf(file).at(-1)!,
      component: component as AnyComponent | null,
      handler: handler as RouteHandler<unknown, State> | null,
      config: module.config ?? {},
    };
  }
}

/** The methods that a route answers; null means any. */
export function methodsOf<State>({ handler, component }: RouteFile<State>): Method[] | null {
  if (typeof handler === "function") return null;
  const methods = new Set(Object.keys(handler ?? {}) as Method[]);
  if (component !== null) methods.add("GET");
  if (methods.has("GET")) methods.add("HEAD");
  return [...methods].sort();
}

/** The handler for a method; GET's also answers HEAD. */
export function handlerOf<State>(
  { handler }: RouteFile<State>,
  method: Method,
): HandlerFn<unknown, State> | undefined {
  if (handler === null || typeof handler === "function") return handler ?? undefined;
  return handler[method] ?? (method === "HEAD" ? handler.GET : undefined);
}

function isSpecial(file: string): boolean {
  return /(^|\/)_[^/]*$/.test(file);
}

function checkName(file: string): void {
  const name = file.split("/").at(-1)!.replace(/\.tsx?$/, "");
  if (!isSpecial(file) || SPECIAL.some((special) => special === name)) return;
  throw new Error(`Unknown special file "${file}" under routes/, known are ${SPECIAL.join(", ")}`);
}

/** Groups can give two files one URL; which of them would answer is nobody's intention. */
function refuseTwins(files: string[]): void {
  const seen = new Map<string, string>();
  for (const file of files) {
    for (const pattern of routePatterns(file)) {
      const key = `${routeRank(file)} ${pattern.replace(/:\w+/g, ":")}`;
      const twin = seen.get(key);
      if (twin) throw new Error(`Two route files answer "${pattern}": "${twin}" and "${file}"`);
      seen.set(key, file);
    }
  }
}
