/**
 * The kinds of values a configuration may hold, as written by people and as used by the program:
 * `"7d"` ↔ milliseconds, `"64KiB"` ↔ bytes, `"0.0.0.0:1883"` ↔ host and port.
 */

/** A value as the program uses it, or what is wrong with it and what to write instead. */
export type Parsed<T> = { value: T } | { message: string; hint: string };

/** Where a server listens; port 0 picks a free one. */
export interface Address {
  hostname: string;
  port: number;
}

const DURATION_UNITS_MS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const SIZE_UNITS_BYTES: Record<string, number> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

const DURATION_HINT = 'write a number and a unit (ms, s, m, h, d, w), for example "5s" or "7d"';
const SIZE_HINT = 'write a number and a unit (B, kB, KiB, MB, MiB, GB, GiB), for example "64KiB"';
const ADDRESS_HINT = 'write HOST:PORT, for example "0.0.0.0:1883", "[::]:1883" or "127.0.0.1:0"';

/** Reads `"90s"`, `"1h30m"`, `"7d"`; the result is whole milliseconds. */
export function parseDuration(input: unknown): Parsed<number> {
  const wrong = { message: "is not a duration", hint: DURATION_HINT };
  if (input === 0) return { value: 0 };
  if (typeof input === "number") return { message: "has no unit", hint: DURATION_HINT };
  if (typeof input !== "string") return wrong;
  const text = input.replaceAll(" ", "");
  if (text === "0") return { value: 0 };
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d|w))+$/.test(text)) return wrong;
  let totalMs = 0;
  for (const [, count, unit] of text.matchAll(/([\d.]+)(ms|[smhdw])/g)) {
    totalMs += Number(count) * (DURATION_UNITS_MS[unit!] ?? Number.NaN);
  }
  return Number.isSafeInteger(Math.round(totalMs)) ? { value: Math.round(totalMs) } : wrong;
}

/** Reads `"64KiB"`, `"2GB"` or a plain number of bytes. */
export function parseSize(input: unknown): Parsed<number> {
  const wrong = { message: "is not a size", hint: SIZE_HINT };
  if (typeof input === "number") {
    return Number.isSafeInteger(input) && input >= 0 ? { value: input } : wrong;
  }
  const match = typeof input === "string"
    ? /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(input.trim())
    : null;
  if (match === null) return wrong;
  const unit = SIZE_UNITS_BYTES[(match[2] || "b").toLowerCase()];
  const bytes = Math.round(Number(match[1]) * (unit ?? Number.NaN));
  return Number.isSafeInteger(bytes) ? { value: bytes } : wrong;
}

/** Reads `"host:port"`, `"[ipv6]:port"` or `":port"` (all interfaces). */
export function parseAddress(input: unknown): Parsed<Address> {
  const wrong = { message: "is not an address", hint: ADDRESS_HINT };
  if (typeof input !== "string") return wrong;
  const match = /^(?:\[([0-9a-fA-F:.%a-z]+)\]|([^:[\]\s/]*)):(\d{1,5})$/.exec(input.trim());
  if (match === null) return wrong;
  const port = Number(match[3]);
  if (port > 65535) return { message: "has a port above 65535", hint: ADDRESS_HINT };
  return { value: { hostname: match[1] ?? (match[2] || "0.0.0.0"), port } };
}

/** `127.0.0.1:1883`, `[::1]:1883`. */
export function formatAddress(address: Address): string {
  const host = address.hostname.includes(":") ? `[${address.hostname}]` : address.hostname;
  return `${host}:${address.port}`;
}

/** Writes milliseconds in the largest unit that divides them: 604800000 is `7d`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  const units = Object.entries(DURATION_UNITS_MS).filter(([unit]) => unit !== "w").reverse();
  const [unit, unitMs] = units.find(([, size]) => ms % size === 0) ?? ["ms", 1];
  return `${ms / unitMs}${unit}`;
}

/** Writes bytes in the largest unit that divides them: 65536 is `64KiB`, 2000000000 is `2GB`. */
export function formatSize(bytes: number): string {
  const units: [string, number][] = [
    ["GB", 1e9],
    ["GiB", 2 ** 30],
    ["MB", 1e6],
    ["MiB", 2 ** 20],
    ["KiB", 2 ** 10],
    ["kB", 1e3],
  ];
  const fitting = bytes === 0 ? undefined : units.find(([, size]) => bytes % size === 0);
  return fitting === undefined ? `${bytes}B` : `${bytes / fitting[1]}${fitting[0]}`;
}

/** True for hosts that only this machine can reach. */
export function isLoopbackHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** What is wrong with an MQTT topic filter, or null. [MQTT-4.7.1-1] to [MQTT-4.7.1-3] */
export function topicFilterProblem(filter: string): string | null {
  if (filter === "") return "is empty";
  if (filter.includes("\0")) return "contains a null character";
  if (new TextEncoder().encode(filter).length > 65535) return "is longer than 65535 bytes";
  const levels = filter.split("/");
  if (levels.some((level) => level.length > 1 && /[+#]/.test(level))) {
    return "has a wildcard that does not fill its level";
  }
  return levels.slice(0, -1).includes("#") ? 'has "#" before its end' : null;
}

/** True when some topic name matches both filters. */
export function filtersOverlap(first: string, second: string): boolean {
  const a = first.split("/");
  const b = second.split("/");
  for (let i = 0;; i++) {
    if (a[i] === "#" || b[i] === "#") return true;
    if (a[i] === undefined || b[i] === undefined) return hashOrEnd(a, i) && hashOrEnd(b, i);
    if (a[i] !== "+" && b[i] !== "+" && a[i] !== b[i]) return false;
  }
}

/** At its end a filter matches what is there; `x/#` matches `x` itself too. [MQTT-4.7.1-2] */
function hashOrEnd(levels: string[], at: number): boolean {
  return at >= levels.length || (levels[at] === "#" && at === levels.length - 1);
}
