/**
 * The OpenAPI document: the described operations, with what holds for all of them added: who may
 * call each (from the policy table) and the problems that any of them may answer with.
 */
import type { PolicyTable } from "@/auth/route_policy.ts";
import { VERSION } from "@/model/build.ts";
import type { Api } from "@/routes/api/operation.ts";

export type OpenApiDocument = ReturnType<Api["hono"]["getOpenAPI31Document"]>;

const PROBLEMS: Record<number, string> = {
  400: "What was sent is not valid",
  401: "Nobody is signed in, or the credential is not valid",
  403: "The role is not enough, or the request comes from another site",
  404: "There is no such thing",
  408: "The body took too long to arrive",
  409: "It is in conflict with what is there",
  413: "The body is too large",
  415: "The content type or compression is not taken",
  429: "Too many requests, see Retry-After",
  503: "Not available now, see Retry-After",
};
/** Of requests with a body. */
const BODY_PROBLEMS = new Set(["408", "413", "415"]);

export function openApiDocument(api: Api, policies: PolicyTable): OpenApiDocument {
  const document = api.hono.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Sluice",
      version: VERSION,
      description: "HTTP API of the Sluice gateway. Errors are application/problem+json with a " +
        "stable code and a hint. Lists are cut into pages by cursor. Times are RFC 3339 UTC.",
      license: { name: "MIT" },
    },
    servers: [{ url: "/", description: "This gateway" }],
  });
  document.components ??= {};
  document.components.securitySchemes = SECURITY_SCHEMES;
  document.components.responses = { Problem: PROBLEM_ANSWER };
  for (const { method, path } of api.described) {
    const operation = document.paths?.[path]?.[method.toLowerCase() as "get"];
    if (operation === undefined) continue;
    operation.security = securityOf(policies, { method, path });
    operation.responses = {
      ...problemsOf(operation.requestBody !== undefined),
      ...operation.responses,
    };
  }
  return document;
}

const SECURITY_SCHEMES = {
  bearer: {
    type: "http",
    scheme: "bearer",
    description: "Access token of POST /api/auth/login",
  },
  cookie: {
    type: "apiKey",
    in: "cookie",
    name: "sluice_session",
    description: "A browser's session; changes also need its form token in X-CSRF-Token",
  },
  device: {
    type: "http",
    scheme: "basic",
    description: "Device id and secret; as a bearer token: id.secret",
  },
  scrape: { type: "http", scheme: "bearer", description: "http.metrics_token" },
} as const;

const PROBLEM_ANSWER = {
  description: "A problem, RFC 9457",
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
};

function problemsOf(hasBody: boolean) {
  return Object.fromEntries(
    Object.entries(PROBLEMS)
      .filter(([status]) => hasBody || !BODY_PROBLEMS.has(status))
      .map(([status, description]) => [status, { ...PROBLEM_ANSWER, description }]),
  );
}

function securityOf(
  policies: PolicyTable,
  route: { method: string; path: string },
): Record<string, string[]>[] {
  const policy = policies.find(route.method, route.path.replace(/\{\w+\}/g, "x"));
  switch (policy?.kind) {
    case "person":
      return [{ bearer: [] }, { cookie: [] }];
    case "own":
      if (policy.credential === "device") return [{ device: [] }, {}];
      return policy.credential === "scrape" ? [{ scrape: [] }, {}] : [{}];
    default:
      return [];
  }
}
