/** PUBACK, PUBREC, PUBREL, PUBCOMP (§3.4…§3.7): one shape. */

import {
  type AcknowledgementPacket,
  type AcknowledgementType,
  PacketType,
  type ProtocolVersion,
} from "@/mqtt/codec/packet.ts";
import { readProperties, writeProperties } from "@/mqtt/codec/property.ts";
import { PUBLISH_RESPONSE_CODES, RELEASE_CODES } from "@/mqtt/codec/reason_code.ts";
import type { WireReader } from "@/mqtt/codec/wire_reader.ts";
import type { WireWriter } from "@/mqtt/codec/wire_writer.ts";
import { malformed } from "@/mqtt/protocol_error.ts";

const NAMES: readonly AcknowledgementType[] = ["puback", "pubrec", "pubrel", "pubcomp"];

/** Fills `packet`; the reason code may be left out when it is 0 and there are no properties. */
export function decodeAcknowledgement(
  reader: WireReader,
  packet: AcknowledgementPacket,
  { packetType, version }: { packetType: number; version: ProtocolVersion },
): void {
  packet.type = NAMES[packetType - PacketType.puback]!;
  packet.packetId = reader.packetId();
  packet.reasonCode = 0;
  packet.properties = null;
  if (version === 5 && reader.remaining > 0) {
    packet.reasonCode = reader.u8("reason code");
    checkReasonCode(packet);
    if (reader.remaining > 0) packet.properties = readProperties(reader, packetType);
  }
  reader.finish(packet.type.toUpperCase());
}

function checkReasonCode({ type, reasonCode }: AcknowledgementPacket): void {
  const allowed = type === "puback" || type === "pubrec" ? PUBLISH_RESPONSE_CODES : RELEASE_CODES;
  if (!allowed.has(reasonCode)) {
    throw malformed(
      `Cannot read ${type.toUpperCase()}: reason code ${reasonCode}`,
      type === "puback" ? "MQTT-3.4.2-1" : "MQTT 5.0 §2.4",
    );
  }
}

export function encodeAcknowledgement(
  writer: WireWriter,
  packet: AcknowledgementPacket,
  version: ProtocolVersion,
): void {
  const packetType = PacketType[packet.type];
  writer.u8(packetType << 4 | (packet.type === "pubrel" ? 2 : 0));
  const mark = writer.open();
  writer.u16(packet.packetId);
  if (version === 5 && (packet.reasonCode !== 0 || packet.properties !== null)) {
    writer.u8(packet.reasonCode);
    if (packet.properties !== null) writeProperties(writer, packetType, packet.properties);
  }
  writer.close(mark);
}
