/** Where the lines and words of a chart's axes go. */
import { formatNumber } from "@/components/format.ts";

export interface Tick {
  value: number;
  label: string;
}

export interface ValueAxis {
  from: number;
  to: number;
  ticks: Tick[];
}

const LINES = 4;

/** Round values around what is drawn; a flat line gets room above and below. */
export function valueAxis(low: number, high: number): ValueAxis {
  const size = Math.max(Math.abs(low), Math.abs(high), 1e-9);
  const [min, max] = high - low < size * 1e-6
    ? [low - size * 0.05, high + size * 0.05]
    : [low, high];
  const step = roundStep((max - min) / LINES);
  const first = Math.floor(min / step + 1e-9);
  const last = Math.ceil(max / step - 1e-9);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => {
    const value = (first + i) * step;
    return { value, label: formatNumber(value, Math.min(digits, 12)) };
  });
  return { from: first * step, to: last * step, ticks };
}

/** 1, 2 or 5 times a power of ten. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const factor = [1, 2, 5, 10].find((each) => each * power >= step * (1 - 1e-9)) ?? 10;
  return factor * power;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const TIME_STEPS_MS = [5, 10, 15, 30].map((minutes) => minutes * 60_000).concat(
  [1, 2, 3, 4, 6, 12].map((hours) => hours * HOUR_MS),
  [1, 2, 5, 7, 14].map((days) => days * DAY_MS),
);

/** Four to seven round moments of a time zone. */
export function timeTicks(fromMs: number, toMs: number, timeZone: string): Tick[] {
  const step = TIME_STEPS_MS.find((each) => (toMs - fromMs) / each <= 7) ?? TIME_STEPS_MS.at(-1)!;
  const label = labeller(step, timeZone);
  const ticks: Tick[] = [];
  for (let at = roundUp(fromMs, step, timeZone); at <= toMs && ticks.length < 8;) {
    ticks.push({ value: at, label: label(at) });
    // Where clocks are set in between, the next one is not exactly a step away.
    at = roundUp(at + step / 2, step, timeZone);
  }
  return ticks;
}

function roundUp(atMs: number, stepMs: number, timeZone: string): number {
  const rounded = (offset: number) => Math.ceil((atMs + offset) / stepMs) * stepMs - offset;
  const first = rounded(zoneOffsetMs(atMs, timeZone));
  return rounded(zoneOffsetMs(first, timeZone));
}

/** What the zone's clocks are ahead of UTC. */
export function zoneOffsetMs(atMs: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat("en-GB", {
    ...{ timeZone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric" },
    ...{ hour: "numeric", minute: "numeric", second: "numeric" },
  }).formatToParts(atMs);
  const [year, month, day, hour, minute, second] = [
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
  ].map((type) => Number(parts.find((part) => part.type === type)?.value)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const local = Date.UTC(year, month - 1, day, hour, minute, second);
  return local - Math.floor(atMs / 1000) * 1000;
}

function labeller(stepMs: number, timeZone: string): (atMs: number) => string {
  const parts: Intl.DateTimeFormatOptions = stepMs >= DAY_MS
    ? { day: "numeric", month: "short" }
    : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const format = new Intl.DateTimeFormat("en-GB", { timeZone, ...parts });
  return (atMs) => format.format(atMs);
}
