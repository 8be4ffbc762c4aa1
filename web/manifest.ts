/**
 * What the file tree contributes to an app: route modules, islands and browser assets. It comes
 * from `_gen/` in a built program, from `loadManifest` in a checkout, from `DevSession` while
 * editing.
 */
import type { ComponentChildren } from "preact";

/** A component of which only the framework knows that it gets the right props. */
export type AnyComponent = (props: never) => ComponentChildren | Promise<ComponentChildren>;

/** What a module under routes/ may export; checked when the routes are mounted. */
export interface RouteModule {
  default?: unknown;
  handler?: unknown;
  handlers?: unknown;
  config?: RouteConfig;
}

export interface RouteConfig {
  /** Leave out the layouts of the folders above; default false. */
  skipInheritedLayouts?: boolean;
  /** Leave out `_app`; default false. */
  skipAppWrapper?: boolean;
}

/** One file for the browser. Text is kept compressed only, `raw` is then derived. */
export interface StaticAsset {
  /** Media type with charset. */
  type: string;
  /** First 16 hex digits of the SHA-256 of the uncompressed bytes. */
  hash: string;
  /** Base64 in generated modules, bytes after first use and in memory. */
  raw?: string | Uint8Array<ArrayBuffer>;
  gzip?: string | Uint8Array<ArrayBuffer>;
  br?: string | Uint8Array<ArrayBuffer>;
}

export interface Assets {
  /** Changes with any byte of any file; part of the URLs that `asset()` makes. */
  buildId: string;
  /** URL path of the module that starts the islands; empty before the first build. */
  boot: string;
  /** Name of an island → its module and all the modules that it needs, itself first. */
  islands: Record<string, string[]>;
  /** URL path → file. */
  files: Record<string, StaticAsset>;
}

export interface Manifest {
  /** Path below routes/ → module. */
  routes: Record<string, RouteModule>;
  /** Path below islands/ without extension → component. */
  islands: Record<string, AnyComponent>;
  assets: Assets;
  /** Set in development only. */
  dev?: DevHooks;
}

export interface DevHooks {
  /** URL path of the script that every page loads. */
  script: string;
  /** Answers the paths of the development tools, null for any other. */
  handle(request: Request): Response | null;
}

/** Before the first build: pages render, but without browser code and static files. */
export const UNBUILT: Assets = { buildId: "", boot: "", islands: {}, files: {} };
