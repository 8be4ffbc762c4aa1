/**
 * What the rest of the gateway may ask of the store. `store/store.ts` (main thread, backed by the
 * store Worker and the query Worker) fulfils `Store`; the forward Worker gets a `MessagePort` whose
 * protocol is `ForwardPort` below.
 */
import type { AppendOutcome, NewMessage, Rejection, StoredMessage } from "@/model/message.ts";
import type { DeadLetter, Ledger, SourceDeadLetter } from "@/model/ledger.ts";
import type { NormalizeRules } from "@/model/rules.ts";
import type { AccessChange } from "@/store/auth_tables.ts";
import type { BrokerState } from "@/store/broker_state.ts";
import type { DashboardChange, DashboardRemoval } from "@/store/dashboards_table.ts";
import type { OrderChange } from "@/store/orders_table.ts";
import type { Queries, QueryName } from "@/store/queries.ts";
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
  boot: BootInfo;
}

/**
 * The machine's boot, read by whoever may (`/proc/sys/kernel/random/boot_id`, `/proc/uptime`). Without
 * such files: a random id and the process's own clock.
 */
export interface BootInfo {
  id: string;
  /** µs since the boot, at the moment when `performance.now()` of the main thread was `atMs`. */
  uptimeUs: number;
  atMs: number;
}

/** Settings that take effect without a restart. */
export type LiveOptions = Partial<
  Pick<
    StoreOptions,
    | "lingerMs"
    | "queueBytesMax"
    | "freeBytesMin"
    | "whenFull"
    | "keepMs"
    | "keepBytesMax"
    | "sourceDeadMax"
    | "history"
    | "normalize"
  >
>;

/** Current room for new data. */
export interface StoreState {
  full: StoreFullError | null;
  durability: "full" | "relaxed";
  clockTrusted: boolean;
  lastNumber: number;
  epochHex: string;
  /** Bytes of the database and its WAL. */
  diskBytes: number;
  /** Of the file system and inside the database file; null where it may not be asked. */
  freeBytes: number | null;
  queuedBytes: number;
  /** Everything up to this number has its final time; destinations and history go no further. */
  stampedThrough: number;
  /** Set when a damaged database was moved aside. */
  salvaged: Salvaged | null;
}

export interface Salvaged {
  movedTo: string;
  /** What was wrong, in SQLite's words. */
  damage: string;
  /** Messages of the log found again, and known to be lost; null when that cannot be known. */
  recovered: number;
  lost: number | null;
}

/** Something an operator should read; goes to the log. */
export interface StoreNotice {
  level: "info" | "warn" | "error";
  code: string;
  message: string;
  hint: string;
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

/** All given conditions hold; `reason` is part of the error's text. */
export interface DeadFilter {
  destination?: string;
  reason?: string;
  device?: string;
  /** Message ids. */
  ids?: string[];
  /** Letters' own numbers: one message may be dead at several destinations. */
  letters?: number[];
  /** Letters' numbers (afterLetter, throughLetter]: those that somebody saw, and no later ones. */
  afterLetter?: number;
  throughLetter?: number;
}

export interface SourceDeadFilter {
  reason?: string;
  device?: string;
  ids?: number[];
  /** As of `DeadFilter`; here the letter's number is its id. */
  afterLetter?: number;
  throughLetter?: number;
}

export interface PageRequest {
  limit: number;
  cursor?: string;
}

/** Who acts, and from where. */
export interface AuditActor {
  name: string;
  /** Remote address; `local` for the command line. */
  address: string;
}

export interface AuditEntry {
  actor: string;
  /** As of `AuditActor`; "" where it is not known. */
  address?: string;
  action: string;
  subject: string;
  detail?: string;
}

export interface Snapshot {
  ledgers: Ledger[];
  /** Dead letters of sources that are kept now. */
  sourceDead: number;
  /** Dead letters of sources that made room for newer ones, ever. */
  sourceDeadEvicted: number;
  lastNumber: number;
}

/** What operators ask for; works on a running store and, opened by itself, on a stopped one. */
export interface StoreAdmin {
  /** Creates missing destinations (cursor at the head of the log), marks absent ones removed. */
  syncDestinations(names: string[]): Promise<void>;
  forgetDestination(name: string): Promise<void>;
  pauseDestination(name: string, paused: boolean): Promise<void>;
  /** Sends the log's messages received in [fromUs, throughUs] once more; resolves with how many. */
  backfillDestination(name: string, window: { fromUs: number; throughUs: number }): Promise<number>;
  /** Ledgers of all destinations and totals of source dead letters: one consistent snapshot. */
  snapshot(): Promise<Snapshot>;
  journey(id: string): Promise<Journey | null>;

  listDead(filter: DeadFilter, page: PageRequest): Promise<Page<DeadLetter>>;
  /** Moves dead letters back to enqueued; `payload` replaces the content of a single one. */
  replayDead(filter: DeadFilter, options: { payload?: string }): Promise<number>;
  /** `by` null: a part of an act that is audited as a whole by whoever asks. */
  purgeDead(filter: DeadFilter, by: AuditActor | null): Promise<number>;
  listSourceDead(filter: SourceDeadFilter, page: PageRequest): Promise<Page<SourceDeadLetter>>;
  /** `by` null: as of `purgeDead`, or not an act of a person. */
  deleteSourceDead(filter: SourceDeadFilter, by: AuditActor | null): Promise<number>;

  /** Reads for pages and lists; the names are those of `Queries` in store/queries.ts. */
  query<Name extends QueryName>(
    name: Name,
    parameters: Queries[Name]["parameters"],
  ): Promise<Queries[Name]["result"]>;

  /** Online, consistent, self-checked copy into `file`; resolves with its size in bytes. */
  backup(file: string): Promise<number>;
  /** Bounded audit trail entry. */
  audit(entry: AuditEntry): Promise<void>;
  /**
   * People, sessions, devices, facts and audit lines: all of the changes, in order, in one durable
   * transaction, or none and a rejection. Read back by the queries `access.state` and `audit.list`.
   */
  commitAccess(changes: AccessChange[]): Promise<void>;
  /**
   * Keeps or removes a dashboard together with its line of the trail.
   * @throws PermanentError when somebody else changed it meanwhile, or there are too many
   */
  changeDashboard(
    change: DashboardChange | DashboardRemoval,
    trail: AccessChange[],
  ): Promise<void>;
  /**
   * Keeps, changes or deletes a kit request together with its line of the trail; read back by the
   * queries `orders.*`.
   * @throws StoreFullError when as many as may be are stored, PermanentError when there is none
   */
  changeOrder(change: OrderChange, trail: AccessChange[]): Promise<void>;
  /** Small texts by key, for settings made at run time; null deletes. */
  setSetting(key: string, value: string | null): Promise<void>;
}

export interface Store extends StoreAdmin, AsyncDisposable {
  readonly state: StoreState;

  /**
   * Queues one message for the next group commit; `done` is called once, after the commit returned,
   * with the outcome. Never throws. Within one device the order of calls is the order of the log.
   * `stateOps` are session-state operations that must share the transaction; what they refer to is
   * copied before the return.
   */
  append(message: NewMessage, done: (outcome: AppendOutcome) => void, stateOps?: unknown[]): void;
  /** Keeps undecodable input as a dead letter of its source; `done(null)` once committed. */
  reject(
    rejection: Rejection,
    done: (error: Error | null) => void,
    stateOps?: unknown[],
  ): void;
  /** Commits session state of the broker (`StateOp[]` of mqtt/broker_types.ts). */
  commitState(ops: readonly unknown[], done: (error: Error | null) => void): void;
  /** Session state as it was committed last (`PersistedState` of mqtt/broker_types.ts). */
  loadState(): Promise<BrokerState>;
  /** Called after every group commit's `done` callbacks, so that acknowledgements go out in one write. */
  onCommitted(listener: (stats: CommitStats) => void): () => void;
  /** Called when `state.full` appears or goes away. */
  onFullChanged(listener: (full: StoreFullError | null) => void): () => void;
  /**
   * Called when the store Worker ended by itself: everything is refused from then on, and the process
   * should stop with an error, so that it is started again.
   */
  onFailed(listener: (error: Error) => void): () => void;
  /** Called with what an operator should read in the log. */
  onNotice(listener: (notice: StoreNotice) => void): () => void;
  /** Bytes handed to `append` and not yet committed; the broker stops reading above its limit. */
  readonly pendingBytes: number;

  /** Applies settings to the running store. */
  configure(options: LiveOptions): Promise<void>;

  /**
   * A channel for the forward Worker; transfer it to that Worker. There is one at a time: opening the
   * next one (after the forward Worker ended) releases the leases of the one before.
   */
  openForwardPort(): MessagePort;
}

/**
 * Messages between the forward Worker and the store Worker over the forward port.
 * The forward Worker reads rows itself (`LogReader` in store/log_reader.ts) and only announces and
 * settles ranges. The port begins with `destinations` and `head`. A `head` follows each commit that
 * moved it, `destinations` each change of an operator or a limit (a cursor may have moved by it), and
 * `retries` tells of exceptions that wait to be sent again.
 *
 * A lease replaces the destination's lease before it and lasts until `release` or the port's end. It
 * reaches `stampedThrough` at the most. A settlement with an error was not applied at all.
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
