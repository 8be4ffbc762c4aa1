/**
 * What a dashboard is: a title and panels, each of a kind, over series of devices, with an
 * aggregation and thresholds. People write it as JSON; `model/dashboard_check.ts` reads that.
 */

export const PANEL_KINDS = [
  "stat",
  "gauge",
  "time_series",
  "bar",
  "table",
  "state_timeline",
] as const;
export type PanelKind = (typeof PANEL_KINDS)[number];

/**
 * What the values of a step or of the window come to. `increase`: how much a counter grew, restarts
 * handled. `percentage`: 100 × increase of the measurement ÷ increase of `of`.
 */
export const AGGREGATIONS = [
  "last",
  "mean",
  "min",
  "max",
  "count",
  "increase",
  "percentage",
] as const;
export type Aggregation = (typeof AGGREGATIONS)[number];

export const THRESHOLD_TONES = ["ok", "warn", "bad", "idle"] as const;
export type ThresholdTone = (typeof THRESHOLD_TONES)[number];

/** Columns of twelve. */
export const PANEL_WIDTHS = [3, 4, 6, 8, 12] as const;
export type PanelWidth = (typeof PANEL_WIDTHS)[number];

/** From this value on (`from`, or `above` it) the tone holds; the first one may have neither. */
export interface Threshold {
  from?: number;
  above?: number;
  tone: ThresholdTone;
  /** A word for the tag: "excellent". */
  label?: string;
}

export interface PanelSeries {
  device: string;
  measurement: string;
  /** Whole of a `percentage`: a measurement of the same device. */
  of?: string;
  /** How it is called in the panel; the device, or device and measurement, without it. */
  label?: string;
}

export interface Panel {
  kind: PanelKind;
  title: string;
  width: PanelWidth;
  /** One for `stat` and `gauge`. */
  series: PanelSeries[];
  aggregation: Aggregation;
  /** Ascending; none: no state is shown. */
  thresholds: Threshold[];
  /** Ends of a gauge and of a chart's axis. */
  min?: number;
  max?: number;
  /** Instead of the unit that the series has. */
  unit?: string;
  /** One sentence below. */
  note?: string;
}

export interface Dashboard {
  title: string;
  /** One sentence below the title. */
  note?: string;
  panels: Panel[];
}

export const DASHBOARD_LIMITS = {
  /** Of the JSON text. */
  charsMax: 65_536,
  panelsMax: 24,
  /** Of a panel. */
  seriesMax: 12,
  /** Of all panels: a page follows so many live. */
  seriesTotalMax: 150,
  thresholdsMax: 8,
  textMax: 120,
  /** Stored ones, changed built-in ones included. */
  dashboardsMax: 100,
};

/** Width and aggregation that a panel has when it names none. */
export function panelDefaults(kind: PanelKind): Pick<Panel, "width" | "aggregation"> {
  switch (kind) {
    case "stat":
    case "gauge":
      return { width: 3, aggregation: "last" };
    case "state_timeline":
    case "table":
      return { width: 12, aggregation: "last" };
    case "time_series":
    case "bar":
      return { width: 6, aggregation: "mean" };
  }
}

/** How a series is called in its panel. */
export function seriesLabel(series: PanelSeries, all: readonly PanelSeries[]): string {
  if (series.label !== undefined) return series.label;
  const sameMeasurement = all.every(({ measurement }) => measurement === series.measurement);
  if (sameMeasurement) return series.device;
  const sameDevice = all.every(({ device }) => device === series.device);
  return sameDevice ? series.measurement : `${series.device} ${series.measurement}`;
}

/** Colours and dashes repeat after these. */
export const SERIES_COLOURS = 6;

export interface ThresholdState {
  tone: ThresholdTone;
  label: string | null;
  /** The limit that says why: "≥ 30" is `{ sign: "≥", at: 30 }`; null for what is as it should be. */
  limit: { sign: "≥" | ">" | "<" | "≤"; at: number } | null;
}

const SEVERITY: Record<ThresholdTone, number> = { ok: 0, idle: 1, warn: 2, bad: 3 };

/** The state of a value; null without thresholds, or below the first one that has a limit. */
export function thresholdState(
  value: number,
  thresholds: readonly Threshold[],
): ThresholdState | null {
  const place = thresholds.findLastIndex((threshold) => isReached(value, threshold));
  const current = thresholds[place];
  if (current === undefined) return null;
  const { tone, label = null } = current;
  return { tone, label, limit: limitOf(thresholds, place) };
}

function isReached(value: number, { from, above }: Threshold): boolean {
  if (above !== undefined) return value > above;
  return value >= (from ?? -Infinity);
}

/** Too high where the step below is better, else too low. */
function limitOf(thresholds: readonly Threshold[], place: number): ThresholdState["limit"] {
  const [below, current, next] = [place - 1, place, place + 1].map((i) => thresholds[i]);
  if (current === undefined) return null;
  const severity = SEVERITY[current.tone];
  if (severity === 0 && current.label === undefined) return null;
  const risesTo = below === undefined || SEVERITY[below.tone] < severity || severity === 0;
  if (risesTo && current.above !== undefined) return { sign: ">", at: current.above };
  if (risesTo && current.from !== undefined) return { sign: "≥", at: current.from };
  if (next?.above !== undefined) return { sign: "≤", at: next.above };
  return next?.from === undefined ? null : { sign: "<", at: next.from };
}

/** Where a threshold's line is drawn. */
export function thresholdAt({ from, above }: Threshold): number | null {
  return above ?? from ?? null;
}
