/** SUBSCRIBE (§3.8) and SUBACK (§3.9). */

import {
  PacketType,
  type ProtocolVersion,
  type Qos,
  type SubackPacket,
  type SubscribePacket,
  type SubscriptionRequest,
} from "@/mqtt/codec/packet.ts";
import { readProperties, writeProperties } from "@/mqtt/codec/property.ts";
import { SUBACK_CODES } from "@/mqtt/codec/reason_code.ts";
import type { WireReader } from "@/mqtt/codec/wire_reader.ts";
import type { WireWriter } from "@/mqtt/codec/wire_writer.ts";
import { malformed, protocolError } from "@/mqtt/protocol_error.ts";
import { parseFilter } from "@/mqtt/topic_filter.ts";

export function decodeSubscribe(reader: WireReader, version: ProtocolVersion): SubscribePacket {
  const packetId = reader.packetId();
  const properties = version === 5 ? readProperties(reader, PacketType.subscribe) : null;
  const subscriptions: SubscriptionRequest[] = [];
  while (reader.remaining > 0) subscriptions.push(readRequest(reader, version));
  if (subscriptions.length === 0) {
    throw protocolError("Cannot accept SUBSCRIBE without a topic filter", "MQTT-3.8.3-2");
  }
  return { type: "subscribe", packetId, subscriptions, properties };
}

function readRequest(reader: WireReader, version: ProtocolVersion): SubscriptionRequest {
  const filter = reader.string("topic filter");
  const parsed = parseFilter(filter);
  if (parsed === null) {
    throw malformed(`Cannot accept topic filter "${filter}"`, "MQTT-4.7.1-1");
  }
  const options = reader.u8("subscription options");
  checkOptions(options, version);
  const noLocal = (options & 4) !== 0;
  if (noLocal && parsed.shareName !== null) {
    throw protocolError(`Cannot accept no-local on "${filter}"`, "MQTT-3.8.3-4");
  }
  return {
    filter,
    qos: (options & 3) as Qos,
    noLocal,
    retainAsPublished: (options & 8) !== 0,
    retainHandling: (options >> 4 & 3) as 0 | 1 | 2,
  };
}

function checkOptions(options: number, version: ProtocolVersion): void {
  const reserved = version === 5 ? 0xc0 : 0xfc;
  // 3.1 left these bits open; Mosquitto and old clients set them.
  if (version !== 3 && (options & reserved) !== 0) {
    throw malformed("Cannot read SUBSCRIBE: reserved option bits are set", "MQTT-3.8.3-5");
  }
  if ((options & 3) === 3) throw malformed("Cannot read SUBSCRIBE: QoS 3", "MQTT 5.0 §3.8.3.1");
  if (version === 5 && (options & 0x30) === 0x30) {
    throw protocolError("Cannot accept retain handling 3", "MQTT 5.0 §3.8.3.1");
  }
}

export function encodeSubscribe(
  writer: WireWriter,
  packet: SubscribePacket,
  version: ProtocolVersion,
): void {
  writer.u8(PacketType.subscribe << 4 | 2);
  const mark = writer.open();
  writer.u16(packet.packetId);
  if (version === 5) writeProperties(writer, PacketType.subscribe, packet.properties);
  for (const request of packet.subscriptions) {
    writer.string(request.filter);
    writer.u8(version === 5 ? optionBits(request) : request.qos);
  }
  writer.close(mark);
}

function optionBits(request: SubscriptionRequest): number {
  return request.qos | (request.noLocal ? 4 : 0) | (request.retainAsPublished ? 8 : 0) |
    request.retainHandling << 4;
}

export function decodeSuback(reader: WireReader, version: ProtocolVersion): SubackPacket {
  const packetId = reader.packetId();
  const properties = version === 5 ? readProperties(reader, PacketType.suback) : null;
  const reasonCodes: number[] = [];
  while (reader.remaining > 0) reasonCodes.push(readReasonCode(reader, version));
  if (reasonCodes.length === 0) {
    throw protocolError("Cannot accept SUBACK without a reason code", "MQTT-3.9.3-1");
  }
  return { type: "suback", packetId, reasonCodes, properties };
}

function readReasonCode(reader: WireReader, version: ProtocolVersion): number {
  const code = reader.u8("reason code");
  const allowed = version === 5 ? SUBACK_CODES.has(code) : code <= 2 || code === 0x80;
  if (!allowed) throw malformed(`Cannot read SUBACK: reason code ${code}`, "MQTT-3.9.3-2");
  return code;
}

export function encodeSuback(
  writer: WireWriter,
  packet: SubackPacket,
  version: ProtocolVersion,
): void {
  writer.u8(PacketType.suback << 4);
  const mark = writer.open();
  writer.u16(packet.packetId);
  if (version === 5) writeProperties(writer, PacketType.suback, packet.properties);
  for (const code of packet.reasonCodes) writer.u8(code);
  writer.close(mark);
}
