/**
 * The conformance suite's own reading and writing of MQTT packets, independent of the product's
 * codec, so that a mistake made on both of its ends is seen. Writing allows every malformation;
 * reading allows none: `PacketReader` throws on anything that a server must not send.
 */

export type Version = 3 | 4 | 5;

type Kind = "flag" | "u16" | "u32" | "varint" | "text" | "data" | "pair";

interface PropertyRule {
  id: number;
  kind: Kind;
  /** Packet types that may carry it when a server sends them. */
  fromServer: readonly number[];
}

const ACKNOWLEDGEMENTS = [4, 5, 6, 7, 9, 11];
const ANY_ANSWER = [2, 14, 15, ...ACKNOWLEDGEMENTS];

/** Properties of MQTT 5.0 under the short names that the scripts use. */
export const PROPERTIES: Readonly<Record<string, PropertyRule>> = {
  format: { id: 0x01, kind: "flag", fromServer: [3] },
  expiry: { id: 0x02, kind: "u32", fromServer: [3] },
  content: { id: 0x03, kind: "text", fromServer: [3] },
  response: { id: 0x08, kind: "text", fromServer: [3] },
  correlation: { id: 0x09, kind: "data", fromServer: [3] },
  subid: { id: 0x0b, kind: "varint", fromServer: [3] },
  session: { id: 0x11, kind: "u32", fromServer: [2] },
  assigned: { id: 0x12, kind: "text", fromServer: [2] },
  keepalive: { id: 0x13, kind: "u16", fromServer: [2] },
  method: { id: 0x15, kind: "text", fromServer: [2, 15] },
  data: { id: 0x16, kind: "data", fromServer: [2, 15] },
  problem: { id: 0x17, kind: "flag", fromServer: [] },
  delay: { id: 0x18, kind: "u32", fromServer: [] },
  wantresponse: { id: 0x19, kind: "flag", fromServer: [] },
  respinfo: { id: 0x1a, kind: "text", fromServer: [2] },
  reference: { id: 0x1c, kind: "text", fromServer: [2, 14] },
  reason: { id: 0x1f, kind: "text", fromServer: ANY_ANSWER },
  receivemax: { id: 0x21, kind: "u16", fromServer: [2] },
  aliasmax: { id: 0x22, kind: "u16", fromServer: [2] },
  alias: { id: 0x23, kind: "u16", fromServer: [3] },
  maxqos: { id: 0x24, kind: "flag", fromServer: [2] },
  retainok: { id: 0x25, kind: "flag", fromServer: [2] },
  user: { id: 0x26, kind: "pair", fromServer: [3, ...ANY_ANSWER] },
  maxpacket: { id: 0x27, kind: "u32", fromServer: [2] },
  wildok: { id: 0x28, kind: "flag", fromServer: [2] },
  subidok: { id: 0x29, kind: "flag", fromServer: [2] },
  sharedok: { id: 0x2a, kind: "flag", fromServer: [2] },
};

/** Reason codes that a server may put into each packet of 5.0; 0x9D and the like are legal too. */
const CODES: Readonly<Record<number, readonly number[]>> = {
  2: [
    ...[0, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90],
    ...[0x95, 0x97, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f],
  ],
  4: [0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  5: [0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
  6: [0, 0x92],
  7: [0, 0x92],
  9: [0, 1, 2, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2],
  11: [0, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91],
  14: [
    ...[0, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94, 0x95],
    ...[0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2],
  ],
  15: [0, 0x18],
};

// --- writing ------------------------------------------------------------------------------------

export type Bytes = readonly number[];

export function utf8(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}

export function u16(value: number): number[] {
  return [value >> 8 & 0xff, value & 0xff];
}

export function u32(value: number): number[] {
  return [...u16(Math.floor(value / 0x1_0000)), ...u16(value & 0xffff)];
}

/** Length-prefixed. */
export function field(bytes: Bytes): number[] {
  return [...u16(bytes.length), ...bytes];
}

export function text(value: string): number[] {
  return field(utf8(value));
}

export function varint(value: number): number[] {
  const bytes: number[] = [];
  do {
    bytes.push(value % 128 | (value > 127 ? 0x80 : 0));
    value = Math.floor(value / 128);
  } while (value > 0);
  return bytes;
}

/** First byte, remaining length, body. */
export function packet(first: number, body: Bytes): number[] {
  return [first, ...varint(body.length), ...body];
}

/** `[name, value]` pairs; `user` takes `name:value`, data takes text. */
export type PropertyList = readonly (readonly [string, string])[];

export function properties(list: PropertyList): number[] {
  const body = list.flatMap(([name, value]) => property(name, value));
  return [...varint(body.length), ...body];
}

export function property(name: string, value: string): number[] {
  const rule = PROPERTIES[name];
  if (rule === undefined) throw new Error(`Unknown property "${name}"`);
  return [rule.id, ...propertyValue(rule.kind, value)];
}

function propertyValue(kind: Kind, value: string): number[] {
  switch (kind) {
    case "flag":
      return [Number(value)];
    case "u16":
      return u16(Number(value));
    case "u32":
      return u32(Number(value));
    case "varint":
      return varint(Number(value));
    case "pair": {
      const at = value.indexOf(":");
      return [...text(value.slice(0, at)), ...text(value.slice(at + 1))];
    }
    default:
      return text(value);
  }
}

export interface Will {
  topic: string;
  payload: string;
  qos?: number;
  retain?: boolean;
  properties?: PropertyList;
}

export interface Connect {
  version: Version;
  clientId: string;
  clean?: boolean;
  keepAlive?: number;
  username?: string;
  password?: string;
  will?: Will;
  properties?: PropertyList;
}

export function connect(c: Connect): number[] {
  const { will } = c;
  const flags = (c.clean === false ? 0 : 2) |
    (will === undefined ? 0 : 4 | (will.qos ?? 0) << 3 | (will.retain ? 32 : 0)) |
    (c.password === undefined ? 0 : 64) | (c.username === undefined ? 0 : 128);
  return packet(0x10, [
    ...text(c.version === 3 ? "MQIsdp" : "MQTT"),
    c.version,
    flags,
    ...u16(c.keepAlive ?? 0),
    ...(c.version === 5 ? properties(c.properties ?? []) : []),
    ...text(c.clientId),
    ...(will === undefined ? [] : willFields(will, c.version)),
    ...(c.username === undefined ? [] : text(c.username)),
    ...(c.password === undefined ? [] : text(c.password)),
  ]);
}

function willFields(will: Will, version: Version): number[] {
  const list = version === 5 ? properties(will.properties ?? []) : [];
  return [...list, ...text(will.topic), ...text(will.payload)];
}

export interface Publish {
  topic: string;
  payload?: string;
  qos?: number;
  id?: number;
  retain?: boolean;
  dup?: boolean;
  properties?: PropertyList;
}

export function publish(version: Version, p: Publish): number[] {
  const qos = p.qos ?? 0;
  return packet(0x30 | (p.dup ? 8 : 0) | qos << 1 | (p.retain ? 1 : 0), [
    ...text(p.topic),
    ...(qos === 0 ? [] : u16(p.id ?? 1)),
    ...(version === 5 ? properties(p.properties ?? []) : []),
    ...utf8(p.payload ?? ""),
  ]);
}

/** `options`: the whole byte behind each filter. */
export function subscribe(
  version: Version,
  { id, filters, list = [] }: {
    id: number;
    filters: readonly (readonly [string, number])[];
    list?: PropertyList;
  },
): number[] {
  return packet(0x82, [
    ...u16(id),
    ...(version === 5 ? properties(list) : []),
    ...filters.flatMap(([filter, options]) => [...text(filter), options]),
  ]);
}

export function unsubscribe(
  version: Version,
  { id, filters, list = [] }: { id: number; filters: readonly string[]; list?: PropertyList },
): number[] {
  const head = version === 5 ? properties(list) : [];
  return packet(0xa2, [...u16(id), ...head, ...filters.flatMap(text)]);
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP; without code and properties it is four bytes. */
export function acknowledgement(
  first: number,
  { id, code, list }: { id: number; code?: number | undefined; list?: PropertyList | undefined },
): number[] {
  const tail = code === undefined ? [] : [code, ...(list === undefined ? [] : properties(list))];
  return packet(first, [...u16(id), ...tail]);
}

/** DISCONNECT or AUTH. */
export function coded(first: number, code?: number, list?: PropertyList): number[] {
  if (code === undefined) return packet(first, []);
  return packet(first, [code, ...(list === undefined ? [] : properties(list))]);
}

export function fromHex(digits: string): number[] {
  return [...Uint8Array.fromHex(digits.replaceAll(/\s+/g, ""))];
}

// --- reading ------------------------------------------------------------------------------------

/** A packet from the server. */
export interface Seen {
  type: number;
  /** canonical text, as scripts expect it */
  line: string;
  /** canonical text without the properties */
  head: string;
  properties: PropertyList;
  /** whole length on the wire */
  bytes: number;
  /** PUBLISH and acknowledgements; 0 where there is none */
  id: number;
}

export class ServerFault extends Error {}

function must(condition: boolean, fault: string): asserts condition {
  if (!condition) throw new ServerFault(`The server sent ${fault}`);
}

/** Splits a stream into packets and reads each strictly. */
export class PacketReader {
  readonly #version: () => Version;
  #bytes: number[] | Uint8Array = new Uint8Array(0);

  constructor(version: () => Version) {
    this.#version = version;
  }

  /** Takes bytes in any split; returns the packets that they complete. */
  push(chunk: Uint8Array): Seen[] {
    const joined = new Uint8Array(this.#bytes.length + chunk.length);
    joined.set(this.#bytes);
    joined.set(chunk, this.#bytes.length);
    const seen: Seen[] = [];
    let at = 0;
    for (;;) {
      const header = readHeader(joined, at);
      if (header === null || header.end > joined.length) break;
      seen.push(readPacket(joined.subarray(at, header.end), header.body - at, this.#version()));
      at = header.end;
    }
    this.#bytes = joined.slice(at);
    return seen;
  }

  /** Bytes of a packet that is not complete. */
  get rest(): number {
    return this.#bytes.length;
  }
}

function readHeader(bytes: Uint8Array, at: number): { body: number; end: number } | null {
  let length = 0;
  for (let i = 1; i <= 4; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return null;
    length += (byte & 0x7f) * 128 ** (i - 1);
    if (byte < 0x80) {
      must(i === 1 || byte !== 0, "a remaining length that is longer than needed");
      return { body: at + i + 1, end: at + i + 1 + length };
    }
  }
  throw new ServerFault("The server sent a remaining length of more than four bytes");
}

class Cursor {
  readonly bytes: Uint8Array;
  at: number;
  end: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = bytes.length;
  }

  get left(): number {
    return this.end - this.at;
  }

  take(count: number): Uint8Array {
    must(this.left >= count, `${this.left} bytes where ${count} belong`);
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  u8(): number {
    return this.take(1)[0]!;
  }

  u16(): number {
    const [high, low] = this.take(2);
    return high! << 8 | low!;
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
        must(i === 0 || byte !== 0, "a variable byte integer that is longer than needed");
        return value;
      }
    }
    throw new ServerFault("The server sent a variable byte integer of more than four bytes");
  }

  data(): Uint8Array {
    return this.take(this.u16());
  }

  text(): string {
    const bytes = this.data();
    const value = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    must(!value.includes("\0"), "U+0000 in a text");
    return value;
  }
}

function readPacket(bytes: Uint8Array, body: number, version: Version): Seen {
  const first = bytes[0]!;
  const type = first >> 4;
  if (type !== 3) must((first & 15) === (type === 6 ? 2 : 0), `reserved bits 0x${first}`);
  const cursor = new Cursor(bytes, body);
  const seen = readBody(cursor, { type, first, version });
  must(cursor.left === 0, `${cursor.left} bytes behind packet type ${type}`);
  const list = seen.properties ?? [];
  const tail = list.length === 0 ? "" : ` {${list.map(([k, v]) => `${k}=${v}`).join(" ")}}`;
  return {
    type,
    head: seen.head,
    line: seen.head + tail,
    properties: list,
    bytes: bytes.length,
    id: seen.id ?? 0,
  };
}

interface Body {
  head: string;
  properties?: PropertyList;
  id?: number;
}

interface Header {
  type: number;
  first: number;
  version: Version;
}

function readBody(cursor: Cursor, header: Header): Body {
  const { type, version } = header;
  switch (type) {
    case 2:
      return readConnack(cursor, version);
    case 3:
      return readPublish(cursor, header);
    case 4:
    case 5:
    case 6:
    case 7:
      return readAcknowledgement(cursor, header);
    case 9:
    case 11:
      return readGrants(cursor, header);
    case 13:
      return { head: "pingresp" };
    case 14:
    case 15:
      return readCoded(cursor, header);
  }
  throw new ServerFault(`The server sent packet type ${type}`);
}

function readConnack(cursor: Cursor, version: Version): Body {
  const flags = cursor.u8();
  const code = cursor.u8();
  must(flags <= 1, `connect acknowledge flags ${flags}`);
  must(version === 5 ? CODES[2]!.includes(code) : code <= 5, `CONNACK with code ${code}`);
  must(code === 0 || flags === 0, "session present in a refusal");
  must(version !== 3 || flags === 0, "session present to a client of 3.1");
  const list = version === 5 ? readProperties(cursor, 2) : [];
  return { head: `connack ${flags} ${hex(code)}`, properties: list };
}

function readPublish(cursor: Cursor, { first, version }: Header): Body {
  const qos = first >> 1 & 3;
  const dup = (first & 8) !== 0;
  must(qos < 3, "QoS 3");
  must(qos > 0 || !dup, "DUP with QoS 0");
  const topic = cursor.text();
  const id = qos === 0 ? 0 : cursor.u16();
  must(qos === 0 || id > 0, "packet identifier 0");
  const list = version === 5 ? readProperties(cursor, 3) : [];
  must(topic !== "" || list.some(([name]) => name === "alias"), "an empty topic name");
  must(!/[+#]/.test(topic), `wildcards in topic name "${topic}"`);
  const payload = readable(cursor.take(cursor.left));
  const marks = [
    ...(qos > 0 ? [`qos=${qos}`, `id=${id}`] : []),
    ...(dup ? ["dup"] : []),
    ...((first & 1) !== 0 ? ["retain"] : []),
  ];
  const head = ["publish", topic === "" ? "-" : topic, `"${payload}"`, ...marks].join(" ");
  return { head, properties: list, id };
}

const ACKNOWLEDGEMENT_NAMES = ["puback", "pubrec", "pubrel", "pubcomp"];

function readAcknowledgement(cursor: Cursor, { type, version }: Header): Body {
  const id = cursor.u16();
  must(id > 0, "packet identifier 0");
  const code = version === 5 && cursor.left > 0 ? cursor.u8() : 0;
  must(CODES[type]!.includes(code), `code ${code} in packet type ${type}`);
  const list = version === 5 && cursor.left > 0 ? readProperties(cursor, type) : [];
  const head = `${ACKNOWLEDGEMENT_NAMES[type - 4]} ${id}${code === 0 ? "" : ` ${hex(code)}`}`;
  return { head, properties: list, id };
}

function readGrants(cursor: Cursor, { type, version }: Header): Body {
  const id = cursor.u16();
  must(id > 0, "packet identifier 0");
  const list = version === 5 ? readProperties(cursor, type) : [];
  const codes = [...cursor.take(cursor.left)];
  const allowed = version === 5 ? CODES[type]! : [0, 1, 2, 0x80];
  for (const code of codes) must(allowed.includes(code), `code ${code} in packet type ${type}`);
  must(version === 5 || type === 9 || codes.length === 0, "codes in an UNSUBACK of 3.x");
  const name = type === 9 ? "suback" : "unsuback";
  const tail = codes.length === 0 ? "" : ` ${codes.map(hex).join(",")}`;
  return { head: `${name} ${id}${tail}`, properties: list, id };
}

function readCoded(cursor: Cursor, { type, version }: Header): Body {
  must(version === 5, `packet type ${type} to a client of 3.x`);
  const code = cursor.left > 0 ? cursor.u8() : 0;
  must(CODES[type]!.includes(code), `code ${code} in packet type ${type}`);
  const list = cursor.left > 0 ? readProperties(cursor, type) : [];
  return { head: `${type === 14 ? "disconnect" : "auth"} ${hex(code)}`, properties: list };
}

function readProperties(cursor: Cursor, type: number): PropertyList {
  const length = cursor.varint();
  const end = cursor.at + length;
  must(end <= cursor.end, "a property length beyond its packet");
  const list: [string, string][] = [];
  while (cursor.at < end) {
    const id = cursor.varint();
    const name = Object.keys(PROPERTIES).find((key) => PROPERTIES[key]!.id === id);
    must(name !== undefined, `property ${id}`);
    const rule = PROPERTIES[name]!;
    must(rule.fromServer.includes(type), `property "${name}" in packet type ${type}`);
    const isRepeatable = name === "user" || name === "subid";
    must(isRepeatable || !list.some(([other]) => other === name), `property "${name}" twice`);
    list.push([name, readValue(cursor, rule.kind)]);
  }
  must(cursor.at === end, "a property that is longer than announced");
  return list;
}

function readValue(cursor: Cursor, kind: Kind): string {
  switch (kind) {
    case "flag": {
      const value = cursor.u8();
      must(value <= 1, `${value} in a property of 0 or 1`);
      return String(value);
    }
    case "u16":
      return String(cursor.u16());
    case "u32":
      return String(cursor.u32());
    case "varint":
      return String(cursor.varint());
    case "pair":
      return `${cursor.text()}:${cursor.text()}`;
    case "data":
      return readable(cursor.data());
    default:
      return cursor.text();
  }
}

function hex(code: number): string {
  return code < 10 ? String(code) : `0x${code.toString(16)}`;
}

/** Text where it is one, else hex; a long one is cut to its length. */
function readable(bytes: Uint8Array): string {
  if (bytes.length > 200) return `(${bytes.length} bytes)`;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return `0x${bytes.toHex()}`;
  }
}
