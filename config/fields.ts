import { z } from "zod";
import {
  type Address,
  formatDuration,
  formatSize,
  parseAddress,
  type Parsed,
  parseDuration,
  parseSize,
  topicFilterProblem,
} from "@/config/values.ts";

/** What is known of a field besides its type: the source of help, reference and environment names. */
export interface FieldInfo {
  /** One or two sentences; names the behaviour at a limit. */
  text: string;
  /** Word for the reference: `duration`, `size`, `integer`, `a | b`, … */
  kind: string;
  /** `live`: a reload applies it; `restart`: the gateway says that it waits for a restart. */
  reload: "live" | "restart";
  /** Never shown; may come from a file named by `…__KEY_FILE`. */
  secret: boolean;
  /** Allowed words, for help and the nearest name. */
  choices: readonly string[];
  /** Shown by `config init` where there is no default. */
  example: unknown;
}

/** Filled by the builders below, one entry per field of the schema. */
export const fieldInfos = z.registry<FieldInfo>();

type Extra = Partial<Pick<FieldInfo, "reload" | "secret" | "example">>;

/** A default in the form a file would hold; without one the field must be given. */
type Default = { default?: unknown };

type Spec = { text: string } & Extra & Default;

function field<T>(
  parse: (input: unknown) => Parsed<T>,
  spec: Spec & { kind: string; choices?: readonly string[] },
): z.ZodType<T, unknown> {
  const info: FieldInfo = {
    text: spec.text,
    kind: spec.kind,
    reload: spec.reload ?? "restart",
    secret: spec.secret ?? false,
    choices: spec.choices ?? [],
    example: spec.example,
  };
  const checked = z.unknown().transform((input, context): T => {
    const parsed = input === undefined ? missing(info) : parse(input);
    if ("value" in parsed) return parsed.value;
    context.addIssue({ code: "custom", message: parsed.message, params: { hint: parsed.hint } });
    return z.NEVER;
  });
  const schema = "default" in spec ? checked.prefault(spec.default as never) : checked;
  fieldInfos.add(schema, info);
  return schema;
}

function missing(info: FieldInfo): { message: string; hint: string } {
  const example = info.example === undefined ? "" : `, for example ${JSON.stringify(info.example)}`;
  return { message: "is missing", hint: `${info.text.replace(/\.$/, "")}${example}` };
}

/** A group of fields that may be left out as a whole: each field then has its default. */
export function section<S extends z.ZodRawShape>(
  shape: S,
): z.ZodPrefault<z.ZodObject<S, z.core.$strict>> {
  return z.strictObject(shape).prefault({} as never);
}

/** Milliseconds, written as `"5s"`. */
export function duration(spec: Spec & { min?: number; max?: number }): z.ZodType<number, unknown> {
  return field((input) => within(parseDuration(input), spec, formatDuration), {
    ...spec,
    kind: "duration",
  });
}

/** Milliseconds or `"off"`, which is null. */
export function optionalDuration(spec: Spec): z.ZodType<number | null, unknown> {
  const parse = (input: unknown): Parsed<number | null> =>
    input === "off" ? { value: null } : within(parseDuration(input), { min: 1 }, formatDuration);
  return field(parse, { ...spec, kind: 'duration or "off"' });
}

/** Bytes, written as `"64KiB"` or a number. */
export function size(spec: Spec & { min?: number; max?: number }): z.ZodType<number, unknown> {
  return field((input) => within(parseSize(input), spec, formatSize), { ...spec, kind: "size" });
}

export function integer(spec: Spec & { min?: number; max?: number }): z.ZodType<number, unknown> {
  const parse = (input: unknown): Parsed<number> =>
    typeof input === "number" && Number.isSafeInteger(input)
      ? { value: input }
      : { message: "is not a whole number", hint: `write a number${rangeText(spec, String)}` };
  return field((input) => within(parse(input), spec, String), { ...spec, kind: "integer" });
}

export function flag(spec: Spec): z.ZodType<boolean, unknown> {
  const parse = (input: unknown): Parsed<boolean> =>
    typeof input === "boolean"
      ? { value: input }
      : { message: "is not true or false", hint: "write true or false, without quotes" };
  return field(parse, { ...spec, kind: "true | false" });
}

export function choice<const C extends readonly (string | number)[]>(
  choices: C,
  spec: Spec,
): z.ZodType<C[number], unknown> {
  const words = choices.map((item) => JSON.stringify(item));
  const parse = (input: unknown): Parsed<C[number]> => {
    const found = choices.find((item) => item === input);
    return found !== undefined
      ? { value: found }
      : { message: `is not one of ${words.join(", ")}`, hint: `write ${words.join(" or ")}` };
  };
  return field(parse, { ...spec, kind: words.join(" | "), choices: choices.map(String) });
}

export function text(
  spec: Spec & { pattern?: RegExp; rule?: string; lengthMax?: number },
): z.ZodType<string, unknown> {
  return field((input) => parseText(input, spec), { ...spec, kind: "text" });
}

/** A text, or null where it is not given. */
export function optionalText(
  spec: Omit<Spec, "default"> & { pattern?: RegExp; rule?: string; lengthMax?: number },
): z.ZodType<string | null, unknown> {
  const parse = (input: unknown): Parsed<string | null> =>
    input === "" ? { value: null } : parseText(input, spec);
  return field(parse, { ...spec, kind: "text", default: "" });
}

export function listen(spec: Spec): z.ZodType<Address, unknown> {
  return field(parseAddress, { ...spec, kind: "address" });
}

/** An address or `"off"`, which is null. */
export function optionalListen(spec: Spec): z.ZodType<Address | null, unknown> {
  const parse = (input: unknown): Parsed<Address | null> =>
    input === "off" ? { value: null } : parseAddress(input);
  return field(parse, { ...spec, kind: 'address or "off"' });
}

/** A URL with one of the given schemes; the text itself is kept. */
export function url(schemes: readonly string[], spec: Spec): z.ZodType<string, unknown> {
  return field((input) => parseUrl(input, schemes), { ...spec, kind: "URL" });
}

export function textList(
  spec: Spec & { check?: (item: string) => string | null; itemsMin?: number; itemsMax?: number },
): z.ZodType<string[], unknown> {
  return field((input) => parseTextList(input, spec), { ...spec, kind: "list of texts" });
}

export function topicFilters(spec: Spec): z.ZodType<string[], unknown> {
  const check = (item: string) =>
    item.startsWith("$share/")
      ? "starts with $share/, name the group with the key share instead"
      : topicFilterProblem(item);
  return textList({ ...spec, check, itemsMin: 1, itemsMax: 100 });
}

/** A table whose keys are free; every value is checked on its own. `base` holds for other keys. */
export function table<T>(
  spec: Spec & {
    kind: string;
    parseEntry: (value: unknown, key: string) => Parsed<T>;
    base?: Record<string, T>;
  },
): z.ZodType<Record<string, T>, unknown> {
  const parse = (input: unknown): Parsed<Record<string, T>> => {
    const parsed = parseTable(input, spec.parseEntry);
    return "value" in parsed ? { value: { ...spec.base, ...parsed.value } } : parsed;
  };
  return field(parse, spec);
}

function within(
  parsed: Parsed<number>,
  limits: { min?: number; max?: number },
  format: (value: number) => string,
): Parsed<number> {
  if (!("value" in parsed)) return parsed;
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = limits;
  if (parsed.value >= min && parsed.value <= max) return parsed;
  const side = parsed.value < min ? `is below ${format(min)}` : `is above ${format(max)}`;
  return { message: side, hint: `write a value${rangeText(limits, format)}` };
}

function rangeText(
  { min = 0, max }: { min?: number; max?: number },
  format: (value: number) => string,
): string {
  return max === undefined
    ? ` of at least ${format(min)}`
    : ` from ${format(min)} to ${format(max)}`;
}

function parseText(
  input: unknown,
  spec: { pattern?: RegExp; rule?: string; lengthMax?: number },
): Parsed<string> {
  if (typeof input !== "string") return { message: "is not a text", hint: "put it in quotes" };
  const lengthMax = spec.lengthMax ?? 1024;
  if (input.length > lengthMax) {
    return {
      message: `is longer than ${lengthMax} characters`,
      hint: `use up to ${lengthMax} characters`,
    };
  }
  if ([...input].some((c) => c < " ")) {
    return { message: "contains a control character", hint: "remove it" };
  }
  if (spec.pattern !== undefined && !spec.pattern.test(input)) {
    return {
      message: "has characters that are not allowed",
      hint: spec.rule ?? "see the reference",
    };
  }
  return { value: input };
}

function parseUrl(input: unknown, schemes: readonly string[]): Parsed<string> {
  const hint = `write a URL that starts with ${
    schemes.map((scheme) => `${scheme}://`).join(" or ")
  }`;
  if (typeof input !== "string" || !URL.canParse(input)) return { message: "is not a URL", hint };
  const parsed = new URL(input);
  if (!schemes.includes(parsed.protocol.slice(0, -1))) {
    return { message: `has the scheme ${parsed.protocol}//, which is not allowed here`, hint };
  }
  return parsed.hostname === "" ? { message: "names no host", hint } : { value: input };
}

function parseTextList(
  input: unknown,
  spec: { check?: (item: string) => string | null; itemsMin?: number; itemsMax?: number },
): Parsed<string[]> {
  const { itemsMin = 0, itemsMax = 1000 } = spec;
  const hint = `write a list of ${itemsMin} to ${itemsMax} texts, for example ["a", "b"]`;
  if (!Array.isArray(input) || !input.every((item) => typeof item === "string")) {
    return { message: "is not a list of texts", hint };
  }
  if (input.length < itemsMin) return { message: "is empty", hint };
  if (input.length > itemsMax) return { message: `has more than ${itemsMax} items`, hint };
  for (const item of input as string[]) {
    const problem = spec.check?.(item) ?? null;
    if (problem !== null) {
      return { message: `has the item ${JSON.stringify(item)}, which ${problem}`, hint };
    }
  }
  return { value: input as string[] };
}

const TABLE_ENTRIES_MAX = 1000;

function parseTable<T>(
  input: unknown,
  parseEntry: (value: unknown, key: string) => Parsed<T>,
): Parsed<Record<string, T>> {
  if (!isTable(input)) return { message: "is not a table", hint: "write { key = value }" };
  const entries = Object.entries(input);
  if (entries.length > TABLE_ENTRIES_MAX) {
    return {
      message: `has more than ${TABLE_ENTRIES_MAX} entries`,
      hint: `keep at most ${TABLE_ENTRIES_MAX} entries`,
    };
  }
  const value: Record<string, T> = {};
  for (const [key, entry] of entries) {
    const parsed = parseEntry(entry, key);
    if (!("value" in parsed)) {
      return {
        message: `has the entry ${JSON.stringify(key)}, which ${parsed.message}`,
        hint: parsed.hint,
      };
    }
    // A table from a file may hold any key; defineProperty keeps "__proto__" an ordinary one.
    Object.defineProperty(value, key, { value: parsed.value, enumerable: true });
  }
  return { value };
}

/** A plain object as the TOML and JSON readers make it. */
export function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Date);
}
