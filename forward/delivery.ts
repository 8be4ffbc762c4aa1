/**
 * Delivers the log to one destination: reads, leases, writes, settles; waits, backs off, splits.
 *
 * Constraints: the order of the log is kept; nothing is settled that the destination has not
 * confirmed or refused; nobody waits for a destination that fails or hangs.
 * Layout: two lanes, the log behind the cursor and replayed messages; each holds what is read and
 * not yet settled, at most two batches. Settlements are committed by the store some time later; a
 * bounded number of them may be on the way.
 * How it runs: forward/delivery_mode.ts. While a batch is being written the next one is read and
 * decoded.
 * On failure: the lease is released, the lanes are kept, and the same messages are tried again. When
 * the store cannot settle, the lanes are dropped and read again from its cursor: that repeats writes
 * (C6), and loses nothing.
 */
import { AgeLimit } from "@/forward/age_limit.ts";
import { backoffMs } from "@/forward/backoff.ts";
import { type DeliveryStep, nextStep } from "@/forward/delivery_mode.ts";
import {
  abortedError,
  type Destination,
  type DestinationEvents,
  toWriteError,
  type WriteResult,
} from "@/forward/destination.ts";
import type {
  BatchReport,
  DeliveryMode,
  DestinationOptions,
  DestinationStatus,
  FailureReport,
  Notice,
} from "@/forward/forward_types.ts";
import { type DecidedItem, Lane, type LaneItem } from "@/forward/lane.ts";
import type { DeliveryStore } from "@/forward/store_link.ts";
import type { Timing } from "@/forward/timing.ts";
import { PermanentError, TransientError } from "@/model/errors.ts";
import type { StoredMessage } from "@/model/message.ts";
import type { Normalized } from "@/model/reading.ts";
import type { Settlement } from "@/store/store_types.ts";

/** Payload bytes of one read. */
const READ_BYTES_MAX = 4 * 1024 * 1024;
/** Settlements that the store has not confirmed: what a crash would send again. */
const SETTLEMENTS_MAX = 64;
/** How long a destination may take to obey an abort before it is left behind. */
const ABORT_GRACE_MS = 1_000;
/** Of the time to stop: what a running write may use before it is broken off. */
const STOP_WRITE_SHARE = 0.5;

/** Reads the log; the store's LogReader fulfils it. */
export interface MessageReader {
  /** Messages after one number through another, in order. */
  read(
    afterNumber: number,
    range: { throughNumber: number; limit: number; bytesMax: number },
  ): StoredMessage[];
  /** Messages that an operator has sent back to the queue, in order of their number. */
  readRetries(destination: string, limits: { limit: number; bytesMax: number }): StoredMessage[];
}

export interface DeliveryParts {
  options: DestinationOptions;
  open: (events: DestinationEvents) => Destination;
  store: DeliveryStore;
  reader: MessageReader;
  /**
   * What a message means.
   *
   * @throws Error for a message that cannot be understood (any more)
   */
  interpret: (message: StoredMessage) => Normalized;
  timing: Timing;
  listener: DeliveryListener;
}

export interface DeliveryListener {
  onStatus(status: DestinationStatus): void;
  onBatch(report: BatchReport): void;
  onNotice(notice: Notice): void;
}

export class Delivery {
  readonly #parts: DeliveryParts;
  readonly #destination: Destination;
  readonly #log = new Lane();
  readonly #retries = new Lane();
  readonly #settling = new Set<Promise<void>>();
  /** null without `max_age`, and until the store knows us. */
  #ageLimit: AgeLimit | null = null;
  #status: DestinationStatus;
  #running: Promise<void> = Promise.resolve();
  #unsubscribe: (() => void) | null = null;
  #wakeUp: (() => void) | null = null;
  #attempt: AbortController | null = null;
  #stopping = false;
  #prepared = false;
  /** Log messages up to here are in the lane or settled; null until the store knows us. */
  #readThrough: number | null = null;
  /** Up to here settlements were sent; the store confirms them later. */
  #settledThrough = 0;
  #retriesTurn = false;
  /** Numbers of replayed messages whose settlement is on the way. */
  #retriesSettling = 0;
  /** Reading or settling failed: the lanes may not match the store any more. */
  #storeError: TransientError | null = null;
  #nextAttemptMs = 0;
  /** When messages came that are not in a batch yet, monotonic. */
  #waitingSinceMs: number | null = null;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.#destination = parts.open({
      lost: (error) => this.#onLost(error),
      notice: (notice) => this.#notice(notice),
    });
    this.#status = {
      name: parts.options.name,
      type: parts.options.type,
      mode: "starting",
      modeSinceMs: parts.timing.wallMs(),
      up: null,
      failures: 0,
      nextAttemptAtMs: null,
      lastFailure: null,
      lastSuccessAtMs: null,
    };
  }

  get name(): string {
    return this.#parts.options.name;
  }

  get status(): DestinationStatus {
    return this.#status;
  }

  start(): void {
    this.#unsubscribe = this.#parts.store.onChange(() => this.#onStoreChange());
    this.#onStoreChange();
    this.#running = this.#run();
  }

  /** Makes the next attempt now. */
  wake(): void {
    this.#nextAttemptMs = 0;
    this.#signal();
  }

  /** Lets a running write end in part of the time, then breaks it off; releases the lease. */
  async stop(deadlineMs: number): Promise<void> {
    const { timing, store } = this.#parts;
    this.#stopping = true;
    this.#signal();
    const cancelAbort = timing.after(deadlineMs * STOP_WRITE_SHARE, () => {
      this.#attempt?.abort(stoppingError(this.name));
    });
    const closing = new AbortController();
    const cancelClose = timing.after(deadlineMs, () => closing.abort(stoppingError(this.name)));
    await this.#running;
    cancelAbort();
    await untilAborted(Promise.all(this.#settling), closing.signal);
    store.release(this.name);
    this.#unsubscribe?.();
    await untilAborted(this.#destination.close(closing.signal), closing.signal);
    cancelClose();
  }

  async #run(): Promise<void> {
    for (;;) {
      if (this.#storeError !== null) await this.#rewind(this.#storeError);
      const step = nextStep(this.#facts());
      this.#enter(step.mode);
      if (step.act === "stop") return;
      if (step.act === "wait") await this.#wait(step.waitMs);
      if (step.act === "prepare") await this.#prepare();
      if (step.act === "deliver") await this.#deliver(step);
    }
  }

  #facts() {
    const { store, timing } = this.#parts;
    const position = store.position(this.name);
    const now = timing.monotonicMs();
    const unread = this.#readThrough === null ? 0 : store.stampedThrough - this.#readThrough;
    const retries = this.#retries.isEmpty && !this.#mayReadRetries() ? 0 : 1;
    const fresh = Math.max(0, unread) + this.#log.sendable + (this.#log.isEmpty ? 0 : 1);
    return {
      stopping: this.#stopping,
      known: position !== null && this.#readThrough !== null,
      paused: position?.paused ?? false,
      prepared: this.#prepared,
      failures: this.#status.failures,
      backoffLeftMs: Math.max(0, this.#nextAttemptMs - now),
      available: fresh + retries,
      unstamped: store.lastNumber - store.stampedThrough,
      lingerLeftMs: this.#lingerLeftMs({ now, fresh, retries }),
    };
  }

  /** Replayed messages and a full batch go at once; others wait from the first one's arrival. */
  #lingerLeftMs({ now, fresh, retries }: { now: number; fresh: number; retries: number }): number {
    const { batchMessagesMax, lingerMs } = this.#parts.options;
    if (retries > 0 || fresh >= batchMessagesMax || this.#waitingSinceMs === null) return 0;
    return Math.max(0, this.#waitingSinceMs + lingerMs - now);
  }

  #enter(mode: DeliveryMode): void {
    if (mode === this.#status.mode) return;
    const { timing, listener } = this.#parts;
    const retrying = mode === "backing_off" || mode === "circuit_open";
    const nextAttemptAtMs = retrying ? this.#status.nextAttemptAtMs : null;
    this.#status = { ...this.#status, mode, modeSinceMs: timing.wallMs(), nextAttemptAtMs };
    listener.onStatus(this.#status);
  }

  /** Until something changes, or for so long. */
  async #wait(ms: number | null): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wakeUp = resolve;
    const cancel = ms === null ? null : this.#parts.timing.after(ms, resolve);
    await promise;
    cancel?.();
    this.#wakeUp = null;
  }

  #signal(): void {
    this.#wakeUp?.();
  }

  #onStoreChange(): void {
    const { store, timing, options } = this.#parts;
    const position = store.position(this.name);
    if (position === null) return this.#signal();
    if (this.#settling.size === 0 && position.cursor < this.#settledThrough) {
      // salvaged after damage: what it does not know of is sent again
      this.#storeError ??= storeError(`Cannot go on for "${this.name}"`, "the store began anew");
      return this.#signal();
    }
    // the store moves a cursor by itself when it drops the oldest
    this.#readThrough = Math.max(this.#readThrough ?? 0, position.cursor);
    this.#settledThrough = Math.max(this.#settledThrough, position.cursor);
    if (options.maxAgeMs !== null) {
      this.#ageLimit ??= new AgeLimit(options.maxAgeMs, { timing, head: store.lastNumber });
      this.#ageLimit.observe(store.lastNumber);
    }
    if (store.stampedThrough > this.#readThrough) this.#waitingSinceMs ??= timing.monotonicMs();
    this.#signal();
  }

  #onLost(error: TransientError): void {
    if (this.#attempt !== null || this.#stopping) return; // the attempt fails by itself
    this.#fail(error);
    this.#signal();
  }

  async #prepare(): Promise<void> {
    await this.#expireOld();
    try {
      await this.#limited((signal) => this.#destination.prepare(signal));
      this.#prepared = true;
      // with nothing to send, being able to is all there is to know
      if (this.#facts().available === 0) this.#succeed();
    } catch (error) {
      this.#fail(toWriteError(error));
    }
  }

  async #deliver({ mode }: DeliveryStep): Promise<void> {
    await this.#expireOld();
    const lane = this.#chooseLane();
    this.#settle(lane);
    const taken = lane.take(mode === "probing" ? 1 : this.#parts.options.batchMessagesMax);
    if (taken.length === 0) return await this.#settlementRoom();
    this.#lease(lane, taken);
    const { result, seconds } = await this.#write(taken);
    lane.apply(taken, result);
    this.#settle(lane);
    this.#conclude(result, { messages: taken.length, seconds });
    await this.#settlementRoom();
  }

  /** Replayed messages and the log take turns. */
  #chooseLane(): Lane {
    this.#readAhead(1);
    this.#readRetries();
    this.#retriesTurn = !this.#retriesTurn && !this.#retries.isEmpty;
    return this.#retriesTurn || this.#log.isEmpty ? this.#retries : this.#log;
  }

  async #write(taken: LaneItem[]): Promise<{ result: WriteResult; seconds: number }> {
    const { timing } = this.#parts;
    const batch = taken.map((item) => item.entry!);
    const startedMs = timing.monotonicMs();
    const writing = this.#limited((signal) => this.#destination.write(batch, signal)).catch(
      (error): WriteResult => ({ decided: 0, rejected: [], interrupted: toWriteError(error) }),
    );
    // the bytes are on their way before the next batch takes the thread
    await Promise.race([writing, immediate()]);
    this.#readAhead(2);
    const result = await writing;
    return { result, seconds: (timing.monotonicMs() - startedMs) / 1000 };
  }

  #conclude(
    { decided, rejected, interrupted }: WriteResult,
    { messages, seconds }: { messages: number; seconds: number },
  ): void {
    const failed = interrupted instanceof TransientError;
    const whole = interrupted === null && rejected.length === 0;
    const outcome = whole ? "accepted" : failed && decided === 0 ? "failed" : "partial";
    this.#parts.listener.onBatch({ destination: this.name, seconds, messages, outcome });
    if (!failed || decided > 0) this.#succeed();
    if (failed) this.#fail(interrupted);
  }

  /** One attempt within its time limit; an attempt that does not obey an abort is left behind. */
  async #limited<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { timing, options } = this.#parts;
    const attempt = new AbortController();
    this.#attempt = attempt;
    const { promise: abandoned, reject } = Promise.withResolvers<never>();
    let cancelGrace = () => {};
    attempt.signal.addEventListener("abort", () => {
      const error = abortedError(`An attempt of destination "${this.name}"`, attempt.signal);
      cancelGrace = timing.after(ABORT_GRACE_MS, () => reject(error));
    });
    const cancelTimeout = timing.after(options.timeoutMs, () => {
      attempt.abort(timeoutError(this.name, options.timeoutMs));
    });
    try {
      return await Promise.race([work(attempt.signal), abandoned]);
    } finally {
      cancelTimeout();
      cancelGrace();
      this.#attempt = null;
    }
  }

  #succeed(): void {
    const recovered = this.#status.failures > 0;
    const failures = this.#status.failures;
    this.#nextAttemptMs = 0;
    this.#status = {
      ...this.#status,
      up: true,
      failures: 0,
      lastSuccessAtMs: this.#parts.timing.wallMs(),
    };
    if (!recovered) return;
    this.#parts.listener.onStatus(this.#status);
    this.#notice({
      level: "info",
      code: "FWD-0004",
      message: `Destination "${this.name}" is reached again after ${failures} failed attempts`,
      hint: "Nothing to do",
    });
  }

  #fail(error: TransientError | PermanentError): void {
    const { timing, store, listener } = this.#parts;
    this.#prepared = false;
    if (this.#stopping) return;
    const failures = this.#status.failures + 1;
    const retryAfterMs = error instanceof TransientError ? error.retryAfterMs : null;
    const waitMs = backoffMs(failures, { random: timing.random, retryAfterMs });
    this.#nextAttemptMs = timing.monotonicMs() + waitMs;
    const previous = this.#status.lastFailure;
    const lastFailure = reportOf(error, timing.wallMs());
    // drawn once, and shown as it was drawn
    const nextAttemptAtMs = Math.round(timing.wallMs() + waitMs);
    this.#status = { ...this.#status, up: false, failures, lastFailure, nextAttemptAtMs };
    store.release(this.name);
    listener.onStatus(this.#status);
    if (failures > 1 && previous?.code === lastFailure.code) return; // said already
    this.#notice({ level: "warn", ...lastFailure });
  }

  #notice(notice: Omit<Notice, "destination">): void {
    const { level, code, message, hint } = notice;
    this.#parts.listener.onNotice({ destination: this.name, level, code, message, hint });
  }

  /** Reads the log until the lane holds so many batches; the one being written counts. */
  #readAhead(batches: 1 | 2): void {
    const { store, reader, options } = this.#parts;
    const limit = options.batchMessagesMax;
    while (this.#readThrough !== null && this.#log.sendable < batches * limit) {
      const after = this.#readThrough;
      const throughNumber = store.stampedThrough;
      if (after >= throughNumber || this.#stopping || this.#storeError !== null) return;
      const limits = { limit, bytesMax: READ_BYTES_MAX, throughNumber };
      const messages = this.#tryRead(() => reader.read(after, limits));
      if (messages === null) return;
      if (messages.length === 0) return this.#skipHole(throughNumber);
      this.#readThrough = messages.at(-1)!.number;
      this.#log.push(messages.map((message) => this.#toItem(message)));
      if (this.#readThrough >= store.stampedThrough) this.#waitingSinceMs = null;
    }
  }

  /** No row is left in the range (dropped, lost): the cursor passes it when nothing is before it. */
  #skipHole(throughNumber: number): void {
    if (!this.#log.isEmpty) return;
    this.#readThrough = throughNumber;
    this.#waitingSinceMs = null;
    this.#parts.store.lease(this.name, { throughNumber, retryNumbers: [] });
    this.#sendSettlement(emptySettlement(this.name, throughNumber));
  }

  /** The log's oldest messages may be past `max_age`, also while the other side is away. */
  async #expireOld(): Promise<void> {
    const limit = this.#ageLimit;
    while (limit !== null && !this.#stopping) {
      this.#readAhead(1);
      this.#log.expire((message) => limit.isExpired(message));
      if (!this.#settle(this.#log)) return;
      await this.#settlementRoom();
      await immediate(); // other destinations live in this thread
    }
  }

  #tryRead(read: () => StoredMessage[]): StoredMessage[] | null {
    try {
      return read();
    } catch (error) {
      this.#storeError = storeError(`Cannot read messages for "${this.name}"`, error);
      return null;
    }
  }

  #mayReadRetries(): boolean {
    const { store } = this.#parts;
    return this.#retriesSettling === 0 && (store.position(this.name)?.retries ?? 0) > 0;
  }

  #readRetries(): void {
    const { store, reader, options } = this.#parts;
    if (!this.#retries.isEmpty || !this.#mayReadRetries()) return;
    const limits = { limit: options.batchMessagesMax, bytesMax: READ_BYTES_MAX };
    const messages = this.#tryRead(() => reader.readRetries(this.name, limits));
    if (messages === null) return;
    if (messages.length === 0) store.noRetries(this.name);
    this.#retries.push(messages.map((message) => this.#toItem(message)));
  }

  #toItem(message: StoredMessage): LaneItem {
    try {
      const entry = { message, normalized: this.#parts.interpret(message) };
      if (this.#destination.wants(entry)) return { message, entry, verdict: null };
      return { message, entry: null, verdict: "acked" };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { message, entry: null, verdict: { error: reason, attempts: 0 } };
    }
  }

  #lease(lane: Lane, taken: LaneItem[]): void {
    const { store } = this.#parts;
    const numbers = taken.map((item) => item.message.number);
    store.lease(
      this.name,
      lane === this.#log
        ? { throughNumber: numbers.at(-1)!, retryNumbers: [] }
        : { throughNumber: this.#settledThrough, retryNumbers: numbers },
    );
  }

  /** Hands the decided messages at the front of the lane to the store; false without any. */
  #settle(lane: Lane): boolean {
    // what the store has dropped by itself is settled
    if (lane === this.#log) lane.dropThrough(this.#settledThrough);
    const drained = lane.drain();
    if (drained.length === 0) return false;
    if (lane === this.#log) {
      this.#sendSettlement(logSettlement(this.name, drained));
    } else {
      this.#retriesSettling++;
      const through = this.#settledThrough;
      const settlement = retrySettlement(this.name, { through, items: drained });
      this.#sendSettlement(settlement, () => this.#retriesSettling--);
    }
    return true;
  }

  #sendSettlement(settlement: Settlement, done: () => void = () => {}): void {
    this.#settledThrough = settlement.throughNumber;
    const settled = this.#parts.store.settle(settlement).then((error) => {
      this.#settling.delete(settled);
      done();
      if (error !== null) {
        this.#storeError ??= storeError(`Cannot record what "${this.name}" has taken`, error);
      }
      this.#signal();
    });
    this.#settling.add(settled);
  }

  async #settlementRoom(): Promise<void> {
    while (this.#settling.size >= SETTLEMENTS_MAX) await Promise.race(this.#settling);
  }

  /** Starts again, after a while, from what the store has recorded. */
  async #rewind(error: TransientError): Promise<void> {
    await Promise.all(this.#settling);
    this.#storeError = null;
    this.#log.clear();
    this.#retries.clear();
    const position = this.#parts.store.position(this.name);
    this.#readThrough = position?.cursor ?? null;
    this.#settledThrough = position?.cursor ?? 0;
    this.#fail(error);
  }
}

function emptySettlement(destination: string, throughNumber: number): Settlement {
  return {
    destination,
    throughNumber,
    rows: 0,
    expired: 0,
    dead: [],
    retriesAcked: [],
    retriesDead: [],
    retriesExpired: [],
  };
}

function logSettlement(destination: string, items: DecidedItem[]): Settlement {
  return {
    ...emptySettlement(destination, items.at(-1)!.message.number),
    rows: items.length,
    expired: items.filter(({ verdict }) => verdict === "expired").length,
    dead: items.flatMap(deadOf),
  };
}

function retrySettlement(
  destination: string,
  { through, items }: { through: number; items: DecidedItem[] },
): Settlement {
  const acked = items.filter(({ verdict }) => verdict === "acked");
  return {
    ...emptySettlement(destination, through),
    retriesAcked: acked.map(({ message }) => message.number),
    retriesDead: items.flatMap(deadOf),
  };
}

function deadOf({ message, verdict }: DecidedItem) {
  return typeof verdict === "string" ? [] : [{ number: message.number, ...verdict }];
}

function reportOf(error: TransientError | PermanentError, atMs: number): FailureReport {
  return { code: error.code, message: error.message, hint: error.hint, atMs };
}

function storeError(action: string, cause: unknown): TransientError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TransientError(`${action}: ${reason}`, {
    code: "FWD-0003",
    hint: "See the store's errors; the messages are kept and sent again",
    cause,
  });
}

function timeoutError(name: string, timeoutMs: number): TransientError {
  return new TransientError(`Destination "${name}" did not answer within ${timeoutMs} ms`, {
    code: "FWD-0005",
    hint: "Check the other side and the network, or raise timeout_ms",
  });
}

function stoppingError(name: string): TransientError {
  return new TransientError(`Writing to "${name}" was broken off: the gateway stops`, {
    code: "FWD-0002",
    hint: "Nothing to do; the messages are sent again after the start",
  });
}

/** Waits for the promise, but no longer than until the abort. */
async function untilAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const onAbort = () => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  await Promise.race([promise, aborted]);
  signal.removeEventListener("abort", onAbort);
}

function immediate(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
