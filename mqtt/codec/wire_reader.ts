/** A cursor over the body of one packet; every step past its end is a malformed packet. */

import { malformed, protocolError } from "@/mqtt/protocol_error.ts";

// A byte order mark is data here and must not be stripped [MQTT-1.5.4-3].
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const NO_BYTES = new Uint8Array(0);

export class WireReader {
  bytes: Uint8Array = NO_BYTES;
  position = 0;
  end = 0;

  /** Points the cursor at `bytes[start, end)`. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  u8(what: string): number {
    this.#need(1, what);
    return this.bytes[this.position++]!;
  }

  u16(what: string): number {
    this.#need(2, what);
    const value = this.bytes[this.position]! << 8 | this.bytes[this.position + 1]!;
    this.position += 2;
    return value;
  }

  u32(what: string): number {
    return this.u16(what) * 0x1_0000 + this.u16(what);
  }

  /** Variable byte integer, at most four bytes and of least length [MQTT-1.5.5-1]. */
  variableByteInteger(what: string): number {
    let value = 0;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.u8(what);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) {
          throw malformed(`Cannot read ${what}: longer than needed`, "MQTT-1.5.5-1");
        }
        return value;
      }
    }
    throw malformed(`Cannot read ${what}: more than four bytes`, "MQTT-1.5.5-1");
  }

  /** Two bytes of length, then that many bytes; a view, not a copy. */
  binary(what: string): Uint8Array {
    const length = this.u16(what);
    this.#need(length, what);
    const start = this.position;
    this.position += length;
    return this.bytes.subarray(start, this.position);
  }

  /** UTF-8 string [MQTT-1.5.4-1, -2]. */
  string(what: string): string {
    const bytes = this.binary(what);
    return decodeText(bytes, what);
  }

  packetId(): number {
    const id = this.u16("packet identifier");
    if (id === 0) throw protocolError("Cannot read packet identifier: it is 0", "MQTT-2.2.1-3");
    return id;
  }

  /** Refuses bytes left over behind the last field. */
  finish(what: string): void {
    if (this.position !== this.end) {
      throw malformed(`Cannot read ${what}: ${this.remaining} bytes too many`, "MQTT 5.0 §4.13");
    }
  }

  #need(count: number, what: string): void {
    if (this.end - this.position < count) {
      throw malformed(`Cannot read ${what}: the packet ends before it`, "MQTT 5.0 §4.13");
    }
  }
}

/** The text of UTF-8 `bytes`, refused where MQTT refuses it. */
export function decodeText(bytes: Uint8Array, what: string): string {
  if (bytes.length === 0) return "";
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw malformed(`Cannot read ${what}: not well-formed UTF-8`, "MQTT-1.5.4-1");
  }
  checkCharacters(text, what);
  return text;
}

/**
 * U+0000 is forbidden; control characters and non-characters "should not" occur, and a receiver may
 * refuse them (§1.5.4). They are refused: they make topics that no tool can show.
 */
function checkCharacters(text: string, what: string): void {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x20 && unit < 0x7f) continue;
    if (unit < 0x20 || unit <= 0x9f || isNonCharacter(text, i)) {
      const point = text.codePointAt(i)!.toString(16).toUpperCase().padStart(4, "0");
      throw malformed(
        `Cannot read ${what}: character U+${point}`,
        unit === 0 ? "MQTT-1.5.4-2" : "MQTT 5.0 §1.5.4",
      );
    }
  }
}

/** U+FDD0…U+FDEF and the last two of every plane; `i` may stand on the second surrogate. */
function isNonCharacter(text: string, i: number): boolean {
  const unit = text.charCodeAt(i);
  if (unit >= 0xfdd0 && unit <= 0xfdef) return true;
  if (unit >= 0xfffe) return true;
  if (unit < 0xd800 || unit > 0xdbff) return false;
  return (text.codePointAt(i)! & 0xfffe) === 0xfffe;
}
