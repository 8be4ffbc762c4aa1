/**
 * `/docs/api`: the OpenAPI document as one page, made here. No script, nothing from elsewhere: it
 * reads without a network, and the content security policy stays as strict as everywhere.
 */
import { Hono } from "hono";
import type { OpenApiDocument } from "@/routes/api/open_api.ts";
import type { HttpEnv } from "@/routes/http_env.ts";

type Operation = NonNullable<
  NonNullable<NonNullable<OpenApiDocument["paths"]>[string]>["get"]
>;

interface Listed {
  method: string;
  path: string;
  operation: Operation;
}

export function apiDocsRoute(document: () => OpenApiDocument): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  app.get("/docs/api", (c) => c.html(renderApiPage(document())));
  app.get("/docs/api.css", (c) => c.text(STYLE, 200, { "Content-Type": "text/css" }));
  return app;
}

const METHODS = ["get", "post", "patch", "delete"] as const;

function renderApiPage(document: OpenApiDocument): string {
  const listed: Listed[] = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [{ method: method.toUpperCase(), path, operation }];
    })
  );
  const groups = Map.groupBy(listed, ({ operation }) => operation.tags?.[0] ?? "Other");
  const { title, version, description = "" } = document.info;
  const sections = [...groups].map(([tag, each]) => section(tag, each)).join("");
  const links = [...groups.keys()].map((tag) => `<li><a href="#${anchor(tag)}">${text(tag)}</a>`);
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)} HTTP API</title><link rel="stylesheet" href="/docs/api.css"></head><body>
<header><h1>${text(title)} HTTP API <small>${text(version)}</small></h1>
<p>${text(description)}</p>
<p><a href="/api/openapi.json">OpenAPI 3.1 document</a></p></header>
<nav aria-label="Groups"><ul>${links.join("")}</ul></nav>
<main>${sections}${schemasOf(document)}</main></body></html>`;
}

function section(tag: string, listed: Listed[]): string {
  return `<section><h2 id="${anchor(tag)}">${text(tag)}</h2>${
    listed.map(operationOf).join("")
  }</section>`;
}

function operationOf({ method, path, operation }: Listed): string {
  const { operationId = "", summary = "", description, parameters, requestBody } = operation;
  const more = description === undefined ? "" : `<p>${text(description)}</p>`;
  const body = requestBody === undefined ? "" : `<h4>Body</h4>${json(bodySchema(requestBody))}`;
  return `<article id="${text(operationId)}"><h3><code><b>${method}</b> ${text(path)}</code> ${
    text(summary)
  }</h3>${more}<p>Needs: ${text(needs(operation))}</p>${parametersOf(parameters)}${body}${
    answersOf(operation)
  }</article>`;
}

function needs({ security = [] }: Operation): string {
  const names = security.map((each) => Object.keys(each)[0] ?? "nothing, from this machine");
  return names.length === 0 ? "nothing" : names.join(" or ");
}

function parametersOf(parameters: Operation["parameters"]): string {
  const rows = (parameters ?? []).flatMap((each) => {
    if ("$ref" in each) return [];
    const required = each.required === true ? "yes" : "";
    return `<tr><td><code>${text(each.name)}</code><td>${text(each.in)}<td>${required}<td>${
      text(each.description ?? "")
    }<td><code>${text(JSON.stringify(each.schema ?? {}))}</code></tr>`;
  });
  if (rows.length === 0) return "";
  return `<table><thead><tr><th>Parameter<th>In<th>Required<th>Meaning<th>Schema</thead>
<tbody>${rows.join("")}</tbody></table>`;
}

function bodySchema(body: NonNullable<Operation["requestBody"]>): unknown {
  return "content" in body ? body.content["application/json"]?.schema ?? {} : body;
}

function answersOf({ responses }: Operation): string {
  const rows = Object.entries(responses ?? {}).map(([status, answer]) => {
    const described = answer as { description?: string; content?: Record<string, unknown> };
    const types = Object.keys(described.content ?? {}).join(", ");
    return `<tr><td>${text(status)}<td>${text(described.description ?? "")}<td>${text(types)}</tr>`;
  });
  const [first] = Object.entries(responses ?? {}).filter(([status]) => status.startsWith("2"));
  const content = (first?.[1] as { content?: Record<string, { schema?: unknown }> })?.content;
  const schema = content?.["application/json"]?.schema;
  return `<details><summary>Answers</summary><table><tbody>${rows.join("")}</tbody></table>${
    schema === undefined ? "" : json(schema)
  }</details>`;
}

function schemasOf({ components }: OpenApiDocument): string {
  const each = Object.entries(components?.schemas ?? {}).map(([name, schema]) =>
    `<details id="schema-${text(name)}"><summary>${text(name)}</summary>${json(schema)}</details>`
  );
  return `<section><h2 id="schemas">Schemas</h2>${each.join("")}</section>`;
}

function json(value: unknown): string {
  return `<pre tabindex="0"><code>${text(JSON.stringify(value, null, 2))}</code></pre>`;
}

function anchor(tag: string): string {
  return tag.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}

const ESCAPES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function text(value: string): string {
  return value.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? "");
}

const STYLE = `:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 0 auto; padding: 1rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; padding: 0; }
article { border-top: 1px solid color-mix(in srgb, currentcolor 25%, transparent); }
h3 { font-size: 1rem; font-weight: 500; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; }
pre { overflow: auto; max-height: 24rem; padding: .5rem;
  background: color-mix(in srgb, currentcolor 8%, transparent); }
summary { cursor: pointer; padding: .25rem 0; }
`;
