/**
 * The one place where a request is let in: every page and every part of the API runs behind it.
 * The table of who may what is `auth/route_policy.ts`; what is not in it does not exist.
 */
import type { Context, MiddlewareHandler } from "hono";
import type { Identity } from "@/auth/access_tokens.ts";
import type { Actor } from "@/auth/audit.ts";
import type { RateLimit } from "@/auth/rate_limit.ts";
import { addressKey } from "@/auth/remote_address.ts";
import type { Passed, RequestGuard } from "@/auth/request_guard.ts";
import { badClientCertificate, notSignedIn } from "@/auth/refusals.ts";
import { HttpError } from "@/model/errors.ts";
import type { HttpEnv } from "@/routes/http_env.ts";
import { readForm } from "@/routes/page_form.ts";

export interface RequestLimits {
  /** Per client address, of requests that nobody signed in makes. */
  address: RateLimit;
  /** Per signed-in session. */
  session: RateLimit;
}

/** Throws HttpError 401, 403, 404, 429 before a route sees the request. */
export function guardRequests(
  { guard, limits }: { guard: RequestGuard; limits: RequestLimits },
): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const { peer } = c.env;
    if (peer?.kind === "refused") throw badClientCertificate(peer.why);
    // Ingest leaves the count to the server's own bound: it is asked thousands of times a second.
    if (!c.req.path.startsWith("/v1/")) assertFewHeaders(c.req.raw.headers);
    const counts = c.req.path.startsWith("/api/");
    const waitSeconds = counts ? limits.address.take(addressKey(c.env.remoteAddress)) : 0;
    const passed = await checked(c, { guard, waitSeconds });
    if (counts && passed.identity !== null) spend(limits.session, passed.identity.sessionId);
    c.set("passed", passed);
    await next();
  };
}

const HEADERS_MAX = 100;

function assertFewHeaders(headers: Headers): void {
  const count = [...headers.keys()].length;
  if (count <= HEADERS_MAX) return;
  throw new HttpError(431, `The request has ${count} headers, ${HEADERS_MAX} are allowed`, {
    code: "HTTP-0431",
    hint: "send fewer headers; browsers and proxies need some twenty",
  });
}

/**
 * Behind one address may be a whole company: a flood from there holds up whoever is signed out, not
 * who is signed in; those have a budget of their own.
 */
async function checked(
  c: Context<HttpEnv>,
  { guard, waitSeconds }: { guard: RequestGuard; waitSeconds: number },
): Promise<Passed> {
  const { raw } = c.req;
  const facts = { tls: c.env.tls === true, form: () => readForm(raw) };
  try {
    const passed = await guard.check(raw, facts);
    if (waitSeconds === 0 || passed.identity !== null) return passed;
  } catch (error) {
    if (waitSeconds === 0) throw error;
  }
  throw tooOften(waitSeconds);
}

/** Asked by machines that must not be turned away. */
const HEALTH_PATHS = new Set(["/healthz", "/readyz"]);

/**
 * Refuses what comes while `max` requests wait for their answer; streams that are open count by a
 * limit of their own.
 */
export function boundRequests(max: () => number): MiddlewareHandler<HttpEnv> {
  let waiting = 0;
  return async (c, next) => {
    if (waiting >= max() && !HEALTH_PATHS.has(c.req.path)) throw tooManyAtOnce();
    waiting++;
    try {
      await next();
    } finally {
      waiting--;
    }
  };
}

function tooManyAtOnce(): HttpError {
  return new HttpError(503, "Too many requests at once", {
    code: "HTTP-0503",
    hint: "try again in a few seconds; http.connections_max sets the limit",
    headers: { "Retry-After": "2", "Connection": "close" },
  });
}

/** The signed-in person; throws HttpError 401 where the route is public and nobody is. */
export function identityOf(c: Context<HttpEnv>): Identity {
  const { identity } = c.get("passed");
  if (identity === null) throw notSignedIn();
  return identity;
}

/** Who acts, for the audit trail. */
export function actorOf(c: Context<HttpEnv>): Actor {
  return { name: identityOf(c).name, address: c.env.remoteAddress };
}

function spend(limit: RateLimit, key: string): void {
  const waitSeconds = limit.take(key);
  if (waitSeconds > 0) throw tooOften(waitSeconds);
}

function tooOften(waitSeconds: number): HttpError {
  return new HttpError(429, "Too many requests", {
    code: "HTTP-0429",
    hint: "ask less often, or use the streams instead of polling",
    headers: { "Retry-After": String(Math.ceil(waitSeconds)) },
  });
}
