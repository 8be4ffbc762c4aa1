/**
 * Messages to one connected client: what may go out now, what waits, and the client's answers.
 *
 * Three bounds: the client's receive maximum (messages sent and not acknowledged), its maximum packet
 * size, and the bytes it has not taken from its socket. A QoS 0 message over the last is dropped and
 * counted; others stay in the session's queue and go on when acknowledgements come or the socket
 * drains.
 */

import type { StoredMessage } from "@/mqtt/broker_types.ts";
import type { BrokerCore, BrokerSession } from "@/mqtt/broker_core.ts";
import type { AcknowledgementPacket, ProtocolVersion } from "@/mqtt/codec/packet.ts";
import { encodeAcknowledgement } from "@/mqtt/codec/acknowledgement.ts";
import { ReasonCode } from "@/mqtt/codec/reason_code.ts";
import type { Connection } from "@/mqtt/connection.ts";
import type { ConnectionOutput } from "@/mqtt/connection_output.ts";
import { type FanoutEncoding, type OutboundPacket, writeOutbound } from "@/mqtt/outbound_packet.ts";
import { protocolError } from "@/mqtt/protocol_error.ts";
import { placeOf, type QueueEntry, type Replay } from "@/mqtt/session.ts";

const PUBREL_BYTE = 0x62;

export interface OutboundFlowOptions {
  core: BrokerCore;
  connection: Connection;
  session: BrokerSession;
  output: ConnectionOutput;
  version: ProtocolVersion;
  /** The client's maximum packet size, in bytes. */
  packetBytesMax: number;
  /** Aliases that we may set towards the client. */
  topicAliasMaximum: number;
}

export interface DirectOptions {
  retain: boolean;
  identifiers: readonly number[];
  fanout: FanoutEncoding | null;
}

export class OutboundFlow {
  readonly #core: BrokerCore;
  readonly #connection: Connection;
  readonly #session: BrokerSession;
  readonly #output: ConnectionOutput;
  readonly #version: ProtocolVersion;
  readonly #packetBytesMax: number;
  readonly #topicAliasMaximum: number;
  readonly #aliases: Map<string, number> = new Map();
  /** Have an identifier but were not written yet: the client's window or socket is full. */
  #deferred: QueueEntry[] = [];
  /** Identifiers written on this connection and not yet completed. */
  readonly #open: Set<number> = new Set();
  #isPumping = false;

  constructor(options: OutboundFlowOptions) {
    this.#core = options.core;
    this.#connection = options.connection;
    this.#session = options.session;
    this.#output = options.output;
    this.#version = options.version;
    this.#packetBytesMax = options.packetBytesMax;
    this.#topicAliasMaximum = options.topicAliasMaximum;
  }

  /** The client does not take what is sent as fast as it comes. */
  get isLagging(): boolean {
    return this.#deferred.length > 0 ||
      this.#output.bufferedBytes > this.#core.limits.outboundBytesMax / 2;
  }

  /** QoS 0. */
  sendDirect(message: StoredMessage, options: DirectOptions): void {
    const { droppedTotal } = this.#core.statistics;
    const nowMs = this.#core.time.nowMs();
    if (isExpired(message, nowMs)) {
      droppedTotal.expired++;
      return;
    }
    if (!this.#hasRoomFor(message.payload.length)) {
      droppedTotal.slow_subscriber++;
      return;
    }
    const isPlain = options.fanout !== null && !options.retain &&
      options.identifiers.length === 0 && this.#topicAliasMaximum === 0;
    if (isPlain) this.#writePlain(options.fanout!.bytes(this.#version, nowMs));
    else {
      this.#write({
        message,
        qos: 0,
        retain: options.retain,
        dup: false,
        packetId: 0,
        identifiers: options.identifiers,
        ...this.#aliasFor(message.topic),
        nowMs,
      });
    }
  }

  #writePlain(bytes: Uint8Array): void {
    if (bytes.length > this.#packetBytesMax) {
      this.#core.statistics.droppedTotal.too_large++;
      return;
    }
    this.#output.writer().raw(bytes);
    this.#core.statistics.sentMessagesTotal++;
  }

  /** A committed QoS 1 or 2 message that has its identifier. */
  sendEntry(entry: QueueEntry): void {
    const mayGo = this.#deferred.length === 0 && this.#open.size < this.#session.window &&
      this.#hasRoomFor(entry.message.payload.length);
    if (mayGo) this.#writeEntry(entry);
    else this.#deferred.push(entry);
  }

  /** After the session was taken up again: repeats what was not acknowledged [MQTT-4.4.0-1]. */
  resume(): void {
    for (const entry of this.#session.inflightEntries()) {
      if (entry.state === "released") {
        this.#open.add(entry.packetId!);
        this.#output.acknowledge(PUBREL_BYTE, entry.packetId!);
      } else if (entry.state === "sent") this.#deferred.push(entry);
    }
    this.pump();
  }

  /** Sends what waits, as far as the client's window and socket allow. */
  pump(): void {
    if (this.#isPumping) return; // writing may complete an entry, which pumps again
    this.#isPumping = true;
    this.#pumpDeferred();
    if (this.#deferred.length === 0) this.#pumpWaiting();
    this.#pumpReplays();
    this.#isPumping = false;
  }

  #pumpDeferred(): void {
    let sent = 0;
    while (sent < this.#deferred.length && this.#mayPump()) {
      this.#writeEntry(this.#deferred[sent++]!);
    }
    if (sent > 0) this.#deferred = this.#deferred.slice(sent);
  }

  #pumpWaiting(): void {
    while (this.#mayPump()) {
      const entry = this.#session.takeNext();
      if (entry === null) return;
      if (entry.qos === 2 && this.#session.durable) this.#storeAndSend(entry);
      else {
        entry.state = "sent";
        this.#writeEntry(entry);
      }
    }
  }

  /**
   * A QoS 2 identifier is kept before it is used: after a crash the message must go out again under
   * the same one, or the client would take it for another message.
   */
  #storeAndSend(entry: QueueEntry): void {
    entry.state = "storing";
    const session = this.#session;
    session.storing++;
    this.#core.journal.append([sentOp(entry)], (error) => {
      session.storing--;
      if (session.ended || session.inflight(entry.packetId!) !== entry) return;
      entry.state = "sent";
      if (error === null) session.connection?.outbound.sendEntry(entry);
    });
  }

  #pumpReplays(): void {
    const { replays } = this.#session;
    while (replays.length > 0 && this.#mayPump()) {
      const replay = replays[0]!;
      if (replay.next >= replay.nodes.length) replays.shift();
      else if (!this.#replayNext(replay)) return;
    }
  }

  /** False when the session's queue is full: it goes on when there is room again. */
  #replayNext(replay: Replay<Connection>): boolean {
    const node = replay.nodes[replay.next]!;
    const { message } = node;
    if (message === null || node.version > replay.version) {
      replay.next++;
      return true;
    }
    if (isExpired(message, this.#core.time.nowMs())) {
      this.#core.statistics.droppedTotal.expired++;
      this.#core.router.expireRetained(message.topic);
      replay.next++;
      return true;
    }
    if (!this.#hasRoomFor(message.payload.length)) return false;
    const { subscription } = replay;
    const isAllowed = this.#core.hooks.authorize(this.#session.principal, "receive", message.topic);
    const qos = Math.min(subscription.qos, message.qos) as 0 | 1 | 2;
    const identifiers = subscription.identifier === null ? [] : [subscription.identifier];
    if (!isAllowed) this.#core.statistics.droppedTotal.not_authorized++;
    else if (qos === 0) this.sendDirect(message, { retain: true, identifiers, fanout: null });
    else if (!this.#queueRetained(message, { qos, identifiers })) return false;
    replay.next++;
    return true;
  }

  #queueRetained(
    message: StoredMessage,
    { qos, identifiers }: { qos: 1 | 2; identifiers: number[] },
  ): boolean {
    const session = this.#session;
    if (session.inflightMessages + session.waitingMessages >= session.window) return false;
    const entry = session.plan(message, { qos, retain: true, identifiers, share: null });
    if (entry === null) return false;
    if (!session.durable) {
      this.#core.router.deliverEntry(session, entry);
      return true;
    }
    this.#core.journal.append(
      [{ kind: "queue_add", message, places: [placeOf(entry)] }],
      (error) => {
        if (error === null) this.#core.router.deliverEntry(session, entry);
        else session.abandon(entry);
      },
    );
    return true;
  }

  #mayPump(): boolean {
    return this.#open.size < this.#session.window && this.#hasRoomFor(0) &&
      !this.#connection.isClosed;
  }

  /** A message that is alone in the buffer may be larger than the bound. */
  #hasRoomFor(bytes: number): boolean {
    const { limits, flushes } = this.#core;
    const buffered = this.#output.bufferedBytes;
    if (buffered === 0) return true;
    return buffered + bytes <= limits.outboundBytesMax &&
      flushes.bufferedBytes <= limits.outboundBytesTotalMax;
  }

  #writeEntry(entry: QueueEntry): void {
    const nowMs = this.#core.time.nowMs();
    const { droppedTotal } = this.#core.statistics;
    if (!entry.repeated && isExpired(entry.message, nowMs)) {
      droppedTotal.expired++;
      return this.#discard(entry);
    }
    const isWritten = this.#write({
      message: entry.message,
      qos: entry.qos,
      retain: entry.retain,
      dup: entry.repeated,
      packetId: entry.packetId!,
      identifiers: entry.subscriptionIdentifiers,
      ...this.#aliasFor(entry.message.topic),
      nowMs,
    });
    if (!isWritten) return this.#discard(entry);
    entry.repeated = true;
    this.#open.add(entry.packetId!);
  }

  /** False when the packet is larger than the client takes [MQTT-3.1.2-24, -25]. */
  #write(packet: OutboundPacket): boolean {
    if (this.#writeWhereFits(packet)) {
      if (packet.topicAlias !== 0) this.#aliases.set(packet.message.topic, packet.topicAlias);
      this.#core.statistics.sentMessagesTotal++;
      return true;
    }
    // An alias that is set with it must not be what makes a message too large.
    const isSetting = packet.topicAlias !== 0 && !packet.omitTopic;
    if (isSetting) return this.#write({ ...packet, topicAlias: 0 });
    this.#core.statistics.droppedTotal.too_large++;
    return false;
  }

  #writeWhereFits(packet: OutboundPacket): boolean {
    const writer = this.#output.writer();
    const start = writer.position;
    writeOutbound(writer, packet, this.#version);
    const fits = writer.position - start <= this.#packetBytesMax;
    if (!fits) writer.position = start;
    return fits;
  }

  /** The first topics get the aliases: devices and dashboards see the same few again and again. */
  #aliasFor(topic: string): { topicAlias: number; omitTopic: boolean } {
    if (this.#topicAliasMaximum === 0) return { topicAlias: 0, omitTopic: false };
    const known = this.#aliases.get(topic);
    if (known !== undefined) return { topicAlias: known, omitTopic: true };
    const isFull = this.#aliases.size >= this.#topicAliasMaximum;
    return { topicAlias: isFull ? 0 : this.#aliases.size + 1, omitTopic: false };
  }

  #discard(entry: QueueEntry): void {
    this.#session.remove(entry);
    if (this.#session.durable) this.#core.journal.append([removeOp(entry)]);
  }

  /** PUBACK, PUBREC or PUBCOMP from the client. */
  acknowledged(packet: AcknowledgementPacket): void {
    const entry = this.#session.inflight(packet.packetId);
    if (entry === undefined) return this.#answerUnknown(packet);
    if (!isInTurn(entry, packet.type)) {
      throw protocolError(
        `Cannot accept ${packet.type.toUpperCase()} for packet identifier ${packet.packetId}`,
        "MQTT-4.3.3-1",
      );
    }
    if (packet.type === "pubrec" && packet.reasonCode < 0x80) this.#release(entry);
    else this.#complete(entry);
  }

  #answerUnknown({ type, packetId }: AcknowledgementPacket): void {
    if (type !== "pubrec") return;
    if (this.#version !== 5) return this.#output.acknowledge(PUBREL_BYTE, packetId);
    const reasonCode = ReasonCode.packetIdentifierNotFound;
    const answer: AcknowledgementPacket = {
      type: "pubrel",
      packetId,
      reasonCode,
      properties: null,
    };
    encodeAcknowledgement(this.#output.writer(), answer, 5);
  }

  /** PUBREL follows the commit: repeated after a crash it is harmless, PUBLISH would not be. */
  #release(entry: QueueEntry): void {
    const packetId = entry.packetId!;
    const isRepeated = entry.released;
    entry.released = true;
    entry.state = "released";
    if (isRepeated || !this.#session.durable) {
      return this.#output.acknowledge(PUBREL_BYTE, packetId);
    }
    this.#core.journal.append([sentOp(entry)], (error) => {
      if (this.#connection.isClosed) return;
      if (error === null) this.#output.acknowledge(PUBREL_BYTE, packetId);
      else this.#connection.closeWith(ReasonCode.implementationSpecificError);
    });
  }

  #complete(entry: QueueEntry): void {
    if (!this.#open.delete(entry.packetId!)) {
      // Answered before it was repeated: the answer to the earlier connection's copy.
      this.#deferred = this.#deferred.filter((other) => other !== entry);
    }
    this.#discard(entry);
    this.pump();
  }
}

function isInTurn(entry: QueueEntry, type: AcknowledgementPacket["type"]): boolean {
  if (entry.state !== "sent" && entry.state !== "released" || !entry.repeated) return false;
  if (type === "puback") return entry.qos === 1;
  if (type === "pubrec") return entry.qos === 2;
  return entry.qos === 2 && entry.released;
}

function isExpired(message: StoredMessage, nowMs: number): boolean {
  return message.expiresAtMs !== null && nowMs > message.expiresAtMs;
}

function sentOp(entry: QueueEntry) {
  return {
    kind: "queue_sent" as const,
    sessionId: entry.sessionId,
    sequence: entry.sequence,
    packetId: entry.packetId!,
    released: entry.released,
  };
}

function removeOp(entry: QueueEntry) {
  return {
    kind: "queue_remove" as const,
    sessionId: entry.sessionId,
    sequence: entry.sequence,
  };
}
