import {
  abortedError,
  type Batch,
  type BatchEntry,
  type Destination,
  type DestinationEvents,
  type WriteResult,
} from "@/forward/destination.ts";
import { Filter } from "@/forward/filter.ts";
import type { CommonOptions } from "@/forward/forward_types.ts";
import { PermanentError, TransientError } from "@/model/errors.ts";
import type { Reading } from "@/model/reading.ts";

/** What several fake destinations write to: the "other side", which can fail as a network does. */
export class FakeServer {
  /** Messages in the order in which they were written, re-sent ones again. */
  readonly written: BatchEntry[] = [];
  /** The readings of these messages that the destination's filter let through. */
  readonly readings: Reading[] = [];
  /** Sizes of all batches that arrived, refused ones too. */
  readonly batchSizes: number[] = [];
  /** Messages for which it returns a text are refused for their content. */
  refuse: (entry: BatchEntry) => string | null = () => null;
  #fault: "pass" | "refuse" | "hang" = "pass";
  #cuts = new Set<(error: TransientError) => void>();
  #retryAfterMs: number | null = null;

  /** `hang`: connecting and writing go on for ever; `refuse`: both fail at once. */
  set(fault: "pass" | "refuse" | "hang", options: { retryAfterMs?: number } = {}): void {
    this.#fault = fault;
    this.#retryAfterMs = options.retryAfterMs ?? null;
  }

  /** Breaks all connections. */
  cut(): void {
    for (const cut of [...this.#cuts]) cut(unreachable(null));
  }

  /** A connection lasts until it is cut or closed. */
  connect(onCut: (error: TransientError) => void): () => void {
    this.#cuts.add(onCut);
    return () => this.#cuts.delete(onCut);
  }

  async answer(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#fault === "refuse") throw unreachable(this.#retryAfterMs);
    if (this.#fault !== "hang") return;
    await new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }

  /** All of it or nothing, as a database would. */
  take(batch: Batch, filter: Filter): void {
    this.batchSizes.push(batch.length);
    for (const entry of batch) {
      const reason = this.refuse(entry);
      if (reason === null) continue;
      throw new PermanentError(`Cannot write message ${entry.message.number}: ${reason}`, {
        code: "TST-0001",
        hint: "This is a test",
      });
    }
    this.written.push(...batch);
    const readings = batch.flatMap(({ normalized }) => normalized.readings);
    this.readings.push(...readings.filter((reading) => filter.takesReading(reading)));
  }
}

/** A destination in memory that keeps the contract; the contract suite holds it to that. */
export class FakeDestination implements Destination {
  readonly name: string;
  readonly #server: FakeServer;
  readonly #filter: Filter;
  readonly #events: DestinationEvents;
  #disconnect: (() => void) | null = null;
  #writing = false;

  constructor(
    options: Pick<CommonOptions, "name" | "filter">,
    { server, events }: { server: FakeServer; events: DestinationEvents },
  ) {
    this.name = options.name;
    this.#server = server;
    this.#filter = new Filter(options.filter);
    this.#events = events;
  }

  wants(entry: BatchEntry): boolean {
    return this.#filter.takesAny(entry.normalized, { attributes: true });
  }

  async prepare(signal: AbortSignal): Promise<void> {
    await this.#ask(signal);
    this.#disconnect ??= this.#server.connect((error) => this.#onCut(error));
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteResult> {
    if (this.#disconnect === null) throw unreachable(null);
    this.#writing = true;
    try {
      await this.#ask(signal);
      this.#server.take(batch, this.#filter);
      return { decided: batch.length, rejected: [], interrupted: null };
    } catch (error) {
      if (error instanceof TransientError) this.#drop();
      throw error;
    } finally {
      this.#writing = false;
    }
  }

  async test(signal: AbortSignal): Promise<string> {
    await this.#ask(signal);
    return "the fake server answers";
  }

  close(): Promise<void> {
    this.#drop();
    return Promise.resolve();
  }

  async #ask(signal: AbortSignal): Promise<void> {
    try {
      await this.#server.answer(signal);
    } catch (error) {
      if (signal.aborted) throw abortedError("Asking the fake server", signal);
      throw error;
    }
  }

  #onCut(error: TransientError): void {
    this.#drop();
    if (!this.#writing) this.#events.lost(error);
  }

  #drop(): void {
    this.#disconnect?.();
    this.#disconnect = null;
  }
}

function unreachable(retryAfterMs: number | null): TransientError {
  return new TransientError("Cannot reach the fake server", {
    code: "TST-0002",
    hint: "This is a test",
    retryAfterMs,
  });
}
