import type { ComponentChildren, FunctionComponent } from "preact";
import type { Assets, RouteConfig } from "./manifest.ts";

/** One request on its way through middlewares, handler and page: one object for all of them. */
export interface Context<State> {
  readonly req: Request;
  readonly url: URL;
  /** Pattern that matched, `/devices/:id`; null where none did. */
  readonly route: string | null;
  /** Decoded values of the pattern's parameters. */
  readonly params: Readonly<Record<string, string>>;
  readonly state: State;
  /** What was thrown while answering, for error pages and for middlewares after `next()`. */
  readonly error: unknown;
  /** As the server gave it; host "0.0.0.0" and port 0 where the caller gave none. */
  readonly info: Deno.ServeHandlerInfo;
  /**
   * Runs what comes after this middleware. It does not reject: what is thrown below has already
   * become the nearest error page's answer, so that headers set here are on every answer.
   */
  next(): Promise<Response>;
  /** To a path of this site or an absolute URL; a path never leads to another host. */
  redirect(pathOrUrl: string, status?: number): Response;
  /** The markup inside the layouts of the route's folder and `_app`, as an HTML answer. */
  render(content: ComponentChildren, init?: ResponseInit, config?: RouteConfig): Promise<Response>;
  json(content: unknown, init?: ResponseInit): Response;
  text(content: string, init?: ResponseInit): Response;
  html(content: string, init?: ResponseInit): Response;
}

/** What pages, layouts and `_app` get. */
export interface PageProps<Data, State> {
  readonly req: Request;
  readonly url: URL;
  readonly route: string | null;
  readonly params: Readonly<Record<string, string>>;
  readonly state: State;
  readonly error: unknown;
  readonly info: Deno.ServeHandlerInfo;
  /** From the handler's `page(data)`. */
  readonly data: Data;
  /** In a layout or `_app`: what goes inside. */
  readonly Component: FunctionComponent;
}

type Renderer = (
  content: ComponentChildren,
  init: ResponseInit,
  config: RouteConfig,
) => Promise<Response>;

export interface ContextInit {
  req: Request;
  url: URL;
  info: Deno.ServeHandlerInfo | undefined;
  route: string | null;
  params: Record<string, string>;
  assets: Assets;
}

const UNKNOWN_PEER: Deno.ServeHandlerInfo = {
  remoteAddr: { transport: "tcp", hostname: "0.0.0.0", port: 0 },
  completed: Promise.resolve(),
};

/** The framework's side of a context: what it sets as the request goes along. */
export class RequestContext<State> implements Context<State> {
  readonly req: Request;
  readonly url: URL;
  readonly route: string | null;
  readonly params: Record<string, string>;
  readonly info: Deno.ServeHandlerInfo;
  readonly assets: Assets;
  readonly state = {} as State;
  error: unknown = null;
  next: () => Promise<Response> = () => Promise.reject(new Error("Nothing comes next"));
  renderer: Renderer = () => Promise.reject(new Error("Nothing renders here"));

  constructor({ req, url, info, route, params, assets }: ContextInit) {
    this.req = req;
    this.url = url;
    this.info = info ?? UNKNOWN_PEER;
    this.route = route;
    this.params = params;
    this.assets = assets;
  }

  redirect(pathOrUrl: string, status = 302): Response {
    return new Response(null, { status, headers: { location: samePlace(pathOrUrl) } });
  }

  render(content: ComponentChildren, init: ResponseInit = {}, config: RouteConfig = {}) {
    return this.renderer(content, init, config);
  }

  json(content: unknown, init?: ResponseInit): Response {
    return Response.json(content, init);
  }

  text(content: string, init?: ResponseInit): Response {
    return new Response(content, init);
  }

  html(content: string, init: ResponseInit = {}): Response {
    const headers = new Headers(init.headers);
    headers.set("content-type", "text/html; charset=utf-8");
    return new Response(content, { ...init, headers });
  }
}

/** Browsers read `//host`, `/\host`, ` //host`, `/<tab>/host` as another host. */
function samePlace(pathOrUrl: string): string {
  const target = pathOrUrl.replace(/[\t\r\n]/g, "").trim().toWellFormed();
  const end = target.search(/[?#]/);
  const path = end < 0 ? target : target.slice(0, end);
  const place = /^[\\/]/.test(path) ? path.replace(/[\\/]+/g, "/") : path;
  return (place + target.slice(path.length)).replace(/[^\x21-\x7e]+/g, encodeURIComponent);
}

export function pageProps<Data, State>(
  ctx: RequestContext<State>,
  data: Data,
  Component: FunctionComponent,
): PageProps<Data, State> {
  const { req, url, route, params, state, error, info } = ctx;
  return { req, url, route, params, state, error, info, data, Component };
}
