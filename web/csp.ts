import type { Middleware } from "./define.ts";
import { setHeaders } from "./headers.ts";

export interface CspOptions {
  /** Report violations instead of preventing them. */
  reportOnly?: boolean;
  /** URL that browsers post violations to. */
  reportTo?: string;
  /** Directives that are added or replace the default of the same name. */
  csp?: string[];
}

/**
 * Everything from this origin and nothing inline: the framework itself needs no inline script or
 * style. No `upgrade-insecure-requests`, because a gateway in a local network is often plain HTTP.
 */
const DEFAULTS = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
];

/** Sets the content security policy on every answer below. */
export function csp<State>(options: CspOptions = {}): Middleware<State> {
  const directives = new Map<string, string>();
  for (const directive of [...DEFAULTS, ...options.csp ?? []]) {
    directives.set(directive.trim().split(/\s+/, 1)[0]!, directive.trim());
  }
  const headers: Record<string, string> = {};
  if (options.reportTo !== undefined) {
    directives.set("report-to", "report-to csp-endpoint");
    directives.set("report-uri", `report-uri ${options.reportTo}`);
    headers["reporting-endpoints"] = `csp-endpoint="${options.reportTo}"`;
  }
  const policy = options.reportOnly ? "-report-only" : "";
  headers[`content-security-policy${policy}`] = [...directives.values()].join("; ");
  return async (ctx) => setHeaders(await ctx.next(), headers);
}
