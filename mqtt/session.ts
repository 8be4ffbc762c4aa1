/**
 * One session: its subscriptions, the QoS 2 identifiers received from the client, and the queue of
 * messages to it.
 *
 * Life of a queued message: planned (place and limits taken, commit pending) → waiting (committed, no
 * packet identifier) → inflight (identifier taken and sent) → for QoS 2 released (PUBREC came) →
 * gone. A message planned while the window is open takes its identifier at once, so that the usual
 * delivery is one write to the store and one removal. Only a failed commit takes a planned one back.
 */

import type {
  BrokerStatistics,
  Principal,
  QueuePlace,
  StoredMessage,
  StoredSession,
  StoredWill,
} from "@/mqtt/broker_types.ts";
import type { Qos } from "@/mqtt/codec/packet.ts";
import type { BrokerLimits } from "@/mqtt/limits.ts";
import { messageBytes } from "@/mqtt/message_size.ts";
import type { RetainedNode } from "@/mqtt/retained_messages.ts";
import type { ParsedFilter } from "@/mqtt/topic_filter.ts";

export interface Subscription<C> {
  session: Session<C>;
  /** as sent */
  filter: string;
  parsed: ParsedFilter;
  qos: Qos;
  noLocal: boolean;
  retainAsPublished: boolean;
  identifier: number | null;
}

export type EntryState = "planned" | "waiting" | "storing" | "sent" | "released";

export interface QueueEntry extends QueuePlace {
  message: StoredMessage;
  state: EntryState;
  /** It was sent on an earlier connection: the next time carries DUP. */
  repeated: boolean;
}

/** Retained messages still to be sent for one subscription. */
export interface Replay<C> {
  subscription: Subscription<C>;
  nodes: readonly RetainedNode[];
  next: number;
  /** Retained counter at the subscription: what changed later came live. */
  version: number;
}

/** A received QoS 2 identifier that the client has not released. */
export interface InboundState {
  /** The message is not yet committed. */
  pending: boolean;
  /** The client repeated it on a later connection before the commit. */
  repeated: boolean;
}

export interface SessionOptions {
  sessionId: number;
  key: string;
  principal: Principal;
  clientId: string;
  limits: BrokerLimits;
  statistics: BrokerStatistics;
}

export interface EntryOptions {
  qos: 1 | 2;
  retain: boolean;
  identifiers: number[];
  share: string | null;
}

/** `C` is the connection, which the session only refers to. */
export class Session<C> {
  readonly sessionId: number;
  readonly key: string;
  readonly clientId: string;
  principal: Principal;
  connection: C | null = null;
  /** A connection whose CONNECT is accepted but not yet answered: nothing is sent to it. */
  claimant: C | null = null;
  expirySeconds = 0;
  /** Sequence of the last place taken. */
  lastSequence = 0;
  disconnectedAtMs: number | null = null;
  will: StoredWill | null = null;
  /** When the kept will fires; null: none waits. */
  willDueAtMs: number | null = null;
  /** Discarded: what still refers to it must not act. */
  ended = false;
  readonly subscriptions: Map<string, Subscription<C>> = new Map();
  readonly inbound: Map<number, InboundState> = new Map();
  readonly replays: Replay<C>[] = [];
  /** Messages whose identifier is being stored: later ones must not overtake them. */
  storing = 0;
  /** Messages sent and not acknowledged are limited to this. */
  window: number;

  readonly #limits: BrokerLimits;
  readonly #statistics: BrokerStatistics;
  /** By packet identifier, in order of sending. */
  readonly #inflight: Map<number, QueueEntry> = new Map();
  #waiting: QueueEntry[] = [];
  #waitingHead = 0;
  #plannedWithoutId = 0;
  #bytes = 0;
  #count = 0;
  #lastPacketId = 0;

  constructor(options: SessionOptions) {
    this.sessionId = options.sessionId;
    this.key = options.key;
    this.principal = options.principal;
    this.clientId = options.clientId;
    this.#limits = options.limits;
    this.#statistics = options.statistics;
    this.window = options.limits.inflightMessagesMax;
  }

  /** Outlives its connection; its changes are committed. */
  get durable(): boolean {
    return this.expirySeconds > 0;
  }

  get queuedMessages(): number {
    return this.#count;
  }

  get waitingMessages(): number {
    return this.#waiting.length - this.#waitingHead;
  }

  get inflightMessages(): number {
    return this.#inflight.size;
  }

  /** Takes a place for a message; null when the queue is full (the newest is not taken). */
  plan(message: StoredMessage, options: EntryOptions): QueueEntry | null {
    const bytes = messageBytes(message);
    const isFull = this.#count >= this.#limits.queuedMessagesMax ||
      this.#bytes + bytes > this.#limits.queuedBytesMax ||
      this.#statistics.queuedBytes + bytes > this.#limits.queuedBytesTotalMax;
    if (isFull) return null;
    const entry: QueueEntry = {
      sessionId: this.sessionId,
      sequence: ++this.lastSequence,
      qos: options.qos,
      retain: options.retain,
      subscriptionIdentifiers: options.identifiers,
      share: options.share,
      packetId: null,
      released: false,
      message,
      state: "planned",
      repeated: false,
    };
    this.#enlist(entry);
    if (this.#mayTakeId()) this.#takeId(entry);
    else this.#plannedWithoutId++;
    return entry;
  }

  /** Its commit is done: returns true when it is to be sent now, else it waits for its turn. */
  commit(entry: QueueEntry): boolean {
    if (entry.packetId !== null) {
      entry.state = "sent";
      return true;
    }
    this.#plannedWithoutId--;
    entry.state = "waiting";
    this.#waiting.push(entry);
    return false;
  }

  /** Takes the planned message back: its commit failed, was refused, or the session is over. */
  abandon(entry: QueueEntry): void {
    if (entry.packetId === null) this.#plannedWithoutId--;
    else if (!this.#inflight.delete(entry.packetId)) return; // it went with the queue
    this.#forget(entry);
  }

  /** Puts a message that could not be given to somebody else at the end of what waits. */
  putBack(entry: QueueEntry): void {
    this.#enlist(entry);
    entry.state = "waiting";
    this.#waiting.push(entry);
  }

  /**
   * Takes up the queue from the store, ordered by sequence. Returns entries whose identifier a later
   * one has: they were acknowledged, only their removal was not committed any more.
   */
  restoreQueue(entries: readonly QueueEntry[]): QueueEntry[] {
    const byId: Map<number, QueueEntry> = new Map();
    for (const entry of entries) if (entry.packetId !== null) byId.set(entry.packetId, entry);
    // Told apart before identifiers are given out below.
    const isLive = (e: QueueEntry) => e.packetId === null || byId.get(e.packetId) === e;
    const { live = [], superseded = [] } = Object.groupBy(
      entries,
      (entry) => isLive(entry) ? "live" : "superseded",
    );
    const lastWithId = live.findLastIndex((entry) => entry.packetId !== null);
    for (const [i, entry] of live.entries()) {
      this.lastSequence = entry.sequence;
      this.#enlist(entry);
      if (i <= lastWithId) this.#restoreSent(entry, byId);
      else {
        entry.state = "waiting";
        this.#waiting.push(entry);
      }
    }
    return superseded;
  }

  /**
   * Identifiers of waiting QoS 1 messages are not stored when they are sent: one before a message
   * that has an identifier gets one now, so that the order of sending is kept [MQTT-4.6.0-1].
   */
  #restoreSent(entry: QueueEntry, byId: ReadonlyMap<number, QueueEntry>): void {
    if (entry.packetId === null) {
      do this.#lastPacketId = this.#lastPacketId % 0xffff + 1; while (
        byId.has(this.#lastPacketId) || this.#inflight.has(this.#lastPacketId)
      );
      entry.packetId = this.#lastPacketId;
    } else {
      entry.repeated = true;
      this.#lastPacketId = entry.packetId;
    }
    entry.state = entry.released ? "released" : "sent";
    this.#inflight.set(entry.packetId, entry);
  }

  /** The next waiting message with an identifier of its own, if the window is open. */
  takeNext(): QueueEntry | null {
    if (this.#waitingHead === this.#waiting.length || this.#inflight.size >= this.window) {
      return null;
    }
    const entry = this.#shiftWaiting();
    this.#takeId(entry);
    return entry;
  }

  inflight(packetId: number): QueueEntry | undefined {
    return this.#inflight.get(packetId);
  }

  /** In order of sending; for the repetition after a reconnect. */
  inflightEntries(): QueueEntry[] {
    return [...this.#inflight.values()];
  }

  /** Acknowledged, expired or too large: gone for good. */
  remove(entry: QueueEntry): void {
    if (entry.packetId !== null) this.#inflight.delete(entry.packetId);
    this.#forget(entry);
  }

  /** Takes what is not sent yet out of the queue, in order. */
  drainWaiting(wanted: (entry: QueueEntry) => boolean): QueueEntry[] {
    const rest: QueueEntry[] = [];
    const drained: QueueEntry[] = [];
    for (const entry of this.#waiting.slice(this.#waitingHead)) {
      (wanted(entry) ? drained : rest).push(entry);
    }
    this.#waiting = rest;
    this.#waitingHead = 0;
    for (const entry of drained) this.#forget(entry);
    return drained;
  }

  /** Frees everything that is queued; returns what was there, in order. */
  clearQueue(): QueueEntry[] {
    const entries = [...this.#inflight.values(), ...this.#waiting.slice(this.#waitingHead)];
    for (const entry of entries) this.#forget(entry);
    this.#inflight.clear();
    this.#waiting = [];
    this.#waitingHead = 0;
    this.replays.length = 0;
    return entries;
  }

  toStored(): StoredSession {
    return {
      sessionId: this.sessionId,
      principalId: this.principal.id,
      clientId: this.clientId,
      expirySeconds: this.expirySeconds,
      disconnectedAtMs: this.disconnectedAtMs,
      will: this.will,
    };
  }

  #mayTakeId(): boolean {
    return this.connection !== null && this.#inflight.size < this.window &&
      this.#waitingHead === this.#waiting.length && this.#plannedWithoutId === 0 &&
      this.storing === 0;
  }

  #takeId(entry: QueueEntry): void {
    // The window is far below 65 535: a free identifier is found soon.
    do this.#lastPacketId = this.#lastPacketId % 0xffff + 1; while (
      this.#inflight.has(this.#lastPacketId)
    );
    entry.packetId = this.#lastPacketId;
    this.#inflight.set(entry.packetId, entry);
  }

  #shiftWaiting(): QueueEntry {
    const entry = this.#waiting[this.#waitingHead++]!;
    if (this.#waitingHead > 64 && this.#waitingHead * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#waitingHead);
      this.#waitingHead = 0;
    }
    return entry;
  }

  #enlist(entry: QueueEntry): void {
    this.#count++;
    this.#addBytes(messageBytes(entry.message));
    this.#statistics.queuedMessages++;
  }

  #forget(entry: QueueEntry): void {
    this.#count--;
    this.#addBytes(-messageBytes(entry.message));
    this.#statistics.queuedMessages--;
  }

  #addBytes(bytes: number): void {
    this.#bytes += bytes;
    this.#statistics.queuedBytes += bytes;
  }
}

/** What the store keeps of an entry. */
export function placeOf(entry: QueueEntry): QueuePlace {
  return {
    sessionId: entry.sessionId,
    sequence: entry.sequence,
    qos: entry.qos,
    retain: entry.retain,
    subscriptionIdentifiers: entry.subscriptionIdentifiers,
    share: entry.share,
    packetId: entry.packetId,
    released: entry.released,
  };
}
