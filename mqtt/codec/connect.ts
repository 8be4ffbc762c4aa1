/** CONNECT (§3.1) and CONNACK (§3.2). */

import {
  type ConnackPacket,
  type ConnectPacket,
  PacketType,
  type Properties,
  type ProtocolVersion,
  type Qos,
  type WillMessage,
} from "@/mqtt/codec/packet.ts";
import { readProperties, WILL_PROPERTIES, writeProperties } from "@/mqtt/codec/property.ts";
import { CONNACK_CODES, ReasonCode } from "@/mqtt/codec/reason_code.ts";
import { decodeText, type WireReader } from "@/mqtt/codec/wire_reader.ts";
import type { WireWriter } from "@/mqtt/codec/wire_writer.ts";
import { malformed, MqttProtocolError, protocolError } from "@/mqtt/protocol_error.ts";
import { isTopicName } from "@/mqtt/topic_filter.ts";

const RESERVED = 0x01;
const CLEAN_START = 0x02;
const WILL = 0x04;
const WILL_RETAIN = 0x20;
const PASSWORD = 0x40;
const USER_NAME = 0x80;

/** The rest of CONNECT after its version; `headerFlags` is the lower half of the first byte. */
export function decodeConnect(
  reader: WireReader,
  { headerFlags, version }: { headerFlags: number; version: ProtocolVersion },
): ConnectPacket {
  if (headerFlags !== 0 && version !== 3) {
    throw malformed("Cannot read CONNECT: reserved bits of the first byte are set", "MQTT-2.1.3-1");
  }
  const flags = reader.u8("connect flags");
  checkFlags(flags, version);
  const keepAlive = reader.u16("keep alive");
  const properties = version === 5 ? readProperties(reader, PacketType.connect) : null;
  checkAuthentication(properties);
  const clientId = readClientId(reader);
  const will = (flags & WILL) !== 0 ? readWill(reader, { flags, version }) : null;
  const username = (flags & USER_NAME) !== 0 ? reader.string("user name") : null;
  const password = (flags & PASSWORD) !== 0 ? reader.binary("password").slice() : null;
  reader.finish("CONNECT");
  const cleanStart = (flags & CLEAN_START) !== 0;
  return {
    type: "connect",
    version,
    cleanStart,
    keepAlive,
    clientId,
    username,
    password,
    will,
    properties,
  };
}

/** Protocol name and version, the first fields of CONNECT. */
export function decodeVersion(reader: WireReader): ProtocolVersion {
  const name = reader.string("protocol name");
  if (name !== "MQTT" && name !== "MQIsdp") {
    throw protocolError(`Cannot read CONNECT: protocol name "${name}"`, "MQTT-3.1.2-1");
  }
  const level = reader.u8("protocol version");
  // The upper bit marks a bridge for Mosquitto; the level is below it.
  const version = level & 0x7f;
  if (name === "MQIsdp" ? version === 3 : version === 4 || version === 5) {
    return version as ProtocolVersion;
  }
  throw new MqttProtocolError(`Cannot read CONNECT: protocol version ${level} of "${name}"`, {
    reasonCode: ReasonCode.unsupportedProtocolVersion,
    statement: "MQTT-3.1.2-2",
  });
}

function checkFlags(flags: number, version: ProtocolVersion): void {
  if ((flags & RESERVED) !== 0 && version !== 3) {
    throw malformed("Cannot read CONNECT: the reserved flag is set", "MQTT-3.1.2-3");
  }
  const willQos = flags >> 3 & 3;
  if ((flags & WILL) === 0) {
    if (willQos !== 0) {
      throw malformed("Cannot read CONNECT: will QoS without will", "MQTT-3.1.2-11");
    }
    if ((flags & WILL_RETAIN) !== 0) {
      throw malformed("Cannot read CONNECT: will retain without will", "MQTT-3.1.2-13");
    }
  } else if (willQos === 3) {
    throw malformed("Cannot read CONNECT: will QoS 3", "MQTT-3.1.2-12");
  }
  if (version !== 5 && (flags & USER_NAME) === 0 && (flags & PASSWORD) !== 0) {
    throw malformed("Cannot read CONNECT: password without user name", "MQTT 3.1.1 MQTT-3.1.2-22");
  }
}

function checkAuthentication(properties: Properties | null): void {
  if (
    properties?.authenticationData !== undefined && properties.authenticationMethod === undefined
  ) {
    throw protocolError(
      "Cannot accept authentication data without a method",
      "MQTT 5.0 §3.1.2.11.10",
    );
  }
}

function readClientId(reader: WireReader): string {
  const bytes = reader.binary("client identifier");
  try {
    return decodeText(bytes, "client identifier");
  } catch (error) {
    const cause = error as MqttProtocolError;
    throw new MqttProtocolError(cause.message, {
      reasonCode: ReasonCode.clientIdentifierNotValid,
      statement: "MQTT-3.1.3-4",
    });
  }
}

function readWill(
  reader: WireReader,
  { flags, version }: { flags: number; version: ProtocolVersion },
): WillMessage {
  const properties = version === 5 ? readProperties(reader, WILL_PROPERTIES) : null;
  const topic = reader.string("will topic");
  if (!isTopicName(topic)) throw malformed(`Cannot accept will topic "${topic}"`, "MQTT-3.1.3-11");
  checkResponseTopic(properties);
  const payload = reader.binary("will payload").slice();
  return {
    topic,
    payload,
    qos: (flags >> 3 & 3) as Qos,
    retain: (flags & WILL_RETAIN) !== 0,
    properties,
  };
}

/** A response topic must not contain wildcards [MQTT-3.3.2-14]. */
export function checkResponseTopic(properties: Properties | null): void {
  const topic = properties?.responseTopic;
  if (topic !== undefined && !isTopicName(topic)) {
    throw protocolError(`Cannot accept response topic "${topic}"`, "MQTT-3.3.2-14");
  }
}

export function encodeConnect(writer: WireWriter, packet: ConnectPacket): void {
  writer.u8(PacketType.connect << 4);
  const mark = writer.open();
  writer.string(packet.version === 3 ? "MQIsdp" : "MQTT");
  writer.u8(packet.version);
  writer.u8(connectFlags(packet));
  writer.u16(packet.keepAlive);
  if (packet.version === 5) writeProperties(writer, PacketType.connect, packet.properties);
  writer.string(packet.clientId);
  if (packet.will !== null) writeWill(writer, packet.will, packet.version);
  if (packet.username !== null) writer.string(packet.username);
  if (packet.password !== null) writer.binary(packet.password);
  writer.close(mark);
}

function connectFlags(packet: ConnectPacket): number {
  const { will } = packet;
  return (packet.cleanStart ? CLEAN_START : 0) |
    (will === null ? 0 : WILL | will.qos << 3 | (will.retain ? WILL_RETAIN : 0)) |
    (packet.username === null ? 0 : USER_NAME) | (packet.password === null ? 0 : PASSWORD);
}

function writeWill(writer: WireWriter, will: WillMessage, version: ProtocolVersion): void {
  if (version === 5) writeProperties(writer, WILL_PROPERTIES, will.properties);
  writer.string(will.topic);
  writer.binary(will.payload);
}

export function decodeConnack(reader: WireReader, version: ProtocolVersion): ConnackPacket {
  const flags = reader.u8("acknowledge flags");
  if (flags > 1) throw malformed("Cannot read CONNACK: reserved flags are set", "MQTT-3.2.2-1");
  const reasonCode = reader.u8("reason code");
  // A server that does not know our version answers in the shape of its own.
  const properties = version === 5 && reader.remaining > 0
    ? readProperties(reader, PacketType.connack)
    : null;
  if (version === 5 ? !CONNACK_CODES.has(reasonCode) : reasonCode > 5) {
    throw malformed(`Cannot read CONNACK: reason code ${reasonCode}`, "MQTT-3.2.2-8");
  }
  if (reasonCode !== 0 && flags !== 0) {
    throw protocolError("Cannot accept CONNACK: session present in a refusal", "MQTT-3.2.2-6");
  }
  reader.finish("CONNACK");
  return { type: "connack", sessionPresent: flags === 1, reasonCode, properties };
}

export function encodeConnack(
  writer: WireWriter,
  packet: ConnackPacket,
  version: ProtocolVersion,
): void {
  writer.u8(PacketType.connack << 4);
  const mark = writer.open();
  writer.u8(packet.sessionPresent ? 1 : 0);
  writer.u8(packet.reasonCode);
  if (version === 5) writeProperties(writer, PacketType.connack, packet.properties);
  writer.close(mark);
}
