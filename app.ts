/** The web app without a listener, so that tests call it directly. */
import { Hono } from "hono";
import { HttpError } from "@/model/errors.ts";
import { logger } from "@/observe/log.ts";
import { type HealthParts, healthRoutes } from "@/routes/health.ts";
import { type IngestLimits, type IngestPort, ingestRoutes } from "@/routes/api/ingest.ts";
import { asHttpError, sendProblem } from "@/routes/api/problem.ts";
import type { HttpEnv } from "@/routes/http_env.ts";

export interface AppParts {
  health: HealthParts;
  ingest: IngestPort;
  limits: IngestLimits;
}

const SECURITY_HEADERS: Record<string, string> = {
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; " +
    "frame-ancestors 'none'; form-action 'self'",
  "Referrer-Policy": "same-origin",
};

export function createApp(parts: AppParts): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  app.use(async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.res.headers.set(name, value);
  });
  app.route("/", healthRoutes(parts.health));
  app.route("/", ingestRoutes(parts.ingest, parts.limits));
  app.notFound((c) => sendProblem(c, notFound(c.req.path)));
  app.onError((error, c) => {
    const answer = asHttpError(error);
    if (answer.status >= 500 && answer.status !== 503) logFailure(c.req.path, error);
    return sendProblem(c, answer);
  });
  return app;
}

function logFailure(path: string, error: unknown): void {
  logger("http").error("Request failed", { path, cause: String(error) });
}

function notFound(path: string): HttpError {
  return new HttpError(404, `Nothing is at "${path.slice(0, 200)}"`, {
    code: "HTTP-0404",
    hint: "the paths of the HTTP API are listed in the reference",
  });
}
