/**
 * Changes of kept state on their way to the store: the ops of one turn go in one commit, and what
 * waits for them (acknowledgements, deliveries) runs in order when that commit is done.
 */

import type { SessionStore, StateOp } from "@/mqtt/broker_types.ts";
import { messageBytes } from "@/mqtt/message_size.ts";

/** About what an op without a message takes. */
const OP_BYTES = 100;

type Waiter = (error: Error | null) => void;

export interface StateJournalOptions {
  store: SessionStore;
  /** Called with every failed commit. */
  onError: (error: Error) => void;
  /** Called with the change of the bytes that wait for commits. */
  onPendingBytes: (change: number) => void;
}

export class StateJournal {
  readonly #options: StateJournalOptions;
  #ops: StateOp[] = [];
  #waiters: Waiter[] = [];
  #bytes = 0;
  #scheduled = false;
  #inFlight = 0;
  #idleWaiters: (() => void)[] = [];

  constructor(options: StateJournalOptions) {
    this.#options = options;
  }

  /** Nothing waits and nothing is being committed. */
  get idle(): boolean {
    return this.#inFlight === 0 && this.#ops.length === 0 && this.#waiters.length === 0;
  }

  /** Commits `ops` with the others of this turn; `waiter` runs after the commit. */
  append(ops: readonly StateOp[], waiter: Waiter | null = null): void {
    for (const op of ops) {
      this.#ops.push(op);
      this.#bytes += opBytes(op);
    }
    if (waiter !== null) this.#waiters.push(waiter);
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#flush());
  }

  /** Runs `waiter` after everything that was appended before it: at once when nothing is. */
  after(waiter: Waiter): void {
    if (this.idle) waiter(null);
    else this.append([], waiter);
  }

  /** Resolves when everything appended so far is committed (or failed). */
  settled(): Promise<void> {
    if (this.idle) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  #flush(): void {
    this.#scheduled = false;
    const ops = this.#ops;
    const waiters = this.#waiters;
    const bytes = this.#bytes;
    this.#ops = [];
    this.#waiters = [];
    this.#bytes = 0;
    this.#inFlight++;
    this.#options.onPendingBytes(bytes);
    // Without ops it is a barrier: the store's own order puts it behind the earlier commits.
    this.#options.store.commit(ops, (error) => this.#done(error, waiters, bytes));
  }

  #done(error: Error | null, waiters: readonly Waiter[], bytes: number): void {
    this.#inFlight--;
    if (error !== null) this.#options.onError(error);
    for (const waiter of waiters) waiter(error);
    this.#options.onPendingBytes(-bytes);
    if (!this.idle) return;
    const idleWaiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of idleWaiters) resolve();
  }
}

function opBytes(op: StateOp): number {
  if (op.kind === "queue_add") return messageBytes(op.message) + OP_BYTES * op.places.length;
  return op.kind === "retained_put" ? messageBytes(op.message) : OP_BYTES;
}
