/**
 * PUBLISH (§3.3). The hot path: the packet object is filled in place, the topic comes from the
 * connection's cache, the payload is a view.
 */

import { PacketType, type ProtocolVersion, type PublishPacket } from "@/mqtt/codec/packet.ts";
import type { Qos } from "@/mqtt/codec/packet.ts";
import { checkResponseTopic } from "@/mqtt/codec/connect.ts";
import { readProperties, writeProperties } from "@/mqtt/codec/property.ts";
import type { TopicCache } from "@/mqtt/codec/topic_cache.ts";
import type { WireReader } from "@/mqtt/codec/wire_reader.ts";
import type { WireWriter } from "@/mqtt/codec/wire_writer.ts";
import { ReasonCode } from "@/mqtt/codec/reason_code.ts";
import { malformed, MqttProtocolError, protocolError } from "@/mqtt/protocol_error.ts";

export interface PublishDecoding {
  /** lower half of the first byte */
  headerFlags: number;
  version: ProtocolVersion;
  topics: TopicCache;
  /** reading as a server: a subscription identifier is refused then [MQTT-3.3.4-6] */
  asServer: boolean;
}

/** Refuses QoS 3 and DUP on QoS 0 as soon as the first byte is there. */
export function checkPublishFlags(headerFlags: number): void {
  const qos = headerFlags >> 1 & 3;
  if (qos === 3) throw malformed("Cannot read PUBLISH: QoS 3", "MQTT-3.3.1-4");
  if (qos === 0 && (headerFlags & 8) !== 0) {
    throw malformed("Cannot read PUBLISH: DUP with QoS 0", "MQTT-3.3.1-2");
  }
}

/** Fills `packet` from the body that `reader` stands on. */
export function decodePublish(
  reader: WireReader,
  packet: PublishPacket,
  { headerFlags, version, topics, asServer }: PublishDecoding,
): void {
  packet.qos = (headerFlags >> 1 & 3) as Qos;
  packet.retain = (headerFlags & 1) !== 0;
  packet.dup = (headerFlags & 8) !== 0;
  packet.topic = readTopic(reader, topics);
  packet.packetId = packet.qos === 0 ? 0 : reader.packetId();
  packet.properties = version === 5 ? readPublishProperties(reader, asServer) : null;
  if (packet.topic.length === 0) checkAlias(packet);
  packet.payload = reader.bytes.subarray(reader.position, reader.end);
  reader.position = reader.end;
}

function readTopic(reader: WireReader, topics: TopicCache): string {
  const length = reader.u16("topic name");
  if (reader.remaining < length) {
    throw malformed("Cannot read topic name: the packet ends before it", "MQTT-3.3.2-1");
  }
  if (length === 0) return "";
  const start = reader.position;
  reader.position = start + length;
  return topics.lookup(reader.bytes, start, reader.position);
}

function readPublishProperties(reader: WireReader, asServer: boolean): PublishPacket["properties"] {
  // Most publishes carry none: one zero byte.
  if (reader.remaining > 0 && reader.bytes[reader.position] === 0) {
    reader.position++;
    return null;
  }
  const properties = readProperties(reader, PacketType.publish);
  if (properties === null) return null;
  if (asServer && properties.subscriptionIdentifiers !== undefined) {
    throw protocolError("Cannot accept a subscription identifier from a client", "MQTT-3.3.4-6");
  }
  if (properties.topicAlias === 0) throw aliasZero();
  checkResponseTopic(properties);
  return properties;
}

function aliasZero(): Error {
  return new MqttProtocolError("Cannot accept topic alias 0", {
    reasonCode: ReasonCode.topicAliasInvalid,
    statement: "MQTT-3.3.2-8",
  });
}

function checkAlias(packet: PublishPacket): void {
  if (packet.properties?.topicAlias === undefined) {
    throw malformed("Cannot read PUBLISH: empty topic name", "MQTT-4.7.3-1");
  }
}

export function encodePublish(
  writer: WireWriter,
  packet: PublishPacket,
  version: ProtocolVersion,
): void {
  writer.u8(
    PacketType.publish << 4 | (packet.dup ? 8 : 0) | packet.qos << 1 | (packet.retain ? 1 : 0),
  );
  const mark = writer.open();
  writer.string(packet.topic);
  if (packet.qos !== 0) writer.u16(packet.packetId);
  if (version === 5) writeProperties(writer, PacketType.publish, packet.properties);
  writer.raw(packet.payload);
  writer.close(mark);
}
