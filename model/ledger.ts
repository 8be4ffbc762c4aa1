/** Where one message stands for one destination. */
export type DeliveryState =
  | "enqueued"
  | "in_flight"
  | "acked"
  | "dead"
  | "expired"
  | "purged"
  | "dropped";

/**
 * The ledger of one destination, read at one instant.
 * Always `accepted = acked + expired + purged + dropped + enqueued + inFlight + dead`.
 */
export interface Ledger {
  destination: string;
  /** Messages committed since the destination was created, and those given to it by a backfill. */
  accepted: number;
  acked: number;
  expired: number;
  purged: number;
  dropped: number;
  enqueued: number;
  inFlight: number;
  dead: number;
  /** Reception of the oldest message that is not settled, µs since 1970; null with none. */
  oldestUs: number | null;
  /** Payload and topic bytes that wait. */
  queuedBytes: number;
  paused: boolean;
  /** No longer in the configuration; its cursor and data are kept until `destination forget`. */
  removed: boolean;
}

/** True when the numbers add up. */
export function conserves(ledger: Ledger): boolean {
  return ledger.accepted === ledger.acked + ledger.expired + ledger.purged + ledger.dropped +
      ledger.enqueued + ledger.inFlight + ledger.dead;
}

/** A message that a destination refused for its content. */
export interface DeadLetter {
  messageId: string;
  destination: string;
  device: string;
  topic: string;
  payload: string;
  error: string;
  attempts: number;
  /** ms since 1970 */
  deadAtMs: number;
}

/** Input that no decoder took. */
export interface SourceDeadLetter {
  id: number;
  source: string;
  sourceName: string;
  device: string | null;
  topic: string;
  payload: Uint8Array;
  reason: string;
  detail: string;
  /** ms since 1970 */
  atMs: number;
}
