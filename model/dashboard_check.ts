/**
 * Reads a dashboard from JSON text and says everything that is wrong with it at once, each with its
 * path (`panels[2].thresholds[0].tone`) and the nearest valid name where there is one.
 */
import {
  AGGREGATIONS,
  type Dashboard,
  DASHBOARD_LIMITS,
  type Panel,
  PANEL_KINDS,
  PANEL_WIDTHS,
  panelDefaults,
  type PanelSeries,
  type Threshold,
  THRESHOLD_TONES,
  thresholdAt,
} from "@/model/dashboard.ts";

export interface DashboardProblem {
  /** Empty for the text as a whole. */
  path: string;
  message: string;
}

export interface CheckOptions {
  /** The candidate that a mistyped word most likely meant. */
  nearest: (word: string, candidates: Iterable<string>) => string | null;
}

export type CheckedDashboard =
  | { dashboard: Dashboard; problems: [] }
  | { dashboard: null; problems: DashboardProblem[] };

/** More would not be read. */
const PROBLEMS_MAX = 20;

/** The dashboard in a JSON text, or what is wrong with it. */
export function readDashboard(text: string, options: CheckOptions): CheckedDashboard {
  const { charsMax } = DASHBOARD_LIMITS;
  if (text.length > charsMax) {
    return refused(`the text has ${text.length} characters, at most ${charsMax} are taken`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refused(`this is not JSON: ${syntaxProblem(text, error)}`);
  }
  return checkDashboard(value, options);
}

function refused(message: string): CheckedDashboard {
  return { dashboard: null, problems: [{ path: "", message }] };
}

/** The engine's words with the line instead of a position in a text that nobody counts. */
function syntaxProblem(text: string, error: unknown): string {
  const message = String(error).replace(/^SyntaxError: /, "");
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position === undefined || /\(line \d+/.test(message)) return message;
  const before = text.slice(0, Number(position)).split("\n");
  return message.replace(
    /at position \d+/,
    `at line ${before.length}, column ${before.at(-1)!.length + 1}`,
  );
}

/** The dashboard that a parsed value describes, or what is wrong with it. */
export function checkDashboard(value: unknown, options: CheckOptions): CheckedDashboard {
  const reader = new Reader(options);
  const dashboard = reader.dashboard(value);
  const problems = reader.problems.slice(0, PROBLEMS_MAX);
  if (dashboard === null || problems.length > 0) return { dashboard: null, problems };
  return { dashboard, problems: [] };
}

type Fields = Record<string, unknown>;

const DASHBOARD_FIELDS = ["title", "note", "panels"];
const PANEL_FIELDS = [
  ...["kind", "title", "width", "series", "aggregation", "thresholds"],
  ...["min", "max", "unit", "note"],
];
const SERIES_FIELDS = ["device", "measurement", "of", "label"];
const THRESHOLD_FIELDS = ["from", "above", "tone", "label"];

class Reader {
  readonly problems: DashboardProblem[] = [];
  readonly #nearest: CheckOptions["nearest"];

  constructor({ nearest }: CheckOptions) {
    this.#nearest = nearest;
  }

  dashboard(value: unknown): Dashboard | null {
    const fields = this.#object(value, "", DASHBOARD_FIELDS);
    if (fields === null) return null;
    const { panelsMax } = DASHBOARD_LIMITS;
    const title = this.#text(fields, "title");
    const note = this.#optionalText(fields, "note");
    const panels = this.#list(fields, "panels", { min: 1, max: panelsMax })
      .map((panel, i) => this.#panel(panel, `panels[${i}]`))
      .filter((panel) => panel !== null);
    this.#checkTotal(panels);
    return { title, ...present({ note }), panels };
  }

  #checkTotal(panels: Panel[]): void {
    const total = panels.reduce((sum, { series }) => sum + series.length, 0);
    const { seriesTotalMax } = DASHBOARD_LIMITS;
    if (total <= seriesTotalMax) return;
    this.#add("panels", `have ${total} series together, at most ${seriesTotalMax} may be there`);
  }

  #panel(value: unknown, path: string): Panel | null {
    const fields = this.#object(value, path, PANEL_FIELDS);
    if (fields === null) return null;
    const kind = this.#word(fields, "kind", { path, words: PANEL_KINDS });
    const defaults = panelDefaults(kind ?? "stat");
    const aggregation = this.#word(fields, "aggregation", {
      path,
      words: AGGREGATIONS,
      otherwise: defaults.aggregation,
    }) ?? defaults.aggregation;
    const isSingle = kind === "stat" || kind === "gauge";
    const seriesMax = isSingle ? 1 : DASHBOARD_LIMITS.seriesMax;
    const series = this.#list(fields, "series", { path, min: 1, max: seriesMax })
      .map((each, i) => this.#series(each, `${path}.series[${i}]`, aggregation))
      .filter((each) => each !== null);
    const panel: Panel = {
      ...{ kind: kind ?? "stat", aggregation, series },
      title: this.#text(fields, "title", path),
      width: this.#width(fields, path, defaults.width),
      thresholds: this.#thresholds(fields, path),
      ...present({
        min: this.#number(fields, "min", path),
        max: this.#number(fields, "max", path),
        unit: this.#optionalText(fields, "unit", path),
        note: this.#optionalText(fields, "note", path),
      }),
    };
    this.#checkEnds(panel, path);
    return panel;
  }

  #checkEnds({ kind, min, max }: Panel, path: string): void {
    if (min !== undefined && max !== undefined && min >= max) {
      this.#add(`${path}.max`, `${max} is not above min, which is ${min}`);
    }
    if (kind !== "gauge") return;
    if (min === undefined) this.#add(`${path}.min`, "is missing: a gauge needs both ends");
    if (max === undefined) this.#add(`${path}.max`, "is missing: a gauge needs both ends");
  }

  #series(value: unknown, path: string, aggregation: string): PanelSeries | null {
    const fields = this.#object(value, path, SERIES_FIELDS);
    if (fields === null) return null;
    const device = this.#text(fields, "device", path);
    const measurement = this.#text(fields, "measurement", path);
    const of = this.#optionalText(fields, "of", path);
    const label = this.#optionalText(fields, "label", path);
    if (aggregation === "percentage" && of === undefined) {
      this.#add(`${path}.of`, `is missing: the measurement that "${measurement}" is a part of`);
    }
    if (aggregation !== "percentage" && of !== undefined) {
      this.#add(`${path}.of`, 'is for aggregation "percentage" only');
    }
    return { device, measurement, ...present({ of, label }) };
  }

  #thresholds(fields: Fields, path: string): Threshold[] {
    if (fields.thresholds === undefined) return [];
    const max = DASHBOARD_LIMITS.thresholdsMax;
    const thresholds = this.#list(fields, "thresholds", { path, min: 0, max })
      .map((each, i) => this.#threshold(each, `${path}.thresholds[${i}]`))
      .filter((each) => each !== null);
    thresholds.forEach((threshold, i) => {
      const [at, before] = [threshold, thresholds[i - 1]].map((each) =>
        each === undefined ? null : thresholdAt(each)
      );
      const place = `${path}.thresholds[${i}]`;
      if (i > 0 && at === null) this.#add(place, "needs from or above; only the first has neither");
      else if (i > 0 && before !== null && at! <= before!) {
        this.#add(
          place,
          `${at} is not above the one before, ${before}: put them in ascending order`,
        );
      }
    });
    return thresholds;
  }

  #threshold(value: unknown, path: string): Threshold | null {
    const fields = this.#object(value, path, THRESHOLD_FIELDS);
    if (fields === null) return null;
    const tone = this.#word(fields, "tone", { path, words: THRESHOLD_TONES });
    const from = this.#number(fields, "from", path);
    const above = this.#number(fields, "above", path);
    if (from !== undefined && above !== undefined) {
      this.#add(`${path}.above`, "goes without from: a threshold has one limit");
    }
    const label = this.#optionalText(fields, "label", path);
    return { ...present({ from, above }), tone: tone ?? "ok", ...present({ label }) };
  }

  #width(fields: Fields, path: string, otherwise: Panel["width"]): Panel["width"] {
    const value = fields.width ?? otherwise;
    const width = PANEL_WIDTHS.find((each) => each === value);
    if (width === undefined) {
      this.#add(`${path}.width`, `${shown(value)} is not one of ${PANEL_WIDTHS.join(", ")}`);
    }
    return width ?? otherwise;
  }

  #add(path: string, message: string): void {
    this.problems.push({ path, message });
  }

  #object(value: unknown, path: string, known: string[]): Fields | null {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      this.#add(path, `${shown(value)} is not an object`);
      return null;
    }
    for (const key of Object.keys(value)) {
      if (known.includes(key)) continue;
      const near = this.#nearest(key, known);
      const hint = near === null ? `there are ${known.join(", ")}` : `did you mean "${near}"?`;
      this.#add(join(path, key.slice(0, 60)), `is not known here; ${hint}`);
    }
    return value as Fields;
  }

  #list(
    fields: Fields,
    key: string,
    { path = "", min, max }: { path?: string; min: number; max: number },
  ): unknown[] {
    const value = fields[key];
    if (!Array.isArray(value)) {
      const what = value === undefined ? "is missing" : `${shown(value)} is not a list`;
      this.#add(join(path, key), what);
      return [];
    }
    if (value.length < min || value.length > max) {
      const range = min === max ? `exactly ${min}` : `${min} to ${max}`;
      this.#add(join(path, key), `has ${value.length} entries, ${range} may be there`);
    }
    return value.slice(0, max);
  }

  #text(fields: Fields, key: string, path = ""): string {
    const value = fields[key];
    const { textMax } = DASHBOARD_LIMITS;
    const place = join(path, key);
    if (value === undefined) this.#add(place, "is missing");
    else if (typeof value !== "string") this.#add(place, `${shown(value)} is not a text`);
    else if (value.trim() === "") this.#add(place, "is empty");
    else if (value.length > textMax) this.#add(place, `is longer than ${textMax} characters`);
    else return value;
    return "";
  }

  #optionalText(fields: Fields, key: string, path = ""): string | undefined {
    return fields[key] === undefined ? undefined : this.#text(fields, key, path);
  }

  #number(fields: Fields, key: string, path: string): number | undefined {
    const value = fields[key];
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    this.#add(join(path, key), `${shown(value)} is not a number`);
    return undefined;
  }

  #word<Word extends string>(
    fields: Fields,
    key: string,
    { path, words, otherwise }: { path: string; words: readonly Word[]; otherwise?: Word },
  ): Word | null {
    const value = fields[key];
    if (value === undefined && otherwise !== undefined) return otherwise;
    const found = words.find((word) => word === value);
    if (found !== undefined) return found;
    const near = typeof value === "string" ? this.#nearest(value, words) : null;
    const hint = near === null ? `there are ${words.join(", ")}` : `did you mean "${near}"?`;
    const what = value === undefined ? "is missing" : `${shown(value)} is not known`;
    this.#add(join(path, key), `${what}; ${hint}`);
    return null;
  }
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Without the fields that are not there. */
function present<T extends object>(fields: T): T {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as T;
}
