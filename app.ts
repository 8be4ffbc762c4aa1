/** The web app without a listener, so that tests call it directly. */
import type { Context, Hono } from "hono";
import { VERSION } from "@/model/build.ts";
import { HttpError } from "@/model/errors.ts";
import { logger } from "@/observe/log.ts";
import { boundRequests, guardRequests, type RequestLimits } from "@/routes/access.ts";
import { addOperations, type OperationParts } from "@/routes/api/all_operations.ts";
import { type IngestLimits, type IngestPort, ingestRoutes } from "@/routes/api/ingest.ts";
import { type OpenApiDocument, openApiDocument } from "@/routes/api/open_api.ts";
import { Api } from "@/routes/api/operation.ts";
import { asHttpError, sendProblem } from "@/routes/api/problem.ts";
import { JSON_BYTES_MAX } from "@/routes/api/request_body.ts";
import { type HealthParts, healthRoutes } from "@/routes/health.ts";
import type { HttpEnv } from "@/routes/http_env.ts";
import { PagesApp, type PagesParts } from "@/routes/pages_app.ts";
import type { PageServices } from "@/routes/page_services.ts";
import { mqttUpgradeRoute, type UpgradeMqtt } from "@/routes/mqtt_upgrade.ts";

export interface AppParts extends OperationParts {
  health: HealthParts;
  ingest: IngestPort;
  /** Asked for each request. */
  ingestLimits: () => IngestLimits;
  requestLimits: RequestLimits;
  /** Requests that wait for their answer at a time. */
  requestsMax: () => number;
  upgradeMqtt: UpgradeMqtt;
  pages: Omit<PagesParts, "services"> & { services: Omit<PageServices, "apiDocument"> };
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
  readonly document: OpenApiDocument;
  pages: PagesApp;
}

export function createApp(parts: AppParts): CreatedApp {
  const { auth, ingestLimits } = parts;
  const api = new Api({
    body: () => ({ bytesMax: JSON_BYTES_MAX, deadlineMs: ingestLimits().deadlineMs }),
  });
  const app = api.hono;
  app.use(securityHeaders);
  app.use(boundRequests(parts.requestsMax));
  app.use(guardRequests({ guard: auth.guard, limits: parts.requestLimits }));
  app.route("/", healthRoutes(parts.health));
  app.route("/", ingestRoutes(parts.ingest, ingestLimits));
  app.route("/", mqttUpgradeRoute(parts.upgradeMqtt));
  addOperations(api, parts);
  const document = describedOnce(() => openApiDocument(api, auth.policies));
  app.get("/api/openapi.json", (c) => sendDocument(c, document()));
  const services = { ...parts.pages.services, apiDocument: () => document().document };
  const pages = new PagesApp({ ...parts.pages, services });
  app.notFound((c) => {
    if (!isPage(c)) return sendProblem(c, notFound(c.req.path));
    return pages.answer(c.req.raw, arrivalOf(c));
  });
  app.onError((error, c) => {
    if (isPage(c)) return pages.fail(c.req.raw, error, arrivalOf(c));
    const answer = asHttpError(error);
    if (answer.status === 500) logFailure(c.req.path, error);
    return sendProblem(c, answer);
  });
  return {
    ...{ hono: app, api, pages },
    get document() {
      return document().document;
    },
  };
}

interface Description {
  document: OpenApiDocument;
  text: string;
  tag: string;
}

/** Not before somebody asks: it would take a tenth of the time until the gateway is ready. */
function describedOnce(describe: () => OpenApiDocument): () => Description {
  let made: Description | null = null;
  return () => {
    if (made !== null) return made;
    const document = describe();
    const text = JSON.stringify(document);
    return made = { document, text, tag: `"${VERSION}-${text.length}"` };
  };
}

/** By the path as the guard reads it: dots are resolved. */
function isPage(c: Context<HttpEnv>): boolean {
  return PagesApp.isPage(new URL(c.req.url).pathname);
}

function arrivalOf(c: Context<HttpEnv>) {
  const { remoteAddress, tls = false } = c.env;
  return { remoteAddress, tls, passed: c.get("passed") ?? null };
}

/** The document changes with the program only: whoever has it is told so. */
function sendDocument(c: Context<HttpEnv>, { text, tag }: Description): Response {
  const headers = { "Content-Type": "application/json", "ETag": tag, "Cache-Control": "no-cache" };
  return c.req.header("if-none-match") === tag
    ? c.body(null, 304, headers)
    : c.body(text, 200, headers);
}

async function securityHeaders(
  c: { res: Response },
  next: () => Promise<void>,
): Promise<void> {
  await next();
  // The runtime knows the answer to an upgrade by identity: it goes out as it is.
  if (c.res.status === 101) return;
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
    // Pages have a policy of their own, as strict.
    if (!c.res.headers.has(name)) c.res.headers.set(name, value);
  }
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
