/** Moments as people read them: relative, and absolute in a time zone. */
import { formatNumber, THIN_SPACE } from "@/components/format_number.ts";

/** Units of time, the largest first. */
export const DURATIONS: [seconds: number, unit: string][] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
];

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
