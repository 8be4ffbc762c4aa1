/** DISCONNECT (§3.14) and AUTH (§3.15): a reason code and properties, either may be left out. */

import {
  type AuthPacket,
  type DisconnectPacket,
  PacketType,
  type ProtocolVersion,
} from "@/mqtt/codec/packet.ts";
import { readProperties, writeProperties } from "@/mqtt/codec/property.ts";
import {
  AUTH_CODES,
  CLIENT_DISCONNECT_CODES,
  SERVER_DISCONNECT_CODES,
} from "@/mqtt/codec/reason_code.ts";
import type { WireReader } from "@/mqtt/codec/wire_reader.ts";
import type { WireWriter } from "@/mqtt/codec/wire_writer.ts";
import { malformed, protocolError } from "@/mqtt/protocol_error.ts";

export function decodeDisconnect(
  reader: WireReader,
  { version, asServer }: { version: ProtocolVersion; asServer: boolean },
): DisconnectPacket {
  const packet: DisconnectPacket = { type: "disconnect", reasonCode: 0, properties: null };
  if (version === 5 && reader.remaining > 0) {
    packet.reasonCode = reader.u8("reason code");
    const allowed = asServer ? CLIENT_DISCONNECT_CODES : SERVER_DISCONNECT_CODES;
    if (!allowed.has(packet.reasonCode)) {
      throw malformed(`Cannot read DISCONNECT: reason code ${packet.reasonCode}`, "MQTT-3.14.2-1");
    }
    if (reader.remaining > 0) packet.properties = readProperties(reader, PacketType.disconnect);
  }
  reader.finish("DISCONNECT");
  if (!asServer && packet.properties?.sessionExpiryInterval !== undefined) {
    throw protocolError("Cannot accept a session expiry from the server", "MQTT-3.14.2-2");
  }
  return packet;
}

export function encodeDisconnect(
  writer: WireWriter,
  packet: DisconnectPacket,
  version: ProtocolVersion,
): void {
  writer.u8(PacketType.disconnect << 4);
  const mark = writer.open();
  if (version === 5 && (packet.reasonCode !== 0 || packet.properties !== null)) {
    writer.u8(packet.reasonCode);
    if (packet.properties !== null) {
      writeProperties(writer, PacketType.disconnect, packet.properties);
    }
  }
  writer.close(mark);
}

export function decodeAuth(reader: WireReader): AuthPacket {
  const packet: AuthPacket = { type: "auth", reasonCode: 0, properties: null };
  if (reader.remaining > 0) {
    packet.reasonCode = reader.u8("reason code");
    if (!AUTH_CODES.has(packet.reasonCode)) {
      throw malformed(`Cannot read AUTH: reason code ${packet.reasonCode}`, "MQTT-3.15.2-1");
    }
    if (reader.remaining > 0) packet.properties = readProperties(reader, PacketType.auth);
  }
  reader.finish("AUTH");
  if (packet.reasonCode !== 0 && packet.properties?.authenticationMethod === undefined) {
    throw protocolError("Cannot accept AUTH without a method", "MQTT 5.0 §3.15.2.2.2");
  }
  return packet;
}

export function encodeAuth(writer: WireWriter, packet: AuthPacket): void {
  writer.u8(PacketType.auth << 4);
  const mark = writer.open();
  if (packet.reasonCode !== 0 || packet.properties !== null) {
    writer.u8(packet.reasonCode);
    writeProperties(writer, PacketType.auth, packet.properties);
  }
  writer.close(mark);
}
