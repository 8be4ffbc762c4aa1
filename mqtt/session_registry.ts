/**
 * All sessions by (principal, client id), their numbers, and their end: by a clean start, by expiry,
 * or with a connection that wanted no more.
 */

import type { PersistedState, Principal, StateOp, StoredMessage } from "@/mqtt/broker_types.ts";
import type { BrokerCore, BrokerSession } from "@/mqtt/broker_core.ts";
import { SESSION_NEVER_EXPIRES } from "@/mqtt/broker_types.ts";
import { type QueueEntry, Session } from "@/mqtt/session.ts";
import { parseFilter } from "@/mqtt/topic_filter.ts";

export class SessionRegistry {
  readonly #core: BrokerCore;
  readonly #byKey: Map<string, BrokerSession> = new Map();
  #lastSessionId = 0;

  constructor(core: BrokerCore) {
    this.#core = core;
  }

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): BrokerSession | undefined {
    return this.#byKey.get(key);
  }

  create(principal: Principal, clientId: string): BrokerSession {
    const session = this.#newSession(principal, { clientId, sessionId: ++this.#lastSessionId });
    this.#core.statistics.sessions = this.#byKey.size;
    return session;
  }

  #newSession(
    principal: Principal,
    { clientId, sessionId }: { clientId: string; sessionId: number },
  ): BrokerSession {
    const key = sessionKey(principal.id, clientId);
    const { limits, statistics } = this.#core;
    const session: BrokerSession = new Session({
      sessionId,
      key,
      principal,
      clientId,
      limits,
      statistics,
    });
    this.#byKey.set(key, session);
    return session;
  }

  /** Ends a session and everything of it; returns what the store must forget. */
  end(session: BrokerSession): StateOp[] {
    if (session.ended) return [];
    const { router, statistics } = this.#core;
    for (const subscription of [...session.subscriptions.values()]) {
      router.unsubscribe(subscription);
    }
    const entries = session.clearQueue();
    router.redistribute(session, entries.filter(mayMove), { isEnding: true });
    session.ended = true;
    session.inbound.clear();
    if (this.#byKey.get(session.key) === session) this.#byKey.delete(session.key);
    statistics.sessions = this.#byKey.size;
    return session.durable ? [{ kind: "session_delete", sessionId: session.sessionId }] : [];
  }

  /** Ends sessions whose time after the connection is over [MQTT-3.1.2-23]. */
  expire(nowMs: number): void {
    for (const session of this.#byKey.values()) {
      if (session.disconnectedAtMs === null || session.connection !== null) continue;
      if (session.expirySeconds >= SESSION_NEVER_EXPIRES) continue;
      if (nowMs - session.disconnectedAtMs < session.expirySeconds * 1000) continue;
      this.#core.wills.sessionEnds(session);
      const ops = this.end(session);
      if (ops.length > 0) this.#core.journal.append(ops);
    }
  }

  all(): IterableIterator<BrokerSession> {
    return this.#byKey.values();
  }

  /** Takes up what the store kept; what was connected counts as disconnected now. */
  restore(state: PersistedState, principalOf: (id: string | null) => Principal): void {
    const nowMs = this.#core.time.nowMs();
    const byId: Map<number, BrokerSession> = new Map();
    for (const stored of state.sessions) {
      const session = this.#newSession(principalOf(stored.principalId), stored);
      this.#lastSessionId = Math.max(this.#lastSessionId, stored.sessionId);
      session.expirySeconds = stored.expirySeconds;
      // A clock that was wrong then must not make the session live for ever.
      session.disconnectedAtMs = Math.min(stored.disconnectedAtMs ?? nowMs, nowMs);
      session.will = stored.will;
      if (stored.will !== null) session.willDueAtMs = nowMs + stored.will.delaySeconds * 1000;
      byId.set(stored.sessionId, session);
    }
    this.#restoreSubscriptions(state, byId);
    this.#restoreQueues(state, byId);
    this.#core.statistics.sessions = this.#byKey.size;
    this.#keepLosses(state, byId);
  }

  /** When the connection was lost is kept at once: kills in a row must not begin the time anew. */
  #keepLosses(state: PersistedState, byId: Map<number, BrokerSession>): void {
    const lost = state.sessions.filter(({ disconnectedAtMs }) => disconnectedAtMs === null);
    const ops = lost.map(({ sessionId }): StateOp => ({
      kind: "session_put",
      session: byId.get(sessionId)!.toStored(),
    }));
    if (ops.length > 0) this.#core.journal.append(ops);
  }

  #restoreSubscriptions(state: PersistedState, byId: Map<number, BrokerSession>): void {
    for (const stored of state.subscriptions) {
      const session = byId.get(stored.sessionId);
      const parsed = parseFilter(stored.filter);
      if (session === undefined || parsed === null) continue;
      const { filter, qos, noLocal, retainAsPublished, identifier } = stored;
      this.#core.router.subscribe({
        session,
        filter,
        parsed,
        qos,
        noLocal,
        retainAsPublished,
        identifier,
      });
    }
  }

  #restoreQueues(state: PersistedState, byId: Map<number, BrokerSession>): void {
    const nowMs = this.#core.time.nowMs();
    const queues = Map.groupBy(
      state.queue.toSorted((a, b) => a.sequence - b.sequence),
      (stored) => stored.sessionId,
    );
    for (const [sessionId, queue] of queues) {
      const entries = queue.map((stored): QueueEntry => ({
        ...stored,
        message: withinLifetime(stored.message, nowMs),
        state: "waiting",
        repeated: false,
      }));
      const superseded = byId.get(sessionId)?.restoreQueue(entries) ?? [];
      const ops = superseded.map(({ sequence }): StateOp => ({
        kind: "queue_remove",
        sessionId,
        sequence,
      }));
      if (ops.length > 0) this.#core.journal.append(ops);
    }
    for (const { sessionId, packetId } of state.inbound) {
      byId.get(sessionId)?.inbound.set(packetId, { pending: false, repeated: false });
    }
  }
}

/** A clock that was ahead when the message came must not make it live longer than it was to. */
export function withinLifetime(message: StoredMessage, nowMs: number): StoredMessage {
  if (message.expiresAtMs === null) return message;
  const latest = nowMs + message.expiresAtMs - message.receivedAtMs;
  return { ...message, expiresAtMs: Math.min(message.expiresAtMs, latest) };
}

/**
 * A QoS 2 message that was sent stays with its session, even when that ends [MQTT-4.8.2-4]; others
 * of a shared subscription go to another member.
 */
function mayMove(entry: QueueEntry): boolean {
  return entry.share !== null && entry.state !== "planned" &&
    !(entry.qos === 2 && entry.repeated);
}

/** Two principals never share a session: the length keeps their parts apart. */
export function sessionKey(principalId: string | null, clientId: string): string {
  return principalId === null
    ? `-/${clientId}`
    : `${principalId.length}/${principalId}/${clientId}`;
}
