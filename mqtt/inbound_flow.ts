/**
 * Messages from one client: judged, handed to the product, committed, acknowledged.
 *
 * Acknowledgements keep the order of the messages [MQTT-4.6.0-2, -3]: each message takes a place in
 * a list when it comes, and the list is written out from its head as far as it is settled. A message
 * is settled when what it must not lose is committed.
 */

import type {
  InboundPublish,
  PublishOutcome,
  StateOp,
  StoredMessage,
} from "@/mqtt/broker_types.ts";
import type { BrokerCore, BrokerSession } from "@/mqtt/broker_core.ts";
import { encodeAcknowledgement } from "@/mqtt/codec/acknowledgement.ts";
import type {
  AcknowledgementPacket,
  Properties,
  PublishPacket,
  UserProperty,
} from "@/mqtt/codec/packet.ts";
import { ReasonCode } from "@/mqtt/codec/reason_code.ts";
import type { Connection } from "@/mqtt/connection.ts";
import type { ConnectionOutput } from "@/mqtt/connection_output.ts";
import { MESSAGE_OVERHEAD_BYTES, propertyBytes } from "@/mqtt/message_size.ts";
import { MqttProtocolError, protocolError } from "@/mqtt/protocol_error.ts";
import type { RoutePlan } from "@/mqtt/router.ts";
import type { InboundState } from "@/mqtt/session.ts";

const PUBACK_BYTE = 0x40;
const PUBREC_BYTE = 0x50;
const PUBCOMP_BYTE = 0x70;

const NO_OPS: readonly StateOp[] = [];
const NO_USER_PROPERTIES: readonly UserProperty[] = [];

/** Topics behind the aliases of one connection: one of the longest, or many usual ones. */
const ALIAS_CHARACTERS_MAX = 64 << 10;

/** Place of one message in the order of acknowledgements. */
interface PendingAcknowledgement {
  packetId: number;
  qos: 1 | 2;
  isSettled: boolean;
  reasonCode: number;
  next: PendingAcknowledgement | null;
}

/** One message on its way from the socket to its acknowledgement. */
interface Passage {
  qos: 0 | 1 | 2;
  packetId: number;
  plan: RoutePlan | null;
  pending: PendingAcknowledgement | null;
  inbound: InboundState | null;
  bytes: number;
}

export class InboundFlow {
  readonly #core: BrokerCore;
  readonly #connection: Connection;
  readonly #session: BrokerSession;
  readonly #output: ConnectionOutput;
  readonly #aliases: Map<number, string> = new Map();
  #aliasCharacters = 0;
  /** QoS 2 identifiers answered with PUBREC on this connection and not completed. */
  readonly #unreleased: Set<number> = new Set();
  #head: PendingAcknowledgement | null = null;
  #tail: PendingAcknowledgement | null = null;
  #unsettled = 0;

  constructor(
    core: BrokerCore,
    { connection, session, output }: {
      connection: Connection;
      session: BrokerSession;
      output: ConnectionOutput;
    },
  ) {
    this.#core = core;
    this.#connection = connection;
    this.#session = session;
    this.#output = output;
  }

  publish(packet: PublishPacket): void {
    this.#core.statistics.receivedMessagesTotal++;
    const topic = this.#resolveAlias(packet);
    if (packet.qos === 2 && this.#isRepetition(packet.packetId)) return;
    if (packet.qos !== 0) this.#checkQuota(packet.qos);
    const refusal = this.#judge(topic, packet);
    if (refusal === 0) this.#take(topic, packet);
    else this.#refuse(packet, refusal);
  }

  #resolveAlias(packet: PublishPacket): string {
    const alias = packet.properties?.topicAlias;
    if (alias === undefined) return packet.topic;
    if (alias > this.#core.limits.topicAliasMaximum) {
      throw new MqttProtocolError(`Cannot accept topic alias ${alias}: over the maximum`, {
        reasonCode: ReasonCode.topicAliasInvalid,
        statement: "MQTT-3.3.2-9",
      });
    }
    if (packet.topic.length > 0) {
      this.#setAlias(alias, packet.topic);
      return packet.topic;
    }
    const topic = this.#aliases.get(alias);
    if (topic === undefined) {
      throw protocolError(`Cannot resolve topic alias ${alias}: not set`, "MQTT 5.0 §3.3.2.3.4");
    }
    return topic;
  }

  #setAlias(alias: number, topic: string): void {
    this.#aliasCharacters += topic.length - (this.#aliases.get(alias)?.length ?? 0);
    if (this.#aliasCharacters > ALIAS_CHARACTERS_MAX) {
      throw new MqttProtocolError("Cannot keep topic aliases: their topics are too long", {
        reasonCode: ReasonCode.quotaExceeded,
        statement: "MQTT 5.0 §4.13",
      });
    }
    this.#aliases.set(alias, topic);
  }

  /** A QoS 2 identifier that was received and not released: only PUBREC is repeated. */
  #isRepetition(packetId: number): boolean {
    const known = this.#session.inbound.get(packetId);
    if (known === undefined) return false;
    // Committed: answered in its place. Not yet: its commit answers, on whatever connection then.
    if (known.pending) known.repeated = true;
    else this.#settle(this.#expect(packetId, 2), 0);
    return true;
  }

  #checkQuota(qos: 1 | 2): void {
    const { receiveMaximum, unreleasedMessagesMax } = this.#core.limits;
    if (qos === 2 && this.#session.inbound.size >= unreleasedMessagesMax) {
      throw new MqttProtocolError(
        `Cannot accept more than ${unreleasedMessagesMax} QoS 2 messages without PUBREL`,
        { reasonCode: ReasonCode.receiveMaximumExceeded, statement: "MQTT-4.3.3-5" },
      );
    }
    if (this.#connection.version === 5) {
      if (this.#unsettled + this.#unreleased.size < receiveMaximum) return;
      throw new MqttProtocolError(`Cannot accept more than ${receiveMaximum} messages at a time`, {
        reasonCode: ReasonCode.receiveMaximumExceeded,
        statement: "MQTT-3.3.4-7",
      });
    }
    // Older versions know no such limit: this one is taken, and then the client waits.
    if (this.#unsettled + 1 >= receiveMaximum) this.#connection.setReading("window", false);
  }

  /** 0, or the reason code of the refusal. */
  #judge(topic: string, packet: PublishPacket): number {
    const { limits, hooks, router, statistics } = this.#core;
    if (topic.charCodeAt(0) === 0x24 && isReserved(topic)) {
      statistics.droppedTotal.reserved_topic++;
      return ReasonCode.notAuthorized;
    }
    if (router.levels(topic) > limits.topicLevelsMax) return ReasonCode.topicNameInvalid;
    if (!hooks.authorize(this.#session.principal, "publish", topic)) {
      return ReasonCode.notAuthorized;
    }
    const isOverQuota = packet.retain && this.#connection.version === 5 && packet.qos > 0 &&
      packet.payload.length > 0 && !router.retained.hasRoomFor(topic, contentBytes(packet));
    return isOverQuota ? ReasonCode.quotaExceeded : 0;
  }

  #refuse(packet: PublishPacket, reasonCode: number): void {
    if (this.#connection.version !== 5) {
      // Bridges publish their state on topics of the broker: taken and not routed, as elsewhere.
      if (packet.topic.charCodeAt(0) === 0x24 && isReserved(packet.topic)) reasonCode = 0;
      else return this.#connection.closeWith(reasonCode);
    }
    if (packet.qos !== 0) this.#settle(this.#expect(packet.packetId, packet.qos), reasonCode);
  }

  #take(topic: string, packet: PublishPacket): void {
    const { router, hooks } = this.#core;
    const plan = router.concerns(topic, packet.retain)
      ? router.plan(this.#toMessage(topic, packet), { origin: this.#session })
      : null;
    const passage: Passage = {
      qos: packet.qos,
      packetId: packet.packetId,
      plan,
      pending: packet.qos === 0 ? null : this.#expect(packet.packetId, packet.qos),
      inbound: null,
      bytes: contentBytes(packet) + MESSAGE_OVERHEAD_BYTES,
    };
    let ops: readonly StateOp[] = plan === null ? NO_OPS : plan.ops;
    if (packet.qos === 2) ops = this.#noteInbound(passage, ops);
    let isDone = false;
    let isAsked = true;
    const done = (outcome: PublishOutcome): void => {
      if (isDone) return;
      isDone = true;
      if (!isAsked) this.#core.addPendingBytes(-passage.bytes);
      this.#conclude(passage, outcome);
    };
    let verdict: "route" | "taken";
    try {
      verdict = hooks.accept(this.#describe(topic, packet, ops), done);
    } catch (error) {
      done({
        kind: "refused",
        reasonCode: ReasonCode.implementationSpecificError,
        disconnect: true,
      });
      throw error;
    }
    if (verdict === "route") return this.#route(passage, ops);
    isAsked = false;
    if (!isDone) this.#core.addPendingBytes(passage.bytes);
  }

  #describe(topic: string, packet: PublishPacket, stateOps: readonly StateOp[]): InboundPublish {
    const session = this.#session;
    return {
      origin: "publish",
      topic,
      payload: packet.payload,
      qos: packet.qos,
      retain: packet.retain,
      dup: packet.dup,
      principal: session.principal,
      clientId: session.clientId,
      sessionKey: session.key,
      protocolVersion: this.#connection.version,
      properties: packet.properties,
      userProperties: packet.properties?.userProperties ?? NO_USER_PROPERTIES,
      stateOps,
    };
  }

  #noteInbound(passage: Passage, ops: readonly StateOp[]): readonly StateOp[] {
    const { packetId } = passage;
    passage.inbound = { pending: true, repeated: false };
    this.#session.inbound.set(packetId, passage.inbound);
    if (!this.#session.durable) return ops;
    return [...ops, { kind: "inbound_add", sessionId: this.#session.sessionId, packetId }];
  }

  /** Ordinary broker traffic: committed by the broker itself, where there is something to commit. */
  #route(passage: Passage, ops: readonly StateOp[]): void {
    const { journal } = this.#core;
    // Behind earlier messages that wait for a commit, the order of a topic is kept by waiting too.
    if (passage.qos === 0) {
      if (ops.length > 0) journal.append(ops);
      return this.#accepted(passage, true);
    }
    if (ops.length === 0 && journal.idle) return this.#accepted(passage, true);
    this.#core.addPendingBytes(passage.bytes);
    journal.append(ops, (error) => {
      this.#core.addPendingBytes(-passage.bytes);
      if (error === null) this.#accepted(passage, true);
      else this.#refused(passage, ReasonCode.quotaExceeded, true);
    });
  }

  #conclude(passage: Passage, outcome: PublishOutcome): void {
    if (outcome.kind === "accepted") this.#accepted(passage, false);
    else this.#refused(passage, outcome.reasonCode, outcome.disconnect);
  }

  #accepted(passage: Passage, isRouted: boolean): void {
    const { plan, pending, inbound } = passage;
    if (plan !== null) this.#core.router.deliver(plan);
    if (inbound !== null) this.#inboundCommitted(passage.packetId, inbound);
    if (pending === null) return;
    const isUnheard = isRouted && pending.qos === 1 && (plan === null || plan.recipients === 0);
    this.#settle(pending, isUnheard ? ReasonCode.noMatchingSubscribers : 0);
  }

  #inboundCommitted(packetId: number, inbound: InboundState): void {
    inbound.pending = false;
    const current = this.#session.connection;
    if (inbound.repeated && current !== null && current !== this.#connection) {
      current.inbound.repeatReceived(packetId);
    }
  }

  #refused(passage: Passage, reasonCode: number, disconnect: boolean): void {
    if (passage.plan !== null) this.#core.router.abandon(passage.plan);
    if (passage.inbound !== null) {
      this.#session.inbound.delete(passage.packetId);
      const current = this.#session.connection;
      if (passage.inbound.repeated && current !== this.#connection) current?.closeWith(reasonCode);
    }
    if (this.#connection.isClosed) return;
    if (disconnect || this.#connection.version !== 5) return this.#connection.closeWith(reasonCode);
    if (passage.pending !== null) this.#settle(passage.pending, reasonCode);
  }

  /** PUBREC for a message that was committed after its client had reconnected and repeated it. */
  repeatReceived(packetId: number): void {
    this.#settle(this.#expect(packetId, 2), 0);
  }

  release({ packetId }: AcknowledgementPacket): void {
    const session = this.#session;
    const inbound = session.inbound.get(packetId);
    if (inbound === undefined) return this.#completeUnknown(packetId);
    if (inbound.pending) {
      throw protocolError(`Cannot accept PUBREL ${packetId}: PUBREC was not sent`, "MQTT-4.3.3-4");
    }
    session.inbound.delete(packetId);
    if (!session.durable) return this.#complete(packetId);
    // PUBCOMP lets the client use the identifier again: it must be forgotten on disk before.
    const op: StateOp = { kind: "inbound_remove", sessionId: session.sessionId, packetId };
    this.#core.journal.append([op], (error) => {
      if (this.#connection.isClosed) return;
      if (error === null) this.#complete(packetId);
      else this.#connection.closeWith(ReasonCode.implementationSpecificError);
    });
  }

  #complete(packetId: number): void {
    this.#unreleased.delete(packetId);
    this.#output.acknowledge(PUBCOMP_BYTE, packetId);
  }

  #completeUnknown(packetId: number): void {
    if (this.#connection.version !== 5) return this.#complete(packetId);
    this.#unreleased.delete(packetId);
    const reasonCode = ReasonCode.packetIdentifierNotFound;
    encodeAcknowledgement(
      this.#output.writer(),
      { type: "pubcomp", packetId, reasonCode, properties: null },
      5,
    );
  }

  #expect(packetId: number, qos: 1 | 2): PendingAcknowledgement {
    const pending = { packetId, qos, isSettled: false, reasonCode: 0, next: null };
    if (this.#tail === null) this.#head = pending;
    else this.#tail.next = pending;
    this.#tail = pending;
    this.#unsettled++;
    return pending;
  }

  #settle(pending: PendingAcknowledgement, reasonCode: number): void {
    pending.isSettled = true;
    pending.reasonCode = reasonCode;
    if (pending !== this.#head || this.#connection.isClosed) return;
    let head: PendingAcknowledgement | null = pending;
    while (head !== null && head.isSettled) {
      this.#write(head);
      this.#unsettled--;
      head = head.next;
    }
    this.#head = head;
    if (head === null) this.#tail = null;
    if (this.#unsettled < this.#core.limits.receiveMaximum) {
      this.#connection.setReading("window", true);
    }
  }

  #write({ packetId, qos, reasonCode }: PendingAcknowledgement): void {
    if (qos === 2 && reasonCode < 0x80) this.#unreleased.add(packetId);
    const isPlain = reasonCode === 0 || this.#connection.version !== 5;
    if (isPlain) return this.#output.acknowledge(qos === 1 ? PUBACK_BYTE : PUBREC_BYTE, packetId);
    encodeAcknowledgement(this.#output.writer(), {
      type: qos === 1 ? "puback" : "pubrec",
      packetId,
      reasonCode,
      properties: null,
    }, 5);
  }

  /** The message as it is kept and passed on; the payload is copied. */
  #toMessage(topic: string, packet: PublishPacket): StoredMessage {
    const nowMs = this.#core.time.nowMs();
    const expiry = packet.properties?.messageExpiryInterval;
    return {
      topic,
      payload: packet.payload.slice(),
      qos: packet.qos,
      retain: packet.retain,
      properties: forwardedProperties(packet.properties),
      receivedAtMs: nowMs,
      expiresAtMs: expiry === undefined ? null : nowMs + expiry * 1000,
    };
  }
}

function contentBytes({ payload, properties }: PublishPacket): number {
  return payload.length + propertyBytes(properties);
}

/** What is passed on unaltered; alias and expiry are of this hop, identifiers of the subscriber. */
export function forwardedProperties(properties: Properties | null): Properties | null {
  if (properties === null) return null;
  const {
    topicAlias: _alias,
    messageExpiryInterval: _expiry,
    willDelayInterval: _delay,
    subscriptionIdentifiers: _identifiers,
    ...forwarded
  } = properties;
  return Object.keys(forwarded).length === 0 ? null : forwarded;
}

/**
 * Topics that clients may not publish on: the broker's own, and share prefixes, which are no topics.
 * The connection state that bridges of Mosquitto publish is let through.
 */
export function isReserved(topic: string): boolean {
  if (topic.startsWith("$share/")) return true;
  if (!topic.startsWith("$SYS/")) return topic === "$SYS";
  return !(topic.startsWith("$SYS/broker/connection/") && topic.endsWith("/state"));
}
