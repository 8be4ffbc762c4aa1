/** Every bound of the broker, with what happens there. */

export interface BrokerLimits {
  /** Established and half-open connections. A further one is answered 0x89 server busy and closed. */
  connectionsMax: number;
  /** Connections that did not send CONNECT yet. A further one is closed at once. */
  halfOpenMax: number;
  /** A connection without a whole CONNECT by then is closed. */
  connectTimeoutMs: number;
  /** New connections per second; further ones are closed. 0: no limit. */
  connectsPerSecondMax: number;
  /** Messages per second of one connection; above it reading from that connection waits. 0: none. */
  messagesPerSecondMax: number;
  /** Whole packet from a client; a larger one is refused on its header with 0x95. */
  packetBytesMax: number;
  /** Whole CONNECT. */
  connectBytesMax: number;
  /**
   * Unacknowledged QoS 1 and 2 messages from one client. 5.0: announced, exceeding it ends the
   * connection with 0x93. Before 5.0: reading from that client waits.
   */
  receiveMaximum: number;
  /** QoS 2 identifiers received and not released, per session; above it 0x93, before 5.0 closed. */
  unreleasedMessagesMax: number;
  /** Aliases that a client may set (announced), and that we set towards one; beyond: 0x94. */
  topicAliasMaximum: number;
  /** Levels of a topic. Publish: 0x90, before 5.0 closed. Filter: 0x97, before 5.0 0x80. */
  topicLevelsMax: number;
  /** A further filter is answered 0x97, before 5.0 0x80. */
  subscriptionsPerSessionMax: number;
  /** Length of all filters of a session together, in characters; above it as a further filter. */
  filterCharactersPerSessionMax: number;
  /** Connected and kept sessions. A new one is refused with 0x97. */
  sessionsMax: number;
  /** Longest session expiry that is granted; sessions of 3.x that are kept get it. Seconds. */
  sessionExpirySecondsMax: number;
  /** Waiting and unacknowledged messages of one session. The newest is not taken, and counted. */
  queuedMessagesMax: number;
  /** As `queuedMessagesMax`, in bytes. */
  queuedBytesMax: number;
  /** All sessions together, in bytes: the newest is not taken, and counted. */
  queuedBytesTotalMax: number;
  /** Messages sent to one client and not acknowledged (or its own receive maximum, if lower). */
  inflightMessagesMax: number;
  /** Retained messages. A further topic is not retained: 5.0 0x97, before it routed and counted. */
  retainedMessagesMax: number;
  /** As `retainedMessagesMax`, in bytes. */
  retainedBytesMax: number;
  /**
   * Bytes that one subscriber has not taken from its socket. Above: QoS 0 is dropped and counted,
   * QoS 1 and 2 wait in the session's queue; at twice that reading from it waits as well.
   */
  outboundBytesMax: number;
  /** As `outboundBytesMax`, for all subscribers: above it only those that took everything get more. */
  outboundBytesTotalMax: number;
  /** Bytes of messages whose commit is pending; above it reading from all clients waits. */
  pendingBytesMax: number;
  /** Keep alive that is granted at most, in seconds; 0: what the client asks. */
  keepAliveSecondsMax: number;
  /** A closed connection whose peer does not close too is cut after this time. */
  closeTimeoutMs: number;
}

const MIB = 1 << 20;

export const DEFAULT_LIMITS: BrokerLimits = {
  connectionsMax: 10_000,
  halfOpenMax: 1000,
  connectTimeoutMs: 10_000,
  connectsPerSecondMax: 0,
  messagesPerSecondMax: 0,
  packetBytesMax: MIB,
  connectBytesMax: 128 << 10,
  receiveMaximum: 200,
  unreleasedMessagesMax: 1000,
  topicAliasMaximum: 64,
  topicLevelsMax: 32,
  subscriptionsPerSessionMax: 1000,
  filterCharactersPerSessionMax: 256 << 10,
  sessionsMax: 20_000,
  sessionExpirySecondsMax: 30 * 86_400,
  queuedMessagesMax: 1000,
  queuedBytesMax: 4 * MIB,
  queuedBytesTotalMax: 64 * MIB,
  inflightMessagesMax: 100,
  retainedMessagesMax: 100_000,
  retainedBytesMax: 32 * MIB,
  outboundBytesMax: MIB,
  outboundBytesTotalMax: 64 * MIB,
  pendingBytesMax: 32 * MIB,
  keepAliveSecondsMax: 0,
  closeTimeoutMs: 5000,
};
