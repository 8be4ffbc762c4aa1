/** Which dashboards there are: those of the program, those that people changed or made. */
import { nearest } from "@/config/nearest.ts";
import { measurementTitle } from "@/components/format.ts";
import {
  ALL_DEVICES_ID,
  ALL_DEVICES_LIMITS,
  allDevices,
  BUILT_IN_DASHBOARDS,
  devicesOf,
} from "@/model/built_in_dashboards.ts";
import type { Dashboard } from "@/model/dashboard.ts";
import { readDashboard } from "@/model/dashboard_check.ts";
import { HttpError } from "@/model/errors.ts";
import type { DashboardRow } from "@/store/dashboards_table.ts";
import type { StoreAdmin } from "@/store/store_types.ts";

type Queried = Pick<StoreAdmin, "query">;

export interface ListedDashboard {
  id: string;
  title: string;
  /** `changed`: a built-in one that somebody changed. */
  origin: "built_in" | "changed" | "own";
  position: number;
  /** Of the stored row; null for one that comes from the program. */
  updated: { atMs: number; by: string } | null;
}

export interface BookEntry extends ListedDashboard {
  dashboard: Dashboard;
}

/** Between two positions a dashboard fits without moving others. */
const POSITION_STEP = 1_000;
/** Own ones begin behind the built-in ones. */
const OWN_POSITION = 100 * POSITION_STEP;

export const BUILT_IN_IDS: readonly string[] = [
  ...BUILT_IN_DASHBOARDS.map(({ id }) => id),
  ALL_DEVICES_ID,
];

const LORA_DEVICES = [
  ...new Set(BUILT_IN_DASHBOARDS.flatMap(({ dashboard }) => devicesOf(dashboard))),
];

export class DashboardBook {
  readonly #store: Queried;
  readonly #rows: DashboardRow[];
  /** In their order; the first one is what people see first. */
  readonly list: readonly ListedDashboard[];

  private constructor(
    store: Queried,
    rows: DashboardRow[],
    { lora, others }: { lora: boolean; others: boolean },
  ) {
    this.#store = store;
    this.#rows = rows;
    const stored = rows.map(listedRow);
    const ids = new Set(rows.map(({ id }) => id));
    const built = builtIn({ lora, others }).filter(({ id }) => !ids.has(id));
    this.list = [...stored, ...built].sort((a, b) => a.position - b.position);
  }

  static async open(store: Queried): Promise<DashboardBook> {
    const [rows, { devices, others }] = await Promise.all([
      store.query("dashboards.all", {}),
      store.query("series.overview", { devices: LORA_DEVICES }),
    ]);
    return new DashboardBook(store, rows, { lora: devices.length > 0, others });
  }

  /** Throws HttpError 404, and 409 where a stored description cannot be read any more. */
  async find(id: string): Promise<BookEntry> {
    return { ...this.listed(id), dashboard: await this.#description(id) };
  }

  /** Without its description. Throws HttpError 404. */
  listed(id: string): ListedDashboard {
    const listed = this.list.find((each) => each.id === id);
    if (listed === undefined) throw noDashboard(id, this.list);
    return listed;
  }

  /** For the editor, also of one that cannot be shown. Throws HttpError 404. */
  async storedText(id: string): Promise<{
    id: string;
    title: string;
    text: string;
    /** Its revision; empty for one that comes from the program. */
    basedOn: string;
  }> {
    const { title, updated } = this.listed(id);
    const row = this.#rows.find((each) => each.id === id);
    const text = row?.description ?? dashboardText(await this.#description(id));
    return { id, title, text, basedOn: updated === null ? "" : String(updated.atMs) };
  }

  async first(): Promise<BookEntry> {
    return await this.find(this.list[0]!.id);
  }

  /** A free id for a title: `boiler-room`, `boiler-room-2`. */
  freeId(title: string): string {
    const taken = new Set([...BUILT_IN_IDS, ...this.list.map(({ id }) => id)]);
    const base = slugOf(title);
    for (let n = 1;; n++) {
      const id = n === 1 ? base : `${base}-${n}`;
      if (!taken.has(id)) return id;
    }
  }

  /** Behind all others. */
  get lastPosition(): number {
    return Math.max(OWN_POSITION, ...this.list.map(({ position }) => position)) + POSITION_STEP;
  }

  /** Before all others. */
  get firstPosition(): number {
    return Math.min(...this.list.map(({ position }) => position)) - POSITION_STEP;
  }

  async #description(id: string): Promise<Dashboard> {
    const row = this.#rows.find((each) => each.id === id);
    if (row !== undefined) return storedDescription(row);
    const built = BUILT_IN_DASHBOARDS.find((each) => each.id === id);
    if (built !== undefined) return built.dashboard;
    const { seriesMax: devicesMax, panelsMax } = ALL_DEVICES_LIMITS;
    const measurements = await this.#store.query("series.by_measurement", {
      devicesMax,
      measurementsMax: panelsMax + 1,
    });
    return allDevices(measurements, measurementTitle);
  }
}

function listedRow({ id, title, position, updatedAtMs, updatedBy }: DashboardRow): ListedDashboard {
  const origin = BUILT_IN_IDS.includes(id) ? "changed" : "own";
  return { id, title, origin, position, updated: { atMs: updatedAtMs, by: updatedBy } };
}

/** Who has other devices than the LoRa nodes sees those first. */
function builtIn({ lora, others }: { lora: boolean; others: boolean }): ListedDashboard[] {
  const fixed = BUILT_IN_DASHBOARDS.map(({ id, dashboard }, i) => ({
    ...{ id, title: dashboard.title, origin: "built_in" as const, updated: null },
    position: i * POSITION_STEP,
  }));
  if (!others) return fixed;
  const position = (lora ? fixed.length : -1) * POSITION_STEP;
  const all = { id: ALL_DEVICES_ID, title: "All devices", updated: null };
  return [...fixed, { ...all, origin: "built_in", position }];
}

/** A stored text was checked when it was saved; a newer program may know better. */
function storedDescription({ id, description }: DashboardRow): Dashboard {
  const { dashboard, problems } = readDashboard(description, { nearest });
  if (dashboard !== null) return dashboard;
  const what = problems.map(({ path, message }) => `${path} ${message}`).slice(0, 3).join("; ");
  throw new HttpError(409, `Cannot show the dashboard "${id}": ${what}`, {
    code: "WEB-0301",
    hint: `correct it at /dashboards/${id}/edit, or delete it there`,
  });
}

function noDashboard(id: string, list: readonly ListedDashboard[]): HttpError {
  const near = nearest(id, list.map((each) => each.id));
  return new HttpError(404, `There is no dashboard "${id.slice(0, 80)}"`, {
    code: "WEB-0302",
    hint: near === null ? "choose one of the list at /dashboards" : `did you mean "${near}"`,
  });
}

/** Letters and digits of the title, joined by dashes. */
function slugOf(title: string): string {
  const plain = title.normalize("NFKD").toLowerCase().replace(/[^a-z0-9]+/g, "-");
  const slug = plain.replace(/^-+|-+$/g, "").slice(0, 48).replace(/-+$/, "");
  return slug === "" ? "dashboard" : slug;
}

/** The JSON text that people edit: as short as what it says. */
export function dashboardText(dashboard: Dashboard): string {
  const text = JSON.stringify(dashboard, null, 2);
  // Objects without others inside stand on one line: a series, a threshold.
  return text.replace(/\{\n[^{}[\]]*\n *\}/g, (object) => object.replace(/\s*\n\s*/g, " "));
}
