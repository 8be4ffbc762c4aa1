/**
 * Who may call which route: the one table. A path that is not in it does not exist, for anybody;
 * so a route that somebody forgets to declare is closed, and `undeclared` names it in the test run.
 */
import type { Role } from "@/auth/auth_store.ts";

export type Policy =
  /** Open to everybody, signed out too. */
  | { kind: "public" }
  /** A signed-in person of at least this role, by bearer token or session cookie. */
  | { kind: "person"; atLeast: Role }
  /** Checked by the route itself: a device's credential, the scrape token, the CONNECT packet. */
  | { kind: "own"; credential: "device" | "scrape" | "connect" };

export interface RoutePolicy {
  /** Method, or `*`. HEAD is GET. */
  method: string;
  /** `/api/users/:name`, `/static/*` (everything below). */
  path: string;
  policy: Policy;
}

const PUBLIC: Policy = { kind: "public" };
const VIEWER: Policy = { kind: "person", atLeast: "viewer" };
const OPERATOR: Policy = { kind: "person", atLeast: "operator" };
const ADMIN: Policy = { kind: "person", atLeast: "admin" };
const DEVICE: Policy = { kind: "own", credential: "device" };

/** `GET|POST /path` lines of one policy. */
function all(policy: Policy, ...routes: string[]): RoutePolicy[] {
  return routes.flatMap((route) => {
    const [methods = "", path = ""] = route.split(" ");
    return methods.split("|").map((method) => ({ method, path, policy }));
  });
}

/** CONTRACT §4, and the pages. */
export const ROUTE_POLICIES: readonly RoutePolicy[] = [
  ...all(PUBLIC, "GET /healthz", "GET /readyz", "GET /api/openapi.json"),
  ...all(PUBLIC, "POST /api/auth/login", "POST /api/auth/refresh", "POST /api/claim"),
  ...all(PUBLIC, "GET|POST /login", "GET|POST /claim", "POST /appearance", "GET /welcome"),
  ...all(PUBLIC, "GET /docs", "GET /docs/*", "GET|POST /purchase", "GET /purchase/thanks"),
  ...all(PUBLIC, "GET /privacy", "GET /terms", "GET /imprint"),
  ...all(PUBLIC, "GET /ui/*", "GET /_islands/*", "GET /favicon.ico", "GET /robots.txt"),
  ...all({ kind: "own", credential: "scrape" }, "GET /metrics"),
  ...all({ kind: "own", credential: "connect" }, "GET /mqtt"),
  ...all(DEVICE, "POST /v1/ingest", "POST /v1/ingest/:device"),

  ...all(VIEWER, "POST /api/auth/logout", "GET /api/auth/profile", "POST /api/auth/password"),
  ...all(VIEWER, "GET /api/live", "GET /api/predictions", "GET /api/predictions/latest"),
  ...all(VIEWER, "GET /api/predictions/summary", "GET /api/predictions/stream"),
  ...all(VIEWER, "GET /api/dashboards/:id/data"),
  ...all(VIEWER, "GET /api/readings", "GET /api/readings/latest", "GET /api/readings/stream"),
  ...all(
    VIEWER,
    "GET /api/devices",
    "GET /api/devices/:id",
    "GET /api/alerts",
    "GET /api/alerts/*",
  ),
  ...all(VIEWER, "GET /api/queue", "GET /api/messages/:id"),
  ...all(VIEWER, "GET /api/destinations", "GET /api/destinations/:name"),

  ...all(VIEWER, "GET /", "GET /dashboards", "GET /dashboards/:id", "GET /dashboards/:id/export"),
  ...all(VIEWER, "GET /devices", "GET /devices/:id", "GET /devices/:id/messages"),
  ...all(VIEWER, "GET /predictions", "GET /predictions/:device", "GET /delivery"),
  ...all(VIEWER, "GET /messages/:id", "GET /system", "GET /account", "POST /account"),
  ...all(VIEWER, "POST /logout"),

  ...all(OPERATOR, "POST /api/devices", "PATCH|DELETE /api/devices/:id", "POST /api/devices/*"),
  ...all(OPERATOR, "POST|PATCH|DELETE /api/alerts", "POST|PATCH|DELETE /api/alerts/*"),
  ...all(OPERATOR, "GET|POST|DELETE /api/dead", "GET|POST|PATCH|DELETE /api/dead/*"),
  ...all(OPERATOR, "POST /api/destinations/*"),
  ...all(OPERATOR, "DELETE /api/devices/:id/certificates/:fingerprint"),
  ...all(OPERATOR, "GET /api/device-requests", "POST /api/device-requests/*"),
  ...all(OPERATOR, "POST /dashboards", "POST /dashboards/:id", "GET|POST /dashboards/:id/edit"),
  ...all(OPERATOR, "GET|POST /add-device", "GET|POST /add-device/:id", "POST /devices"),
  ...all(OPERATOR, "POST /devices/:id", "POST /delivery", "POST /delivery/:name"),
  ...all(OPERATOR, "GET|POST /dead-letters", "GET|POST /dead-letters/*"),

  ...all(ADMIN, "GET|POST /api/users", "GET|PATCH|DELETE /api/users/:name", "POST /api/users/*"),
  ...all(ADMIN, "GET|POST /api/backup", "GET|POST /api/backup/*", "GET /api/audit"),
  ...all(ADMIN, "GET /api/audit/*", "GET|PATCH /api/settings", "GET|PATCH /api/settings/*"),
  ...all(ADMIN, "GET /settings", "GET|POST /settings/*", "GET /audit", "GET /audit/export"),
  ...all(ADMIN, "GET|POST /orders", "GET /orders/export"),
];

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

export function hasRole(has: Role, needed: Role): boolean {
  return RANK[has] >= RANK[needed];
}

interface CompiledRoute {
  method: string;
  segments: string[];
  policy: Policy;
}

// What a router and a file system may read differently from us: encoded separators and dots, NUL,
// backslashes. No path of ours needs them.
const AMBIGUOUS = /%(?:2e|2f|5c|00)|[\\\0]|\/\/|\/\.{1,2}(?:\/|$)/i;

export class PolicyTable {
  readonly #routes: CompiledRoute[];

  /** Throws on two entries for the same method and path. */
  constructor(routes: readonly RoutePolicy[] = ROUTE_POLICIES) {
    this.#routes = routes.map(compile);
    const seen = new Set<string>();
    for (const { method, segments } of this.#routes) {
      const key = `${method} ${segments.map((part) => part.replace(/^:.*/, ":")).join("/")}`;
      if (seen.has(key)) throw new Error(`Two policies for "${key}"`);
      seen.add(key);
    }
    this.#routes.sort(bySpecificity);
  }

  /** The policy of a request; null when nothing is declared there. `path` as in the URL, encoded. */
  find(method: string, path: string): Policy | null {
    if (AMBIGUOUS.test(path)) return null;
    const asked = method === "HEAD" ? "GET" : method;
    const segments = split(path);
    const route = this.#routes.find((route) =>
      (route.method === "*" || route.method === asked) && fits(route.segments, segments)
    );
    return route?.policy ?? null;
  }

  /** Routes of an app that have no entry: `GET /api/new`. A test fails when there is one. */
  undeclared(routes: readonly { method: string; path: string }[]): string[] {
    const missing = routes.filter(({ method, path }) => !this.#declares(method, split(path)));
    return missing.map(({ method, path }) => `${method} ${path}`);
  }

  #declares(method: string, segments: string[]): boolean {
    return this.#routes.some((route) =>
      (route.method === "*" || route.method === method) && fits(route.segments, segments)
    );
  }
}

function compile({ method, path, policy }: RoutePolicy): CompiledRoute {
  return { method, segments: split(path), policy };
}

function split(path: string): string[] {
  return path.replace(/^\//, "").split("/");
}

/** `:x` is one segment that is not empty, `*` at the end is one or more. */
function fits(pattern: string[], segments: string[]): boolean {
  const rest = pattern.at(-1) === "*";
  if (rest ? segments.length < pattern.length : segments.length !== pattern.length) return false;
  return pattern.every((part, i) => {
    if (part === "*") return segments[i] !== "";
    return part.startsWith(":") ? segments[i] !== "" : part === segments[i];
  });
}

/** Literal segments before parameters before the rest, so that the narrowest entry is found first. */
function bySpecificity(one: CompiledRoute, other: CompiledRoute): number {
  const length = Math.max(one.segments.length, other.segments.length);
  for (let i = 0; i < length; i++) {
    const difference = weight(one.segments[i]) - weight(other.segments[i]);
    if (difference !== 0) return difference;
  }
  return Number(one.method === "*") - Number(other.method === "*");
}

function weight(segment: string | undefined): number {
  if (segment === undefined) return 3;
  if (segment === "*") return 2;
  return segment.startsWith(":") ? 1 : 0;
}
