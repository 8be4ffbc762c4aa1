/** Properties of MQTT 5.0 (§2.2.2): one table, read and written through it. */

import { PacketType, type Properties, type UserProperty } from "@/mqtt/codec/packet.ts";
import type { WireReader } from "@/mqtt/codec/wire_reader.ts";
import type { WireWriter } from "@/mqtt/codec/wire_writer.ts";
import { malformed, protocolError } from "@/mqtt/protocol_error.ts";

/** Carrier of a property list: a packet type, or the will inside CONNECT. */
export const WILL_PROPERTIES = 0;

type Kind = "flag" | "u16" | "u32" | "integer" | "string" | "binary" | "pair";

interface PropertyRule {
  id: number;
  name: keyof Properties;
  kind: Kind;
  /** bit set over carriers */
  carriers: number;
  /** 0 is a protocol error */
  positive?: true;
}

const { connect, connack, publish, subscribe, suback, unsubscribe, unsuback } = PacketType;
const { puback, pubrec, pubrel, pubcomp, disconnect, auth } = PacketType;
const ACKNOWLEDGEMENTS = [puback, pubrec, pubrel, pubcomp, suback, unsuback];

// CONNACK names what a client must respect first: the order of this table is the order written.
const RULES: readonly PropertyRule[] = [
  {
    id: 1,
    name: "payloadFormatIndicator",
    kind: "flag",
    carriers: carriers(publish, WILL_PROPERTIES),
  },
  {
    id: 2,
    name: "messageExpiryInterval",
    kind: "u32",
    carriers: carriers(publish, WILL_PROPERTIES),
  },
  { id: 3, name: "contentType", kind: "string", carriers: carriers(publish, WILL_PROPERTIES) },
  { id: 8, name: "responseTopic", kind: "string", carriers: carriers(publish, WILL_PROPERTIES) },
  { id: 9, name: "correlationData", kind: "binary", carriers: carriers(publish, WILL_PROPERTIES) },
  {
    id: 11,
    name: "subscriptionIdentifiers",
    kind: "integer",
    carriers: carriers(publish, subscribe),
  },
  {
    id: 17,
    name: "sessionExpiryInterval",
    kind: "u32",
    carriers: carriers(connect, connack, disconnect),
  },
  { id: 18, name: "assignedClientIdentifier", kind: "string", carriers: carriers(connack) },
  { id: 19, name: "serverKeepAlive", kind: "u16", carriers: carriers(connack) },
  { id: 34, name: "topicAliasMaximum", kind: "u16", carriers: carriers(connect, connack) },
  {
    id: 39,
    name: "maximumPacketSize",
    kind: "u32",
    carriers: carriers(connect, connack),
    positive: true,
  },
  {
    id: 33,
    name: "receiveMaximum",
    kind: "u16",
    carriers: carriers(connect, connack),
    positive: true,
  },
  {
    id: 21,
    name: "authenticationMethod",
    kind: "string",
    carriers: carriers(connect, connack, auth),
  },
  {
    id: 22,
    name: "authenticationData",
    kind: "binary",
    carriers: carriers(connect, connack, auth),
  },
  { id: 23, name: "requestProblemInformation", kind: "flag", carriers: carriers(connect) },
  { id: 24, name: "willDelayInterval", kind: "u32", carriers: carriers(WILL_PROPERTIES) },
  { id: 25, name: "requestResponseInformation", kind: "flag", carriers: carriers(connect) },
  { id: 26, name: "responseInformation", kind: "string", carriers: carriers(connack) },
  { id: 28, name: "serverReference", kind: "string", carriers: carriers(connack, disconnect) },
  {
    id: 31,
    name: "reasonString",
    kind: "string",
    carriers: carriers(connack, disconnect, auth, ...ACKNOWLEDGEMENTS),
  },
  { id: 35, name: "topicAlias", kind: "u16", carriers: carriers(publish) },
  { id: 36, name: "maximumQos", kind: "flag", carriers: carriers(connack) },
  { id: 37, name: "retainAvailable", kind: "flag", carriers: carriers(connack) },
  { id: 40, name: "wildcardSubscriptionAvailable", kind: "flag", carriers: carriers(connack) },
  { id: 41, name: "subscriptionIdentifierAvailable", kind: "flag", carriers: carriers(connack) },
  { id: 42, name: "sharedSubscriptionAvailable", kind: "flag", carriers: carriers(connack) },
  {
    id: 38,
    name: "userProperties",
    kind: "pair",
    carriers: carriers(
      connect,
      connack,
      publish,
      WILL_PROPERTIES,
      ...ACKNOWLEDGEMENTS,
      subscribe,
      unsubscribe,
      disconnect,
      auth,
    ),
  },
];

const BY_ID: readonly (PropertyRule | undefined)[] = indexById();

function carriers(...types: readonly number[]): number {
  return types.reduce((bits, type) => bits | 1 << type, 0);
}

function indexById(): (PropertyRule | undefined)[] {
  const table: (PropertyRule | undefined)[] = new Array(43).fill(undefined);
  for (const entry of RULES) table[entry.id] = entry;
  return table;
}

/** Reads the length and the properties of `carrier`; null when there are none. */
export function readProperties(reader: WireReader, carrier: number): Properties | null {
  const length = reader.variableByteInteger("property length");
  if (length === 0) return null;
  if (length > reader.remaining) {
    throw malformed(`Cannot read properties: ${length} bytes announced`, "MQTT 5.0 §2.2.2.1");
  }
  const packetEnd = reader.end;
  reader.end = reader.position + length;
  const properties: Properties = {};
  while (reader.position < reader.end) readProperty(reader, carrier, properties);
  reader.end = packetEnd;
  return properties;
}

function readProperty(reader: WireReader, carrier: number, into: Properties): void {
  const id = reader.variableByteInteger("property identifier");
  const entry = BY_ID[id];
  if (entry === undefined) {
    throw malformed(`Cannot read property ${id}: unknown`, "MQTT 5.0 §2.2.2");
  }
  // The value is read before its place is judged: a cut value is the graver fault.
  const value = readValue(reader, entry);
  if ((entry.carriers & 1 << carrier) === 0) {
    throw protocolError(`Cannot accept property "${entry.name}" in this packet`, "MQTT 5.0 §2.2.2");
  }
  if (entry.kind === "pair") return append(into, value as UserProperty);
  if (entry.kind === "integer" && carrier === publish) return appendId(into, value as number);
  if (into[entry.name] !== undefined) {
    throw protocolError(`Cannot accept property "${entry.name}" twice`, "MQTT 5.0 §2.2.2");
  }
  (into as Record<string, unknown>)[entry.name] = entry.kind === "integer" ? [value] : value;
}

function append(into: Properties, pair: UserProperty): void {
  if (into.userProperties === undefined) into.userProperties = [pair];
  else (into.userProperties as UserProperty[]).push(pair);
}

function appendId(into: Properties, id: number): void {
  if (into.subscriptionIdentifiers === undefined) into.subscriptionIdentifiers = [id];
  else (into.subscriptionIdentifiers as number[]).push(id);
}

function readValue(
  reader: WireReader,
  entry: PropertyRule,
): number | string | Uint8Array | UserProperty {
  switch (entry.kind) {
    case "flag":
      return checkRange(reader.u8(entry.name), entry, 1);
    case "u16":
      return checkRange(reader.u16(entry.name), entry, 0xffff);
    case "u32":
      return checkRange(reader.u32(entry.name), entry, 0xffff_ffff);
    case "integer":
      return checkPositive(reader.variableByteInteger(entry.name), entry);
    case "string":
      return reader.string(entry.name);
    // Properties outlive the chunk they came in (retained, queued): copied.
    case "binary":
      return reader.binary(entry.name).slice();
    case "pair":
      return [reader.string("user property name"), reader.string("user property value")];
  }
}

function checkRange(value: number, entry: PropertyRule, highest: number): number {
  if (value > highest) {
    throw protocolError(`Cannot accept ${value} as "${entry.name}"`, "MQTT 5.0 §2.2.2");
  }
  return entry.positive ? checkPositive(value, entry) : value;
}

function checkPositive(value: number, entry: PropertyRule): number {
  if (value === 0) throw protocolError(`Cannot accept 0 as "${entry.name}"`, "MQTT 5.0 §2.2.2");
  return value;
}

/** Writes length and properties; what `carrier` may not have is a programming error. */
export function writeProperties(
  writer: WireWriter,
  carrier: number,
  properties: Properties | null,
): void {
  if (properties === null) return writer.u8(0);
  const mark = writer.open();
  for (const entry of RULES) {
    const value = properties[entry.name];
    if (value === undefined) continue;
    if ((entry.carriers & 1 << carrier) === 0) {
      throw new TypeError(`Cannot encode property "${entry.name}" in packet type ${carrier}`);
    }
    writeProperty(writer, entry, value);
  }
  writer.close(mark);
}

function writeProperty(
  writer: WireWriter,
  entry: PropertyRule,
  value: NonNullable<Properties[keyof Properties]>,
): void {
  if (entry.kind === "pair") return writePairs(writer, value as readonly UserProperty[]);
  if (entry.kind === "integer") return writeIds(writer, value as readonly number[]);
  writer.u8(entry.id);
  if (entry.kind === "flag") writer.u8(value as number);
  else if (entry.kind === "u16") writer.u16(value as number);
  else if (entry.kind === "u32") writer.u32(value as number);
  else if (entry.kind === "string") writer.string(value as string);
  else writer.binary(value as Uint8Array);
}

function writePairs(writer: WireWriter, pairs: readonly UserProperty[]): void {
  for (const [name, value] of pairs) {
    writer.u8(38);
    writer.string(name);
    writer.string(value);
  }
}

function writeIds(writer: WireWriter, ids: readonly number[]): void {
  for (const id of ids) {
    writer.u8(11);
    writer.variableByteInteger(id);
  }
}
