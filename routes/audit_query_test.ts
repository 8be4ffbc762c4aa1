import assert from "node:assert/strict";
import { auditFilter, auditLink, isDay, readAuditQuery } from "@/routes/audit_query.ts";

const NOTHING = { actor: "", action: "", from: "", to: "" };

Deno.test("both days belong to the window, in the viewer's time zone", () => {
  const query = { ...NOTHING, from: "2026-03-29", to: "2026-03-29" };
  const { fromMs, toMs } = auditFilter(query, "Europe/Berlin");
  assert.equal(new Date(fromMs!).toISOString(), "2026-03-28T23:00:00.000Z");
  assert.equal(new Date(toMs!).toISOString(), "2026-03-29T22:00:00.000Z", "a day of 23 hours");
  assert.deepEqual(auditFilter(NOTHING, "UTC"), {
    actor: undefined,
    action: undefined,
    fromMs: undefined,
    toMs: undefined,
  });
});

Deno.test("a day is one of the calendar", () => {
  for (const text of ["2026-02-28", "2024-02-29", "1970-01-01"]) assert(isDay(text), text);
  const wrong = ["2026-02-29", "2026-13-01", "2026-1-1", "0001-01-01", "x", "2026-01-01T00:00"];
  for (const text of wrong) assert(!isDay(text), text);
});

Deno.test("a link carries what was asked, and only that", () => {
  const query = readAuditQuery(new URLSearchParams("actor=%20a%26b%20&to=2026-01-01&x=1"));
  assert.equal(auditLink("/audit", query), "/audit?actor=a%26b&to=2026-01-01");
  assert.equal(auditLink("/audit", NOTHING, { cursor: null }), "/audit");
  assert.equal(auditLink("/audit", NOTHING, { cursor: "7" }), "/audit?cursor=7");
  assert.equal(auditLink("/audit", { ...NOTHING, actor: "\ud800" }), "/audit?actor=%EF%BF%BD");
});
