/**
 * Payloads as people read them. They come from anybody: what cannot be seen or would turn text
 * around is written out, and numbers stay as they were sent (1e400 is not Infinity, 1.0 is not 1).
 */

// Controls but line feeds and tabs, marks of direction, zero-width and unpaired code units.
const UNSEEN = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** The text with `\u{…}` for what cannot be seen. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

/** JSON on lines of its own; any other text as it is. */
export function prettyPayload(text: string): string {
  try {
    JSON.parse(text);
  } catch {
    return visible(text);
  }
  return visible(indented(text));
}

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs;

/** Of valid JSON: its own tokens, only the white space between them is new. */
function indented(json: string): string {
  let [out, depth] = ["", 0];
  const line = () => "\n" + "  ".repeat(Math.min(depth, 20));
  let before = "";
  for (const [token] of json.matchAll(TOKENS)) {
    if (token === "}" || token === "]") {
      depth--;
      out += before === "{" || before === "[" ? token : line() + token;
    } else {
      if (before === "{" || before === "[" || before === ",") out += line();
      out += token === ":" ? ": " : token;
      if (token === "{" || token === "[") depth++;
    }
    before = token;
  }
  return out;
}

const HEX_WIDTH = 16;

/** Bytes that are no text: offset, hexadecimal, printable characters; at most `max` bytes. */
export function hexDump(bytes: Uint8Array, max = 1024): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, max); at += HEX_WIDTH) {
    const row = [...bytes.subarray(at, Math.min(at + HEX_WIDTH, max))];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((byte) => byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".");
    lines.push(`${at.toString(16).padStart(4, "0")}  ${hex.padEnd(47)}  ${text.join("")}`);
  }
  return lines.join("\n");
}

/** The text of bytes; null where they are none. */
export function payloadText(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}
