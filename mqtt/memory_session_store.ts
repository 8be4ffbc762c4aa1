/**
 * A session store without a disk: for tests and for measuring the protocol alone. It passes the same
 * contract as the durable one; what it "keeps" is what was committed, so that a broker started anew
 * on the same instance sees what a crash would have left.
 */

import type {
  PersistedState,
  SessionStore,
  StateOp,
  StoredMessage,
  StoredQueueEntry,
  StoredSession,
  StoredSubscription,
} from "@/mqtt/broker_types.ts";

interface SessionState {
  session: StoredSession;
  subscriptions: Map<string, StoredSubscription>;
  queue: Map<number, StoredQueueEntry>;
  inbound: Set<number>;
}

interface PendingCommit {
  ops: readonly StateOp[];
  done: (error: Error | null) => void;
}

export class MemorySessionStore implements SessionStore {
  readonly #sessions: Map<number, SessionState> = new Map();
  readonly #retained: Map<string, StoredMessage> = new Map();
  #pending: PendingCommit[] = [];
  #scheduled = false;
  #held = false;
  /** Makes every commit fail with this error until it is null again. */
  failure: Error | null = null;
  /** Ops committed so far, by kind. */
  readonly committed: Map<StateOp["kind"], number> = new Map();

  /** A store that holds `state`. */
  static async from(state: PersistedState): Promise<MemorySessionStore> {
    const store = new MemorySessionStore();
    const ops: StateOp[] = [
      ...state.sessions.map((session): StateOp => ({ kind: "session_put", session })),
      ...state.subscriptions.map((subscription): StateOp => ({
        kind: "subscription_put",
        subscription,
      })),
      ...state.queue.map(({ message, ...place }): StateOp => ({
        kind: "queue_add",
        message,
        places: [place],
      })),
      ...state.inbound.map((inbound): StateOp => ({ kind: "inbound_add", ...inbound })),
      ...state.retained.map((message): StateOp => ({ kind: "retained_put", message })),
    ];
    await new Promise<void>((resolve) => store.commit(ops, () => resolve()));
    return store;
  }

  /** Commits called but not yet taken effect. */
  get pendingCommits(): number {
    return this.#pending.length;
  }

  /** Nothing is committed until `release`. */
  hold(): void {
    this.#held = true;
  }

  /** Commits what waited and goes on. */
  release(): void {
    this.#held = false;
    this.#flush();
  }

  /** What a crash does to commits that were not confirmed; they fail, so that nobody waits on. */
  dropPending(): void {
    const pending = this.#pending;
    this.#pending = [];
    this.#held = false;
    for (const { done } of pending) done(new Error("The process was killed"));
  }

  load(): Promise<PersistedState> {
    const states = [...this.#sessions.values()];
    const state: PersistedState = {
      sessions: states.map((s) => s.session),
      subscriptions: states.flatMap((s) => [...s.subscriptions.values()]),
      queue: states.flatMap((s) => [...s.queue.values()]),
      inbound: states.flatMap((s) =>
        [...s.inbound].map((packetId) => ({ sessionId: s.session.sessionId, packetId }))
      ),
      retained: [...this.#retained.values()],
    };
    return Promise.resolve(structuredClone(state));
  }

  commit(ops: readonly StateOp[], done: (error: Error | null) => void): void {
    this.#pending.push({ ops: structuredClone(ops), done });
    if (this.#held || this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (!this.#held) this.#flush();
    });
  }

  #flush(): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const { ops } of pending) {
      if (this.failure === null) { for (const op of ops) this.#apply(op); }
    }
    for (const { done } of pending) done(this.failure);
  }

  #apply(op: StateOp): void {
    this.committed.set(op.kind, (this.committed.get(op.kind) ?? 0) + 1);
    switch (op.kind) {
      case "session_put":
        return this.#putSession(op.session);
      case "session_delete":
        this.#sessions.delete(op.sessionId);
        return;
      case "subscription_put":
        this.#sessions.get(op.subscription.sessionId)
          ?.subscriptions.set(op.subscription.filter, op.subscription);
        return;
      case "subscription_delete":
        this.#sessions.get(op.sessionId)?.subscriptions.delete(op.filter);
        return;
      case "retained_put":
        this.#retained.set(op.message.topic, op.message);
        return;
      case "retained_delete":
        this.#retained.delete(op.topic);
        return;
      default:
        return this.#applyToQueue(op);
    }
  }

  #putSession(session: StoredSession): void {
    const state = this.#sessions.get(session.sessionId);
    if (state !== undefined) state.session = session;
    else {
      this.#sessions.set(session.sessionId, {
        session,
        subscriptions: new Map(),
        queue: new Map(),
        inbound: new Set(),
      });
    }
  }

  #applyToQueue(
    op: Extract<
      StateOp,
      { kind: "queue_add" | "queue_sent" | "queue_remove" | "inbound_add" | "inbound_remove" }
    >,
  ): void {
    if (op.kind === "queue_add") {
      for (const place of op.places) {
        this.#sessions.get(place.sessionId)
          ?.queue.set(place.sequence, { ...place, message: op.message });
      }
      return;
    }
    const state = this.#sessions.get(op.sessionId);
    if (state === undefined) return;
    if (op.kind === "queue_remove") state.queue.delete(op.sequence);
    else if (op.kind === "inbound_add") state.inbound.add(op.packetId);
    else if (op.kind === "inbound_remove") state.inbound.delete(op.packetId);
    else {
      const entry = state.queue.get(op.sequence);
      if (entry !== undefined) {
        Object.assign(entry, { packetId: op.packetId, released: op.released });
      }
    }
  }
}
