/** UNSUBSCRIBE (§3.10) and UNSUBACK (§3.11). */

import {
  PacketType,
  type ProtocolVersion,
  type UnsubackPacket,
  type UnsubscribePacket,
} from "@/mqtt/codec/packet.ts";
import { readProperties, writeProperties } from "@/mqtt/codec/property.ts";
import { UNSUBACK_CODES } from "@/mqtt/codec/reason_code.ts";
import type { WireReader } from "@/mqtt/codec/wire_reader.ts";
import type { WireWriter } from "@/mqtt/codec/wire_writer.ts";
import { malformed, protocolError } from "@/mqtt/protocol_error.ts";
import { parseFilter } from "@/mqtt/topic_filter.ts";

export function decodeUnsubscribe(reader: WireReader, version: ProtocolVersion): UnsubscribePacket {
  const packetId = reader.packetId();
  const properties = version === 5 ? readProperties(reader, PacketType.unsubscribe) : null;
  const filters: string[] = [];
  while (reader.remaining > 0) filters.push(readFilter(reader));
  if (filters.length === 0) {
    throw protocolError("Cannot accept UNSUBSCRIBE without a topic filter", "MQTT-3.10.3-2");
  }
  return { type: "unsubscribe", packetId, filters, properties };
}

function readFilter(reader: WireReader): string {
  const filter = reader.string("topic filter");
  if (parseFilter(filter) === null) {
    throw malformed(`Cannot accept topic filter "${filter}"`, "MQTT-4.7.1-1");
  }
  return filter;
}

export function encodeUnsubscribe(
  writer: WireWriter,
  packet: UnsubscribePacket,
  version: ProtocolVersion,
): void {
  writer.u8(PacketType.unsubscribe << 4 | 2);
  const mark = writer.open();
  writer.u16(packet.packetId);
  if (version === 5) writeProperties(writer, PacketType.unsubscribe, packet.properties);
  for (const filter of packet.filters) writer.string(filter);
  writer.close(mark);
}

export function decodeUnsuback(reader: WireReader, version: ProtocolVersion): UnsubackPacket {
  const packetId = reader.packetId();
  if (version !== 5) {
    reader.finish("UNSUBACK");
    return { type: "unsuback", packetId, reasonCodes: [], properties: null };
  }
  const properties = readProperties(reader, PacketType.unsuback);
  const reasonCodes: number[] = [];
  while (reader.remaining > 0) {
    const code = reader.u8("reason code");
    if (!UNSUBACK_CODES.has(code)) {
      throw malformed(`Cannot read UNSUBACK: reason code ${code}`, "MQTT-3.11.3-2");
    }
    reasonCodes.push(code);
  }
  if (reasonCodes.length === 0) {
    throw protocolError("Cannot accept UNSUBACK without a reason code", "MQTT-3.11.3-1");
  }
  return { type: "unsuback", packetId, reasonCodes, properties };
}

export function encodeUnsuback(
  writer: WireWriter,
  packet: UnsubackPacket,
  version: ProtocolVersion,
): void {
  writer.u8(PacketType.unsuback << 4);
  const mark = writer.open();
  writer.u16(packet.packetId);
  if (version === 5) {
    writeProperties(writer, PacketType.unsuback, packet.properties);
    for (const code of packet.reasonCodes) writer.u8(code);
  }
  writer.close(mark);
}
