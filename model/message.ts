/**
 * The three shapes of the data path, never mixed: a Message is what a device sent (topic and payload
 * as received), a Reading, Prediction or Attribute is what it means, a Batch is leased messages.
 */

/** Where a message came in; the label `source` of the ingest metrics. */
export type SourceKind = "mqtt" | "http" | "serial" | "feed" | "subscriber";

export const SOURCE_KINDS: readonly SourceKind[] = ["mqtt", "http", "serial", "feed", "subscriber"];

/**
 * A point in time as microseconds since 1970 plus the nanoseconds below them.
 * Microseconds stay exact integers in a double until the year 2255; nanoseconds would not.
 */
export interface Instant {
  us: number;
  /** 0…999 */
  ns: number;
}

/** One message as a source hands it to the log: decodable, not yet committed. */
export interface NewMessage {
  source: SourceKind;
  /** Configured name of the source: `broker`, `http`, or the `name` of a `[[source]]`. */
  sourceName: string;
  /** The sender: id of the publishing device, or of the receiver for a LoRa packet. */
  device: string;
  /** Source topic; for HTTP `devices/<device>/telemetry`, for serial lines `gateways/<receiver>/packet`. */
  topic: string;
  /** Payload as received, or one element's own text when an array was sent. */
  payload: string;
  /** Sender's number, where it sent one; numbered messages are checked for duplicates. */
  seq: number | null;
  /** Sender's own time as sent, part of what makes two messages equal; null when not sent. */
  sentAt: Instant | null;
  /** 32 hex digits from the sender's `traceparent`; null makes the message id the trace id. */
  traceId: string | null;
  /** HTTP `Idempotency-Key` with its scope; null without one. */
  idempotencyKey: string | null;
  /**
   * True for a LoRa packet: the sender is a receiver board. The first receiver that the store ever
   * saw gives its nodes their plain names (`node1`), every other one's are prefixed (`N3-node1`).
   */
  fromReceiver: boolean;
}

/** A message in the log. */
export interface StoredMessage {
  /** Log number: strictly increasing, never reused within an epoch. */
  number: number;
  /** 32 hex digits: store epoch and log number. */
  id: string;
  source: SourceKind;
  sourceName: string;
  device: string;
  topic: string;
  payload: string;
  seq: number | null;
  /** Reception, µs since 1970, strictly increasing per device. */
  receivedUs: number;
  traceId: string | null;
  /** Taken before the wall clock was trusted. */
  clockUntrusted: boolean;
  /** The devices of this packet carry the receiver's id as prefix; decided once, at the commit. */
  prefixed: boolean;
}

/** What became of one appended message. */
export type AppendOutcome =
  | {
    kind: "accepted";
    number: number;
    id: string;
    receivedUs: number;
    clockUntrusted: boolean;
    prefixed: boolean;
  }
  | { kind: "duplicate"; id: string | null }
  | { kind: "refused"; error: Error };

/** Input that no decoder takes: kept as a dead letter of its source. */
export interface Rejection {
  source: SourceKind;
  sourceName: string;
  device: string | null;
  topic: string;
  payload: Uint8Array;
  /** Bounded word: `not_json`, `bad_number`, … */
  reason: string;
  /** The error in words, with what to do next. */
  detail: string;
}

/**
 * Writes a message id: 16 hex digits of the store's random epoch, then 16 of the log number.
 * The log number is its own low half, so an id can be turned back into its place in the log.
 */
export function messageId(epochHex: string, number: number): string {
  return epochHex + number.toString(16).padStart(16, "0");
}

/** Splits a message id; null when the text is not one. */
export function parseMessageId(id: string): { epochHex: string; number: number } | null {
  if (!/^[0-9a-f]{32}$/.test(id)) return null;
  const number = Number.parseInt(id.slice(16), 16);
  return Number.isSafeInteger(number) ? { epochHex: id.slice(0, 16), number } : null;
}
