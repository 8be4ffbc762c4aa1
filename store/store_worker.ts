/**
 * The store Worker: owns the `LogWriter`, answers the main thread and the forward Worker, and does the
 * upkeep when nothing else waits. Commits come first: upkeep runs in pieces of a few milliseconds, and
 * while commits keep coming it takes a fifth of the time at the most.
 */
/// <reference lib="deno.worker" />
import { failureOf, notNow } from "@/store/call_failure.ts";
import { LogWriter, type WriterEnvironment } from "@/store/log_writer.ts";
import { freeBytes, systemClock } from "@/store/surroundings.ts";
import type { ForwardToStore, StoreToForward } from "@/store/store_types.ts";
import type {
  CallName,
  FromStoreWorker,
  ToStoreWorker,
  WorkerOptions,
  WriterCalls,
} from "@/store/worker_protocol.ts";

declare const self: DedicatedWorkerGlobalScope;

/** Settlements wait this long for a commit to share; large ones do not wait. */
const SETTLE_WAIT_MS = 50;
const SETTLE_ROWS = 1000;
/** Upkeep without anything to do looks again after this. */
const IDLE_INTERVAL_MS = 200;
/** A commit within this time means that others are coming; the main thread gathers so long. */
const BUSY_MS = 25;
const BUSY_INTERVAL_MS = 10;
/** While busy, upkeep takes one part of the thread's time in so many: history catches up later. */
const BUSY_REST = 5;

type Timer = ReturnType<typeof setTimeout>;

class StoreThread {
  #writer: LogWriter | null = null;
  #options: WorkerOptions | null = null;
  #clock = systemClock(0);
  #forward: MessagePort | null = null;
  #upkeepTimer: Timer | undefined;
  #upkeepAtMs = Infinity;
  #settleTimer: Timer | undefined;
  #settleRows = 0;
  #lastCommitMs = 0;
  /** While commits keep coming, upkeep rests until then. */
  #restsUntilMs = 0;
  #lastHead = "";
  #lastStatusMs = 0;
  #closing = false;

  receive(message: ToStoreWorker): void {
    switch (message.type) {
      case "open":
        this.#clock = systemClock(message.options.uptimeUs);
        this.#options = message.options;
        void this.#open(null);
        return;
      case "commit":
        return this.#commit(message);
      case "call":
        void this.#call(message);
        return;
      case "forward_port":
        return this.#connectForward(message.port);
      case "repair":
        void this.#repair(message.damage);
        return;
      case "close":
        return this.#close();
    }
  }

  #post(message: FromStoreWorker, transfer: Transferable[] = []): void {
    self.postMessage(message, transfer);
  }

  // --- opening ----------------------------------------------------------------------------------

  #environment(): WriterEnvironment {
    return {
      clock: this.#clock,
      freeBytes,
      notice: (notice) => this.#post({ type: "notice", notice }),
      destinationsChanged: () => this.#sendDestinations(),
      retriesAdded: (destination) => this.#sendForward({ type: "retries", destination }),
    };
  }

  async #open(suspect: string | null): Promise<void> {
    const options = this.#options;
    if (options === null) return;
    try {
      const { uptimeUs: _uptimeUs, ...writerOptions } = options;
      this.#writer = await LogWriter.open(writerOptions, this.#environment(), { suspect });
      this.#post({ type: "ready", status: this.#writer.status });
      this.#scheduleUpkeep(0);
    } catch (error) {
      this.#post({ type: "failed", failure: failureOf(error) });
    }
  }

  /** Opens the writer anew, which moves the damaged file aside and salvages it. */
  async #repair(damage: string): Promise<void> {
    const writer = this.#writer;
    if (writer === null) return;
    this.#writer = null;
    writer.abandon();
    await this.#open(damage);
    this.#sendDestinations();
    this.#sendHead();
  }

  // --- main thread ------------------------------------------------------------------------------

  #commit({ batch }: Extract<ToStoreWorker, { type: "commit" }>): void {
    if (this.#writer === null) return this.#refuse();
    const result = this.#writer.commit(batch);
    const transfer = result.outcome === null
      ? []
      : [result.outcome.numbers.buffer, result.outcome.receivedUs.buffer];
    this.#post({ type: "committed", result }, transfer);
    this.#lastCommitMs = performance.now();
    this.#afterWrite();
  }

  /** While the database is repaired. */
  #refuse(): void {
    const error = {
      code: "STO-0208",
      message: "Cannot commit: the database is being repaired",
      hint: "Wait until the repair is done, nothing of it was acknowledged",
      retryAfterSeconds: 10,
    };
    this.#post({ type: "committed", result: { outcome: null, error, seconds: 0, status: null } });
  }

  async #call(
    { token, name, arguments: values }: Extract<ToStoreWorker, { type: "call" }>,
  ): Promise<void> {
    try {
      const result = await this.#perform(name, values);
      this.#post({ type: "answered", token, result, failure: null });
    } catch (error) {
      this.#post({ type: "answered", token, result: null, failure: failureOf(error) });
    }
    this.#afterWrite();
  }

  #perform(name: CallName, values: unknown[]): unknown {
    const writer = this.#writer;
    if (writer === null) {
      throw notNow("the database is being repaired");
    }
    const calls: {
      [Name in CallName]: (
        ...values: WriterCalls[Name]["arguments"]
      ) => WriterCalls[Name]["result"] | Promise<WriterCalls[Name]["result"]>;
    } = writer;
    const call = calls[name] as (...values: unknown[]) => unknown;
    return call.apply(writer, values);
  }

  #afterWrite(): void {
    const writer = this.#writer;
    if (writer === null) return;
    if (writer.damage !== null) {
      void this.#repair(writer.damage);
      return;
    }
    this.#sendHead();
    if (!writer.hasWaitingSettlements) this.#settleRows = 0;
    this.#scheduleUpkeep(BUSY_MS);
  }

  #close(): void {
    this.#closing = true;
    clearTimeout(this.#upkeepTimer);
    clearTimeout(this.#settleTimer);
    this.#forward?.close();
    this.#writer?.close();
    this.#post({ type: "closed" });
    self.close();
  }

  // --- forward Worker ---------------------------------------------------------------------------

  #connectForward(port: MessagePort): void {
    this.#forward?.close();
    this.#writer?.releaseAll();
    this.#forward = port;
    this.#lastHead = "";
    port.onmessage = (event: MessageEvent<ForwardToStore>) => this.#fromForward(event.data);
    this.#sendDestinations();
    this.#sendHead();
  }

  #fromForward(message: ForwardToStore): void {
    const writer = this.#writer;
    if (writer === null) return;
    switch (message.type) {
      case "lease":
        return this.#lease(writer, message);
      case "release":
        return writer.release(message.destination);
      case "settle":
        return this.#settle(writer, message);
    }
  }

  /** A destination that was forgotten meanwhile has nothing to lease; the next message says so. */
  #lease(
    writer: LogWriter,
    { destination, throughNumber, retryNumbers }: Extract<ForwardToStore, { type: "lease" }>,
  ): void {
    try {
      writer.lease(destination, throughNumber, retryNumbers);
    } catch {
      this.#sendDestinations();
    }
  }

  #settle(
    writer: LogWriter,
    { token, settlement }: Extract<ForwardToStore, { type: "settle" }>,
  ): void {
    writer.settleLater(settlement, (error) => {
      this.#sendForward({ type: "settled", token, error: error?.message ?? null });
    });
    this.#settleRows += settlement.rows + settlement.retriesAcked.length;
    const waitMs = this.#settleRows >= SETTLE_ROWS ? 0 : SETTLE_WAIT_MS;
    if (waitMs === 0) clearTimeout(this.#settleTimer);
    else if (this.#settleTimer !== undefined) return;
    this.#settleTimer = setTimeout(() => this.#flush(), waitMs);
  }

  #flush(): void {
    this.#settleTimer = undefined;
    const writer = this.#writer;
    if (writer === null) return;
    const flushed = writer.flush();
    if (!flushed) this.#settleTimer = setTimeout(() => this.#flush(), 1000);
    this.#afterWrite();
    if (!flushed) this.#sendStatus();
  }

  #sendForward(message: StoreToForward): void {
    this.#forward?.postMessage(message);
  }

  #sendDestinations(): void {
    if (this.#writer === null) return;
    this.#sendForward({ type: "destinations", destinations: this.#writer.cursors() });
  }

  #sendHead(): void {
    if (this.#writer === null || this.#forward === null) return;
    const { lastNumber, stampedThrough } = this.#writer.status;
    const head = `${lastNumber} ${stampedThrough}`;
    if (head === this.#lastHead) return;
    this.#lastHead = head;
    this.#sendForward({ type: "head", lastNumber, stampedThrough });
  }

  // --- upkeep -----------------------------------------------------------------------------------

  /** The earlier of two plans stands: a stream of commits must not put it off for ever. */
  #scheduleUpkeep(delayMs: number): void {
    const atMs = performance.now() + delayMs;
    if (this.#closing || atMs >= this.#upkeepAtMs) return;
    clearTimeout(this.#upkeepTimer);
    this.#upkeepAtMs = atMs;
    this.#upkeepTimer = setTimeout(() => this.#upkeep(), delayMs);
  }

  #upkeep(): void {
    this.#upkeepAtMs = Infinity;
    const writer = this.#writer;
    if (writer === null) return;
    const nowMs = performance.now();
    const isBusy = nowMs - this.#lastCommitMs < BUSY_MS;
    if (isBusy && nowMs < this.#restsUntilMs) {
      return this.#scheduleUpkeep(this.#restsUntilMs - nowMs);
    }
    const more = writer.maintain(isBusy);
    const tookMs = performance.now() - nowMs;
    this.#restsUntilMs = nowMs + Math.max(BUSY_INTERVAL_MS, tookMs * BUSY_REST);
    if (writer.damage !== null) {
      void this.#repair(writer.damage);
      return;
    }
    this.#sendHead();
    if (nowMs - this.#lastStatusMs >= IDLE_INTERVAL_MS) this.#sendStatus();
    this.#scheduleUpkeep(more ? 0 : IDLE_INTERVAL_MS);
  }

  /** What changes outside of commits: room, clock, times. */
  #sendStatus(): void {
    if (this.#writer === null) return;
    this.#lastStatusMs = performance.now();
    this.#post({ type: "status", status: this.#writer.status });
  }
}

const thread = new StoreThread();
self.onmessage = (event: MessageEvent<ToStoreWorker>) => thread.receive(event.data);
