/**
 * Logs: one JSON object a line on stderr (or text for a terminal), repeats rate-limited.
 *
 * A message that repeats within a window is counted instead of printed; the next line of that kind
 * says how many were left out. What devices send reaches a log only as a property: JSON escapes CR,
 * LF and ESC, so nothing that a device sends can forge a line or move a terminal's cursor.
 */
import {
  configure,
  getLogger,
  type Logger,
  type LogLevel,
  type LogRecord,
  type Sink,
} from "@logtape/logtape";

export type { Logger };

export interface LogOptions {
  level: "debug" | "info" | "warning" | "error";
  format: "json" | "text";
  /** Lines of one kind allowed per window. */
  repeatsMax?: number;
  windowMs?: number;
  now?: () => number;
  write?: (line: string) => void;
}

interface Window {
  startedAtMs: number;
  printed: number;
  suppressed: number;
}

/** The number of distinct message kinds that are tracked; beyond it the oldest are forgotten. */
const KINDS_MAX = 1000;

/** Lets through a bounded number of lines per kind and window, and counts the rest. */
export class RepeatLimiter {
  readonly #windows = new Map<string, Window>();
  readonly #repeatsMax: number;
  readonly #windowMs: number;

  constructor(options: { repeatsMax: number; windowMs: number }) {
    this.#repeatsMax = options.repeatsMax;
    this.#windowMs = options.windowMs;
  }

  /** Null suppresses the line; a number tells how many were suppressed before it. */
  admit(kind: string, nowMs: number): number | null {
    const window = this.#windows.get(kind);
    if (window !== undefined && nowMs - window.startedAtMs < this.#windowMs) {
      if (window.printed >= this.#repeatsMax) {
        window.suppressed++;
        return null;
      }
      window.printed++;
      return 0;
    }
    this.#windows.delete(kind);
    this.#windows.set(kind, { startedAtMs: nowMs, printed: 1, suppressed: 0 });
    this.#evict();
    return window?.suppressed ?? 0;
  }

  #evict(): void {
    if (this.#windows.size <= KINDS_MAX) return;
    const oldest = this.#windows.keys().next().value;
    if (oldest !== undefined) this.#windows.delete(oldest);
  }
}

const encoder = new TextEncoder();

function writeToStderr(line: string): void {
  Deno.stderr.writeSync(encoder.encode(line));
}

// Everything a terminal could act upon: control and format characters (C0, C1, DEL, direction
// marks), and the two line ends of Unicode.
const CONTROLS = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Makes a text safe to print on one line. */
export function printable(text: string): string {
  return text.replace(
    CONTROLS,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`,
  );
}

/** The template with its values, texts as they are. */
function rendered(record: LogRecord): string {
  return record.message.map((part) => typeof part === "string" ? part : plain(part)).join("");
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value) ?? String(value);
}

function textLine(record: LogRecord): string {
  const { timestamp, level, category, properties } = record;
  const words = [new Date(timestamp).toISOString(), level.toUpperCase(), category.at(-1) ?? ""];
  const details = Object.entries(properties)
    .filter(([name]) => !isInTemplate(record, name))
    .map(([name, value]) => `${name}=${plain(value)}`);
  return printable([...words, rendered(record), ...details].join(" "));
}

/** A property that the template names is not said twice in a text. */
function isInTemplate({ rawMessage }: LogRecord, name: string): boolean {
  return typeof rawMessage === "string" && rawMessage.includes(`{${name}}`);
}

function jsonLine(record: LogRecord): string {
  const { timestamp, level, category, properties } = record;
  const { message: _rendered, ...rest } = properties;
  return escaped(JSON.stringify({
    time: new Date(timestamp).toISOString(),
    level,
    part: category.slice(1).join("."),
    message: rendered(record),
    ...rest,
  }));
}

/** JSON leaves some of them as they are (C1, direction marks, U+2028): readers of logs break there. */
function escaped(json: string): string {
  return json.replace(CONTROLS, (character) =>
    Array.from(
      { length: character.length },
      (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`,
    ).join(""));
}

/**
 * A kind is where a line comes from and its template, so that values do not make lines distinct;
 * an error's own text is a kind of its own.
 */
function kindOf(record: LogRecord): string {
  const template = record.rawMessage === "{message}" ? rendered(record) : String(record.rawMessage);
  return [record.category.join("."), record.level, template].join("\u0000");
}

function createSink(options: LogOptions): Sink {
  const limiter = new RepeatLimiter({
    repeatsMax: options.repeatsMax ?? 10,
    windowMs: options.windowMs ?? 60_000,
  });
  const now = options.now ?? (() => performance.now());
  const write = options.write ?? writeToStderr;
  return (record) => {
    const suppressed = limiter.admit(kindOf(record), now());
    if (suppressed === null) return;
    const shown = suppressed === 0
      ? record
      : { ...record, properties: { ...record.properties, suppressed } };
    write((options.format === "json" ? jsonLine(shown) : textLine(shown)) + "\n");
  };
}

/** Sets up the process's logs; a second call replaces the first (a reload may change the level). */
export async function configureLogs(options: LogOptions): Promise<void> {
  await configure({
    reset: true,
    sinks: { stderr: createSink(options) },
    loggers: [
      { category: ["sluice"], lowestLevel: options.level as LogLevel, sinks: ["stderr"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["stderr"] },
    ],
  });
}

/** The logger of one part: `logger("store")`. */
export function logger(part: string): Logger {
  return getLogger(["sluice", part]);
}
