/**
 * The HTTP API is a list of operations: each is described once, with schemas that check what comes in
 * (here) and what goes out (in the tests), and that make the OpenAPI document.
 *
 * The guard has run before: authentication, then authorisation, then the checks here, then look-up.
 */
import type { Context } from "hono";
import { OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import { HttpError } from "@/model/errors.ts";
import { type BodyLimits, readJson } from "@/routes/api/request_body.ts";
import type { HttpEnv } from "@/routes/http_env.ts";

const NOTHING = z.object({});
type Nothing = typeof NOTHING;

/** What an operation answers when it succeeds. */
export interface Answer<A extends z.ZodType = z.ZodType> {
  status: 200 | 201 | 202 | 204 | 501;
  text: string;
  /** Of the JSON answer; absent for none. */
  schema?: A;
  /** Other forms of the same answer: media type → one sentence. */
  also?: Record<string, string>;
}

export interface Operation<
  Query extends z.ZodType = Nothing,
  Params extends z.ZodType = Nothing,
  Body extends z.ZodType = Nothing,
  A extends z.ZodType = z.ZodType,
> {
  method: "get" | "post" | "patch" | "delete";
  /** `/api/devices/{id}` */
  path: string;
  tag: string;
  /** A few words, imperative. */
  summary: string;
  text?: string;
  query?: Query;
  params?: Params;
  body?: Body;
  answer: Answer<A>;
}

export interface ApiRequest<Query, Params, Body> {
  c: Context<HttpEnv>;
  query: Query;
  params: Params;
  body: Body;
}

/** A described route without its types, for the document and the tests. */
export interface Described {
  method: string;
  path: string;
  answer: Answer;
  config: RouteConfig;
}

export interface ApiOptions {
  body: () => BodyLimits;
}

export class Api {
  readonly hono = new OpenAPIHono<HttpEnv>();
  readonly #described: Described[] = [];
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  get described(): readonly Described[] {
    return this.#described;
  }

  /**
   * Adds an operation. The handler returns what the answer's schema describes, or a Response where
   * it is something else (a stream, a file).
   */
  add<
    A extends z.ZodType,
    Query extends z.ZodType = Nothing,
    Params extends z.ZodType = Nothing,
    Body extends z.ZodType = Nothing,
  >(
    operation: Operation<Query, Params, Body, A>,
    handle: (
      request: ApiRequest<z.output<Query>, z.output<Params>, z.output<Body>>,
    ) => z.input<A> | Response | Promise<z.input<A> | Response>,
  ): void {
    this.describe(operation);
    const { method, path, answer } = operation;
    this.hono.on(method.toUpperCase(), path.replace(/\{(\w+)\}/g, ":$1"), async (c) => {
      const request = await this.#read(c, operation);
      const result = await handle(request);
      if (result instanceof Response) return result;
      if (answer.schema === undefined) return c.body(null, answer.status as 204);
      return c.json(result as object, answer.status as 200, { "Cache-Control": "no-store" });
    });
  }

  /** Describes a route that lives elsewhere. */
  describe(operation: Operation<z.ZodType, z.ZodType, z.ZodType>): void {
    const config = configOf(operation);
    const { method, path, answer } = operation;
    this.hono.openAPIRegistry.registerPath(config);
    this.#described.push({ method: method.toUpperCase(), path, answer, config });
  }

  async #read<Query extends z.ZodType, Params extends z.ZodType, Body extends z.ZodType>(
    c: Context<HttpEnv>,
    operation: Operation<Query, Params, Body>,
  ): Promise<ApiRequest<z.output<Query>, z.output<Params>, z.output<Body>>> {
    const { query, params, body } = operation;
    const read = {
      params: parse(params, { value: c.req.param(), where: "path" }),
      query: parse(query, { value: c.req.query(), where: "query" }),
    };
    const sent = body === undefined ? {} : await readJson(c.req.raw, this.#options.body());
    return { c, ...read, body: parse(body, { value: sent, where: "body" }) };
  }
}

function parse<S extends z.ZodType>(
  schema: S | undefined,
  { value, where }: { value: unknown; where: "path" | "query" | "body" },
): z.output<S> {
  const result = (schema ?? NOTHING).safeParse(value);
  if (result.success) return result.data as z.output<S>;
  const issues = result.error.issues.slice(0, 5).map((issue) => {
    const path = issue.path.map(String).join(".").slice(0, 80);
    return path === "" ? issue.message : `${path}: ${issue.message}`;
  });
  throw new HttpError(400, `Invalid ${where}: ${issues.join("; ")}`, {
    code: "HTTP-0400",
    hint: "see this operation in /docs/api",
    cause: result.error,
  });
}

function configOf(operation: Operation<z.ZodType, z.ZodType, z.ZodType>): RouteConfig {
  const { method, path, tag, summary, text, query, params, body, answer } = operation;
  const json = body === undefined ? {} : {
    body: { required: true, content: { "application/json": { schema: body } } },
  };
  return {
    ...{ method, path, tags: [tag], summary, description: text },
    operationId: operationId(method, path),
    request: {
      query: query as z.ZodObject | undefined,
      params: params as z.ZodObject | undefined,
      ...json,
    },
    responses: { [answer.status]: { description: answer.text, ...contentOf(answer) } },
  };
}

/** `get /api/devices/{id}` → `get_api_devices_id` */
function operationId(method: string, path: string): string {
  return `${method} ${path}`.replace(/[^A-Za-z0-9]+/g, "_").replace(/_+$/, "");
}

function contentOf({ schema, also, status }: Answer) {
  const other = Object.entries(also ?? {}).map(([type, description]) => [type, {
    schema: { type: "string" as const, description },
  }]);
  const media = status === 501 ? "application/problem+json" : "application/json";
  const main = schema === undefined ? [] : [[media, { schema }]];
  const content = Object.fromEntries([...main, ...other]);
  return Object.keys(content).length === 0 ? {} : { content };
}
