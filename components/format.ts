/**
 * Numbers, sizes and times as people read them; the same text on the server and in the browser.
 * What every page's script needs stands in modules of its own: a browser loads whole modules.
 */
import { DURATIONS } from "@/components/format_moment.ts";
import { formatNumber, THIN_SPACE } from "@/components/format_number.ts";

export { formatAge, formatTime } from "@/components/format_moment.ts";
export { formatNumber, formatValue, THIN_SPACE } from "@/components/format_number.ts";
export { measurementTitle, unitSymbol } from "@/components/format_unit.ts";

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
