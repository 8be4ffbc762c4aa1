/** The server side of the framework under the name `fresh`: the part of Fresh 2's API in use. */
export { App, type AppOptions, setManifest } from "./app.ts";
export { defineConfig, type FreshConfig } from "./config.ts";
export type { Context, PageProps } from "./context.ts";
export { csp, type CspOptions } from "./csp.ts";
export { csrf, type CsrfOptions } from "./csrf.ts";
export {
  createDefine,
  type Define,
  type HandlerByMethod,
  type HandlerFn,
  type Method,
  type Middleware,
  page,
  type PageResponse,
  type RouteHandler,
} from "./define.ts";
export { HttpError } from "./http_error.ts";
export type { AnyComponent, Assets, Manifest, RouteConfig, RouteModule } from "./manifest.ts";
export { staticFiles } from "./static_files.ts";
