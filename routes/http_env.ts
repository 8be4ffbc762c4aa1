import type { Context } from "hono";
import type { Passed } from "@/auth/request_guard.ts";

/** What the server knows of a connection beside the request; handed to the app with each request. */
export interface HttpEnv {
  Bindings: {
    remoteAddress: string;
    /** The connection is encrypted; absent means not. */
    tls?: boolean;
  };
  Variables: {
    /** What the guard found; set before any route runs. */
    passed: Passed;
  };
}

/** Who comes and how: all that access decisions over HTTP look at. */
export interface HttpApproach {
  remoteAddress: string;
  /** A proxy's header came along, so the address is the proxy's. */
  forwarded: boolean;
  /** A web page sent it: it carries an `Origin`. */
  fromPage: boolean;
  /** `Authorization`, as sent. */
  authorization: string | null;
}

const FORWARDING_HEADERS = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

export function approachOf(c: Context<HttpEnv>): HttpApproach {
  return approachOfRequest(c.req.raw, c.env.remoteAddress);
}

export function approachOfRequest(request: Request, remoteAddress: string): HttpApproach {
  return {
    remoteAddress,
    forwarded: FORWARDING_HEADERS.some((name) => request.headers.has(name)),
    fromPage: request.headers.has("origin"),
    authorization: request.headers.get("authorization"),
  };
}
