import type { Context } from "./context.ts";
import type { Middleware } from "./define.ts";
import { HttpError } from "./http_error.ts";

export interface CsrfOptions<State> {
  /** Other origins that may send requests which change something; default none. */
  origin?: string | string[] | ((origin: string, ctx: Context<State>) => boolean);
}

const SAFE_METHODS = ["GET", "HEAD", "OPTIONS"];

/**
 * Refuses, with 403, a request that changes something and that a browser sent from another site.
 * Browsers say so in `Sec-Fetch-Site`, or, without HTTPS, in `Origin`; a client that sends neither
 * is no browser and carries nobody's cookies by accident.
 */
export function csrf<State>(options: CsrfOptions<State> = {}): Middleware<State> {
  return (ctx) => {
    if (SAFE_METHODS.includes(ctx.req.method) || isTrusted(ctx, options)) return ctx.next();
    throw new HttpError(403, "The request comes from another site");
  };
}

function isTrusted<State>(ctx: Context<State>, { origin }: CsrfOptions<State>): boolean {
  const sender = ctx.req.headers.get("origin");
  const site = ctx.req.headers.get("sec-fetch-site");
  if (site === "same-origin" || site === "none") return true;
  if (sender === null) return site === null;
  if (typeof origin === "function") return origin(sender, ctx);
  if ([origin].flat().includes(sender)) return true;
  // Host only: behind a TLS proxy our own scheme is http while the browser says https.
  return site === null && URL.parse(sender)?.host === ctx.url.host;
}
