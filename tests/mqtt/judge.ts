/**
 * A second opinion on bytes from a client, written from the specification and not from the product:
 * what must become of packets on a connection that was accepted, or of first ones. Corpus and fuzzer
 * compare the broker with it.
 */

import { PROPERTIES, type Version } from "@/tests/mqtt/wire.ts";

export type Verdict =
  /** Acceptable: the connection goes on. */
  | { kind: "fine" }
  /** Acceptable so far, the bytes end inside a packet: the server waits. */
  | { kind: "waits" }
  /**
   * Depends on what the server has sent by then: PUBREL before PUBREC was seen, an answer to a
   * message that may or may not be in flight.
   */
  | { kind: "unclear" }
  /** The client says good-bye: the server closes without a word. */
  | { kind: "leaves" }
  /** Refused. Reason codes that 5.0 allows for it, in CONNACK or in DISCONNECT; 3.1.1 is silent. */
  | { kind: "refused"; codes: readonly number[]; isConnect: boolean };

/** Which packets of a client may carry a property; 0 is the will inside CONNECT. */
const CARRIERS: Readonly<Record<string, readonly number[]>> = {
  format: [3, 0],
  expiry: [3, 0],
  content: [3, 0],
  response: [3, 0],
  correlation: [3, 0],
  subid: [8],
  session: [1, 14],
  method: [1, 15],
  data: [1, 15],
  problem: [1],
  delay: [0],
  wantresponse: [1],
  // Listed for DISCONNECT without a direction.
  reference: [14],
  reason: [4, 5, 6, 7, 14, 15],
  receivemax: [1],
  aliasmax: [1],
  alias: [3],
  maxpacket: [1],
  user: [1, 3, 0, 4, 5, 6, 7, 8, 10, 14, 15],
};

const MALFORMED = 0x81;
const PROTOCOL_ERROR = 0x82;

class Fault extends Error {
  readonly codes: readonly number[];

  constructor(...codes: number[]) {
    super(codes.map((code) => code.toString(16)).join(" or "));
    this.codes = codes;
  }
}

class Cursor {
  readonly bytes: Uint8Array;
  at: number;
  end: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  take(count: number): Uint8Array {
    if (this.left < count) throw new Fault(MALFORMED);
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  u8(): number {
    return this.take(1)[0]!;
  }

  u16(): number {
    const [high, low] = this.take(2);
    return high! * 256 + low!;
  }

  u32(): number {
    return this.u16() * 0x1_0000 + this.u16();
  }

  varint(): number {
    let value = 0;
    for (let i = 0; i < 4; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * 128 ** i;
      if (byte < 0x80) {
        if (i > 0 && byte === 0) throw new Fault(MALFORMED);
        return value;
      }
    }
    throw new Fault(MALFORMED);
  }

  data(): Uint8Array {
    return this.take(this.u16());
  }

  text(): string {
    const bytes = this.data();
    if (!isText(bytes)) throw new Fault(MALFORMED);
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  }

  id(): number {
    const id = this.u16();
    if (id === 0) throw new Fault(PROTOCOL_ERROR);
    return id;
  }

  finish(): void {
    if (this.left > 0) throw new Fault(MALFORMED);
  }
}

/** Well-formed UTF-8 (RFC 3629) of characters that MQTT lets a server accept and this one does. */
export function isText(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length;) {
    const lead = bytes[i]!;
    const size = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (size === 0 || lead > 0xf4 || i + size > bytes.length) return false;
    let point = size === 1 ? lead : lead & 0x7f >> size;
    for (let k = 1; k < size; k++) {
      const next = bytes[i + k]!;
      if (next >> 6 !== 2) return false;
      point = point << 6 | next & 0x3f;
    }
    if (point < [0, 0, 0x80, 0x800, 0x1_0000][size]! || !isCharacter(point)) return false;
    i += size;
  }
  return true;
}

function isCharacter(point: number): boolean {
  const isSurrogate = point >= 0xd800 && point <= 0xdfff;
  const isControl = point < 0x20 || point >= 0x7f && point <= 0x9f;
  const isNone = point >= 0xfdd0 && point <= 0xfdef || (point & 0xfffe) === 0xfffe;
  return point <= 0x10_ffff && !isSurrogate && !isControl && !isNone;
}

export interface Circumstances {
  version: Version;
  /** of the server */
  topicAliasMaximum: number;
  packetBytesMax: number;
  /** CONNECT was not sent yet. */
  isFirst?: boolean;
  past?: Past;
}

/** What the client has sent before. */
interface Past {
  aliases: Set<number>;
  /** Identifiers of QoS 2 messages. */
  exact: Set<number>;
  hasSubscribed: boolean;
}

/** What must become of the packets in `bytes`, which may end inside one. */
export function judge(bytes: Uint8Array, circumstances: Circumstances): Verdict {
  let rest = bytes;
  let { isFirst = false, version } = circumstances;
  const past: Past = { aliases: new Set(), exact: new Set(), hasSubscribed: false };
  while (rest.length > 0) {
    const verdict = judgeNext(rest, { ...circumstances, isFirst, version, past });
    if (verdict.kind !== "fine") return verdict;
    if (isFirst) version = connectVersion(rest) ?? version;
    isFirst = false;
    const { value, size } = remainingLength(rest)!;
    rest = rest.subarray(1 + size + value);
  }
  return { kind: "fine" };
}

function judgeNext(bytes: Uint8Array, circumstances: Circumstances): Verdict {
  try {
    const isConnect = circumstances.isFirst && bytes[0]! >> 4 === 1;
    return isConnect ? judgeConnect(bytes, circumstances) : judgePacket(bytes, circumstances);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { kind: "refused", codes: error.codes, isConnect: circumstances.isFirst === true };
  }
}

/** The version that a first packet announces where a server comes to read it, else null. */
export function connectVersion(bytes: Uint8Array, packetBytesMax = Infinity): Version | null {
  const header = /^1.(?:([0-7].)|([89a-f].0[1-9a-f]))00044d515454(..)/.exec(bytes.toHex());
  if (header === null) return null;
  const length = header[1] ?? header[2]!;
  const value = parseInt(length.slice(0, 2), 16) % 128 + 128 * parseInt(length.slice(2) || "0", 16);
  const level = parseInt(header[3]!, 16) & LEVEL_BITS;
  if (value < 7 || value > packetBytesMax) return null;
  return level === 4 || level === 5 ? level : null;
}

/** The highest bit is Mosquitto's mark of a bridge, which this server takes as well. */
const LEVEL_BITS = 0x7f;

function judgePacket(bytes: Uint8Array, circumstances: Circumstances): Verdict {
  const first = bytes[0]!;
  checkFirst(first, circumstances);
  const length = remainingLength(bytes);
  if (length === null) return { kind: "waits" };
  const start = 1 + length.size;
  if (start + length.value > circumstances.packetBytesMax) throw new Fault(0x95);
  checkFixedLength(first >> 4, length.value, circumstances.version);
  if (start + length.value > bytes.length) return { kind: "waits" };
  const cursor = new Cursor(bytes, start, start + length.value);
  return judgeBody(cursor, first, circumstances);
}

function checkFirst(first: number, { version, isFirst }: Circumstances): void {
  const type = first >> 4;
  const flags = first & 15;
  if (isFirst && type !== 1) throw new Fault(PROTOCOL_ERROR);
  if (!isFirst && type === 1) throw new Fault(PROTOCOL_ERROR);
  if (type === 0 || type === 15 && version !== 5) throw new Fault(MALFORMED);
  if ([2, 9, 11, 13].includes(type)) throw new Fault(PROTOCOL_ERROR);
  if (type === 3) return checkPublishFlags(flags);
  const wanted = [6, 8, 10].includes(type) ? 2 : 0;
  if (flags !== wanted && type !== 1) throw new Fault(MALFORMED);
}

function checkPublishFlags(flags: number): void {
  const qos = flags >> 1 & 3;
  if (qos === 3 || qos === 0 && (flags & 8) !== 0) throw new Fault(MALFORMED);
}

function remainingLength(bytes: Uint8Array): { value: number; size: number } | null {
  let value = 0;
  for (let size = 1; size <= 4; size++) {
    const byte = bytes[size];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * 128 ** (size - 1);
    if (byte < 0x80) {
      if (size > 1 && byte === 0) throw new Fault(MALFORMED);
      return { value, size };
    }
  }
  throw new Fault(MALFORMED);
}

/** What the length alone tells; a server may say so before the body comes. */
function checkFixedLength(type: number, length: number, version: Version): void {
  if (type === 12 && length > 0) throw new Fault(MALFORMED);
  if (version === 5) return;
  if (type >= 4 && type <= 7 && length !== 2) throw new Fault(MALFORMED);
  if (type === 14 && length > 0) throw new Fault(MALFORMED);
}

function judgeBody(cursor: Cursor, first: number, circumstances: Circumstances): Verdict {
  const type = first >> 4;
  const { version } = circumstances;
  switch (type) {
    case 1:
      throw new Error("a CONNECT is judged by its own cases");
    case 3:
      judgePublish(cursor, first, circumstances);
      break;
    case 4:
    case 5:
    case 6:
    case 7:
      return judgeAcknowledgement(cursor, type, circumstances);
    case 8:
      circumstances.past!.hasSubscribed = true;
      judgeSubscribe(cursor, version);
      break;
    case 10:
      judgeUnsubscribe(cursor, version);
      break;
    case 14:
      return judgeDisconnect(cursor, version);
    case 15:
      judgeAuth(cursor);
  }
  return { kind: "fine" };
}

function judgePublish(cursor: Cursor, first: number, circumstances: Circumstances): void {
  const { version, topicAliasMaximum, past } = circumstances;
  const topic = cursor.text();
  if (/[+#]/.test(topic)) throw new Fault(MALFORMED);
  const id = (first & 6) !== 0 ? cursor.id() : 0;
  if ((first & 4) !== 0) past!.exact.add(id);
  const found = version === 5 ? readProperties(cursor, 3) : new Map<string, Value>();
  const alias = found.get("alias");
  if (alias === 0) throw new Fault(0x94);
  checkResponse(found);
  if (topic === "" && alias === undefined) throw new Fault(MALFORMED, PROTOCOL_ERROR);
  if (alias !== undefined && Number(alias) > topicAliasMaximum) throw new Fault(0x94);
  checkAlias(topic, { alias: Number(alias ?? 0), aliases: past!.aliases });
}

/** An alias stands for the topic name that it was last sent with. */
function checkAlias(
  topic: string,
  { alias, aliases }: { alias: number; aliases: Set<number> },
): void {
  if (topic === "" && !aliases.has(alias)) throw new Fault(PROTOCOL_ERROR);
  if (alias > 0) aliases.add(alias);
}

function checkResponse(found: Map<string, Value>): void {
  const response = found.get("response");
  if (response !== undefined && (response === "" || /[+#]/.test(String(response)))) {
    throw new Fault(PROTOCOL_ERROR, MALFORMED);
  }
}

/** A server takes low identifiers for what it sends. */
const OUTGOING_IDS_MAX = 200;

const ACKNOWLEDGEMENT_CODES = [0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];

function judgeAcknowledgement(
  cursor: Cursor,
  type: number,
  { version, past }: Circumstances,
): Verdict {
  const id = cursor.id();
  if (version === 5 && cursor.left > 0) judgeAcknowledgementCode(cursor, type);
  cursor.finish();
  const isOpen = type === 6 ? past!.exact.has(id) : past!.hasSubscribed && id <= OUTGOING_IDS_MAX;
  return { kind: isOpen ? "unclear" : "fine" };
}

function judgeAcknowledgementCode(cursor: Cursor, type: number): void {
  const code = cursor.u8();
  const allowed = type < 6 ? ACKNOWLEDGEMENT_CODES : [0, 0x92];
  if (!allowed.includes(code)) throw new Fault(MALFORMED, PROTOCOL_ERROR);
  if (cursor.left > 0) readProperties(cursor, type);
}

function judgeSubscribe(cursor: Cursor, version: Version): void {
  cursor.id();
  if (version === 5) readProperties(cursor, 8);
  if (cursor.left === 0) throw new Fault(PROTOCOL_ERROR);
  while (cursor.left > 0) {
    const isShared = judgeFilter(cursor.text());
    judgeOptions(cursor.u8(), { version, isShared });
  }
}

function judgeOptions(
  options: number,
  { version, isShared }: { version: Version; isShared: boolean },
): void {
  const reserved = version === 5 ? 0xc0 : 0xfc;
  if ((options & reserved) !== 0 || (options & 3) === 3) throw new Fault(MALFORMED);
  if ((options & 0x30) === 0x30) throw new Fault(PROTOCOL_ERROR);
  if (isShared && (options & 4) !== 0) throw new Fault(PROTOCOL_ERROR);
}

function judgeUnsubscribe(cursor: Cursor, version: Version): void {
  cursor.id();
  if (version === 5) readProperties(cursor, 10);
  if (cursor.left === 0) throw new Fault(PROTOCOL_ERROR);
  while (cursor.left > 0) judgeFilter(cursor.text());
}

/** Refuses a filter that is none; tells whether it is shared. */
function judgeFilter(text: string): boolean {
  const shared = /^\$share\/([^/]*)(?:\/(.*))?$/s.exec(text);
  const filter = shared === null ? text : shared[2] ?? "";
  if (shared !== null && (shared[1] === "" || /[+#]/.test(shared[1]!))) throw new Fault(MALFORMED);
  const levels = filter.split("/");
  const isBad = levels.some((level, i) =>
    level.includes("+") && level !== "+" ||
    level.includes("#") && (level !== "#" || i < levels.length - 1)
  );
  if (filter === "" || isBad) throw new Fault(MALFORMED);
  return shared !== null;
}

const DISCONNECT_CODES = [0, 4, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98];

function judgeDisconnect(cursor: Cursor, version: Version): Verdict {
  if (version === 5 && cursor.left > 0) {
    const code = cursor.u8();
    if (![...DISCONNECT_CODES, 0x99].includes(code)) throw new Fault(MALFORMED, PROTOCOL_ERROR);
    const found = cursor.left > 0 ? readProperties(cursor, 14) : new Map<string, Value>();
    cursor.finish();
    // The corpus connects without session expiry: it cannot be given one now.
    if (Number(found.get("session") ?? 0) > 0) throw new Fault(PROTOCOL_ERROR);
  }
  cursor.finish();
  return { kind: "leaves" };
}

function judgeAuth(cursor: Cursor): never {
  if (cursor.left > 0) {
    const code = cursor.u8();
    if (![0, 0x18, 0x19].includes(code)) throw new Fault(MALFORMED, PROTOCOL_ERROR);
    if (cursor.left > 0) readProperties(cursor, 15);
    cursor.finish();
  }
  throw new Fault(PROTOCOL_ERROR); // without an authentication method in CONNECT
}

type Value = string | number;

function readProperties(cursor: Cursor, carrier: number): Map<string, Value> {
  const length = cursor.varint();
  if (length > cursor.left) throw new Fault(MALFORMED);
  const outerEnd = cursor.end;
  cursor.end = cursor.at + length;
  const found: Map<string, Value> = new Map();
  while (cursor.left > 0) readProperty(cursor, carrier, found);
  cursor.end = outerEnd;
  return found;
}

function readProperty(cursor: Cursor, carrier: number, found: Map<string, Value>): void {
  const id = cursor.varint();
  const name = Object.keys(PROPERTIES).find((key) => PROPERTIES[key]!.id === id);
  if (name === undefined) throw new Fault(MALFORMED);
  const value = readValue(cursor, name);
  // Properties that only servers send are not allowed anywhere.
  if (!(CARRIERS[name] ?? []).includes(carrier)) throw new Fault(PROTOCOL_ERROR, MALFORMED);
  if (found.has(name) && name !== "user") throw new Fault(PROTOCOL_ERROR);
  found.set(name, value);
}

function readValue(cursor: Cursor, name: string): Value {
  switch (PROPERTIES[name]!.kind) {
    case "flag": {
      const value = cursor.u8();
      if (value > 1) throw new Fault(PROTOCOL_ERROR);
      return value;
    }
    case "u16":
      return positive(cursor.u16(), name);
    case "u32":
      return positive(cursor.u32(), name);
    case "varint":
      return positive(cursor.varint(), name);
    case "text":
      return cursor.text();
    case "data":
      cursor.data();
      return "";
    case "pair":
      return cursor.text() + cursor.text();
  }
}

function positive(value: number, name: string): number {
  const isChecked = ["receivemax", "maxpacket", "subid"].includes(name);
  if (isChecked && value === 0) throw new Fault(PROTOCOL_ERROR);
  return value;
}

// --- CONNECT ------------------------------------------------------------------------------------

const CLIENT_ID_INVALID = 0x85;

/**
 * What must become of a first packet of type CONNECT. The codes are those of CONNACK in 5.0; before
 * 5.0 only an identifier (2) and a level (1) have a return code, all else is closed without a word.
 */
function judgeConnect(bytes: Uint8Array, { packetBytesMax }: Circumstances): Verdict {
  const length = remainingLength(bytes);
  if (length === null) return { kind: "waits" };
  const start = 1 + length.size;
  if (start + length.value > packetBytesMax) throw new Fault(0x95);
  if (start + length.value > bytes.length) return { kind: "waits" };
  judgeConnectBody(new Cursor(bytes, start, start + length.value), bytes[0]! & 15);
  return { kind: "fine" };
}

function judgeConnectBody(cursor: Cursor, headerFlags: number): void {
  const name = cursor.text();
  const level = cursor.u8() & LEVEL_BITS;
  if (name !== "MQTT") throw new Fault(0x84, PROTOCOL_ERROR, MALFORMED);
  if (level !== 4 && level !== 5) throw new Fault(0x84);
  if (headerFlags !== 0) throw new Fault(MALFORMED);
  const flags = cursor.u8();
  checkConnectFlags(flags, level);
  cursor.u16();
  const found = level === 5 ? readProperties(cursor, 1) : new Map<string, Value>();
  if (found.has("data") && !found.has("method")) throw new Fault(PROTOCOL_ERROR);
  const clientId = cursor.data();
  if (!isText(clientId)) throw new Fault(CLIENT_ID_INVALID, MALFORMED);
  if ((flags & 4) !== 0) judgeWill(cursor, level);
  if ((flags & 0x80) !== 0) cursor.text();
  if ((flags & 0x40) !== 0) cursor.data();
  cursor.finish();
  const isKept = level === 4 && (flags & 2) === 0;
  if (clientId.length === 0 && isKept) throw new Fault(CLIENT_ID_INVALID);
  if (found.has("method")) throw new Fault(0x8c, 0x87);
}

function checkConnectFlags(flags: number, level: number): void {
  const willQos = flags >> 3 & 3;
  const hasWill = (flags & 4) !== 0;
  const isBadWill = hasWill ? willQos === 3 : willQos !== 0 || (flags & 0x20) !== 0;
  const isBadPassword = level === 4 && (flags & 0xc0) === 0x40;
  if ((flags & 1) !== 0 || isBadWill || isBadPassword) throw new Fault(MALFORMED, PROTOCOL_ERROR);
}

function judgeWill(cursor: Cursor, level: number): void {
  const found = level === 5 ? readProperties(cursor, 0) : new Map<string, Value>();
  const topic = cursor.text();
  if (topic === "" || /[+#]/.test(topic)) throw new Fault(MALFORMED, 0x90);
  checkResponse(found);
  cursor.data();
}
