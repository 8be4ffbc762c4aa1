import type { Context } from "hono";
import type { PresentedCertificate } from "@/auth/device_registry.ts";
import type { PeerCertificate } from "@/auth/peer_certificate.ts";
import type { Passed } from "@/auth/request_guard.ts";

/** What the server knows of a connection beside the request; handed to the app with each request. */
export interface HttpEnv {
  Bindings: {
    remoteAddress: string;
    /** The connection is encrypted; absent means not. */
    tls?: boolean;
    /** The client certificate of the connection; absent where none can be. */
    peer?: PeerCertificate;
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
  /** A web page sent it: browsers say so with `Origin` or `Sec-Fetch-Site`. */
  fromPage: boolean;
  /** `Authorization`, as sent. */
  authorization: string | null;
  /** Proven by the TLS connection. */
  certificate: PresentedCertificate | null;
}

const FORWARDING_HEADERS = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

export function approachOf(c: Context<HttpEnv>): HttpApproach {
  const { remoteAddress, peer } = c.env;
  const { headers } = c.req.raw;
  return {
    remoteAddress,
    forwarded: FORWARDING_HEADERS.some((name) => headers.has(name)),
    fromPage: headers.has("origin") || isFetchedByPage(headers),
    authorization: headers.get("authorization"),
    certificate: peer?.kind === "proven" ? peer.certificate : null,
  };
}

/** `none` is a person's own doing: an address typed in, a bookmark. */
function isFetchedByPage(headers: Headers): boolean {
  const site = headers.get("sec-fetch-site");
  return site !== null && site !== "none";
}
