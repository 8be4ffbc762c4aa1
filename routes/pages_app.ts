/**
 * The pages as one part of the app: `answer` takes what the guard let through, and `fail` what it or
 * a route threw, so that an error looks like the rest.
 */
import {
  App,
  csp,
  HttpError as FrameworkError,
  type Manifest,
  setManifest,
  staticFiles,
} from "fresh";
import type { Passed } from "@/auth/request_guard.ts";
import { texts } from "@/components/texts.ts";
import { HttpError } from "@/model/errors.ts";
import { logger } from "@/observe/log.ts";
import { asHttpError } from "@/routes/api/problem.ts";
import { themeOf, timeZoneOf } from "@/routes/appearance.ts";
import type { PageServices } from "@/routes/page_services.ts";
import type { PageState } from "@/routes/page_state.ts";

/** What the server and the guard know of a request beside its bytes. */
export interface Arrival {
  remoteAddress: string;
  tls: boolean;
  /** Null where the guard refused before it knew who asks. */
  passed: Passed | null;
}

export interface PagesParts {
  services: PageServices;
  manifest: Manifest;
  now: () => number;
}

/** Paths that programs ask: their errors are not pages. */
const FOR_PROGRAMS = /^\/(?:api|v1|mqtt|metrics|healthz|readyz)(?:\/|$)/;

export class PagesApp {
  readonly app = new App<PageState>({ reportError: logFailure, errorOf: asPageError });
  readonly #services: PageServices;
  readonly #now: () => number;
  readonly #handler: (request: Request) => Promise<Response>;
  readonly #arrivals = new WeakMap<Request, Arrival & { failure?: HttpError }>();

  constructor({ services, manifest, now }: PagesParts) {
    this.#services = services;
    this.#now = now;
    this.app.use(csp()).use(staticFiles()).use((ctx) => {
      const { failure, ...arrival } = this.#arrivals.get(ctx.req)!;
      Object.assign(ctx.state, this.#stateOf(ctx.req, arrival));
      if (failure !== undefined) throw failure;
      return ctx.next();
    }).fsRoutes();
    setManifest(this.app, manifest);
    this.#handler = this.app.handler();
  }

  /** True where an error is shown as a page rather than as problem+json. */
  static isPage(path: string): boolean {
    return !FOR_PROGRAMS.test(path);
  }

  async answer(request: Request, arrival: Arrival): Promise<Response> {
    this.#arrivals.set(request, arrival);
    return uncached(await this.#handler(request));
  }

  /** A page for an error; who is not signed in is led to where that is done. */
  async fail(request: Request, error: unknown, arrival: Arrival): Promise<Response> {
    const failure = asHttpError(error);
    const url = new URL(request.url);
    const reads = request.method === "GET" || request.method === "HEAD";
    if (failure.status === 401 && reads) return this.#toSignIn(url);
    const { guard } = this.#services.auth;
    const passed = arrival.passed ?? await guard.identify(request, arrival);
    this.#arrivals.set(request, { ...arrival, passed, failure });
    return uncached(await this.#handler(request));
  }

  #toSignIn(url: URL): Response {
    const next = url.pathname === "/" && url.search === ""
      ? ""
      : `?next=${encodeURIComponent(url.pathname + url.search)}`;
    const location = this.#services.auth.claim.open ? "/claim" : `/login${next}`;
    return new Response(null, {
      status: 303,
      headers: { location, "cache-control": "no-store" },
    });
  }

  #stateOf(request: Request, { passed, remoteAddress, tls }: Arrival): PageState {
    return {
      services: this.#services,
      identity: passed?.identity ?? null,
      csrfToken: passed?.csrfToken ?? null,
      ...{ remoteAddress, tls, texts },
      theme: themeOf(request.headers),
      timeZone: timeZoneOf(request.headers),
      nowMs: this.#now(),
    };
  }
}

/** What the error page shows, and its status; the framework's own errors know no more than that. */
function asPageError(error: unknown): HttpError {
  if (!(error instanceof FrameworkError)) return asHttpError(error);
  const { status, message } = error;
  const headers = (error as { headers?: Record<string, string> }).headers;
  const hint = "the pages of this gateway lead to each other: begin at the dashboard";
  return new HttpError(status, message, { code: `HTTP-0${status}`, hint, headers });
}

/** Once, where it is answered; what the gateway said on purpose (503 while it is full) is none. */
function logFailure(error: unknown, request: Request): void {
  const { status, cause } = asHttpError(error);
  if (status !== 500) return;
  const path = new URL(request.url).pathname;
  logger("http").error("Request failed", { path, cause: String(cause ?? error) });
}

/** Pages show what is now and to whom: no cache keeps them. Static files say what holds for them. */
function uncached(response: Response): Response {
  if (!response.headers.has("cache-control")) response.headers.set("cache-control", "no-store");
  return response;
}
