/** JSON as text: parsing with a reason, and finding the exact source of parts of it. */
import { BATCH_ELEMENTS_MAX, OPAQUE_LEVELS_MAX } from "@/model/decode/limits.ts";
import { quoted, refusal } from "@/model/decode/reasons.ts";
import { isStorable } from "@/model/decode/text.ts";

/** A JSON object whose members are not known yet. */
export type JsonObject = Record<string, unknown>;

/** True for JSON objects, not for arrays and null. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// where JSON expects a value; a text that holds the same letters is not at such a place
const NOT_FINITE = /(?:^|[:,[])\s*[-+]?(?:nan|inf(?:inity)?)\b/i;

/**
 * Parses JSON. Any depth is safe here: the parser of V8 does not recurse; those who walk the
 * result bound their own depth.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (text.trim() === "") throw refusal("empty", "the payload is only white space", { cause });
    const why = cause instanceof Error ? cause.message : String(cause);
    if (NOT_FINITE.test(text)) {
      throw refusal("not_finite", "the JSON holds NaN or Infinity", { cause });
    }
    throw refusal("not_json", `the payload is not JSON: ${why.toWellFormed()}`, { cause });
  }
}

/** Parses JSON that has to be an object. */
export function parseJsonObject(text: string): JsonObject {
  return asObject(parseJson(text));
}

export function asObject(value: unknown): JsonObject {
  if (isJsonObject(value)) return value;
  throw refusal("not_object", `the payload is ${quoted(value)}, expected a JSON object`);
}

/** One member of a JSON object as it was written. */
interface MemberText {
  name: string;
  /** `"name": value` */
  text: string;
  /** The value alone. */
  source: string;
}

/**
 * The members at the top level of a JSON object, exactly as written and in their order. The text
 * must have passed the parser. (A reviver would hand sources over too, but recurses: 64 KiB of
 * brackets overflow the stack there.)
 */
function memberTexts(object: string): MemberText[] {
  const members: MemberText[] = [];
  let end = object.indexOf("{");
  while (end < object.length && object[end] !== "}") {
    const start = end + 1;
    end = endOfElement(object, start);
    const text = object.slice(start, end).trim();
    if (text === "") break;
    const closing = endOfString(text, 0);
    const name: string = JSON.parse(text.slice(0, closing + 1));
    members.push({ name, text, source: text.slice(text.indexOf(":", closing) + 1).trim() });
  }
  return members;
}

/**
 * The source of the member `key` at the top level of a JSON object: a double loses digits. Of two
 * members with this name the last one counts, as it does for the parser.
 */
export function memberSource(object: string, key: string): string | undefined {
  return memberTexts(object).findLast(({ name }) => name === key)?.source;
}

/** A JSON object without the member `key`; everything else stays as it was written. */
export function withoutMember(object: string, key: string): string {
  const kept = memberTexts(object).filter(({ name }) => name !== key);
  return `{${kept.map(({ text }) => text).join(",")}}`;
}

/**
 * The source texts of the elements of a JSON array, without the white space around them.
 * The text must have passed the parser.
 */
export function elementTexts(array: string): string[] {
  const texts: string[] = [];
  let start = array.indexOf("[") + 1;
  for (let end = start; end < array.length; end++) {
    end = endOfElement(array, end);
    const text = array.slice(start, end).trim();
    if (text !== "") texts.push(text);
    if (texts.length > BATCH_ELEMENTS_MAX) throw tooManyElements();
    start = end + 1;
    if (array[end] === "]") break;
  }
  return texts;
}

function tooManyElements(): Error {
  return refusal(
    "too_many_elements",
    `the array has more than the ${BATCH_ELEMENTS_MAX} elements allowed`,
  );
}

/** Position of the comma or bracket that ends the element or member which begins at `start`. */
function endOfElement(text: string, start: number): number {
  let level = 0;
  for (let i = start; i < text.length; i++) {
    const char = text[i];
    if (char === '"') i = endOfString(text, i);
    else if (level === 0 && (char === "," || char === "]" || char === "}")) return i;
    else if (char === "{" || char === "[") level++;
    else if (char === "}" || char === "]") level--;
  }
  return text.length;
}

/** Position of the quote that closes the string which opens at `start`; the text's end if none. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === '"') return i;
  }
  return text.length;
}

/**
 * Where the JSON object that opens at the beginning of `text` closes: the position behind its last
 * brace, −1 when it does not. Finds an object in other text; only the parser knows if it is one.
 */
export function objectEnd(text: string): number {
  let level = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '"') i = endOfString(text, i);
    else if (char === "{") level++;
    else if (char === "}" && --level === 0) return i + 1;
  }
  return -1;
}

/**
 * Checks content that is passed on as it is: depth, texts that every destination can store, numbers
 * that stay what they were, no `__proto__`.
 */
export function checkOpaque(value: unknown, path: string): void {
  checkLevel(value, path, OPAQUE_LEVELS_MAX);
}

function checkLevel(value: unknown, path: string, levels: number): void {
  if (typeof value === "string") {
    if (!isStorable(value)) throw refusal("bad_text", `"${path}" holds ${quoted(value)}`);
  } else if (typeof value === "number") {
    if (!Number.isFinite(value)) throw outOfRange(path);
  } else if (typeof value === "object" && value !== null) {
    checkMembers(value, path, levels);
  }
}

function checkMembers(value: object, path: string, levels: number): void {
  if (levels === 0) {
    throw refusal("too_deep", `"${path}" is nested deeper than ${OPAQUE_LEVELS_MAX} levels`);
  }
  for (const [key, member] of Object.entries(value)) {
    if (key === "__proto__" || !isStorable(key)) {
      throw refusal("bad_key", `"${path}" holds the name ${quoted(key)}`);
    }
    checkLevel(member, path, levels - 1);
  }
}

/** The error for a number that became infinite: `1e999`. */
export function outOfRange(path: string): Error {
  return refusal(
    "number_out_of_range",
    `"${path}" is a number beyond ±1.797e308, which no destination can hold`,
  );
}
