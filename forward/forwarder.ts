/**
 * The main thread's hand on the forward Worker: configuration in, statuses and measurements out.
 *
 * The Worker holds no state that is not elsewhere: leases are the store's and end with its port. If
 * it ever dies, a new one gets a new port and the same configuration after a backoff.
 */
import { backoffMs } from "@/forward/backoff.ts";
import type {
  BatchReport,
  DestinationOptions,
  DestinationStatus,
  ForwardCommand,
  ForwardEvent,
  Notice,
  TestReport,
} from "@/forward/forward_types.ts";
import { systemTiming, type Timing } from "@/forward/timing.ts";
import { ConfigError } from "@/model/errors.ts";
import type { NormalizeRules } from "@/model/rules.ts";

/** Beyond the deadline that the Worker was given, before it is ended without being asked. */
const STOP_GRACE_MS = 250;

export interface ForwarderParts {
  /** A fresh forward port of the store; opening it ends the leases of the one before. */
  openStorePort: () => MessagePort;
  /** Absolute path of the store's database. */
  databasePath: string;
  rules: NormalizeRules;
  /** Loads already, by `loadForwardWorker`; without it the start loads one. */
  worker?: Worker;
  timing?: Timing;
}

/** Starts to load the Worker; whoever calls it terminates it where no forwarder takes it over. */
export function loadForwardWorker(): Worker {
  return new Worker(new URL("./forward_worker.ts", import.meta.url), {
    type: "module",
    name: "forward",
  });
}

export class Forwarder implements AsyncDisposable {
  readonly #parts: ForwarderParts;
  readonly #timing: Timing;
  readonly #batchListeners = new Set<(report: BatchReport) => void>();
  readonly #statusListeners = new Set<(statuses: DestinationStatus[]) => void>();
  readonly #noticeListeners = new Set<(notice: Notice) => void>();
  readonly #configuring = new Map<number, () => void>();
  readonly #testing = new Map<number, (report: TestReport) => void>();
  #destinations: DestinationOptions[] = [];
  #rules: NormalizeRules;
  #statuses: DestinationStatus[] = [];
  #worker: Worker | null = null;
  #loading: Worker | null;
  #stopped: PromiseWithResolvers<void> | null = null;
  #cancelRestart: (() => void) | null = null;
  #crashes = 0;
  #nextToken = 1;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
    this.#timing = parts.timing ?? systemTiming();
    this.#rules = parts.rules;
    this.#loading = parts.worker ?? null;
  }

  /** Starts the Worker; destinations come with `configure`. */
  start(): void {
    this.#cancelRestart = null;
    const port = this.#parts.openStorePort();
    const worker = this.#loading ?? loadForwardWorker();
    this.#loading = null;
    worker.onmessage = (event: MessageEvent<ForwardEvent>) => this.#hear(event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#onCrash(worker, event.message);
    };
    this.#worker = worker;
    const setup = { databasePath: this.#parts.databasePath, rules: this.#rules };
    this.#send({ type: "setup", setup, port }, [port]);
    if (this.#destinations.length > 0) this.#sendConfiguration();
  }

  /**
   * Makes these the destinations that are delivered to; unchanged ones go on undisturbed. The store
   * must know their names (`syncDestinations`) for their delivery to begin.
   */
  async configure(destinations: DestinationOptions[], rules?: NormalizeRules): Promise<void> {
    this.#destinations = destinations;
    this.#rules = rules ?? this.#rules;
    if (this.#stopped !== null) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#configuring.set(this.#nextToken, resolve);
    this.#sendConfiguration();
    await promise;
  }

  /** Ends a destination's wait for its next attempt. */
  wake(destination: string): void {
    this.#send({ type: "wake", destination });
  }

  /**
   * Tries a destination out, a configured one by its name or one that is only being thought of.
   *
   * @throws ConfigError for a name that is not configured
   */
  test(destination: string | DestinationOptions): Promise<TestReport> {
    const options = typeof destination === "string" ? this.#find(destination) : destination;
    const token = this.#nextToken++;
    const { promise, resolve } = Promise.withResolvers<TestReport>();
    this.#testing.set(token, resolve);
    if (this.#worker === null) this.#answerAll("The forward Worker does not run");
    this.#send({ type: "test", token, options });
    return promise;
  }

  status(): DestinationStatus[] {
    return this.#statuses;
  }

  /** Called for each write to a destination. */
  onBatch(listener: (report: BatchReport) => void): () => void {
    return listen(this.#batchListeners, listener);
  }

  /** Called with all statuses a moment after one has changed. */
  onStatus(listener: (statuses: DestinationStatus[]) => void): () => void {
    return listen(this.#statusListeners, listener);
  }

  /** Called with what an operator should read in the log. */
  onNotice(listener: (notice: Notice) => void): () => void {
    return listen(this.#noticeListeners, listener);
  }

  /** Lets running writes end or breaks them off, within the deadline; leases are released. */
  async stop(deadlineMs: number): Promise<void> {
    this.#cancelRestart?.();
    this.#loading?.terminate();
    const worker = this.#worker;
    if (worker === null || this.#stopped !== null) return await this.#stopped?.promise;
    this.#stopped = Promise.withResolvers<void>();
    const cancel = this.#timing.after(deadlineMs + STOP_GRACE_MS, () => this.#stopped?.resolve());
    this.#send({ type: "stop", deadlineMs });
    await this.#stopped.promise;
    cancel();
    worker.terminate();
    this.#worker = null;
    this.#answerAll("The gateway stops");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(5_000);
  }

  #find(name: string): DestinationOptions {
    const options = this.#destinations.find((destination) => destination.name === name);
    if (options !== undefined) return options;
    const known = this.#destinations.map((destination) => destination.name).join(", ");
    throw new ConfigError(`Cannot test destination "${name}": it is not configured`, {
      code: "FWD-0008",
      hint: known === "" ? "Add it to the configuration" : `Configured destinations: ${known}`,
    });
  }

  #sendConfiguration(): void {
    const token = this.#nextToken++;
    this.#send({
      type: "configure",
      token,
      destinations: this.#destinations,
      rules: this.#rules,
    });
  }

  /** While no Worker runs, commands are not kept: the next one gets the whole configuration. */
  #send(command: ForwardCommand, transfer: Transferable[] = []): void {
    this.#worker?.postMessage(command, transfer);
  }

  #hear(event: ForwardEvent): void {
    switch (event.type) {
      case "progress":
        return this.#onProgress(event.statuses, event.batches);
      case "notice":
        return this.#tell(event.notice);
      case "configured":
        return this.#onConfigured(event.token);
      case "tested":
        this.#testing.get(event.token)?.(event.report);
        this.#testing.delete(event.token);
        return;
      case "stopped":
        this.#stopped?.resolve();
    }
  }

  #onProgress(statuses: DestinationStatus[], batches: BatchReport[]): void {
    this.#statuses = statuses;
    for (const listener of this.#statusListeners) listener(statuses);
    for (const report of batches) {
      if (report.outcome !== "failed") this.#crashes = 0;
      for (const listener of this.#batchListeners) listener(report);
    }
  }

  /** A later configuration includes the earlier ones. */
  #onConfigured(token: number): void {
    for (const [waiting, resolve] of this.#configuring) {
      if (waiting > token) continue;
      resolve();
      this.#configuring.delete(waiting);
    }
  }

  #onCrash(worker: Worker, reason: string): void {
    worker.terminate();
    if (this.#worker !== worker) return;
    this.#worker = null;
    this.#stopped?.resolve();
    this.#answerAll(`The forward Worker ended: ${reason}`);
    this.#tell({
      destination: null,
      level: "error",
      code: "FWD-0009",
      message: `The forward Worker ended: ${reason}`,
      hint: "Nothing is lost and it starts again; report this as a defect with the log around it",
    });
    this.#restartLater();
  }

  #restartLater(): void {
    if (this.#stopped !== null) return;
    const waitMs = backoffMs(++this.#crashes, { random: this.#timing.random, retryAfterMs: null });
    this.#cancelRestart = this.#timing.after(waitMs, () => {
      try {
        this.start();
      } catch {
        this.#restartLater(); // the store is away too: it says so itself
      }
    });
  }

  /** Nobody answers what was asked. */
  #answerAll(why: string): void {
    const failure = { code: "FWD-0009", message: why, hint: "Try again in a moment" };
    for (const resolve of this.#testing.values()) {
      resolve({ ok: false, detail: why, failure, tookMs: 0 });
    }
    this.#testing.clear();
    for (const resolve of this.#configuring.values()) resolve();
    this.#configuring.clear();
  }

  #tell(notice: Notice): void {
    for (const listener of this.#noticeListeners) listener(notice);
  }
}

function listen<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
