/**
 * One network connection: its life, and which packet goes where.
 *
 * opening (waits for CONNECT) → deciding (reading stops while the product judges and the session is
 * committed) → open → closed. Reading stops for named reasons and goes on when none is left; bytes
 * that came meanwhile are kept by the parser, at most what one read delivers.
 */

import type {
  Channel,
  ConnectionInfo,
  ConnectRequest,
  Principal,
  TransportInfo,
} from "@/mqtt/broker_types.ts";
import type { BrokerCore, BrokerSession } from "@/mqtt/broker_core.ts";
import type {
  AcknowledgementPacket,
  ConnackPacket,
  ConnectPacket,
  DisconnectPacket,
  Packet,
  ProtocolVersion,
  SubackPacket,
  UnsubackPacket,
} from "@/mqtt/codec/packet.ts";
import { writePacket } from "@/mqtt/codec/packet_encoder.ts";
import { PacketParser } from "@/mqtt/codec/packet_parser.ts";
import { connackReasonCode, connackReturnCode, ReasonCode } from "@/mqtt/codec/reason_code.ts";
import { ConnectionOutput } from "@/mqtt/connection_output.ts";
import { Handshake } from "@/mqtt/handshake.ts";
import { InboundFlow } from "@/mqtt/inbound_flow.ts";
import { OutboundFlow } from "@/mqtt/outbound_flow.ts";
import { MqttProtocolError, protocolError } from "@/mqtt/protocol_error.ts";
import { subscribe, unsubscribe } from "@/mqtt/subscription_flow.ts";

/** Why nothing is read from a connection. */
const READING_STOPS = {
  /** CONNECT is being judged, the session committed. */
  deciding: 1,
  /** Too many unacknowledged messages. */
  window: 2,
  /** More messages than allowed this second. */
  rate: 4,
  /** It does not read what it is sent. */
  output: 8,
  /** The broker as a whole waits for commits. */
  pending: 16,
  /** The gateway asked for it. */
  paused: 32,
} as const;

export type ReadingStop = keyof typeof READING_STOPS;

/** Answers whose properties only explain. */
type AnswerPacket = ConnackPacket | SubackPacket | UnsubackPacket | DisconnectPacket;

type State = "opening" | "deciding" | "open" | "closed";

/** What a connection is once its CONNECT was accepted. */
export interface ConnectionSetup {
  connect: ConnectPacket;
  session: BrokerSession;
  keepAliveSeconds: number;
}

export class Connection {
  readonly info: TransportInfo;
  readonly openedAtMs: number;
  readonly #core: BrokerCore;
  readonly #output: ConnectionOutput;
  readonly #channel: Channel;
  readonly #parser: PacketParser;
  #state: State = "opening";
  #readingStops = 0;
  #setup: ConnectionSetup | null = null;
  #inbound: InboundFlow | null = null;
  #outbound: OutboundFlow | null = null;
  #lastPacketAtMs: number;
  #closedAtMs = 0;
  #messagesThisSecond = 0;
  #isLeaving = false;
  #isGone = false;
  readonly #goneWaiters: (() => void)[] = [];
  /** Wants reason strings [MQTT-3.1.2-29]. */
  wantsProblemInformation = true;

  constructor(core: BrokerCore, channel: Channel, info: TransportInfo) {
    this.#core = core;
    this.#channel = channel;
    this.info = info;
    this.openedAtMs = core.time.nowMs();
    this.#lastPacketAtMs = this.openedAtMs;
    this.#output = new ConnectionOutput(channel, core.flushes, core.statistics);
    this.#parser = new PacketParser({
      role: "server",
      packetBytesMax: core.limits.packetBytesMax,
      connectBytesMax: core.limits.connectBytesMax,
      onPacket: (packet) => this.#onPacket(packet),
    });
  }

  get version(): ProtocolVersion {
    return this.#parser.version;
  }

  get isClosed(): boolean {
    return this.#state === "closed";
  }

  get session(): BrokerSession | null {
    return this.#setup?.session ?? null;
  }

  /** Messages to this client; only for a connection that was accepted. */
  get outbound(): OutboundFlow {
    return this.#outbound!;
  }

  /** Messages from this client; only for a connection that was accepted. */
  get inbound(): InboundFlow {
    return this.#inbound!;
  }

  get output(): ConnectionOutput {
    return this.#output;
  }

  get isLagging(): boolean {
    return this.#outbound?.isLagging ?? false;
  }

  /** Starts reading. */
  open(): void {
    this.#channel.open({
      data: (chunk) => this.#onData(chunk),
      drained: () => this.#onDrained(),
      closed: () => this.#onClosed(),
    });
  }

  /** Opens or closes one reason for reading; bytes are read while none is closed. */
  setReading(stop: ReadingStop, isOpen: boolean): void {
    const bit = READING_STOPS[stop];
    const before = this.#readingStops;
    if (isOpen === ((before & bit) === 0)) return;
    this.#readingStops = isOpen ? before & ~bit : before | bit;
    if (this.#state === "closed") return;
    if (before === 0) {
      this.#parser.hold();
      this.#channel.pauseReading();
    } else if (this.#readingStops === 0) {
      this.#lastPacketAtMs = this.#core.time.nowMs();
      this.#channel.resumeReading();
      this.#guard(() => this.#parser.release());
    }
  }

  #onData(chunk: Uint8Array): void {
    if (this.#state === "closed") return;
    this.#core.statistics.receivedBytesTotal += chunk.length;
    this.#lastPacketAtMs = this.#core.time.nowMs();
    this.#guard(() => this.#parser.push(chunk));
    // A client that sends and never reads: its answers must not pile up.
    if (this.#output.bufferedBytes > 2 * this.#core.limits.outboundBytesMax) {
      this.setReading("output", false);
    }
  }

  /** A peer's mistake ends its connection and nothing else. */
  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (!(error instanceof MqttProtocolError)) return this.#failed(error);
      this.#core.statistics.protocolErrorsTotal++;
      this.#core.report("protocol_error", error.message, this);
      const explain = this.#core.reasonStrings === "all" ? error.message : null;
      this.closeWith(error.reasonCode, explain);
    }
  }

  /** A fault of our own or of the product: it costs this connection, never the process. */
  #failed(error: unknown): void {
    const cause = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#core.report("internal_error", `Cannot handle a packet: ${cause}`, this);
    this.closeWith(ReasonCode.implementationSpecificError);
  }

  #onPacket(packet: Packet): void {
    if (packet.type === "publish") {
      this.#countMessage();
      return this.#inbound!.publish(packet);
    }
    switch (packet.type) {
      case "connect":
        return this.#onConnect(packet);
      case "puback":
      case "pubrec":
      case "pubcomp":
        return this.#outbound!.acknowledged(packet as AcknowledgementPacket);
      case "pubrel":
        return this.#inbound!.release(packet);
      case "pingreq":
        return this.#output.writer().u16(0xd000);
      case "disconnect":
        return this.#onDisconnect(packet);
      default:
        return this.#onRequest(packet);
    }
  }

  #onRequest(packet: Packet): void {
    if (packet.type === "subscribe") return subscribe(this.#core, this, packet);
    if (packet.type === "unsubscribe") return unsubscribe(this.#core, this, packet);
    // No authentication method was accepted, so none can go on [MQTT-4.12.0-1, -6].
    throw protocolError("Cannot accept AUTH without an authentication method", "MQTT-4.12.0-1");
  }

  #countMessage(): void {
    const { messagesPerSecondMax } = this.#core.limits;
    if (messagesPerSecondMax === 0) return;
    if (++this.#messagesThisSecond >= messagesPerSecondMax) this.setReading("rate", false);
  }

  #onConnect(packet: ConnectPacket): void {
    this.#state = "deciding";
    this.#core.connections.halfOpen.delete(this);
    this.setReading("deciding", false);
    this.wantsProblemInformation = packet.properties?.requestProblemInformation !== 0;
    void new Handshake(this.#core, this, packet).run();
  }

  /** The request as the product judges it. */
  toRequest(packet: ConnectPacket, clientId: string): ConnectRequest {
    return {
      ...this.info,
      clientId,
      username: packet.username,
      password: packet.password,
      protocolVersion: packet.version,
    };
  }

  /** CONNECT is accepted: flows are made, the session is bound. Nothing is sent yet. */
  bind(setup: ConnectionSetup): void {
    const { connect, session } = setup;
    const { limits } = this.#core;
    this.#setup = setup;
    this.#inbound = new InboundFlow(this.#core, {
      connection: this,
      session,
      output: this.#output,
    });
    this.#outbound = new OutboundFlow({
      core: this.#core,
      connection: this,
      session,
      output: this.#output,
      version: connect.version,
      packetBytesMax: connect.properties?.maximumPacketSize ?? Infinity,
      topicAliasMaximum: Math.min(
        connect.properties?.topicAliasMaximum ?? 0,
        limits.topicAliasMaximum,
      ),
    });
  }

  /** CONNACK was written: packets flow. */
  started(): void {
    this.#state = "open";
    this.#core.hooks.connectionChanged?.({
      kind: "connected",
      principal: this.session!.principal,
      clientId: this.session!.clientId,
      remoteAddress: this.info.remoteAddress,
      transport: this.info.transport,
      reasonCode: 0,
    });
    this.#outbound!.resume();
    this.setReading("deciding", true);
  }

  #onDisconnect(packet: DisconnectPacket): void {
    const session = this.session!;
    const expiry = packet.properties?.sessionExpiryInterval;
    if (expiry !== undefined && expiry > 0 && session.expirySeconds === 0) {
      throw protocolError("Cannot lengthen a session that was to end", "MQTT-3.1.2-23");
    }
    if (packet.reasonCode === 0) this.#core.wills.forget(session);
    if (expiry !== undefined) this.#changeExpiry(session, expiry);
    this.#end(packet.reasonCode);
    this.#shut();
  }

  #changeExpiry(session: BrokerSession, expiry: number): void {
    const isDiscarded = session.durable && expiry === 0;
    if (isDiscarded) {
      this.#core.journal.append([{ kind: "session_delete", sessionId: session.sessionId }]);
    }
    session.expirySeconds = Math.min(expiry, this.#core.limits.sessionExpirySecondsMax);
  }

  /** Ends the connection with a reason, told as far as the version can; the session is left. */
  closeWith(reasonCode: number, explanation: string | null = null): void {
    if (this.#state === "closed") return;
    const state = this.#state;
    const isKnown = state === "open";
    this.#end(reasonCode);
    if (isKnown) this.#writeDisconnect(reasonCode, explanation);
    else if (this.#isAnswered(state, reasonCode)) this.#writeRefusal(reasonCode, explanation);
    this.#shut();
  }

  /** The gateway stops: wills are kept with their sessions instead of fired. */
  leave(reasonCode: number): void {
    const session = this.session;
    const will = session?.will ?? null;
    if (session !== null) this.#core.wills.forget(session);
    if (session !== null && session.durable) session.will = will;
    this.#isLeaving = true;
    this.closeWith(reasonCode);
  }

  /** Sends what is due and waits, for a while, for the peer to close as well. */
  #shut(): void {
    this.#core.connections.closing.add(this);
    this.#output.close();
  }

  /**
   * Before CONNECT was read there is nothing to answer to, unless CONNECT itself was wrong; before
   * 5.0 only its level and its identifier have a return code [MQTT-3.1.2-2, 3.1.3-9, 3.1.4-1].
   */
  #isAnswered(state: State, reasonCode: number): boolean {
    if (state === "deciding") return true;
    if (!this.#parser.sawConnect) return false;
    return this.version === 5 || reasonCode === ReasonCode.unsupportedProtocolVersion ||
      reasonCode === ReasonCode.clientIdentifierNotValid;
  }

  #writeDisconnect(reasonCode: number, explanation: string | null): void {
    if (this.version !== 5) return;
    this.writeBounded({
      type: "disconnect",
      reasonCode,
      properties: this.#explain(explanation),
    });
  }

  #writeRefusal(reasonCode: number, explanation: string | null): void {
    const isNew = this.version === 5;
    this.writeBounded({
      type: "connack",
      sessionPresent: false,
      reasonCode: isNew ? connackReasonCode(reasonCode) : connackReturnCode(reasonCode),
      properties: isNew ? this.#explain(explanation) : null,
    });
  }

  #explain(explanation: string | null) {
    const isWanted = explanation !== null && this.#core.reasonStrings !== "none" &&
      this.wantsProblemInformation;
    return isWanted ? { reasonString: explanation } : null;
  }

  /**
   * Writes an answer that the client takes: without its reason string where it would be too large
   * [MQTT-3.2.2-19, 3.9.2-1, 3.14.2-3]. False when it is too large even so [MQTT-3.1.2-24].
   */
  writeBounded(packet: AnswerPacket): boolean {
    if (this.#writeWhereFits(packet)) return true;
    return packet.properties !== null && this.#writeWhereFits({ ...packet, properties: null });
  }

  #writeWhereFits(packet: AnswerPacket): boolean {
    const writer = this.#output.writer();
    const start = writer.position;
    writePacket(writer, packet, this.version);
    const fits = writer.position - start <= this.clientPacketBytesMax;
    if (!fits) writer.position = start;
    return fits;
  }

  /** The client's maximum packet size, from its CONNECT on. */
  clientPacketBytesMax = Infinity;

  #onDrained(): void {
    if (this.#state === "closed") return;
    this.#output.account();
    this.setReading("output", true);
    this.#outbound?.pump();
  }

  /** Resolves when the channel is closed on both sides. */
  whenGone(): Promise<void> {
    if (this.#isGone) return Promise.resolve();
    return new Promise((resolve) => this.#goneWaiters.push(resolve));
  }

  #onClosed(): void {
    this.#isGone = true;
    for (const resolve of this.#goneWaiters.splice(0)) resolve();
    this.#core.connections.closing.delete(this);
    if (this.#state !== "closed") this.#end(ReasonCode.unspecifiedError);
    this.#output.destroy();
  }

  /** Leaves the broker: the session goes on alone, or ends. */
  #end(reasonCode: number): void {
    const wasOpen = this.#state === "open";
    this.#state = "closed";
    this.#closedAtMs = this.#core.time.nowMs();
    this.#parser.stop();
    this.#core.connections.open.delete(this);
    this.#core.connections.halfOpen.delete(this);
    this.#core.statistics.connections = this.#core.connections.open.size;
    const session = this.session;
    if (session === null) return;
    if (session.connection === this || session.claimant === this) this.#detach(session);
    if (!wasOpen) return;
    this.#core.hooks.connectionChanged?.({
      kind: "disconnected",
      principal: session.principal,
      clientId: session.clientId,
      remoteAddress: this.info.remoteAddress,
      transport: this.info.transport,
      reasonCode,
    });
  }

  #detach(session: BrokerSession): void {
    const { wills, journal, sessions, router } = this.#core;
    session.connection = null;
    session.claimant = null;
    session.disconnectedAtMs = this.#closedAtMs;
    if (!this.#isLeaving) wills.connectionLost(session);
    if (!session.durable) {
      journalIfAny(journal, sessions.end(session));
      return;
    }
    router.sessionLeft(session);
    journal.append([{ kind: "session_put", session: session.toStored() }]);
  }

  /** Called about twice a second. */
  tick(nowMs: number): void {
    if (this.#state === "opening" || this.#state === "deciding") return this.#tickOpening(nowMs);
    const { keepAliveSeconds } = this.#setup!;
    // While we do not read, silence is ours: the client may well have sent.
    if (keepAliveSeconds === 0 || this.#readingStops !== 0) return;
    if (nowMs - this.#lastPacketAtMs <= keepAliveSeconds * 1500) return;
    this.#core.statistics.keepAliveTimeoutsTotal++;
    this.closeWith(ReasonCode.keepAliveTimeout);
  }

  #tickOpening(nowMs: number): void {
    if (nowMs - this.openedAtMs < this.#core.limits.connectTimeoutMs) return;
    this.#core.report("limit", "Closed a connection that did not complete CONNECT in time", this);
    if (this.#state === "deciding") return this.closeWith(ReasonCode.serverBusy);
    this.#end(ReasonCode.unspecifiedError);
    this.#output.destroy();
  }

  /** Called once a second: a new allowance of messages. */
  renewAllowance(): void {
    this.#messagesThisSecond = 0;
    this.setReading("rate", true);
  }

  /** Cuts a connection that we closed and the peer did not. */
  cutWhenOverdue(nowMs: number): void {
    if (nowMs - this.#closedAtMs >= this.#core.limits.closeTimeoutMs) this.cut();
  }

  cut(): void {
    this.#core.connections.closing.delete(this);
    this.#output.destroy();
  }

  describe(): ConnectionInfo<Principal> | null {
    if (this.#setup === null || this.#state !== "open") return null;
    const { connect, session, keepAliveSeconds } = this.#setup;
    return {
      clientId: session.clientId,
      principal: session.principal,
      protocolVersion: connect.version,
      transport: this.info.transport,
      remoteAddress: this.info.remoteAddress,
      certificate: this.info.certificate,
      connectedAtMs: this.openedAtMs,
      keepAliveSeconds,
      cleanStart: connect.cleanStart,
    };
  }
}

function journalIfAny(
  journal: BrokerCore["journal"],
  ops: Parameters<BrokerCore["journal"]["append"]>[0],
): void {
  if (ops.length > 0) journal.append(ops);
}
