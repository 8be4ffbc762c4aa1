/** What people do to dashboards: copy, change, import, delete, reset, show first. */
import { nearest } from "@/config/nearest.ts";
import type { Dashboard } from "@/model/dashboard.ts";
import { type DashboardProblem, readDashboard } from "@/model/dashboard_check.ts";
import { HttpError } from "@/model/errors.ts";
import { type BookEntry, DashboardBook, dashboardText } from "@/routes/dashboard_book.ts";
import type { PageState } from "@/routes/page_state.ts";
import type { DashboardChange, DashboardRemoval } from "@/store/dashboards_table.ts";

/** Reads a person's text. */
export function readText(text: string) {
  return readDashboard(text, { nearest });
}

/** Keeps a new one behind the others; resolves with its id. */
export async function addDashboard(
  state: PageState,
  dashboard: Dashboard,
  action: "copy" | "import",
): Promise<string> {
  const book = await DashboardBook.open(state.services.store);
  const id = book.freeId(dashboard.title);
  const position = book.lastPosition;
  await commit(state, `dashboard_${action}`, {
    ...{ id, position, basedOnMs: null },
    ...contentOf(dashboard),
  });
  return id;
}

export async function copyDashboard(state: PageState, entry: BookEntry): Promise<string> {
  const title = `${entry.dashboard.title} (copy)`.slice(0, 120);
  return await addDashboard(state, { ...entry.dashboard, title }, "copy");
}

/** `basedOnMs`: the revision that the person saw. */
export async function saveDashboard(
  state: PageState,
  { id, position }: Pick<BookEntry, "id" | "position">,
  { dashboard, basedOnMs }: { dashboard: Dashboard; basedOnMs: number | null },
): Promise<void> {
  const change = { id, position, basedOnMs, ...contentOf(dashboard) };
  await commit(state, "dashboard_change", change);
}

export async function moveFirst(
  state: PageState,
  entry: BookEntry,
  book: DashboardBook,
): Promise<void> {
  await commit(state, "dashboard_first", {
    ...{ id: entry.id, position: book.firstPosition },
    basedOnMs: entry.updated?.atMs ?? null,
    ...contentOf(entry.dashboard),
  });
}

export async function removeDashboard(
  state: PageState,
  { id, origin }: Pick<BookEntry, "id" | "origin">,
): Promise<void> {
  if (origin === "built_in") {
    throw new HttpError(400, `Cannot remove "${id}": it comes with the gateway`, {
      code: "WEB-0303",
      hint: "show another one first instead",
    });
  }
  await commit(state, origin === "own" ? "dashboard_delete" : "dashboard_reset", { remove: id });
}

function contentOf(dashboard: Dashboard): Pick<DashboardChange, "title" | "description"> {
  return { title: dashboard.title, description: dashboardText(dashboard) };
}

async function commit(
  { services: { store, auth }, identity, remoteAddress: address }: PageState,
  action: string,
  change: Omit<DashboardChange, "by"> | DashboardRemoval,
): Promise<void> {
  const name = identity!.name;
  const subject = "remove" in change ? change.remove : change.id;
  const trail = [auth.audit.entry({ by: { name, address }, action, subject })];
  await store.changeDashboard("remove" in change ? change : { ...change, by: name }, trail);
}

/** Series that never sent anything: most likely mistyped, though they may come. */
export async function unknownSeries(
  { services: { store } }: PageState,
  { panels }: Dashboard,
): Promise<DashboardProblem[]> {
  const known = await store.query("readings.series", {});
  const devices = new Set(known.map(({ device }) => device));
  const keys = new Set(known.map(({ device, measurement }) => `${device}/${measurement}`));
  return panels.flatMap(({ series }, p) =>
    series.flatMap(({ device, measurement }, s) => {
      const path = `panels[${p}].series[${s}]`;
      if (keys.has(`${device}/${measurement}`)) return [];
      if (!devices.has(device)) {
        const near = nearest(device, devices);
        return [{
          path: `${path}.device`,
          message: `"${device}" has sent nothing yet${did(near)}`,
        }];
      }
      const own = known.filter((each) => each.device === device).map((each) => each.measurement);
      const message = `"${device}" has not sent "${measurement}" yet`;
      return [{
        path: `${path}.measurement`,
        message: `${message}${did(nearest(measurement, own))}`,
      }];
    })
  );
}

function did(near: string | null): string {
  return near === null ? "" : `; did you mean "${near}"?`;
}
