/** Bytes to text, and which texts can be stored and passed on. */
import { PAYLOAD_BYTES_MAX } from "@/model/decode/limits.ts";
import { quoted, refusal } from "@/model/decode/reasons.ts";

const UTF8 = new TextDecoder("utf-8", { fatal: true });
const BYTE_ORDER_MARK = "\ufeff";

/** Decodes a payload; a leading byte order mark is left out. */
export function textOf(payload: Uint8Array): string {
  if (payload.length === 0) throw refusal("empty", "the payload is empty");
  if (payload.length > PAYLOAD_BYTES_MAX) throw tooLarge(payload.length);
  try {
    return UTF8.decode(payload);
  } catch (cause) {
    throw refusal("not_utf8", "the payload is not UTF-8 text", { cause });
  }
}

/** Checks the size of a text and leaves a leading byte order mark out. */
export function boundedText(text: string): string {
  // a UTF-16 unit takes at most 3 bytes of UTF-8: most texts need no count
  if (text.length * 3 > PAYLOAD_BYTES_MAX) {
    const bytes = new TextEncoder().encode(text).length;
    if (bytes > PAYLOAD_BYTES_MAX) throw tooLarge(bytes);
  }
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}

function tooLarge(bytes: number): Error {
  return refusal(
    "too_large",
    `the payload has ${bytes} bytes, more than the ${PAYLOAD_BYTES_MAX} allowed`,
  );
}

/**
 * Checks a text that will be stored: PostgreSQL holds neither U+0000 nor unpaired surrogates,
 * and one such text would make a whole batch fail there.
 */
export function checkedText(text: string, where: { path: string; charsMax: number }): string {
  if (text.length > where.charsMax) {
    throw refusal(
      "text_too_long",
      `"${where.path}" has ${text.length} characters, more than the ${where.charsMax} allowed`,
    );
  }
  if (isStorable(text)) return text;
  throw refusal(
    "bad_text",
    `"${where.path}" is ${quoted(text)}, which holds U+0000 or an unpaired surrogate`,
  );
}

/** True for texts that every destination can store. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes("\u0000");
}

/** True when a text holds control characters other than tab, line feed and carriage return. */
export function looksBinary(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 32 ? code !== 9 && code !== 10 && code !== 13 : code === 127) return true;
  }
  return false;
}
