/**
 * What the rest of the gateway may ask of the store. `store/store.ts` (main thread, backed by the
 * store Worker and the query Worker) fulfils `Store`; the forward Worker gets a `MessagePort` whose
 * protocol is `ForwardPort` below.
 */
import type { AppendOutcome, NewMessage, Rejection, StoredMessage } from "@/model/message.ts";
import type { DeadLetter, Ledger, SourceDeadLetter } from "@/model/ledger.ts";
import type { NormalizeRules } from "@/model/rules.ts";
import type { StoreFullError } from "@/model/errors.ts";

export interface StoreOptions {
  /** Absolute path of the data folder; made with mode 0700. */
  dataDir: string;
  durability: "full" | "relaxed";
  /** How long a commit may wait for company, ms; 0 commits as soon as the Worker is free. */
  lingerMs: number;
  /** Unsettled bytes above which new data is refused (or the oldest dropped). */
  queueBytesMax: number;
  /** Free space below which new data is refused, bytes. */
  freeBytesMin: number;
  whenFull: "refuse" | "drop_oldest";
  /** How long settled messages stay readable, ms, and how many bytes of them at the most. */
  keepMs: number;
  keepBytesMax: number;
  sourceDeadMax: number;
  history: { readingsKeepMs: number; minutesKeepMs: number; hoursKeepMs: number };
  /** Passed on to `normalize` for history rows. */
  normalize: NormalizeRules;
  /** ms since 1970 of the build: an earlier wall clock is not trusted. */
  buildTimeMs: number;
}

/** Current room for new data. */
export interface StoreState {
  full: StoreFullError | null;
  durability: "full" | "relaxed";
  clockTrusted: boolean;
  lastNumber: number;
  epochHex: string;
  /** Bytes of the database and its WAL. */
  diskBytes: number;
  freeBytes: number;
  queuedBytes: number;
  /** Set when a damaged database was moved aside at the start. */
  salvaged: { movedTo: string; recovered: number; lost: number | null } | null;
}

/** Health numbers of the commit path, for metrics. */
export interface CommitStats {
  seconds: number;
  messages: number;
}

/** A page of a list; `cursor` is null on the last page. */
export interface Page<T> {
  items: T[];
  cursor: string | null;
}

/** The journey of one message. */
export interface Journey {
  message: StoredMessage | null;
  id: string;
  deliveries: {
    destination: string;
    state: "enqueued" | "in_flight" | "acked" | "dead" | "settled" | "not_for";
    attempts: number | null;
    error: string | null;
  }[];
}

export interface DeadFilter {
  destination?: string;
  reason?: string;
  device?: string;
  ids?: string[];
}

export interface Store extends AsyncDisposable {
  readonly state: StoreState;

  /**
   * Queues one message for the next group commit; `done` is called once, after the commit returned,
   * with the outcome. Never throws. Within one device the order of calls is the order of the log.
   * `stateOps` are session-state operations that must share the transaction.
   */
  append(message: NewMessage, done: (outcome: AppendOutcome) => void, stateOps?: unknown[]): void;
  /** Keeps undecodable input as a dead letter of its source; `done(null)` once committed. */
  reject(
    rejection: Rejection,
    done: (error: Error | null) => void,
    stateOps?: unknown[],
  ): void;
  /** Commits session state of the broker (`StateOp[]` of mqtt/broker_types.ts). */
  commitState(ops: unknown[], done: (error: Error | null) => void): void;
  /** Called after every group commit's `done` callbacks, so that acknowledgements go out in one write. */
  onCommitted(listener: (stats: CommitStats) => void): () => void;
  /** Called when `state.full` appears or goes away. */
  onFullChanged(listener: (full: StoreFullError | null) => void): () => void;
  /** Bytes handed to `append` and not yet committed; the broker stops reading above its limit. */
  readonly pendingBytes: number;

  /** A channel for the forward Worker; transfer it to that Worker. */
  openForwardPort(): MessagePort;

  /** Creates missing destinations (cursor at the head of the log), marks absent ones removed. */
  syncDestinations(names: string[]): Promise<void>;
  forgetDestination(name: string): Promise<void>;
  pauseDestination(name: string, paused: boolean): Promise<void>;
  /** Ledgers of all destinations and totals per source dead reason, one consistent snapshot. */
  snapshot(): Promise<{ ledgers: Ledger[]; sourceDead: number; lastNumber: number }>;
  journey(id: string): Promise<Journey | null>;

  listDead(
    filter: DeadFilter,
    page: { limit: number; cursor?: string },
  ): Promise<Page<DeadLetter>>;
  /** Moves dead letters back to enqueued; `payload` replaces the content of a single one. */
  replayDead(filter: DeadFilter, options: { payload?: string }): Promise<number>;
  purgeDead(filter: DeadFilter, by: string): Promise<number>;
  listSourceDead(
    filter: { reason?: string; ids?: number[] },
    page: { limit: number; cursor?: string },
  ): Promise<Page<SourceDeadLetter>>;
  deleteSourceDead(
    filter: { reason?: string; ids?: number[] },
    by: string | null,
  ): Promise<number>;

  /** Latest values, ranges with roll-ups; runs in the query Worker, never in the writer. */
  query<T>(name: string, parameters: Record<string, unknown>): Promise<T>;

  /** Online, consistent copy into `file`; resolves with its size in bytes. */
  backup(file: string): Promise<number>;
  /** Bounded audit trail entry. */
  audit(entry: { actor: string; action: string; subject: string; detail?: string }): Promise<void>;
}

/**
 * Messages between the forward Worker and the store Worker over the forward port.
 * The forward Worker reads rows itself (`LogReader` in store/) and only announces and settles ranges.
 */
export type ForwardToStore =
  | { type: "lease"; destination: string; throughNumber: number; retryNumbers: number[] }
  | { type: "release"; destination: string }
  | { type: "settle"; token: number; settlement: Settlement };

export type StoreToForward =
  | { type: "destinations"; destinations: DestinationCursor[] }
  | { type: "head"; lastNumber: number; stampedThrough: number }
  | { type: "retries"; destination: string }
  | { type: "settled"; token: number; error: string | null };

export interface DestinationCursor {
  name: string;
  cursor: number;
  paused: boolean;
  retries: number;
}

/** The outcome of a prefix of a lease. Every message of the range is in exactly one of the lists. */
export interface Settlement {
  destination: string;
  /** The cursor moves to this number: every log row up to it is acked unless listed below. */
  throughNumber: number;
  /** How many log rows existed in the moved range; the rest of the range is counted dropped. */
  rows: number;
  expired: number;
  dead: { number: number; error: string; attempts: number }[];
  /** Replayed messages (exceptions in state `retry`) that are settled now. */
  retriesAcked: number[];
  retriesDead: { number: number; error: string; attempts: number }[];
  retriesExpired: number[];
}
