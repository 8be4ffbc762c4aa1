import assert from "node:assert/strict";
import { DASHBOARD_LIMITS } from "@/model/dashboard.ts";
import { PermanentError } from "@/model/errors.ts";
import type { DashboardChange } from "@/store/dashboards_table.ts";
import { TestWriter } from "@/store/fixture.ts";
import { runQuery } from "@/store/queries.ts";

function change(id: string, changes: Partial<DashboardChange> = {}): DashboardChange {
  const described = { title: id, position: 1, description: "{}" };
  return { id, by: "ada", basedOnMs: null, ...described, ...changes };
}

function rows(test: TestWriter) {
  return runQuery(test.writer.database, "dashboards.all", {});
}

Deno.test("dashboards are kept in their order, also over a kill", async () => {
  using test = await TestWriter.open();
  test.writer.changeDashboard(change("b", { position: 2 }), []);
  test.writer.changeDashboard(change("a", { position: 2 }), []);
  test.writer.changeDashboard(change("c", { position: 1 }), []);
  await test.reopen();
  assert.deepEqual(rows(test).map(({ id }) => id), ["c", "a", "b"]);
  test.writer.changeDashboard({ remove: "a" }, []);
  assert.deepEqual(rows(test).map(({ id }) => id), ["c", "b"]);
});

Deno.test("a change on an old revision is refused, and its line of the trail too", async () => {
  using test = await TestWriter.open();
  const entry = { actor: "ada", action: "dashboard_change", subject: "a", address: "local" };
  const line = { ...entry, atMs: 1, outcome: "ok" as const, detail: "" };
  test.writer.changeDashboard(change("a"), [{ type: "audit", entry: line }]);
  const first = rows(test)[0]!.updatedAtMs;
  test.writer.changeDashboard(change("a", { title: "new", basedOnMs: first }), []);
  const second = rows(test)[0]!.updatedAtMs;
  assert(second > first, "two changes of one moment are two revisions");
  for (const basedOnMs of [null, first, second + 1]) {
    const stale = change("a", { title: "stale", basedOnMs });
    const act = () => test.writer.changeDashboard(stale, [{ type: "audit", entry: line }]);
    assert.throws(act, PermanentError);
  }
  assert.equal(rows(test)[0]!.title, "new");
  const trail = runQuery(test.writer.database, "audit.list", { limit: 10 });
  assert.equal(trail.items.length, 1);
});

Deno.test("there is a limit to dashboards, not to changes of what is there", async () => {
  using test = await TestWriter.open();
  for (let i = 0; i < DASHBOARD_LIMITS.dashboardsMax; i++) {
    test.writer.changeDashboard(change(`d${i}`), []);
  }
  assert.throws(() => test.writer.changeDashboard(change("more"), []), /there are 100 already/);
  const { id, updatedAtMs: basedOnMs } = rows(test)[0]!;
  test.writer.changeDashboard(change(id, { basedOnMs, title: "changed" }), []);
});
