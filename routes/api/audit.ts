/** Who did what, when, to what, from where. */
import { z } from "@hono/zod-openapi";
import type { Auth } from "@/auth/auth.ts";
import type { AuditRecord } from "@/auth/auth_store.ts";
import { FILE_FORMS, Format, streamOf } from "@/routes/api/export.ts";
import type { Api } from "@/routes/api/operation.ts";
import { Cursor, limitOf, pageOf, Time, timeOfMs, TimeQuery } from "@/routes/api/schemas.ts";

const Entry = z.object({
  id: z.number().int(),
  at: Time,
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  address: z.string(),
  outcome: z.enum(["ok", "refused"]),
  detail: z.string(),
}).openapi("AuditEntry");

export function auditOperations(api: Api, auth: Auth): void {
  api.add({
    method: "get",
    path: "/api/audit",
    tag: "Audit",
    summary: "List the audit trail, the newest first",
    query: z.object({
      actor: z.string().max(200).optional(),
      action: z.string().max(200).optional(),
      from: TimeQuery.optional(),
      to: TimeQuery.optional(),
      limit: limitOf(100),
      cursor: Cursor,
      format: Format,
    }),
    answer: { status: 200, text: "Entries", schema: pageOf(Entry), also: FILE_FORMS },
  }, async ({ query }) => {
    const { actor, action, from, to, limit, cursor, format = "json" } = query;
    const filter = { actor, action, fromMs: msOf(from), toMs: msOf(to) };
    if (format !== "json") return fileOfTrail(auth, { filter, format });
    const page = await auth.audit.list(filter, { limit, cursor });
    return { items: page.items.map(viewOf), cursor: page.cursor };
  });
}

function msOf(us: number | undefined): number | undefined {
  return us === undefined ? undefined : Math.floor(us / 1000);
}

function viewOf({ atMs, ...entry }: AuditRecord) {
  return { ...entry, at: timeOfMs(atMs) };
}

/** The trail writes its own lines, so that every export of it looks the same. */
export function fileOfTrail(
  auth: Auth,
  { filter, format }: {
    filter: Parameters<Auth["audit"]["list"]>[0];
    format: "csv" | "ndjson";
  },
): Response {
  return new Response(streamOf(auth.audit.export(format, filter)), {
    headers: {
      "Content-Type": format === "csv" ? "text/csv; charset=utf-8" : "application/x-ndjson",
      "Content-Disposition": `attachment; filename="audit.${format}"`,
      "Cache-Control": "no-store",
    },
  });
}
