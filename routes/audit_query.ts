/** What of the audit trail a page asks for, as it stands in its URL. */
import type { AuditFilter } from "@/auth/auth_store.ts";
import { dayStartMs, shiftDate } from "@/routes/api/presence.ts";

export interface AuditQuery {
  actor: string;
  action: string;
  /** `2026-03-12`, as typed; both days belong to the window. */
  from: string;
  to: string;
}

const TEXT_MAX = 200;

/** The fields as sent, cut to a length that the trail can hold. */
export function readAuditQuery(search: URLSearchParams): AuditQuery {
  const text = (name: string) => (search.get(name) ?? "").trim().slice(0, TEXT_MAX);
  return { actor: text("actor"), action: text("action"), from: text("from"), to: text("to") };
}

/** Days are those of the viewer's time zone. An empty field filters nothing. */
export function auditFilter(query: AuditQuery, timeZone: string): AuditFilter {
  const { actor, action, from, to } = query;
  return {
    actor: actor || undefined,
    action: action || undefined,
    fromMs: from === "" ? undefined : dayStartMs(from, timeZone),
    toMs: to === "" ? undefined : dayStartMs(shiftDate(to, 1), timeZone),
  };
}

/** True for a day of a calendar between 1970 and 9998. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || text < "1970-01-01" || text > "9998-12-31") return false;
  const atMs = Date.parse(`${text}T00:00:00Z`);
  return Number.isFinite(atMs) && new Date(atMs).toISOString().startsWith(text);
}

/** The query as it stands in a link, with what a link adds. */
export function auditLink(
  path: string,
  query: AuditQuery,
  more: Record<string, string | null> = {},
): string {
  const pairs = Object.entries({ ...query, ...more })
    .filter((pair): pair is [string, string] => pair[1] !== null && pair[1] !== "");
  const search = new URLSearchParams(pairs.map(([key, text]) => [key, text.toWellFormed()]));
  return search.size === 0 ? path : `${path}?${search}`;
}
