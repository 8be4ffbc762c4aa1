/**
 * The OpenAPI document as what a reader wants to see of it: groups of operations, who may call
 * each, what goes in and what comes out as rows instead of JSON Schema. The pages below `/docs/api`
 * show it without script.
 */
import type { OpenApiDocument } from "@/routes/api/open_api.ts";

export interface ApiGroup {
  title: string;
  /** `/docs/api/dead-letters` */
  path: string;
  operations: ApiOperation[];
}

export interface ApiOperation {
  /** Anchor in the group's page. */
  id: string;
  method: string;
  path: string;
  summary: string;
  text: string | null;
  /** Ways to prove who asks; empty for none needed. */
  needs: string[];
  parameters: ShapeRow[];
  body: ShapeRow[];
  /** Of the JSON answer. */
  answer: ShapeRow[];
  /** What an answer of success is, and its other forms. */
  answers: { status: string; text: string; types: string[] }[];
  /** Statuses of problems. */
  problems: string[];
  example: string;
}

/** One value: its place, its type, what it means. */
export interface ShapeRow {
  /** `limit`, `items[].at`; empty for the whole. */
  name: string;
  /** Of parameters: where they are, `query`, `path`. */
  place?: string;
  type: string;
  /** Name of the schema that says more. */
  schema: string | null;
  required: boolean;
  text: string;
}

export interface ApiReference {
  version: string;
  text: string;
  groups: ApiGroup[];
  schemas: { name: string; text: string; rows: ShapeRow[] }[];
  problems: { status: string; text: string }[];
}

export const API_PATH = "/docs/api";
export const SCHEMAS_PATH = `${API_PATH}/schemas`;

type Operation = NonNullable<
  NonNullable<NonNullable<OpenApiDocument["paths"]>[string]>["get"]
>;

/** The part of JSON Schema that the document uses. */
interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  enum?: unknown[];
  const?: unknown;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  example?: unknown;
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  required?: string[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
}

const METHODS = ["get", "post", "patch", "delete"] as const;
/** Objects in objects: deeper ones are named by their type only. */
const DEPTH_MAX = 4;

const made = new WeakMap<OpenApiDocument, ApiReference>();

/** Made once of a document. */
export function apiReference(document: OpenApiDocument): ApiReference {
  const reference = made.get(document) ?? referenceOf(document);
  made.set(document, reference);
  return reference;
}

function referenceOf(document: OpenApiDocument): ApiReference {
  const listed = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [{ method: method.toUpperCase(), path, operation }];
    })
  );
  const schemas = (document.components?.schemas ?? {}) as Schemas;
  const groups = Map.groupBy(listed, ({ operation }) => operation.tags?.[0] ?? "Other");
  return {
    version: document.info.version,
    text: document.info.description ?? "",
    groups: [...groups].map(([title, each]) => ({
      title,
      path: `${API_PATH}/${groupSlug(title)}`,
      operations: each.map((one) => operationOf(one, schemas)),
    })),
    schemas: Object.entries(schemas).map(([name, schema]) => ({
      ...{ name, text: schema.description ?? "" },
      rows: rowsOf(schema),
    })),
    problems: problemsOf(listed.map(({ operation }) => operation)),
  };
}

function groupSlug(title: string): string {
  return title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}

function operationOf(
  { method, path, operation }: { method: string; path: string; operation: Operation },
  schemas: Schemas,
): ApiOperation {
  const answers = Object.entries(operation.responses ?? {}) as [string, Answered][];
  const good = answers.filter(([, { content }]) =>
    content?.["application/problem+json"] === undefined
  );
  const schema = good.map(([, { content }]) => content?.["application/json"]?.schema).find(Boolean);
  const body = operation.requestBody as Answered | undefined;
  const bodySchema = body?.content?.["application/json"]?.schema;
  return {
    ...{ method, path, id: operation.operationId ?? `${method}_${path}` },
    summary: operation.summary ?? "",
    text: operation.description ?? null,
    needs: needsOf(operation),
    parameters: (operation.parameters ?? []).flatMap(parameterOf),
    body: bodySchema === undefined ? [] : rowsOf(bodySchema),
    answer: schema === undefined ? [] : rowsOf(schema),
    answers: good.map(([status, { description = "", content = {} }]) => ({
      ...{ status, text: description },
      types: Object.keys(content),
    })),
    problems: answers.map(([status]) => status).filter((status) =>
      !good.some(([other]) => other === status)
    ),
    example: exampleOf({ method, path, operation, sample: sampleOf(bodySchema, schemas) }),
  };
}

interface Answered {
  description?: string;
  content?: Record<string, { schema?: Schema }>;
}

function needsOf({ security = [] }: Operation): string[] {
  return security.map((each) => Object.keys(each)[0] ?? "nobody");
}

function parameterOf(parameter: NonNullable<Operation["parameters"]>[number]): ShapeRow[] {
  if ("$ref" in parameter) return [];
  const { name, required = false, description } = parameter;
  const schema = (parameter.schema ?? {}) as Schema;
  const type = typeOf(schema);
  const text = description ?? schema.description ?? "";
  return [{ name, place: parameter.in, type, required, text, schema: refOf(schema) }];
}

/** The properties of an object, nested ones with their path; one row for anything else. */
function rowsOf(schema: Schema): ShapeRow[] {
  const rows = propertiesOf(schema, { at: "", depth: 0 });
  if (rows.length > 0) return rows;
  const { description: text = "" } = schema;
  return [{ name: "", type: typeOf(schema), schema: refOf(schema), required: true, text }];
}

function propertiesOf(schema: Schema, { at, depth }: { at: string; depth: number }): ShapeRow[] {
  if (depth >= DEPTH_MAX) return [];
  const whole = schema.allOf?.find(({ properties }) => properties !== undefined) ?? schema;
  return Object.entries(whole.properties ?? {}).flatMap(([key, value]) => {
    const name = at === "" ? key : `${at}.${key}`;
    const required = whole.required?.includes(key) === true;
    const { description: text = "" } = value;
    const row = { name, type: typeOf(value), schema: refOf(value), required, text };
    const isList = value.items !== undefined;
    const inside = isList ? value.items! : value;
    const inner = { at: isList ? `${name}[]` : name, depth: depth + 1 };
    return [row, ...inside.$ref === undefined ? propertiesOf(inside, inner) : []];
  });
}

/** Name of the schema that a value, or each of a list, has. */
function refOf(schema: Schema): string | null {
  const all = [schema, schema.items, ...schema.anyOf ?? [], ...schema.allOf ?? []];
  const found = all.find((each) => each?.$ref !== undefined);
  return found?.$ref?.split("/").at(-1) ?? null;
}

/** A type in words: `integer, 1 to 1000`, `list of Reading`, `"csv" or "json"`. */
function typeOf(schema: Schema): string {
  const { $ref, anyOf, oneOf, allOf, items } = schema;
  if ($ref !== undefined) return $ref.split("/").at(-1) ?? "";
  const several = anyOf ?? oneOf;
  if (several !== undefined) return [...new Set(several.map(typeOf))].join(" or ");
  if (allOf !== undefined) return typeOf(allOf[0] ?? {});
  if (schema.enum !== undefined) {
    return schema.enum.map((each) => JSON.stringify(each)).join(" or ");
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const names = [schema.type ?? "anything"].flat()
    .map((name) => name === "array" ? `list of ${typeOf(items ?? {})}` : name);
  return [names.join(" or "), ...limitsOf(schema)].join(", ");
}

function limitsOf(schema: Schema): string[] {
  const { format, pattern, minimum, maximum, minLength, maxLength } = schema;
  return [
    ...format === undefined ? [] : [format],
    ...rangeOf(minimum, maximum),
    ...rangeOf(minLength, maxLength).map((range) => `${range} characters`),
    ...pattern === undefined ? [] : [pattern],
  ];
}

/** What JSON Schema makes of "no limit" is none to a reader. */
function rangeOf(least = -Infinity, most = Infinity): string[] {
  const [from, to] = [Math.abs(least) < 2 ** 53 - 1, Math.abs(most) < 2 ** 53 - 1];
  if (from && to) return [`${least} to ${most}`];
  if (to) return [`at most ${most}`];
  return from ? [`at least ${least}`] : [];
}

type Schemas = Record<string, Schema>;

/** Something that fits a schema, by its examples. */
function sampleOf(schema: Schema | undefined, schemas: Schemas): unknown {
  if (schema === undefined) return undefined;
  const { $ref, anyOf, example, properties = {}, required = [], items } = schema;
  if ($ref !== undefined) return sampleOf(schemas[$ref.split("/").at(-1) ?? ""], schemas);
  if (anyOf !== undefined) return sampleOf(anyOf[0], schemas);
  if (example !== undefined) return example;
  if (schema.enum !== undefined) return schema.enum[0];
  const type = [schema.type ?? "object"].flat()[0];
  if (type === "array") return [sampleOf(items, schemas)];
  if (type === "integer" || type === "number") return schema.minimum ?? 1;
  if (type === "boolean") return true;
  if (type === "string") return "…";
  return Object.fromEntries(
    Object.entries(properties).filter(([key]) => required.includes(key))
      .map(([key, value]) => [key, sampleOf(value, schemas)]),
  );
}

function exampleOf(
  { method, path, operation, sample }: {
    method: string;
    path: string;
    operation: Operation;
    sample: unknown;
  },
): string {
  const asked = path.replace(/\{(\w+)\}/g, (_, name: string) => `$${name.toUpperCase()}`);
  const [first] = needsOf(operation);
  const proof = first === "bearer" ? '-H "Authorization: Bearer $TOKEN"' : null;
  const parts = [
    `curl ${method === "GET" ? "" : `-X ${method} `}"$GATEWAY${asked}"`,
    first === "device" ? '-u "$DEVICE:$PASSWORD"' : proof,
    ...sample === undefined ? [] : [
      "-H 'Content-Type: application/json'",
      `-d '${JSON.stringify(sample).replaceAll("'", "'\\''")}'`,
    ],
  ];
  return parts.filter((part) => part !== null).join(" \\\n  ");
}

/** Every status that is a problem somewhere, in order, once. */
function problemsOf(operations: Operation[]): { status: string; text: string }[] {
  const found = new Map<string, string>();
  for (const { responses } of operations) {
    for (const [status, answer] of Object.entries(responses ?? {}) as [string, Answered][]) {
      const isProblem = answer.content?.["application/problem+json"] !== undefined;
      if (isProblem) found.set(status, answer.description ?? "");
    }
  }
  return [...found].sort().map(([status, text]) => ({ status, text }));
}
