/**
 * Bytes → packets, for both ends of a connection.
 *
 * Constraints: bytes come in any split; at most `packetBytesMax` bytes of one packet are ever kept,
 * and never more than the peer has really sent (a length that lies costs nothing); a packet that
 * cannot be accepted is refused on its header, before its body.
 *
 * How it runs: packets that are whole inside a chunk are decoded where they lie. The rest of a chunk
 * is copied into a buffer that grows by doubling up to the announced length. `hold` stops after the
 * current packet (while a decision about the peer is pending) and `release` goes on.
 *
 * On failure `push` throws MqttProtocolError once; after that the parser takes no more bytes.
 */

import { decodeAcknowledgement } from "@/mqtt/codec/acknowledgement.ts";
import { decodeConnack, decodeConnect, decodeVersion } from "@/mqtt/codec/connect.ts";
import { decodeAuth, decodeDisconnect } from "@/mqtt/codec/disconnect.ts";
import {
  type AcknowledgementPacket,
  type Packet,
  PacketType,
  type ProtocolVersion,
  type PublishPacket,
} from "@/mqtt/codec/packet.ts";
import { checkPublishFlags, decodePublish, type PublishDecoding } from "@/mqtt/codec/publish.ts";
import { ReasonCode } from "@/mqtt/codec/reason_code.ts";
import { decodeSuback, decodeSubscribe } from "@/mqtt/codec/subscribe.ts";
import { TopicCache } from "@/mqtt/codec/topic_cache.ts";
import { decodeUnsuback, decodeUnsubscribe } from "@/mqtt/codec/unsubscribe.ts";
import { WireReader } from "@/mqtt/codec/wire_reader.ts";
import { malformed, MqttProtocolError, protocolError } from "@/mqtt/protocol_error.ts";

export interface PacketParserOptions {
  /** Which end we are: a server takes what clients send and starts with CONNECT. */
  role: "server" | "client";
  /** Largest whole packet that is accepted, in bytes. */
  packetBytesMax: number;
  /** Largest CONNECT, in bytes; default: as `packetBytesMax`. */
  connectBytesMax?: number;
  /** A client says which version it speaks; a server learns it from CONNECT. */
  version?: ProtocolVersion;
  /** Gets each packet. A "publish" or acknowledgement object is reused: valid until the return. */
  onPacket: (packet: Packet) => void;
}

const NO_BYTES = new Uint8Array(0);

/** Buffer to begin with for a packet that came in part. */
const PARTIAL_BYTES_START = 4096;

const FROM_CLIENT = typeSet([1, 3, 4, 5, 6, 7, 8, 10, 12, 14, 15]);
const FROM_SERVER = typeSet([2, 3, 4, 5, 6, 7, 9, 11, 13, 14, 15]);

// Decoding ends before the callback starts, so that one cursor serves all connections.
const reader = new WireReader();

function typeSet(types: readonly number[]): number {
  return types.reduce((bits, type) => bits | 1 << type, 0);
}

export class PacketParser {
  /** Protocol version of the connection; a server's is right once CONNECT came. */
  version: ProtocolVersion;
  packetBytesMax: number;

  readonly #asServer: boolean;
  readonly #accepted: number;
  readonly #connectBytesMax: number;
  readonly #onPacket: (packet: Packet) => void;
  readonly #decoding: PublishDecoding;
  readonly #publish: PublishPacket = {
    type: "publish",
    topic: "",
    payload: NO_BYTES,
    qos: 0,
    retain: false,
    dup: false,
    packetId: 0,
    properties: null,
  };
  readonly #acknowledgement: AcknowledgementPacket = {
    type: "puback",
    packetId: 0,
    reasonCode: 0,
    properties: null,
  };
  #connected: boolean;
  #sawConnect = false;
  #held = false;
  #stopped = false;
  #partial: Uint8Array = NO_BYTES;
  #partialLength = 0;
  /** Whole length of the partial packet, 0 while its header is incomplete. */
  #partialTotal = 0;
  #backlog: Uint8Array[] = [];

  constructor(options: PacketParserOptions) {
    this.#asServer = options.role === "server";
    this.#accepted = this.#asServer ? FROM_CLIENT : FROM_SERVER;
    this.#connected = !this.#asServer;
    this.#onPacket = options.onPacket;
    this.#decoding = {
      headerFlags: 0,
      version: 4,
      topics: new TopicCache(),
      asServer: this.#asServer,
    };
    this.version = options.version ?? 4;
    this.packetBytesMax = options.packetBytesMax;
    this.#connectBytesMax = Math.min(
      options.connectBytesMax ?? options.packetBytesMax,
      options.packetBytesMax,
    );
  }

  /** A server has begun to read CONNECT: an answer will be understood. */
  get sawConnect(): boolean {
    return this.#sawConnect;
  }

  /** Bytes kept for packets that are not yet decoded. */
  get bufferedBytes(): number {
    return this.#backlog.reduce((sum, chunk) => sum + chunk.length, this.#partial.length);
  }

  /** Stops decoding after the current packet; what comes meanwhile is kept. */
  hold(): void {
    this.#held = true;
  }

  /** Goes on after `hold`; throws as `push` does. */
  release(): void {
    this.#held = false;
    const backlog = this.#backlog;
    this.#backlog = [];
    for (const chunk of backlog) this.push(chunk);
  }

  /** Takes no more bytes and frees what is kept. */
  stop(): void {
    this.#stopped = true;
    this.#partial = NO_BYTES;
    this.#partialLength = 0;
    this.#backlog = [];
  }

  /** Decodes what `chunk` completes. Throws MqttProtocolError when the peer broke the protocol. */
  push(chunk: Uint8Array): void {
    if (this.#stopped) return;
    if (this.#held) {
      this.#backlog.push(chunk);
      return;
    }
    try {
      this.#consume(chunk, this.#partialLength > 0 ? this.#completePartial(chunk) : 0);
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  #consume(bytes: Uint8Array, start: number): void {
    let offset = start;
    while (offset < bytes.length) {
      if (this.#stopped) return;
      if (this.#held) {
        this.#backlog.push(bytes.subarray(offset));
        return;
      }
      const total = this.#packetLength(bytes, offset, bytes.length);
      if (total === 0 || offset + total > bytes.length) {
        this.#startPartial(bytes, offset, total);
        return;
      }
      this.#decode(bytes, offset, offset + total);
      offset += total;
    }
  }

  /**
   * Length of the packet at `offset` with its header, 0 while the header is incomplete; refuses what
   * the header already tells.
   */
  #packetLength(bytes: Uint8Array, offset: number, end: number): number {
    this.#checkFirstByte(bytes[offset]!);
    let remaining = 0;
    let position = offset + 1;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (position >= end) return 0;
      const byte = bytes[position++]!;
      remaining |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) {
          throw malformed("Cannot read remaining length: longer than needed", "MQTT-1.5.5-1");
        }
        this.#checkLength(bytes[offset]! >> 4, remaining, position - offset + remaining);
        return position - offset + remaining;
      }
    }
    throw malformed("Cannot read remaining length: more than four bytes", "MQTT-1.5.5-1");
  }

  #checkFirstByte(first: number): void {
    const type = first >> 4;
    if (!this.#connected && type !== PacketType.connect) {
      throw protocolError("Cannot accept a packet before CONNECT", "MQTT-3.1.0-1");
    }
    if ((this.#accepted & 1 << type) === 0 || type === PacketType.auth && this.version !== 5) {
      throw type === 0 || type === 15
        ? malformed(`Cannot accept packet type ${type}`, "MQTT 5.0 §2.1.2")
        : protocolError(`Cannot accept packet type ${type} from this side`, "MQTT 5.0 §2.1.2");
    }
    if (type === PacketType.publish) return checkPublishFlags(first & 15);
    this.#checkFlags(type, first & 15);
  }

  #checkFlags(type: number, flags: number): void {
    if (type === PacketType.connect) {
      if (this.#connected) throw protocolError("Cannot accept a second CONNECT", "MQTT-3.1.0-2");
      return; // its flags depend on the version inside
    }
    const wanted = type === PacketType.pubrel || type === PacketType.subscribe ||
        type === PacketType.unsubscribe
      ? 2
      : 0;
    // 3.1 has DUP and QoS bits in PUBREL, SUBSCRIBE and UNSUBSCRIBE.
    if (flags !== wanted && !(this.version === 3 && wanted === 2)) {
      throw malformed(`Cannot read packet type ${type}: reserved bits are wrong`, "MQTT-2.1.3-1");
    }
  }

  #checkLength(type: number, remaining: number, total: number): void {
    const bytesMax = type === PacketType.connect ? this.#connectBytesMax : this.packetBytesMax;
    if (total > bytesMax) {
      throw new MqttProtocolError(`Cannot accept a packet of ${total} bytes: over ${bytesMax}`, {
        reasonCode: ReasonCode.packetTooLarge,
        statement: "MQTT-3.2.2-15",
      });
    }
    if (remaining > 0 && (type === PacketType.pingreq || type === PacketType.pingresp)) {
      throw malformed("Cannot read a ping: it has a body", "MQTT 5.0 §3.12.1");
    }
    if (this.version !== 5 && !fitsOldFormat(type, remaining)) {
      throw malformed(
        `Cannot read packet type ${type}: ${remaining} bytes long`,
        "MQTT 3.1.1 §2.2.3",
      );
    }
  }

  #startPartial(bytes: Uint8Array, offset: number, total: number): void {
    const rest = bytes.length - offset;
    const capacity = Math.max(rest, PARTIAL_BYTES_START);
    this.#partial = new Uint8Array(total === 0 ? 5 : Math.min(total, capacity));
    this.#partial.set(bytes.subarray(offset));
    this.#partialLength = rest;
    this.#partialTotal = total;
  }

  /** Adds `chunk` to the partial packet; returns how much of it was taken. */
  #completePartial(chunk: Uint8Array): number {
    let used = 0;
    while (this.#partialTotal === 0) {
      if (used === chunk.length) return used;
      this.#partial[this.#partialLength++] = chunk[used++]!;
      this.#partialTotal = this.#packetLength(this.#partial, 0, this.#partialLength);
    }
    const take = Math.min(this.#partialTotal - this.#partialLength, chunk.length - used);
    this.#growPartial(this.#partialLength + take);
    this.#partial.set(chunk.subarray(used, used + take), this.#partialLength);
    this.#partialLength += take;
    if (this.#partialLength === this.#partialTotal) {
      const whole = this.#partial;
      this.#partial = NO_BYTES;
      this.#partialLength = 0;
      this.#decode(whole, 0, this.#partialTotal);
    }
    return used + take;
  }

  #growPartial(needed: number): void {
    if (needed <= this.#partial.length) return;
    const doubled = Math.max(needed, this.#partial.length * 2, PARTIAL_BYTES_START);
    const grown = new Uint8Array(Math.min(doubled, this.#partialTotal));
    grown.set(this.#partial.subarray(0, this.#partialLength));
    this.#partial = grown;
  }

  /** Decodes the whole packet in `bytes[start, end)` and hands it on. */
  #decode(bytes: Uint8Array, start: number, end: number): void {
    let body = start + 1;
    while (bytes[body]! > 0x7f) body++;
    reader.reset(bytes, body + 1, end);
    const first = bytes[start]!;
    const type = first >> 4;
    if (type === PacketType.publish) this.#decodePublish(first & 15);
    else if (type >= PacketType.puback && type <= PacketType.pubcomp) this.#decodeAck(type);
    else this.#onPacket(this.#decodeOther(type, first & 15));
  }

  #decodePublish(headerFlags: number): void {
    const decoding = this.#decoding;
    decoding.headerFlags = headerFlags;
    decoding.version = this.version;
    decodePublish(reader, this.#publish, decoding);
    this.#onPacket(this.#publish);
  }

  #decodeAck(packetType: number): void {
    decodeAcknowledgement(reader, this.#acknowledgement, { packetType, version: this.version });
    this.#onPacket(this.#acknowledgement);
  }

  #decodeOther(type: number, flags: number): Packet {
    switch (type) {
      case PacketType.connect:
        return this.#decodeConnect(flags);
      case PacketType.connack:
        return decodeConnack(reader, this.version);
      case PacketType.subscribe:
        return decodeSubscribe(reader, this.version);
      case PacketType.suback:
        return decodeSuback(reader, this.version);
      case PacketType.unsubscribe:
        return decodeUnsubscribe(reader, this.version);
      case PacketType.unsuback:
        return decodeUnsuback(reader, this.version);
      case PacketType.pingreq:
        return { type: "pingreq" };
      case PacketType.pingresp:
        return { type: "pingresp" };
      case PacketType.disconnect:
        return decodeDisconnect(reader, { version: this.version, asServer: this.#asServer });
      default:
        return decodeAuth(reader);
    }
  }

  #decodeConnect(flags: number): Packet {
    // Known before the rest is read, so that a refusal can be answered in the right version.
    this.#sawConnect = true;
    this.version = decodeVersion(reader);
    const packet = decodeConnect(reader, { headerFlags: flags, version: this.version });
    this.#connected = true;
    return packet;
  }
}

/** Lengths that 3.1 and 3.1.1 fix; the others are checked by their decoders. */
function fitsOldFormat(type: number, remaining: number): boolean {
  switch (type) {
    case PacketType.connack:
    case PacketType.puback:
    case PacketType.pubrec:
    case PacketType.pubrel:
    case PacketType.pubcomp:
    case PacketType.unsuback:
      return remaining === 2;
    case PacketType.disconnect:
      return remaining === 0;
    default:
      return true;
  }
}
