/** The web app without a listener, so that tests call it directly. */
import type { Hono } from "hono";
import type { Auth } from "@/auth/auth.ts";
import { HttpError } from "@/model/errors.ts";
import { logger } from "@/observe/log.ts";
import { guardRequests, type RequestLimits } from "@/routes/access.ts";
import { authOperations } from "@/routes/api/auth.ts";
import { type IngestLimits, type IngestPort, ingestRoutes } from "@/routes/api/ingest.ts";
import { type OpenApiDocument, openApiDocument } from "@/routes/api/open_api.ts";
import { Api } from "@/routes/api/operation.ts";
import { describePlainRoutes } from "@/routes/api/plain_routes.ts";
import { asHttpError, sendProblem } from "@/routes/api/problem.ts";
import { JSON_BYTES_MAX } from "@/routes/api/request_body.ts";
import { type HealthParts, healthRoutes } from "@/routes/health.ts";
import type { HttpEnv } from "@/routes/http_env.ts";
import { mqttUpgradeRoute, type UpgradeMqtt } from "@/routes/mqtt_upgrade.ts";

export interface AppParts {
  auth: Auth;
  health: HealthParts;
  ingest: IngestPort;
  /** Asked for each request. */
  ingestLimits: () => IngestLimits;
  requestLimits: RequestLimits;
  upgradeMqtt: UpgradeMqtt;
}

const SECURITY_HEADERS: Record<string, string> = {
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; " +
    "frame-ancestors 'none'; form-action 'self'",
  "Referrer-Policy": "same-origin",
};

/** The app, and its description for the document and the tests. */
export interface CreatedApp {
  hono: Hono<HttpEnv>;
  api: Api;
  document: OpenApiDocument;
}

export function createApp(parts: AppParts): CreatedApp {
  const { auth, ingestLimits } = parts;
  const api = new Api({
    body: () => ({ bytesMax: JSON_BYTES_MAX, deadlineMs: ingestLimits().deadlineMs }),
  });
  const app = api.hono;
  app.use(securityHeaders);
  app.use(guardRequests({ guard: auth.guard, limits: parts.requestLimits }));
  app.route("/", healthRoutes(parts.health));
  app.route("/", ingestRoutes(parts.ingest, ingestLimits));
  app.route("/", mqttUpgradeRoute(parts.upgradeMqtt));
  authOperations(api, auth);
  describePlainRoutes(api);
  const document = openApiDocument(api, auth.policies);
  app.get("/api/openapi.json", (c) => c.json(document));
  app.notFound((c) => sendProblem(c, notFound(c.req.path)));
  app.onError((error, c) => {
    const answer = asHttpError(error);
    if (answer.status >= 500 && answer.status !== 503) logFailure(c.req.path, error);
    return sendProblem(c, answer);
  });
  return { hono: app, api, document };
}

async function securityHeaders(
  c: { res: Response },
  next: () => Promise<void>,
): Promise<void> {
  await next();
  // The runtime knows the answer to an upgrade by identity: it goes out as it is.
  if (c.res.status === 101) return;
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.res.headers.set(name, value);
}

function logFailure(path: string, error: unknown): void {
  logger("http").error("Request failed", { path, cause: String(error) });
}

function notFound(path: string): HttpError {
  return new HttpError(404, `Nothing is at "${path.slice(0, 200)}"`, {
    code: "HTTP-0404",
    hint: "the paths of the HTTP API are listed in /docs/api",
  });
}
