/**
 * The one contract of everything that messages are forwarded to.
 *
 * A destination moves bytes and says exactly what became of them. It knows nothing of queues,
 * retries or ledgers: `Delivery` leases, calls it, and settles. It may be called again with messages
 * that it has already written (C4): writing must be idempotent, or the other side must cope.
 *
 * What a failure means is told by its class:
 * - `TransientError`: nothing is wrong with the messages (network, time-out, credentials, missing
 *   table or bucket, overload). The same messages are tried again, for ever.
 * - `PermanentError`: the other side refuses this content. A single message becomes a dead letter, a
 *   batch is split to find the one.
 */
import { PermanentError, TransientError } from "@/model/errors.ts";
import type { StoredMessage } from "@/model/message.ts";
import type { Normalized } from "@/model/reading.ts";
import type { Notice } from "@/forward/forward_types.ts";

/** One leased message and what it means. */
export interface BatchEntry {
  message: StoredMessage;
  /**
   * Complete, also where a filter lets only a part through: the place in a list is the `item` under
   * which a row is stored, and must not depend on the filter of the day.
   */
  normalized: Normalized;
}

/** Leased messages in the order in which they have to arrive; each has something to write. */
export type Batch = readonly BatchEntry[];

/** A message that the other side refused for its content. */
export interface RejectedEntry {
  /** Place in the batch. */
  index: number;
  error: PermanentError;
}

/** What became of a batch. Nothing is left open: an entry is decided, or it is not. */
export interface WriteResult {
  /**
   * The first so many entries are decided: written so that the other side has confirmed it, or
   * listed in `rejected`. All others count as not sent, although some may have arrived.
   */
  decided: number;
  /** In order of `index`, all below `decided`. */
  rejected: RejectedEntry[];
  /** Why the others are not decided; null when all are. */
  interrupted: TransientError | PermanentError | null;
  /** With a PermanentError: what was refused stands in `decided` … `refusedEnd − 1`. */
  refusedEnd?: number;
}

export interface Destination {
  readonly name: string;

  /** True when the entry has something that is written here; others are acknowledged unsent. */
  wants(entry: BatchEntry): boolean;

  /**
   * Connects and makes sure that the other side has what we need (tables, policies). Called before
   * the first write and again after every failure; cheap when there is nothing to do.
   *
   * @throws TransientError
   */
  prepare(signal: AbortSignal): Promise<void>;

  /**
   * Writes the batch in order. Settles soon after `signal` aborts, whatever the other side does; it
   * leaves nothing open then and the next `prepare` starts anew.
   *
   * @throws TransientError, PermanentError with nothing decided: as `interrupted` with `decided: 0`
   */
  write(batch: Batch, signal: AbortSignal): Promise<WriteResult>;

  /**
   * Connects, checks credentials and rights, and writes no data; says in words what was found.
   *
   * @throws TransientError
   */
  test(signal: AbortSignal): Promise<string>;

  /** Ends connections, orderly where that takes no longer than `signal` allows. Never throws. */
  close(signal: AbortSignal): Promise<void>;
}

/** What a destination tells on its own account. */
export interface DestinationEvents {
  /** The connection broke while nothing was being written. */
  lost(error: TransientError): void;
  /** Something an operator should read: a policy that cannot be set, a newer server. */
  notice(notice: Omit<Notice, "destination">): void;
}

/** All entries written. */
export function allAccepted(batch: Batch): WriteResult {
  return { decided: batch.length, rejected: [], interrupted: null };
}

/** Any error as one of the two that a destination may throw; an unknown one is no message's fault. */
export function toWriteError(error: unknown): TransientError | PermanentError {
  if (error instanceof TransientError || error instanceof PermanentError) return error;
  return new TransientError(`Cannot write: ${error instanceof Error ? error.message : error}`, {
    code: "FWD-0001",
    hint: "Report this as a defect with the log around it; the messages are kept",
    cause: error,
  });
}

/**
 * The error of an attempt that was ended from outside: by its time limit, or because the gateway
 * stops.
 */
export function abortedError(what: string, signal: AbortSignal): TransientError {
  const { reason } = signal;
  if (reason instanceof TransientError) return reason;
  return new TransientError(`${what} was stopped`, {
    code: "FWD-0002",
    hint: "Nothing to do; the messages are sent again",
    cause: reason,
  });
}
