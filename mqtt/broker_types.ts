/**
 * What the broker needs from its surroundings and what it offers to them. The product decides who
 * may do what and what becomes of a message (`BrokerHooks`); a store keeps the state of sessions
 * (`SessionStore`); the broker does the protocol between the two.
 *
 * Times: `…AtMs` are milliseconds of the broker's own time, which starts at the wall clock's and then
 * follows the monotonic clock, so that a step of the wall clock expires nothing.
 */

import type { Properties, ProtocolVersion, Qos, UserProperty } from "@/mqtt/codec/packet.ts";

// --- who connects -------------------------------------------------------------------------------

export type TransportKind = "tcp" | "tls" | "ws" | "wss";

/** Client certificate that was verified against the configured authority. */
export interface ClientCertificate {
  commonName: string;
  /** upper-case hex with colons, as node:tls gives it */
  fingerprint256: string;
  /** ms since 1970 */
  validFromMs: number;
  validToMs: number;
}

export interface TransportInfo {
  transport: TransportKind;
  remoteAddress: string;
  certificate: ClientCertificate | null;
  /** A WebSocket request that came with forwarding headers: its address is the proxy's. */
  forwarded: boolean;
  /**
   * A web page opened the WebSocket (it came with `Origin`): any site in a browser may do so, and the
   * browser adds a client certificate by itself.
   */
  fromPage?: boolean;
}

/** A CONNECT as the product judges it. */
export interface ConnectRequest extends TransportInfo {
  clientId: string;
  username: string | null;
  password: Uint8Array | null;
  protocolVersion: ProtocolVersion;
}

/**
 * Who a connection is, as the product sees it; it may carry more fields of the product. `id` is half
 * of the session key (the other half is the client id): two principals never share a session.
 */
export interface Principal {
  readonly id: string | null;
}

export type AuthDecision<P extends Principal = Principal> =
  | { principal: P }
  /** reason code of 5.0: 0x86 bad user name or password, 0x87 not authorized, 0x88, 0x89, 0x8A … */
  | { refuse: number };

export type AclAction = "publish" | "will" | "subscribe" | "receive";

// --- what comes in ------------------------------------------------------------------------------

/** A PUBLISH from a client, or its will when it fires. */
export interface InboundPublish<P extends Principal = Principal> {
  readonly origin: "publish" | "will";
  readonly topic: string;
  /** Valid until `accept` returns: copy what is kept longer. */
  readonly payload: Uint8Array;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly principal: P;
  readonly clientId: string;
  readonly sessionKey: string;
  readonly protocolVersion: ProtocolVersion;
  /** 5.0 properties, null without any */
  readonly properties: Properties | null;
  readonly userProperties: readonly UserProperty[];
  /**
   * State that must be committed in the same transaction as the message (received QoS 2 identifier,
   * what persistent subscribers get queued, retained message); often empty.
   */
  readonly stateOps: readonly StateOp[];
}

export type PublishOutcome =
  | { kind: "accepted" }
  /**
   * 5.0: acknowledged with `reasonCode` (one that PUBACK may carry: 0x80, 0x83, 0x87, 0x90, 0x97,
   * 0x99), or with `disconnect` a DISCONNECT with it and no
   * acknowledgement. 3.1.1: closed without acknowledgement.
   */
  | { kind: "refused"; reasonCode: number; disconnect: boolean };

export interface BrokerHooks<P extends Principal = Principal> {
  authenticate(request: ConnectRequest): AuthDecision<P> | Promise<AuthDecision<P>>;

  /** `topicOrFilter` is without share prefix. Asked for each publish, will, filter and delivery. */
  authorize(principal: P, action: AclAction, topicOrFilter: string): boolean;

  /**
   * Every authorised PUBLISH and fired will. "route": ordinary broker traffic. "taken": the product
   * commits it together with `publish.stateOps` and then calls `done` exactly once; routing to
   * subscribers and the acknowledgement follow that call.
   */
  accept(publish: InboundPublish<P>, done: (outcome: PublishOutcome) => void): "route" | "taken";

  /** A connection was accepted or ended; for device status. */
  connectionChanged?(event: ConnectionEvent<P>): void;

  /** Something that an operator should know; logged once, at the edge. */
  report?(event: BrokerReport): void;
}

export interface ConnectionEvent<P extends Principal = Principal> {
  kind: "connected" | "disconnected";
  principal: P;
  clientId: string;
  remoteAddress: string;
  transport: TransportKind;
  /** 5.0 reason code of the end; 0 for a normal DISCONNECT and for "connected" */
  reasonCode: number;
}

export interface BrokerReport {
  kind: "protocol_error" | "refused" | "limit" | "store_error" | "internal_error";
  message: string;
  clientId: string | null;
  remoteAddress: string | null;
}

// --- what the gateway publishes -----------------------------------------------------------------

export interface OutboundPublish {
  /** a valid topic name */
  topic: string;
  /** kept, not copied: not to be changed afterwards */
  payload: Uint8Array;
  qos: Qos;
  retain: boolean;
  /**
   * The gateway can rebuild it: a retained value stays in memory only. What persistent sessions get
   * queued is stored all the same.
   */
  volatile?: boolean;
  properties?: Properties | null;
}

// --- kept state ---------------------------------------------------------------------------------

/** A message at rest. Plain data, safe for structured clone. */
export interface StoredMessage {
  topic: string;
  payload: Uint8Array;
  qos: Qos;
  retain: boolean;
  /** passed through: payload format, content type, response topic, correlation data, user */
  properties: Properties | null;
  /** reception, broker time */
  receivedAtMs: number;
  /** null: never expires */
  expiresAtMs: number | null;
}

export interface StoredWill {
  message: StoredMessage;
  /** seconds */
  delaySeconds: number;
}

/** Never expires; the wire's 0xFFFFFFFF. */
export const SESSION_NEVER_EXPIRES = 0xffff_ffff;

export interface StoredSession {
  /** Never reused; state of a session that was discarded cannot reach its successor. */
  sessionId: number;
  principalId: string | null;
  clientId: string;
  /** seconds; > 0 */
  expirySeconds: number;
  /** null while connected */
  disconnectedAtMs: number | null;
  /** Not yet fired; after a crash it fires as if the connection had been lost at the start. */
  will: StoredWill | null;
}

export interface StoredSubscription {
  sessionId: number;
  /** as sent, with `$share/name/` where shared; one per session and filter */
  filter: string;
  qos: Qos;
  noLocal: boolean;
  retainAsPublished: boolean;
  identifier: number | null;
}

/** Place of one message in the outgoing queue of one session. */
export interface QueuePlace {
  sessionId: number;
  /** Order within the session: strictly increasing, never reused. */
  sequence: number;
  qos: 1 | 2;
  /** retain flag as this subscriber gets it */
  retain: boolean;
  subscriptionIdentifiers: number[];
  /** `$share/name/filter` where the message came through a shared subscription */
  share: string | null;
  /** packet identifier once assigned, null while waiting */
  packetId: number | null;
  /** QoS 2: PUBREC came, only PUBREL is repeated */
  released: boolean;
}

export interface StoredQueueEntry extends QueuePlace {
  message: StoredMessage;
}

/**
 * A change of kept state. An op that names a session which does not exist is without effect, and so
 * is a removal of what is not there.
 */
export type StateOp =
  | { kind: "session_put"; session: StoredSession }
  /** removes the session with everything that belongs to it */
  | { kind: "session_delete"; sessionId: number }
  | { kind: "subscription_put"; subscription: StoredSubscription }
  | { kind: "subscription_delete"; sessionId: number; filter: string }
  /** one message for any number of sessions: its body may be stored once */
  | { kind: "queue_add"; message: StoredMessage; places: QueuePlace[] }
  | { kind: "queue_sent"; sessionId: number; sequence: number; packetId: number; released: boolean }
  | { kind: "queue_remove"; sessionId: number; sequence: number }
  /** a QoS 2 packet identifier received and not yet released */
  | { kind: "inbound_add"; sessionId: number; packetId: number }
  | { kind: "inbound_remove"; sessionId: number; packetId: number }
  | { kind: "retained_put"; message: StoredMessage }
  | { kind: "retained_delete"; topic: string };

export interface PersistedState {
  sessions: StoredSession[];
  subscriptions: StoredSubscription[];
  /** any order; `sequence` orders them within a session */
  queue: StoredQueueEntry[];
  inbound: { sessionId: number; packetId: number }[];
  retained: StoredMessage[];
}

export interface SessionStore {
  load(): Promise<PersistedState>;
  /**
   * Applies `ops` in order, all or none; commits take effect in the order of the calls. `done` is
   * called once, after the transaction is on disk (or failed). Many calls may share a transaction.
   * `done` may run in any later turn, or at once. What `ops` refers to is never
   * changed afterwards.
   */
  commit(ops: readonly StateOp[], done: (error: Error | null) => void): void;
}

// --- surroundings -------------------------------------------------------------------------------

export interface BrokerClock {
  /** milliseconds since 1970, may step */
  wallMs(): number;
  /** milliseconds from an arbitrary start, never goes back */
  monotonicMs(): number;
  /** Calls `tick` about every `intervalMs`; returns the way to end it. */
  every(intervalMs: number, tick: () => void): () => void;
}

/** What the broker needs of a connection; node's Duplex streams fit through `streamChannel`. */
export interface Channel {
  /** Queues bytes; the array belongs to the channel from then on. */
  send(bytes: Uint8Array): void;
  /** Bytes queued and not yet taken by the other side's network. */
  bufferedBytes(): number;
  pauseReading(): void;
  resumeReading(): void;
  /** Sends what is queued, then ends. */
  close(): void;
  /** Ends at once. */
  destroy(): void;
  /** Starts the flow of events; called once. */
  open(events: ChannelEvents): void;
}

export interface ChannelEvents {
  data(chunk: Uint8Array): void;
  /** Everything that was queued has gone out. */
  drained(): void;
  /** Exactly once. */
  closed(): void;
}

// --- what is seen from outside ------------------------------------------------------------------

export interface ConnectionInfo<P extends Principal = Principal> {
  clientId: string;
  principal: P;
  protocolVersion: ProtocolVersion;
  transport: TransportKind;
  remoteAddress: string;
  certificate: ClientCertificate | null;
  /** broker time */
  connectedAtMs: number;
  keepAliveSeconds: number;
  cleanStart: boolean;
}

/** Counters since start, and gauges of now. All bounded: never per client or topic. */
export interface BrokerStatistics {
  connections: number;
  connectionsTotal: number;
  connectionsRefusedTotal: number;
  sessions: number;
  subscriptions: number;
  retainedMessages: number;
  retainedBytes: number;
  queuedMessages: number;
  queuedBytes: number;
  receivedMessagesTotal: number;
  sentMessagesTotal: number;
  receivedBytesTotal: number;
  sentBytesTotal: number;
  protocolErrorsTotal: number;
  takenOverTotal: number;
  keepAliveTimeoutsTotal: number;
  stateCommitErrorsTotal: number;
  /** messages that a subscriber did not get, by reason */
  droppedTotal: Record<DropReason, number>;
}

export type DropReason =
  /** QoS 0 for a subscriber whose outgoing buffer is full */
  | "slow_subscriber"
  /** the session's queue is full: the newest is not taken */
  | "queue_full"
  | "expired"
  /** larger than the subscriber's maximum packet size */
  | "too_large"
  /** `receive` was not authorised */
  | "not_authorized"
  /** a retained message over the configured number or bytes */
  | "retained_full"
  /** published by a client on a topic of the broker itself */
  | "reserved_topic";
