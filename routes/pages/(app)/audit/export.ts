import { HttpError } from "@/model/errors.ts";
import { fileOfTrail } from "@/routes/api/audit.ts";
import { auditFilter, isDay, readAuditQuery } from "@/routes/audit_query.ts";
import { define } from "@/routes/page_state.ts";

/** The trail as a file, under the filter of the page; written while it is sent. */
export const handler = define.handlers({
  GET({ url, state: { services, timeZone } }) {
    const query = readAuditQuery(url.searchParams);
    const format = url.searchParams.get("format") ?? "csv";
    if (format !== "csv" && format !== "ndjson") {
      throw cannotExport(`Unknown format "${format.slice(0, 40)}"`, "use csv or ndjson");
    }
    for (const day of [query.from, query.to]) {
      if (day === "" || isDay(day)) continue;
      throw cannotExport(`"${day.slice(0, 40)}" is no day`, "write days as 2026-03-12");
    }
    return fileOfTrail(services.auth, { filter: auditFilter(query, timeZone), format });
  },
});

function cannotExport(what: string, hint: string): HttpError {
  return new HttpError(400, what, { code: "HTTP-0400", hint });
}
