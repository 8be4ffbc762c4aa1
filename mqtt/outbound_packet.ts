/** A message as PUBLISH to one subscriber, in the subscriber's version. */

import type { StoredMessage } from "@/mqtt/broker_types.ts";
import { PacketType, type Properties, type ProtocolVersion } from "@/mqtt/codec/packet.ts";
import { writeProperties } from "@/mqtt/codec/property.ts";
import { WireWriter } from "@/mqtt/codec/wire_writer.ts";

export interface OutboundPacket {
  message: StoredMessage;
  qos: 0 | 1 | 2;
  retain: boolean;
  dup: boolean;
  /** 0 for QoS 0 */
  packetId: number;
  identifiers: readonly number[];
  /** 0: none */
  topicAlias: number;
  /** The alias is known to the client: the name is left out. */
  omitTopic: boolean;
  nowMs: number;
}

/** Appends the packet. */
export function writeOutbound(
  writer: WireWriter,
  packet: OutboundPacket,
  version: ProtocolVersion,
): void {
  const { message } = packet;
  const flags = (packet.dup ? 8 : 0) | packet.qos << 1 | (packet.retain ? 1 : 0);
  writer.u8(PacketType.publish << 4 | flags);
  const mark = writer.open();
  writer.string(packet.omitTopic ? "" : message.topic);
  if (packet.qos !== 0) writer.u16(packet.packetId);
  if (version === 5) writeProperties(writer, PacketType.publish, outboundProperties(packet));
  writer.raw(message.payload);
  writer.close(mark);
}

/** What was received goes on unchanged [MQTT-3.3.2-4 …], the expiry less the time it waited. */
function outboundProperties(packet: OutboundPacket): Properties | null {
  const { message, identifiers, topicAlias } = packet;
  const isPlain = identifiers.length === 0 && topicAlias === 0 && message.expiresAtMs === null;
  if (isPlain) return message.properties;
  const properties: Properties = { ...message.properties };
  if (identifiers.length > 0) properties.subscriptionIdentifiers = identifiers;
  if (topicAlias !== 0) properties.topicAlias = topicAlias;
  if (message.expiresAtMs !== null) {
    const left = Math.ceil((message.expiresAtMs - packet.nowMs) / 1000);
    properties.messageExpiryInterval = Math.max(0, left);
  }
  return properties;
}

/** One QoS 0 message for many subscribers: encoded once per version, then copied. */
export class FanoutEncoding {
  readonly #message: StoredMessage;
  #v4: Uint8Array | null = null;
  #v5: Uint8Array | null = null;

  constructor(message: StoredMessage) {
    this.#message = message;
  }

  /** The whole packet without subscription identifiers, alias and retain flag. */
  bytes(version: ProtocolVersion, nowMs: number): Uint8Array {
    if (version === 5) return this.#v5 ??= this.#encode(5, nowMs);
    return this.#v4 ??= this.#encode(4, nowMs);
  }

  #encode(version: ProtocolVersion, nowMs: number): Uint8Array {
    const writer = new WireWriter(this.#message.payload.length + this.#message.topic.length + 64);
    writeOutbound(writer, {
      message: this.#message,
      qos: 0,
      retain: false,
      dup: false,
      packetId: 0,
      identifiers: [],
      topicAlias: 0,
      omitTopic: false,
      nowMs,
    }, version);
    return writer.take();
  }
}
