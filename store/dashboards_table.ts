/** Dashboards that people made or changed, as the JSON text of their description. */
import { PermanentError } from "@/model/errors.ts";
import { DASHBOARD_LIMITS } from "@/model/dashboard.ts";
import type { Database } from "@/store/database.ts";

export interface DashboardRow {
  id: string;
  title: string;
  /** Lists begin with the lowest. */
  position: number;
  /** Also its revision: a change names the one that it is based on. */
  updatedAtMs: number;
  updatedBy: string;
  /** JSON. */
  description: string;
}

/** What of it a person may change. */
export interface DashboardChange {
  id: string;
  title: string;
  position: number;
  by: string;
  description: string;
  /** `updatedAtMs` of what was changed; null where there was no row. */
  basedOnMs: number | null;
}

/** Of a built-in one: it is as the program has it again. */
export interface DashboardRemoval {
  remove: string;
}

const COLUMNS = "id, title, position, updated_at_ms AS updatedAtMs, updated_by AS updatedBy, " +
  "description";

/** In their order. */
export function readDashboards(db: Database): DashboardRow[] {
  return db.all<DashboardRow>(`SELECT ${COLUMNS} FROM dashboards ORDER BY position, title, id`)
    .map((row) => ({ ...row }));
}

/**
 * Looks before anything is written, so that a refusal costs no transaction.
 * @throws PermanentError when somebody else changed it meanwhile, or there are too many
 */
export function checkDashboardChange(
  db: Database,
  change: DashboardChange | DashboardRemoval,
): void {
  if ("remove" in change) return;
  const revision = revisionOf(db, change.id);
  if (revision !== change.basedOnMs) throw changedMeanwhile(change.id);
  const { dashboardsMax } = DASHBOARD_LIMITS;
  if (revision !== null || db.number("SELECT count(*) FROM dashboards") < dashboardsMax) return;
  throw new PermanentError(`Cannot keep another dashboard: there are ${dashboardsMax} already`, {
    code: "DASH-0409",
    hint: "delete one that nobody looks at",
  });
}

/** Inside the transaction of the caller, after the check. */
export function applyDashboard(
  db: Database,
  change: DashboardChange | DashboardRemoval,
  atMs: number,
): void {
  if ("remove" in change) db.run("DELETE FROM dashboards WHERE id = ?", change.remove);
  else putDashboard(db, change, atMs);
}

/** Null where there is no row. */
function revisionOf(db: Database, id: string): number | null {
  const row = db.get<{ updated_at_ms: number }>(
    "SELECT updated_at_ms FROM dashboards WHERE id = ?",
    id,
  );
  return row?.updated_at_ms ?? null;
}

function putDashboard(db: Database, change: DashboardChange, atMs: number): void {
  db.run(
    `INSERT OR REPLACE INTO dashboards (id, title, position, updated_at_ms, updated_by, description)
     VALUES (?, ?, ?, ?, ?, ?)`,
    change.id,
    change.title,
    change.position,
    // Two changes within a millisecond are two revisions.
    Math.max(atMs, (change.basedOnMs ?? 0) + 1),
    change.by,
    change.description,
  );
}

function changedMeanwhile(id: string): PermanentError {
  return new PermanentError(`Cannot save the dashboard "${id}": it was changed meanwhile`, {
    code: "DASH-0412",
    hint: "copy your text, open the dashboard again and make your change there",
  });
}
