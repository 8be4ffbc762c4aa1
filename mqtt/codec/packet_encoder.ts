/** One entry for encoding any packet. */

import { encodeAcknowledgement } from "@/mqtt/codec/acknowledgement.ts";
import { encodeConnack, encodeConnect } from "@/mqtt/codec/connect.ts";
import { encodeAuth, encodeDisconnect } from "@/mqtt/codec/disconnect.ts";
import { type Packet, PacketType, type ProtocolVersion } from "@/mqtt/codec/packet.ts";
import { encodePublish } from "@/mqtt/codec/publish.ts";
import { encodeSuback, encodeSubscribe } from "@/mqtt/codec/subscribe.ts";
import { encodeUnsuback, encodeUnsubscribe } from "@/mqtt/codec/unsubscribe.ts";
import { WireWriter } from "@/mqtt/codec/wire_writer.ts";

/** Appends `packet` to `writer`; throws RangeError where a text or datum is over 65 535 bytes. */
export function writePacket(writer: WireWriter, packet: Packet, version: ProtocolVersion): void {
  switch (packet.type) {
    case "connect":
      return encodeConnect(writer, packet);
    case "connack":
      return encodeConnack(writer, packet, version);
    case "publish":
      return encodePublish(writer, packet, version);
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return encodeAcknowledgement(writer, packet, version);
    case "subscribe":
      return encodeSubscribe(writer, packet, version);
    case "suback":
      return encodeSuback(writer, packet, version);
    case "unsubscribe":
      return encodeUnsubscribe(writer, packet, version);
    case "unsuback":
      return encodeUnsuback(writer, packet, version);
    case "pingreq":
    case "pingresp":
      return writer.u16(PacketType[packet.type] << 12);
    case "disconnect":
      return encodeDisconnect(writer, packet, version);
    case "auth":
      return encodeAuth(writer, packet);
  }
}

/** The bytes of `packet`. */
export function encodePacket(packet: Packet, version: ProtocolVersion): Uint8Array {
  const writer = new WireWriter(256);
  writePacket(writer, packet, version);
  return writer.take();
}
