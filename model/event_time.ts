/** Times as devices send them, and as the gateway writes them. */
import type { Instant } from "@/model/message.ts";

/** 2020-01-01T00:00:00Z, µs. A device that says it is earlier has not set its clock. */
export const EARLIEST_EVENT_US = 1_577_836_800_000_000;
/** Event times further ahead of reception than this are never "latest". */
export const FUTURE_TOLERANCE_US = 86_400_000_000;

/**
 * Reads a time that a device sent. A number's digits before the point tell its unit: up to 10 are
 * seconds, 13 milliseconds, 16 microseconds, 19 nanoseconds (with fewer digits a time in one of
 * the finer units lies before 2020, which is handled like any unset clock). Texts are RFC 3339
 * with a zone, or such a number. `exactText` gives the number as written: a double cannot hold
 * nanoseconds; it is asked only then.
 *
 * Returns null when the value is no time, or lies outside of years that fit (up to 2255).
 */
export function parseSentTime(
  value: unknown,
  exactText: () => string | undefined,
): Instant | null {
  if (typeof value === "number") return fromNumber(value, exactText);
  if (typeof value !== "string" || value.length > 64) return null;
  if (/^-?\d{1,19}$/.test(value)) return fromNumber(Number(value), () => value);
  return parseRfc3339(value);
}

function fromNumber(value: number, exactText: () => string | undefined): Instant | null {
  const size = Math.abs(value);
  if (size < 1e10) return inRange({ us: Math.round(value * 1e6), ns: 0 });
  if (size < 1e13) return inRange({ us: Math.round(value * 1e3), ns: 0 });
  if (size < 1e16) return fromMicroseconds(value);
  if (size < 1e19) return inRange(fromNanoseconds(exactText() ?? "", value));
  return null;
}

function fromMicroseconds(value: number): Instant | null {
  const us = Math.floor(value);
  return inRange({ us, ns: Math.floor((value - us) * 1000) });
}

function fromNanoseconds(text: string, value: number): Instant {
  const total = /^-?\d+$/.test(text) ? BigInt(text) : BigInt(Math.trunc(value));
  const ns = Number(((total % 1000n) + 1000n) % 1000n);
  return { us: Number((total - BigInt(ns)) / 1000n), ns };
}

/**
 * Refuses what lies beyond the exact integers; before them (years up to 1684) any time is as good
 * as another, for it is an unset clock: `0001-01-01T00:00:00Z` is the zero of Go and .NET.
 */
function inRange(instant: Instant): Instant | null {
  if (instant.us < Number.MIN_SAFE_INTEGER) return { us: Number.MIN_SAFE_INTEGER, ns: 0 };
  return Number.isSafeInteger(instant.us) ? { us: instant.us + 0, ns: instant.ns } : null;
}

const RFC3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** Reads an RFC 3339 time to the nanosecond; null when it is none. A leap second is the next. */
export function parseRfc3339(text: string): Instant | null {
  const match = RFC3339.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second, fraction = "", sign, offHour, offMinute] = match;
  const midnightMs = dayStartMs(Number(year), { month: Number(month), day: Number(day) });
  if (midnightMs === null || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) {
    return null;
  }
  const offset = zoneSeconds(sign, Number(offHour ?? 0), Number(offMinute ?? 0));
  if (offset === null) return null;
  const seconds = midnightMs / 1000 + Number(hour) * 3600 + Number(minute) * 60 + Number(second);
  const digits = fraction.padEnd(9, "0");
  return inRange({
    us: (seconds - offset) * 1e6 + Number(digits.slice(0, 6)),
    ns: Number(digits.slice(6, 9)),
  });
}

function zoneSeconds(sign: string | undefined, hours: number, minutes: number): number | null {
  if (hours > 23 || minutes > 59) return null;
  return (sign === "-" ? -1 : 1) * (hours * 3600 + minutes * 60);
}

/** Midnight UTC of a calendar day, ms since 1970; null when there is no such day. */
function dayStartMs(year: number, date: { month: number; day: number }): number | null {
  const midnight = new Date(0);
  // not Date.UTC, which takes the years 0 to 99 for 1900 to 1999
  midnight.setUTCFullYear(year, date.month - 1, date.day);
  const exists = midnight.getUTCMonth() === date.month - 1 && midnight.getUTCDate() === date.day;
  return exists ? midnight.getTime() : null;
}

/** Years in which 29 February may be missing: around 2100 leap years are eight years apart. */
const LEAP_GAP_YEARS = 8;

/**
 * The time of a date without a year: of all years, the one that puts it closest to `nearUs`
 * (the earlier one of two equally close). Null when the date exists in no year.
 */
export function closestYear(
  date: { month: number; day: number; hour: number; minute: number },
  nearUs: number,
): Instant | null {
  if (date.hour > 23 || date.minute > 59) return null;
  const thisYear = new Date(nearUs / 1000).getUTCFullYear();
  let best: number | null = null;
  for (let year = thisYear - LEAP_GAP_YEARS; year <= thisYear + LEAP_GAP_YEARS; year++) {
    const midnightMs = dayStartMs(year, date);
    if (midnightMs === null) continue;
    const us = (midnightMs + (date.hour * 60 + date.minute) * 60_000) * 1000;
    if (best === null || Math.abs(us - nearUs) < Math.abs(best - nearUs)) best = us;
  }
  return best === null ? null : { us: best, ns: 0 };
}

/** Writes a time as RFC 3339 UTC with 3, 6 or 9 digits, as many as it needs. */
export function formatInstant(instant: Instant): string {
  const milliseconds = Math.floor(instant.us / 1000);
  const text = new Date(milliseconds).toISOString();
  const below = (instant.us - milliseconds * 1000) * 1000 + instant.ns;
  if (below === 0) return text;
  const digits = String(below).padStart(6, "0");
  return `${text.slice(0, -1)}${instant.ns === 0 ? digits.slice(0, 3) : digits}Z`;
}
