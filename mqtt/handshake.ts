/**
 * CONNECT to CONNACK: what the specification asks, what the limits allow, what the product decides,
 * then the session. CONNACK follows the commit of the session's state.
 */

import type { Principal, StateOp, StoredWill } from "@/mqtt/broker_types.ts";
import type { BrokerCore, BrokerSession } from "@/mqtt/broker_core.ts";
import type { ConnectPacket, Properties, WillMessage } from "@/mqtt/codec/packet.ts";
import { encodeConnack } from "@/mqtt/codec/connect.ts";
import { ReasonCode } from "@/mqtt/codec/reason_code.ts";
import type { Connection } from "@/mqtt/connection.ts";
import { forwardedProperties, isReserved } from "@/mqtt/inbound_flow.ts";
import { sessionKey } from "@/mqtt/session_registry.ts";
import { countLevels } from "@/mqtt/topic_filter.ts";

/** Why a CONNECT is refused. */
class Refusal {
  readonly reasonCode: number;
  readonly explanation: string | null;

  constructor(reasonCode: number, explanation: string | null) {
    this.reasonCode = reasonCode;
    this.explanation = explanation;
  }
}

export class Handshake {
  readonly #core: BrokerCore;
  readonly #connection: Connection;
  readonly #packet: ConnectPacket;
  readonly #clientId: string;

  constructor(core: BrokerCore, connection: Connection, packet: ConnectPacket) {
    this.#core = core;
    this.#connection = connection;
    this.#packet = packet;
    this.#clientId = packet.clientId === "" ? `auto-${core.randomId()}` : packet.clientId;
  }

  async run(): Promise<void> {
    this.#connection.clientPacketBytesMax = this.#packet.properties?.maximumPacketSize ?? Infinity;
    try {
      this.#checkPacket();
      const request = this.#connection.toRequest(this.#packet, this.#clientId);
      const answer = this.#core.hooks.authenticate(request);
      const decision = answer instanceof Promise ? await answer : answer;
      if (this.#connection.isClosed) return;
      if ("refuse" in decision) throw new Refusal(decision.refuse, null);
      this.#checkWill(decision.principal);
      this.#openSession(decision.principal);
    } catch (error) {
      this.#refuse(error);
    }
  }

  #refuse(error: unknown): void {
    const core = this.#core;
    core.statistics.connectionsRefusedTotal++;
    if (error instanceof Refusal) {
      const code = error.reasonCode.toString(16).toUpperCase();
      const why = error.explanation === null ? "" : `: ${error.explanation}`;
      core.report(
        "refused",
        `Refused CONNECT of "${this.#clientId}" with 0x${code}${why}`,
        this.#connection,
      );
      return this.#connection.closeWith(error.reasonCode, error.explanation);
    }
    const cause = error instanceof Error ? error.message : String(error);
    core.report(
      "refused",
      `Cannot judge CONNECT of "${this.#clientId}": ${cause}`,
      this.#connection,
    );
    this.#connection.closeWith(ReasonCode.serverUnavailable);
  }

  #checkPacket(): void {
    const { limits, connections } = this.#core;
    const { version, clientId, cleanStart, properties } = this.#packet;
    if (connections.open.size > limits.connectionsMax) {
      throw new Refusal(ReasonCode.serverBusy, "Too many connections");
    }
    // 3.1 asks for an identifier, 3.1.1 for one where the session is to be kept [MQTT-3.1.3-8].
    if (clientId === "" && (version === 3 || version === 4 && !cleanStart)) {
      throw new Refusal(ReasonCode.clientIdentifierNotValid, null);
    }
    if (properties?.authenticationMethod !== undefined) {
      throw new Refusal(ReasonCode.badAuthenticationMethod, null);
    }
  }

  #checkWill(principal: Principal): void {
    const { will } = this.#packet;
    if (will === null) return;
    const { hooks, limits } = this.#core;
    if (countLevels(will.topic) > limits.topicLevelsMax) {
      throw new Refusal(ReasonCode.topicNameInvalid, "The will topic has too many levels");
    }
    if (isReserved(will.topic) || !hooks.authorize(principal, "will", will.topic)) {
      throw new Refusal(ReasonCode.notAuthorized, "The will topic is not permitted");
    }
  }

  #openSession(principal: Principal): void {
    const { sessions, journal } = this.#core;
    const ops: StateOp[] = [];
    const existing = this.#takeOver(sessions.get(sessionKey(principal.id, this.#clientId)), ops);
    const hasRoom = existing !== null || sessions.size < this.#core.limits.sessionsMax;
    if (!hasRoom) throw new Refusal(ReasonCode.quotaExceeded, "Too many sessions");
    const session = existing ?? sessions.create(principal, this.#clientId);
    ops.push(...this.#configure(session, principal));
    if (session.durable) ops.push({ kind: "session_put", session: session.toStored() });
    const keepAliveSeconds = this.#keepAlive();
    this.#connection.bind({ connect: this.#packet, session, keepAliveSeconds });
    session.claimant = this.#connection;
    const isPresent = existing !== null;
    if (ops.length === 0) return this.#accept(session, isPresent);
    journal.append(ops, (error) => {
      if (this.#connection.isClosed) return;
      if (error === null) this.#accept(session, isPresent);
      else this.#connection.closeWith(ReasonCode.serverUnavailable, "The session cannot be stored");
    });
  }

  /** Ends an older connection of the session [MQTT-3.1.4-3]; null when a new session begins. */
  #takeOver(session: BrokerSession | undefined, ops: StateOp[]): BrokerSession | null {
    if (session === undefined) return null;
    const { statistics, sessions, wills } = this.#core;
    for (const older of [session.connection, session.claimant]) {
      if (older === null) continue;
      statistics.takenOverTotal++;
      older.closeWith(ReasonCode.sessionTakenOver);
    }
    if (session.ended) return null; // it was to live no longer than its connection
    if (this.#packet.cleanStart) {
      wills.sessionEnds(session);
      ops.push(...sessions.end(session));
      return null;
    }
    return session;
  }

  /** Returns what the store must forget before the client is told. */
  #configure(session: BrokerSession, principal: Principal): StateOp[] {
    const { properties, will } = this.#packet;
    const { limits, wills } = this.#core;
    const wasDurable = session.durable;
    session.principal = principal;
    session.expirySeconds = this.#expirySeconds();
    session.disconnectedAtMs = null;
    session.window = Math.min(properties?.receiveMaximum ?? 0xffff, limits.inflightMessagesMax);
    wills.forget(session); // a will that waited must not be sent any more [MQTT-3.1.3-9]
    if (will !== null) session.will = this.#toStoredWill(will);
    const isGivenUp = wasDurable && !session.durable;
    return isGivenUp ? [{ kind: "session_delete", sessionId: session.sessionId }] : [];
  }

  /** Before 5.0 a session that is not clean is kept, for as long as we keep any. */
  #expirySeconds(): number {
    const { version, cleanStart, properties } = this.#packet;
    const longest = this.#core.limits.sessionExpirySecondsMax;
    if (version !== 5) return cleanStart ? 0 : longest;
    return Math.min(properties?.sessionExpiryInterval ?? 0, longest);
  }

  #toStoredWill(will: WillMessage): StoredWill {
    const nowMs = this.#core.time.nowMs();
    const expiry = will.properties?.messageExpiryInterval;
    return {
      message: {
        topic: will.topic,
        payload: will.payload,
        qos: will.qos,
        retain: will.retain,
        properties: forwardedProperties(will.properties),
        receivedAtMs: nowMs,
        expiresAtMs: expiry === undefined ? null : nowMs + expiry * 1000,
      },
      delaySeconds: will.properties?.willDelayInterval ?? 0,
    };
  }

  #keepAlive(): number {
    const { keepAlive, version } = this.#packet;
    const longest = this.#core.limits.keepAliveSecondsMax;
    // Older clients cannot be told another value.
    if (version !== 5 || longest === 0) return keepAlive;
    return keepAlive === 0 ? longest : Math.min(keepAlive, longest);
  }

  #accept(session: BrokerSession, isPresent: boolean): void {
    // 3.1 has no such flag: its byte is reserved.
    const sessionPresent = isPresent && this.#packet.version !== 3;
    const properties = this.#packet.version === 5 ? this.#grantedProperties(session) : null;
    const writer = this.#connection.output.writer();
    const start = writer.position;
    const packet = { type: "connack" as const, sessionPresent, reasonCode: 0, properties };
    encodeConnack(writer, packet, this.#packet.version);
    if (writer.position - start > this.#connection.clientPacketBytesMax) {
      writer.position = start;
      return this.#connection.closeWith(ReasonCode.packetTooLarge);
    }
    session.claimant = null;
    session.connection = this.#connection;
    this.#core.statistics.connectionsTotal++;
    this.#connection.started();
  }

  #grantedProperties(session: BrokerSession): Properties {
    const { limits, responseInformation } = this.#core;
    const { properties, keepAlive } = this.#packet;
    const granted: Properties = {
      topicAliasMaximum: limits.topicAliasMaximum,
      maximumPacketSize: limits.packetBytesMax,
      receiveMaximum: limits.receiveMaximum,
    };
    const asked = properties?.sessionExpiryInterval ?? 0;
    if (asked !== session.expirySeconds) granted.sessionExpiryInterval = session.expirySeconds;
    if (this.#packet.clientId === "") granted.assignedClientIdentifier = this.#clientId;
    const keepAliveSeconds = this.#keepAlive();
    if (keepAliveSeconds !== keepAlive) granted.serverKeepAlive = keepAliveSeconds;
    if (properties?.requestResponseInformation === 1 && responseInformation !== null) {
      granted.responseInformation = responseInformation;
    }
    return granted;
  }
}
