/**
 * The store as the main thread sees it. What arrives while a commit runs is gathered and leaves as one
 * message to the store Worker; `done` callbacks run after the commit, then the listeners of
 * `onCommitted`, so that acknowledgements of one commit go out together.
 */
import { StoreFullError } from "@/model/errors.ts";
import {
  type AppendOutcome,
  messageId,
  type NewMessage,
  type Rejection,
  SOURCE_KINDS,
} from "@/model/message.ts";
import type { DeadLetter, SourceDeadLetter } from "@/model/ledger.ts";
import type { AccessChange } from "@/store/auth_tables.ts";
import {
  type BrokerState,
  type BrokerStateOp,
  copyStateOp,
  stateOpBytes,
} from "@/store/broker_state.ts";
import type { DashboardChange, DashboardRemoval } from "@/store/dashboards_table.ts";
import { FULL_CHECK_BYTES } from "@/store/damage_check.ts";
import { errorOf } from "@/store/call_failure.ts";
import { databasePath, DataLock, makeDataDir, reasonOf } from "@/store/data_folder.ts";
import { FLAG_CLOCK_UNTRUSTED, FLAG_PREFIXED } from "@/store/message_log.ts";
import type { OrderChange } from "@/store/orders_table.ts";
import type { Queries, QueryName } from "@/store/queries.ts";
import { QueryClient } from "@/store/query_client.ts";
import { type Fullness, toError } from "@/store/room.ts";
import type {
  AuditActor,
  AuditEntry,
  CommitStats,
  DeadFilter,
  Journey,
  LiveOptions,
  Page,
  PageRequest,
  Snapshot,
  SourceDeadFilter,
  Store,
  StoreNotice,
  StoreOptions,
  StoreState,
} from "@/store/store_types.ts";
import type {
  CallFailure,
  CallName,
  CommitBatch,
  CommitOutcome,
  CommitResult,
  FromStoreWorker,
  ToStoreWorker,
  WriterCalls,
  WriterStatus,
} from "@/store/worker_protocol.ts";
import { workerOptions } from "@/store/worker_protocol.ts";

type Done = (error: Error | null) => void;
type DoneAppend = (outcome: AppendOutcome) => void;

/** A commit stays short: beyond this a batch is closed and the next one begun. */
const BATCH_MESSAGES_MAX = 4096;
const BATCH_BYTES_MAX = 4 * 1_048_576;
/** So much company is enough: the commit waits for no more. */
const ENOUGH_MESSAGES = 1024;
/** Memory for what waits; beyond it data is refused. */
const PENDING_BYTES_MAX = 64 * 1_048_576;
/** Beside the texts of a message. */
const MESSAGE_BYTES = 200;
/** A large database is checked in full this long after the start. */
const CHECK_DELAY_MS = 30_000;

/** One batch on its way, with whom to tell. */
class PendingBatch {
  readonly batch: CommitBatch = {
    messages: {
      sources: [],
      sourceNames: [],
      devices: [],
      topics: [],
      payloads: [],
      seqs: [],
      sentUs: [],
      sentNs: [],
      traceIds: [],
      idempotencyKeys: [],
      fromReceiver: [],
      agesUs: [],
    },
    rejections: [],
    stateOps: [],
  };
  readonly appendDones: DoneAppend[] = [];
  readonly otherDones: Done[] = [];
  readonly beganMs = performance.now();
  bytes = 0;

  get isEnough(): boolean {
    return this.appendDones.length >= ENOUGH_MESSAGES || this.bytes >= BATCH_BYTES_MAX / 4;
  }

  get isClosed(): boolean {
    return this.appendDones.length >= BATCH_MESSAGES_MAX || this.bytes >= BATCH_BYTES_MAX;
  }

  add(message: NewMessage, done: DoneAppend): void {
    const { messages } = this.batch;
    messages.sources.push(SOURCE_KINDS.indexOf(message.source));
    messages.sourceNames.push(message.sourceName);
    messages.devices.push(message.device);
    messages.topics.push(message.topic);
    messages.payloads.push(message.payload);
    messages.seqs.push(message.seq);
    messages.sentUs.push(message.sentAt?.us ?? null);
    messages.sentNs.push(message.sentAt?.ns ?? 0);
    messages.traceIds.push(message.traceId);
    messages.idempotencyKeys.push(message.idempotencyKey);
    messages.fromReceiver.push(message.fromReceiver);
    messages.agesUs.push(performance.now());
    this.appendDones.push(done);
    this.bytes += message.payload.length + message.topic.length + MESSAGE_BYTES;
  }

  addOps(ops: readonly unknown[]): void {
    for (const op of ops as readonly BrokerStateOp[]) {
      this.batch.stateOps.push(copyStateOp(op));
      this.bytes += stateOpBytes(op);
    }
  }

  /** Turns moments of arrival into ages; the batch leaves now. */
  seal(): CommitBatch {
    const nowMs = performance.now();
    const { agesUs } = this.batch.messages;
    for (let i = 0; i < agesUs.length; i++) agesUs[i] = (nowMs - (agesUs[i] ?? nowMs)) * 1000;
    return this.batch;
  }
}

/** A set of listeners of one kind; one that throws does not keep the others from hearing. */
class Listeners<T> {
  readonly #listeners: Set<(value: T) => void> = new Set();
  readonly #failed: (error: unknown) => void;

  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  add(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(value: T): void {
    for (const listener of this.#listeners) {
      try {
        listener(value);
      } catch (error) {
        this.#failed(error);
      }
    }
  }
}

interface Call {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/**
 * Opens the store of a data folder: takes its lock, repairs and migrates the database, starts the
 * Worker.
 * @throws ConfigError when another program uses the folder, or it cannot be used
 */
export async function openStore(
  options: StoreOptions,
  listener?: (notice: StoreNotice) => void,
): Promise<Store> {
  makeDataDir(options.dataDir);
  const lock = DataLock.take(options.dataDir);
  const worker = new Worker(new URL("./store_worker.ts", import.meta.url), { type: "module" });
  const queries = new QueryClient(databasePath(options.dataDir));
  try {
    const opening = started(worker, options, listener);
    // What is kept is read next: its thread loads while the database is opened.
    queries.load();
    return new WorkerStore(worker, { options, lock, status: await opening, listener, queries });
  } catch (error) {
    worker.terminate();
    queries[Symbol.dispose]();
    lock[Symbol.dispose]();
    throw error;
  }
}

function started(
  worker: Worker,
  options: StoreOptions,
  listener: ((notice: StoreNotice) => void) | undefined,
): Promise<WriterStatus> {
  return new Promise((resolve, reject) => {
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`The store thread ended: ${event.message}`));
    };
    worker.onmessage = ({ data }: MessageEvent<FromStoreWorker>) => {
      if (data.type === "ready") resolve(data.status);
      else if (data.type === "failed") reject(errorOf(data.failure));
      else if (data.type === "notice") listener?.(data.notice);
    };
    worker.postMessage(
      { type: "open", options: workerOptions(options) } satisfies ToStoreWorker,
    );
  });
}

class WorkerStore implements Store {
  readonly #worker: Worker;
  readonly #lock: DataLock;
  readonly #path: string;
  readonly #queries: QueryClient;
  readonly #calls: Map<number, Call> = new Map();
  readonly #committed: Listeners<CommitStats>;
  readonly #fullChanged: Listeners<StoreFullError | null>;
  readonly #failed: Listeners<Error>;
  readonly #notices: Listeners<StoreNotice>;
  #lingerMs: number;
  #durability: "full" | "relaxed";
  #status: WriterStatus;
  #full: StoreFullError | null;
  /** Batches that are closed and wait for the Worker, oldest first. */
  #closed: PendingBatch[] = [];
  #open: PendingBatch | null = null;
  #running: PendingBatch | null = null;
  #pendingBytes = 0;
  #flushTimer: ReturnType<typeof setTimeout> | undefined;
  #checkTimer: ReturnType<typeof setTimeout> | undefined;
  #nextToken = 1;
  #ending = false;
  #failedAlready = false;
  #stopped: Promise<void> | null = null;
  /** Wakes `#stop`: a commit came back, the Worker closed or died. */
  #progress: () => void = () => undefined;

  constructor(
    worker: Worker,
    { options, lock, status, listener, queries }: {
      options: StoreOptions;
      lock: DataLock;
      status: WriterStatus;
      queries: QueryClient;
      listener: ((notice: StoreNotice) => void) | undefined;
    },
  ) {
    this.#worker = worker;
    this.#lock = lock;
    this.#path = databasePath(options.dataDir);
    this.#queries = queries;
    this.#lingerMs = options.lingerMs;
    this.#durability = options.durability;
    this.#status = status;
    this.#full = status.full === null ? null : toError(status.full);
    this.#notices = new Listeners(() => undefined);
    const failed = (error: unknown) => this.#listenerFailed(error);
    this.#committed = new Listeners(failed);
    this.#fullChanged = new Listeners(failed);
    this.#failed = new Listeners(failed);
    if (listener !== undefined) this.#notices.add(listener);
    worker.onmessage = ({ data }: MessageEvent<FromStoreWorker>) => this.#receive(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new Error(`The store thread ended: ${event.message}`));
    };
    if (status.diskBytes > FULL_CHECK_BYTES) this.#planCheck();
  }

  get state(): StoreState {
    return { ...this.#status, full: this.#full, durability: this.#durability };
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  // --- taking in --------------------------------------------------------------------------------

  append(message: NewMessage, done: DoneAppend, stateOps?: unknown[]): void {
    const refusal = this.#refusal();
    if (refusal !== null) {
      queueMicrotask(() => this.#tell(done, { kind: "refused", error: refusal }));
      return;
    }
    this.#change((batch) => {
      batch.add(message, done);
      if (stateOps !== undefined) batch.addOps(stateOps);
    });
  }

  reject(rejection: Rejection, done: Done, stateOps?: unknown[]): void {
    const refusal = this.#refusal();
    if (refusal !== null) {
      queueMicrotask(() => this.#tell(done, refusal));
      return;
    }
    this.#change((batch) => {
      batch.batch.rejections.push({ ...rejection, payload: rejection.payload.slice() });
      batch.bytes += rejection.payload.length + MESSAGE_BYTES;
      batch.otherDones.push(done);
      if (stateOps !== undefined) batch.addOps(stateOps);
    });
  }

  /** Also while the store is full: what sessions give up makes room. */
  commitState(ops: readonly unknown[], done: Done): void {
    const refusal = !this.#ending && this.#pendingBytes < PENDING_BYTES_MAX
      ? null
      : this.#refusal() ?? closedError();
    if (refusal !== null) {
      queueMicrotask(() => this.#tell(done, refusal));
      return;
    }
    this.#change((batch) => {
      batch.addOps(ops);
      batch.otherDones.push(done);
    });
  }

  #refusal(): Error | null {
    if (this.#ending) return closedError();
    if (this.#full !== null) return this.#full;
    if (this.#pendingBytes < PENDING_BYTES_MAX) return null;
    return new StoreFullError("Cannot take new data: too much waits to be committed", {
      code: "STO-0207",
      hint: "The storage device is slower than the senders, slow them down or use a faster one",
      retryAfterSeconds: 1,
    });
  }

  #change(add: (batch: PendingBatch) => void): void {
    this.#open ??= new PendingBatch();
    const batch = this.#open;
    const before = batch.bytes;
    add(batch);
    this.#pendingBytes += batch.bytes - before;
    if (batch.isClosed) {
      this.#closed.push(batch);
      this.#open = null;
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#running !== null) return;
    if (this.#closed.length > 0 || this.#open?.isEnough) return this.#send();
    if (this.#open === null || this.#flushTimer !== undefined) return;
    if (this.#lingerMs === 0) {
      // everything that one read of a socket brings is still gathered
      queueMicrotask(() => this.#send());
      return;
    }
    const waitMs = Math.max(0, this.#lingerMs - (performance.now() - this.#open.beganMs));
    this.#flushTimer = setTimeout(() => this.#send(), waitMs);
  }

  #send(): void {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    if (this.#running !== null) return;
    const next = this.#closed.shift() ?? this.#open;
    if (next === null) return;
    if (next === this.#open) this.#open = null;
    this.#running = next;
    this.#post({ type: "commit", batch: next.seal() });
  }

  #post(message: ToStoreWorker, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  // --- what comes back --------------------------------------------------------------------------

  #receive(message: FromStoreWorker): void {
    switch (message.type) {
      case "committed":
        return this.#finish(message.result);
      case "answered":
        return this.#answered(message.token, message.result, message.failure);
      case "status":
        return this.#setStatus(message.status);
      case "ready":
        // after a repair: queries must not read the file that was moved away
        this.#queries.restart();
        return this.#setStatus(message.status);
      case "notice":
        return this.#notices.tell(message.notice);
      case "failed":
        return this.#fail(errorOf(message.failure));
      case "closed":
        return this.#progress();
    }
  }

  #finish({ outcome, error, seconds, status }: CommitResult): void {
    const batch = this.#running;
    this.#running = null;
    if (status !== null) this.#setStatus(status);
    if (batch === null) return;
    this.#pendingBytes -= batch.bytes;
    // the next commit begins before the callbacks of this one run
    this.#schedule();
    if (outcome !== null) this.#succeed(batch, outcome);
    else this.#refuse(batch, toError(error));
    this.#committed.tell({ seconds, messages: batch.appendDones.length });
    this.#progress();
  }

  #succeed(batch: PendingBatch, outcome: CommitOutcome): void {
    const duplicateIds = new Map(outcome.duplicateIds);
    const { epochHex } = this.#status;
    batch.appendDones.forEach((done, i) => {
      const number = outcome.numbers[i] ?? 0;
      if (number === 0) {
        return this.#tell(done, { kind: "duplicate", id: duplicateIds.get(i) ?? null });
      }
      const flags = outcome.flags[i] ?? 0;
      this.#tell(done, {
        kind: "accepted",
        number,
        id: messageId(epochHex, number),
        receivedUs: outcome.receivedUs[i] ?? 0,
        clockUntrusted: (flags & FLAG_CLOCK_UNTRUSTED) !== 0,
        prefixed: (flags & FLAG_PREFIXED) !== 0,
      });
    });
    for (const done of batch.otherDones) this.#tell(done, null);
  }

  #refuse(batch: PendingBatch, error: Error): void {
    for (const done of batch.appendDones) this.#tell(done, { kind: "refused", error });
    for (const done of batch.otherDones) this.#tell(done, error);
  }

  #tell<T>(done: (value: T) => void, value: T): void {
    try {
      done(value);
    } catch (error) {
      this.#listenerFailed(error);
    }
  }

  #listenerFailed(error: unknown): void {
    this.#notices.tell({
      level: "error",
      code: "STO-0501",
      message: `A listener of the store failed: ${reasonOf(error)}`,
      hint: "Report this with the log around it",
    });
  }

  #setStatus(status: WriterStatus): void {
    this.#status = status;
    this.#setFull(status.full);
  }

  #setFull(full: Fullness | null): void {
    const changed = (full?.code ?? null) !== (this.#full?.code ?? null);
    // the text carries numbers that change: the newest is shown, only a change of kind is told
    this.#full = full === null ? null : toError(full);
    if (changed) this.#fullChanged.tell(this.#full);
  }

  /** The Worker is gone: nothing can be committed any more. */
  #fail(error: Error): void {
    this.#failedAlready = true;
    this.#setFull({
      code: "STO-0502",
      message: `Cannot take new data: ${error.message}`,
      hint: "Start the gateway again, everything acknowledged is in the database",
      retryAfterSeconds: 30,
    });
    const gone = [this.#running, ...this.#closed, this.#open];
    this.#running = this.#open = null;
    this.#closed = [];
    this.#pendingBytes = 0;
    for (const batch of gone) if (batch !== null) this.#refuse(batch, this.#full ?? error);
    for (const call of this.#calls.values()) call.reject(error);
    this.#calls.clear();
    this.#failed.tell(error);
    this.#progress();
  }

  onCommitted(listener: (stats: CommitStats) => void): () => void {
    return this.#committed.add(listener);
  }

  onFullChanged(listener: (full: StoreFullError | null) => void): () => void {
    return this.#fullChanged.add(listener);
  }

  onFailed(listener: (error: Error) => void): () => void {
    return this.#failed.add(listener);
  }

  onNotice(listener: (notice: StoreNotice) => void): () => void {
    return this.#notices.add(listener);
  }

  // --- calls ------------------------------------------------------------------------------------

  #call<Name extends CallName>(
    name: Name,
    ...values: WriterCalls[Name]["arguments"]
  ): Promise<WriterCalls[Name]["result"]> {
    if (this.#ending) return Promise.reject(closedError());
    const token = this.#nextToken++;
    return new Promise<WriterCalls[Name]["result"]>((resolve, reject) => {
      const answer = resolve as (result: unknown) => void;
      this.#calls.set(token, { resolve: answer, reject });
      this.#post({ type: "call", token, name, arguments: values });
    });
  }

  #answered(token: number, result: unknown, failure: CallFailure | null): void {
    const call = this.#calls.get(token);
    this.#calls.delete(token);
    if (failure === null) call?.resolve(result);
    else call?.reject(errorOf(failure));
  }

  async configure({ lingerMs, ...options }: LiveOptions): Promise<void> {
    if (lingerMs !== undefined) this.#lingerMs = lingerMs;
    await this.#call("configure", options);
  }

  syncDestinations(names: string[]): Promise<void> {
    return this.#call("syncDestinations", names);
  }

  forgetDestination(name: string): Promise<void> {
    return this.#call("forgetDestination", name);
  }

  pauseDestination(name: string, paused: boolean): Promise<void> {
    return this.#call("pauseDestination", name, paused);
  }

  backfillDestination(
    name: string,
    window: { fromUs: number; throughUs: number },
  ): Promise<number> {
    return this.#call("backfillDestination", name, window);
  }

  snapshot(): Promise<Snapshot> {
    return this.#call("snapshot");
  }

  journey(id: string): Promise<Journey | null> {
    return this.#call("journey", id);
  }

  replayDead(filter: DeadFilter, options: { payload?: string }): Promise<number> {
    return this.#call("replayDead", filter, options);
  }

  purgeDead(filter: DeadFilter, by: AuditActor | null): Promise<number> {
    return this.#call("purgeDead", filter, by);
  }

  deleteSourceDead(filter: SourceDeadFilter, by: AuditActor | null): Promise<number> {
    return this.#call("deleteSourceDead", filter, by);
  }

  audit(entry: AuditEntry): Promise<void> {
    return this.#call("audit", entry);
  }

  commitAccess(changes: AccessChange[]): Promise<void> {
    return this.#call("commitAccess", changes);
  }

  changeDashboard(
    change: DashboardChange | DashboardRemoval,
    trail: AccessChange[],
  ): Promise<void> {
    return this.#call("changeDashboard", change, trail);
  }

  changeOrder(change: OrderChange, trail: AccessChange[]): Promise<void> {
    return this.#call("changeOrder", change, trail);
  }

  setSetting(key: string, value: string | null): Promise<void> {
    return this.#call("setSetting", key, value);
  }

  // --- reading ----------------------------------------------------------------------------------

  query<Name extends QueryName>(
    name: Name,
    parameters: Queries[Name]["parameters"],
  ): Promise<Queries[Name]["result"]> {
    if (this.#ending) return Promise.reject(closedError());
    return this.#queries.query(name, parameters);
  }

  listDead(filter: DeadFilter, page: PageRequest): Promise<Page<DeadLetter>> {
    return this.query("dead.list", { filter, ...page });
  }

  listSourceDead(filter: SourceDeadFilter, page: PageRequest): Promise<Page<SourceDeadLetter>> {
    return this.query("source_dead.list", { filter, ...page });
  }

  loadState(): Promise<BrokerState> {
    return this.query("broker.state", {});
  }

  /** In a thread of its own: a copy takes seconds, and queries go on meanwhile. */
  async backup(file: string): Promise<number> {
    using client = new QueryClient(this.#path);
    return await client.backup(file);
  }

  #planCheck(): void {
    this.#checkTimer = setTimeout(() => void this.#check(), CHECK_DELAY_MS);
    this.#checkTimer.unref();
  }

  async #check(): Promise<void> {
    using client = new QueryClient(this.#path);
    try {
      const damage = await client.query("database.check", {});
      if (damage !== null && !this.#ending) this.#post({ type: "repair", damage });
    } catch (error) {
      this.#listenerFailed(error);
    }
  }

  // --- forwarding -------------------------------------------------------------------------------

  openForwardPort(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.#post({ type: "forward_port", port: port1 }, [port1]);
    return port2;
  }

  // --- the end ----------------------------------------------------------------------------------

  /** Commits what was taken, then closes; what comes later is refused. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped ??= this.#stop();
    await this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#ending = true;
    clearTimeout(this.#checkTimer);
    while (this.#running !== null || this.#closed.length > 0 || this.#open !== null) {
      this.#send();
      await new Promise<void>((resolve) => this.#progress = resolve);
    }
    if (!this.#failedAlready) {
      this.#post({ type: "close" });
      await new Promise<void>((resolve) => this.#progress = resolve);
    }
    for (const call of this.#calls.values()) call.reject(closedError());
    this.#queries[Symbol.dispose]();
    this.#worker.terminate();
    this.#lock[Symbol.dispose]();
  }
}

function closedError(): StoreFullError {
  return new StoreFullError("Cannot take new data: the store is closed", {
    code: "STO-0209",
    hint: "The gateway is stopping, send again when it is back",
  });
}
