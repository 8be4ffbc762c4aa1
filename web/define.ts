import type { ComponentChildren } from "preact";
import type { Context, PageProps } from "./context.ts";

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS";

type Awaitable<T> = T | Promise<T>;

/** Gets the request and returns the answer, its own or `ctx.next()`'s. */
export type Middleware<State> = (ctx: Context<State>) => Awaitable<Response>;

/** What a handler returns to have its route's page rendered. */
export interface PageResponse<Data> {
  data: Data;
  status?: number;
  headers?: HeadersInit;
}

export type HandlerFn<Data, State> = (
  ctx: Context<State>,
) => Awaitable<Response | PageResponse<Data>>;

export type HandlerByMethod<Data, State> = { [M in Method]?: HandlerFn<Data, State> };

export type RouteHandler<Data, State> = HandlerFn<Data, State> | HandlerByMethod<Data, State>;

/** Renders the route's page with `data`. */
export function page(): PageResponse<undefined>;
export function page<Data>(
  data: Data,
  options?: { status?: number; headers?: HeadersInit },
): PageResponse<Data>;
export function page(data?: unknown, options = {}): PageResponse<unknown> {
  return { data, ...options };
}

type Returned<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never;
type PageData<R> = R extends PageResponse<infer Data> ? Data : never;

/** The data that a route's handlers hand to its page, over all methods. */
export type HandlerData<H> = H extends (...args: never[]) => unknown ? PageData<Returned<H>>
  : PageData<{ [M in keyof H]: Returned<H[M]> }[keyof H]>;

type Page<Data, State> = (
  props: PageProps<Data, State>,
) => Awaitable<ComponentChildren | Response>;

/** Identities that give files under routes/ their types; one per project, from `createDefine`. */
export interface Define<State> {
  handlers<H extends RouteHandler<unknown, State>>(handlers: H): H;
  /** `define.page<typeof handler>(({ data }) => …)` types `data` by the route's handlers. */
  page<H = undefined, Data = H extends undefined ? undefined : HandlerData<H>>(
    render: Page<Data, State>,
  ): Page<Data, State>;
  layout(render: Page<unknown, State>): Page<unknown, State>;
  middleware<M extends Middleware<State> | Middleware<State>[]>(middleware: M): M;
}

export function createDefine<State>(): Define<State> {
  return {
    handlers: (handlers) => handlers,
    page: (render) => render,
    layout: (render) => render,
    middleware: (middleware) => middleware,
  };
}
