import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** What `fresh.config.ts` may export by default; every part is optional. */
export interface FreshConfig {
  /** Folders, relative to the project. */
  directories?: Partial<Directories>;
  /** Browsers the islands are built for, in esbuild's words; default `["es2022"]`. */
  target?: string[];
  /** Whether a page names the modules of its islands for preload; default true. */
  islandPreload?: boolean;
  /** Headers for every answer that does not set them itself; replaces the default set. */
  securityHeaders?: Record<string, string>;
}

export interface Directories {
  routes: string;
  islands: string;
  /** Watched in development besides routes and islands. */
  components: string;
  static: string;
  /** Where generated modules go. */
  gen: string;
}

export interface ResolvedConfig {
  directories: Directories;
  target: string[];
  islandPreload: boolean;
  securityHeaders: Record<string, string>;
}

/** Not here: the content security policy, which `csp()` sets, and anything that needs HTTPS. */
const SECURITY_HEADERS = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
};

/** Gives the default export of `fresh.config.ts` its type. */
export function defineConfig(config: FreshConfig): FreshConfig {
  return config;
}

export function resolveConfig(config: FreshConfig = {}): ResolvedConfig {
  const directories = {
    routes: "routes",
    islands: "islands",
    components: "components",
    static: "static",
    gen: "_gen",
  };
  return {
    directories: { ...directories, ...config.directories },
    target: config.target ?? ["es2022"],
    islandPreload: config.islandPreload ?? true,
    securityHeaders: config.securityHeaders ?? SECURITY_HEADERS,
  };
}

/** Reads `fresh.config.ts` of a project; a project without one has the defaults. */
export async function loadConfig(root: string): Promise<ResolvedConfig> {
  const path = resolve(join(root, "fresh.config.ts"));
  try {
    await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return resolveConfig();
    throw error;
  }
  const module: { default?: FreshConfig } = await import(pathToFileURL(path).href);
  return resolveConfig(module.default);
}
