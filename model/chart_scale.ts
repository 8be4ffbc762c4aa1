/** Axes: the same for the picture that the server draws and for the chart that replaces it. */

export interface Scale {
  min: number;
  max: number;
  ticks: number[];
}

/** A range that holds all values, with about four lines at round numbers. */
export function valueScale(
  values: { min: number; max: number } | null,
  { min = null, max = null }: { min?: number | null; max?: number | null } = {},
): Scale {
  const low = min ?? values?.min ?? 0;
  const high = max ?? values?.max ?? 1;
  // Differences that doubles hardly hold are no differences to draw.
  const flat = high - low < Math.max(Math.abs(high), Math.abs(low), 1e-9) * 1e-9;
  const margin = flat ? Math.max(Math.abs(high) * 0.02, 0.5) : 0;
  const [from, to] = [low - (min === null ? margin : 0), high + (max === null ? margin : 0)];
  const step = roundStep((to - from) / 4);
  const first = min ?? Math.floor(from / step) * step;
  const last = max ?? Math.ceil(to / step) * step;
  const ticks: number[] = [];
  for (let n = Math.ceil(first / step - 1e-9); n * step <= last + step * 1e-9; n++) {
    ticks.push(Number((n * step).toPrecision(12)));
  }
  return { min: first, max: last, ticks };
}

function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const factor = [1, 2, 2.5, 5, 10].find((each) => each * power >= step * 0.999) ?? 10;
  return factor * power;
}

/** Values with those thresholds that are near enough not to flatten the line. */
export function withThresholds(
  values: { min: number; max: number } | null,
  thresholds: readonly number[],
): { min: number; max: number } | null {
  if (values === null) return null;
  const span = Math.max(values.max - values.min, Math.abs(values.max) * 0.05);
  let { min, max } = values;
  for (const at of thresholds) {
    if (at > values.max && at - values.max <= span) max = Math.max(max, at);
    if (at < values.min && values.min - at <= span) min = Math.min(min, at);
  }
  return { min, max };
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const TIME_STEPS_MS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE_MS),
  ...[1, 2, 3, 4, 6, 12].map((n) => n * HOUR_MS),
  ...[1, 2, 5, 10].map((n) => n * DAY_MS),
];

export interface TimeTick {
  atMs: number;
  label: string;
}

/** Round times of the viewer's day, with labels; midnight shows the date. */
export function timeTicks(
  { fromMs, toMs }: { fromMs: number; toMs: number },
  { timeZone, ticksMax }: { timeZone: string; ticksMax: number },
): TimeTick[] {
  const span = toMs - fromMs;
  const stepMs = TIME_STEPS_MS.find((step) => span / step <= Math.max(1, ticksMax)) ??
    Math.ceil(span / ticksMax / DAY_MS) * DAY_MS;
  const offsetMs = zoneOffset(fromMs, timeZone);
  const ticks: TimeTick[] = [];
  for (let n = Math.ceil((fromMs + offsetMs) / stepMs); n * stepMs - offsetMs <= toMs; n++) {
    const plain = n * stepMs - offsetMs;
    // Clocks are changed in between: the same time of day is an hour off.
    const atMs = plain + offsetMs - zoneOffset(plain, timeZone);
    if (atMs >= fromMs && atMs <= toMs) ticks.push({ atMs, label: tickLabel(atMs, timeZone) });
  }
  return ticks;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function partsOf(atMs: number, timeZone: string): Record<string, string> {
  const known = formats.get(timeZone);
  const format = known ?? new Intl.DateTimeFormat("en-GB", {
    timeZone,
    ...{ year: "numeric", month: "short", day: "numeric" },
    ...{ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
  });
  if (known === undefined) formats.set(timeZone, format);
  return Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** What a zone's clocks show minus UTC, ms. */
function zoneOffset(atMs: number, timeZone: string): number {
  const { year, month = "", day, hour, minute, second } = partsOf(atMs, timeZone);
  const place = MONTHS.indexOf(month.slice(0, 3));
  const shown = Date.UTC(+year!, place, +day!, +hour!, +minute!, +second!);
  return shown - Math.floor(atMs / 1000) * 1000;
}

function tickLabel(atMs: number, timeZone: string): string {
  const { month, day, hour, minute } = partsOf(atMs, timeZone);
  return hour === "00" && minute === "00" ? `${day} ${month}` : `${hour}:${minute}`;
}

/** For a read-out: the day too where the window is longer than one. */
export function momentLabel(atMs: number, timeZone: string, spanMs: number): string {
  const { month, day, hour, minute, second } = partsOf(atMs, timeZone);
  if (spanMs > DAY_MS) return `${day} ${month} ${hour}:${minute}`;
  return `${hour}:${minute}:${second}`;
}
