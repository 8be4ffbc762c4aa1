/**
 * The output of a LoRa receiver board as lines: over a serial port, or as another program's output.
 *
 * A packet comes bare (`{"ts":194500,…}`) or inside a line of the board's log:
 * `[INFO] JSON sent via VCP: {…}\n (gateway_firmware src/main.rs:573)`, where `\n` may be the two
 * characters, a real line feed or nothing. Everything else is a log line; nothing here ever fails.
 * Noise of an opening port before a bare packet, colours of a terminal around it, and several
 * packets on one line (a lost line feed) are taken. A torn packet is a log line, for its sender
 * repeats nothing and its numbers cannot be trusted.
 *
 * Memory is bounded by LINE_BYTES_MAX: of a longer line the beginning is reported as a log line,
 * the rest is dropped up to its end.
 */
import { objectEnd } from "@/model/decode/json_text.ts";
import { looksLikePacket } from "@/model/decode/lora_packet.ts";

/** One line of the board, or one of several packets on it. */
export type Line =
  | { kind: "packet"; json: string }
  | { kind: "log"; text: string };

/** A packet has 130 to 200 bytes; a line of the board's log rarely more. */
export const LINE_BYTES_MAX = 8192;

const MARKER = "JSON sent via VCP: ";
const LINE_FEED = 10;

/** Cuts a stream of bytes into lines. */
export class LineDecoder {
  readonly #bytes = new Uint8Array(LINE_BYTES_MAX);
  readonly #text = new TextDecoder();
  #length = 0;
  /** The current line is longer than the bound; what follows of it is dropped. */
  #overlong = false;

  /** Takes the next bytes; returns what they complete. Keeps nothing of `chunk`. */
  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, start);
      this.#keep(chunk.subarray(start, end < 0 ? chunk.length : end));
      if (end < 0) return lines;
      this.#finish(lines);
      start = end + 1;
    }
  }

  /** The stream has ended: returns what stood without a line feed. */
  end(): Line[] {
    const lines: Line[] = [];
    if (this.#length > 0) this.#finish(lines);
    return lines;
  }

  #keep(part: Uint8Array): void {
    const room = LINE_BYTES_MAX - this.#length;
    if (part.length > room) this.#overlong = true;
    this.#bytes.set(part.subarray(0, room), this.#length);
    this.#length += Math.min(part.length, room);
  }

  #finish(lines: Line[]): void {
    const text = this.#text.decode(this.#bytes.subarray(0, this.#length)).trimEnd();
    const packets = this.#overlong ? [] : packetsOf(text);
    for (const json of packets) lines.push({ kind: "packet", json });
    if (packets.length === 0) {
      lines.push({ kind: "log", text: this.#overlong ? `${text}…` : text });
    }
    this.#length = 0;
    this.#overlong = false;
  }
}

/** The packets on one line, each exactly as sent. */
function packetsOf(line: string): string[] {
  return line.split(MARKER).flatMap((part) => packetsAtStart(part));
}

function packetsAtStart(part: string): string[] {
  const packets: string[] = [];
  let rest = withoutNoise(part);
  while (rest.startsWith("{")) {
    const end = objectEnd(rest);
    if (end < 0 || !isPacket(rest.slice(0, end))) break;
    packets.push(rest.slice(0, end));
    rest = withoutNoise(rest.slice(end).replace(/^\\r|^\\n/, ""));
  }
  return packets;
}

function isPacket(json: string): boolean {
  try {
    return looksLikePacket(JSON.parse(json));
  } catch {
    return false;
  }
}

/** Leaves out what is no printable ASCII at the start, and terminal colours (`ESC [ 3 2 m`). */
function withoutNoise(text: string): string {
  let i = 0;
  while (i < text.length) {
    const colour = text[i] === "\u001b" ? /^.\[[0-9;]{0,16}m/.exec(text.slice(i, i + 20)) : null;
    if (colour !== null) i += colour[0].length;
    else if (text[i]! <= " " || text[i]! > "~") i++;
    else break;
  }
  return text.slice(i);
}
