/** Numbers, sizes and times as people read them; the same text on the server and in the browser. */

/** Between groups of three digits and between number and unit: narrow, and it does not break. */
export const THIN_SPACE = "\u202f";
const MINUS = "\u2212";

/** 1234567.5 → `1 234 567.5`; a true minus sign; at most `digits` decimals, default 3. */
export function formatNumber(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return "–";
  const [whole = "0", decimals] = trimmed(Math.abs(value), digits).split(".");
  const grouped = whole.includes("e") ? whole : whole.replace(/\B(?=(\d{3})+$)/g, THIN_SPACE);
  const text = decimals === undefined ? grouped : `${grouped}.${decimals}`;
  return value < 0 && Number(trimmed(Math.abs(value), digits)) !== 0 ? MINUS + text : text;
}

function trimmed(value: number, digits: number): string {
  const vanishes = digits >= 2 && value !== 0 && value < 10 ** -digits / 2;
  if (value >= 1e15 || vanishes) return value.toPrecision(3);
  return value.toFixed(digits).replace(/\.?0+$/, (zeros) => zeros.startsWith(".") ? "" : zeros)
    .replace(/(\.\d*?)0+$/, "$1");
}

/** A measured value: as many decimals as make sense at its size. */
export function formatValue(value: number): string {
  const size = Math.abs(value);
  return formatNumber(value, size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 4);
}

/** Events a second: one decimal below ten. */
export function formatRate(perSecond: number): string {
  return formatNumber(perSecond, perSecond < 9.95 ? 1 : 0);
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB"];

/** Decimal multiples: 31 400 000 → `31.4 MB`. */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${formatNumber(value, value < 10 && unit > 0 ? 1 : 0)}${THIN_SPACE}${BYTE_UNITS[unit]}`;
}

const DURATIONS: [seconds: number, unit: string][] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
];

/** The two largest units: 3 725 000 → `1 h 2 min`; below a second `400 ms`, below 10 ms `3.1 ms`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${formatNumber(ms, ms < 10 ? 1 : 0)}${THIN_SPACE}ms`;
  let seconds = Math.round(ms / 1000);
  const parts: string[] = [];
  for (const [size, unit] of DURATIONS) {
    const count = Math.floor(seconds / size);
    if (parts.length === 1 && count === 0) break;
    if (count > 0) parts.push(`${formatNumber(count)}${THIN_SPACE}${unit}`);
    seconds -= count * size;
    if (parts.length === 2) break;
  }
  return parts.join(" ");
}

/** Age in one unit: `just now`, `42 s ago`, `3 min ago`, `2 d ago`; `in 5 s` for what is to come. */
export function formatAge(atMs: number, nowMs: number): string {
  const seconds = Math.round((nowMs - atMs) / 1000);
  if (Math.abs(seconds) < 2) return "just now";
  const [size, unit] = DURATIONS.find(([size]) => Math.abs(seconds) >= size) ?? [1, "s"];
  const text = `${formatNumber(Math.floor(Math.abs(seconds) / size))}${THIN_SPACE}${unit}`;
  return seconds < 0 ? `in ${text}` : `${text} ago`;
}

/** `2026-03-12 12:24:05 Europe/Berlin` for titles and tables. */
export function formatTime(atMs: number, timeZone: string): string {
  if (!Number.isFinite(atMs) || Math.abs(atMs) > 8.64e15) return "–";
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  }).formatToParts(atMs);
  const part = (type: string) => parts.find((each) => each.type === type)?.value ?? "";
  const day = `${part("year")}-${part("month")}-${part("day")}`;
  return `${day} ${part("hour")}:${part("minute")}:${part("second")} ${timeZone}`;
}

const SYMBOLS: Record<string, string> = {
  celsius: "°C",
  percent: "%",
  hpa: "hPa",
  ohms: "Ω",
  dbm: "dBm",
  db: "dB",
  volts: "V",
  amperes: "A",
  watts: "W",
  kwh: "kWh",
  lux: "lx",
  ppm: "ppm",
};

/** What people write for a unit's name; an unknown one as it is. */
export function unitSymbol(unit: string | null): string {
  return unit === null ? "" : SYMBOLS[unit] ?? unit;
}

/** `gas_resistance` → `Gas resistance`. */
export function measurementTitle(measurement: string): string {
  const words = measurement.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
