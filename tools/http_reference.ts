/** `docs/reference/http_api.md`: every operation with who may call it, from the app's own description. */
import { type Policy, PolicyTable } from "@/auth/route_policy.ts";
import { addOperations, type OperationParts } from "@/routes/api/all_operations.ts";
import { openApiDocument } from "@/routes/api/open_api.ts";
import { Api } from "@/routes/api/operation.ts";

export const HTTP_PATH = "docs/reference/http_api.md";

const HEAD = `# HTTP API

<!-- Generated from routes/api/: deno task generate -->

The whole description with schemas is \`/api/openapi.json\` of a running gateway, and \`/docs/api\`
shows it as a page; the [guide](../guides/http_api.md) has examples. Errors are
\`application/problem+json\` with a [code](errors.md) and a hint. Lists come in pages: \`limit\` and
the \`cursor\` of the page before. Times are RFC 3339 in UTC; where one is given, milliseconds since
1970 do as well.

*Who* is the least role of the person that signs in (viewer, operator, admin), by bearer token or by
a browser's session.
`;

/** Stands for every part of a gateway: describing the operations calls none of them. */
const NOTHING: unknown = new Proxy(function () {}, {
  get: () => NOTHING,
  apply: () => {
    throw new TypeError("An operation was called while it was described");
  },
});

/** The API as it is described, without a gateway behind it. */
export function describedApi(): Api {
  const api = new Api({ body: () => ({ bytesMax: 0, deadlineMs: 0 }) });
  addOperations(api, NOTHING as OperationParts);
  return api;
}

/** The text of the file. */
export function httpReference(): string {
  const policies = new PolicyTable();
  const { paths } = openApiDocument(describedApi(), policies);
  const operations = Object.entries(paths ?? {}).flatMap(([path, methods]) =>
    Object.entries(methods as Record<string, DescribedOperation>)
      .map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation }))
  );
  const sections = [...Map.groupBy(operations, ({ tags }) => tags[0] ?? "")].map(([tag, rows]) =>
    `\n## ${tag}\n\n| Method | Path | Who | Does | Query | Answer |\n` +
    `| --- | --- | --- | --- | --- | --- |\n${rows.map((row) => rowOf(row, policies)).join("\n")}\n`
  );
  return HEAD + sections.join("");
}

interface DescribedOperation {
  tags: string[];
  summary: string;
  description?: string;
  parameters?: { name: string; in: string; required?: boolean }[];
  responses: Record<string, unknown>;
}

function rowOf(
  { method, path, ...operation }: DescribedOperation & { method: string; path: string },
  policies: PolicyTable,
): string {
  const policy = policies.find(method, path.replace(/\{\w+\}/g, "x"));
  const query = (operation.parameters ?? []).filter((each) => each.in === "query");
  const names = query.map(({ name, required }) => `\`${name}\`${required === true ? "!" : ""}`);
  const status = Object.keys(operation.responses).find((each) => /^(2|501)/.test(each)) ?? "";
  const text = [operation.summary, operation.description ?? ""].filter((each) => each !== "");
  const cells = [method, `\`${path}\``, whoOf(policy), text.join(". "), names.join(" "), status];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function whoOf(policy: Policy | null): string {
  if (policy === null) throw new TypeError("A described operation has no policy");
  if (policy.kind === "public") return "everybody";
  if (policy.kind === "person") return policy.atLeast;
  return {
    device: "the device",
    scrape: "this machine, or a scrape token",
    connect: "its CONNECT",
  }[
    policy.credential
  ];
}
