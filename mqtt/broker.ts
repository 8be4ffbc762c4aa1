/**
 * The MQTT server: takes connections from any transport, keeps sessions, routes messages, and asks
 * the product (hooks) and the store for what is theirs.
 *
 * `start` loads the kept state and begins the clock; `attach` takes a connection; `publish` is the
 * gateway's own voice; `stop` tells the clients, waits for the store and ends.
 */

import type {
  BrokerClock,
  BrokerHooks,
  BrokerReport,
  BrokerStatistics,
  Channel,
  ConnectionInfo,
  OutboundPublish,
  Principal,
  SessionStore,
  TransportInfo,
} from "@/mqtt/broker_types.ts";
import type { BrokerCore, ReasonStrings } from "@/mqtt/broker_core.ts";
import { BrokerTime, systemClock } from "@/mqtt/broker_time.ts";
import { ReasonCode } from "@/mqtt/codec/reason_code.ts";
import { Connection } from "@/mqtt/connection.ts";
import { FlushList } from "@/mqtt/connection_output.ts";
import { type BrokerLimits, DEFAULT_LIMITS } from "@/mqtt/limits.ts";
import { Router } from "@/mqtt/router.ts";
import { SessionRegistry, withinLifetime } from "@/mqtt/session_registry.ts";
import { StateJournal } from "@/mqtt/state_journal.ts";
import { newStatistics } from "@/mqtt/statistics.ts";
import { SystemTopics } from "@/mqtt/system_topics.ts";
import { WillKeeper } from "@/mqtt/will_keeper.ts";

export interface BrokerOptions<P extends Principal> {
  hooks: BrokerHooks<P>;
  store: SessionStore;
  /** Makes the principal of a session that comes from the store, until its client connects. */
  principalOf: (id: string | null) => P;
  limits?: Partial<BrokerLimits>;
  clock?: BrokerClock;
  /** Fills bytes with random numbers; default: the system's. */
  random?: (bytes: Uint8Array) => void;
  /** `$SYS/broker/version`; null publishes no `$SYS` topics. */
  info?: { version: string } | null;
  responseInformation?: string | null;
  reasonStrings?: ReasonStrings;
}

/** How often keep alive, expiry and wills are looked at. */
const TICK_MS = 500;

/** A store that does not answer any more must not keep the gateway from stopping. */
const STOP_COMMIT_MS = 2000;

/** Time that clients get to take their last bytes when the broker stops. */
const STOP_GRACE_MS = 1000;

export class Broker<P extends Principal = Principal> implements AsyncDisposable {
  readonly #core: BrokerCore;
  readonly #store: SessionStore;
  readonly #principalOf: (id: string | null) => P;
  readonly #systemTopics: SystemTopics | null;
  #endTicks: (() => void) | null = null;
  #isHalfTick = false;
  #isStopped = false;
  #isPaused = false;
  #pendingBytes = 0;
  #isPendingFull = false;
  #connectsThisSecond = 0;

  constructor(options: BrokerOptions<P>) {
    this.#store = options.store;
    this.#principalOf = options.principalOf;
    this.#core = this.#makeCore(options);
    const info = options.info ?? null;
    this.#systemTopics = info === null ? null : new SystemTopics(this.#core, info.version);
  }

  #makeCore(options: BrokerOptions<P>): BrokerCore {
    const limits: BrokerLimits = { ...DEFAULT_LIMITS, ...options.limits };
    const statistics = newStatistics();
    const fill = options.random ?? ((bytes: Uint8Array) => fillRandom(bytes));
    const core = {
      // The product's principals come back to the product only.
      hooks: options.hooks as unknown as BrokerHooks,
      limits,
      statistics,
      time: new BrokerTime(options.clock ?? systemClock()),
      flushes: new FlushList(),
      randomId: () => randomHex(fill),
      responseInformation: options.responseInformation ?? null,
      reasonStrings: options.reasonStrings ?? "refusals",
      connections: { open: new Set(), halfOpen: new Set(), closing: new Set() },
      addPendingBytes: (change: number) => this.#addPendingBytes(change),
      report: (kind, message, connection) => this.#report(kind, message, connection),
    } as Partial<BrokerCore> as BrokerCore;
    core.journal = new StateJournal({
      store: options.store,
      onError: (error) => this.#storeFailed(error),
      onPendingBytes: core.addPendingBytes,
    });
    core.router = new Router(core);
    core.sessions = new SessionRegistry(core);
    core.wills = new WillKeeper(core);
    return core;
  }

  /** Loads the kept state; rejects when the store cannot. */
  async start(): Promise<void> {
    const state = await this.#store.load();
    const nowMs = this.#core.time.nowMs();
    for (const message of state.retained) {
      this.#core.router.retained.put(withinLifetime(message, nowMs));
    }
    this.#core.sessions.restore(state, this.#principalOf);
    this.#endTicks = this.#core.time.every(TICK_MS, () => this.#tick());
  }

  /** Takes a new connection; over a limit it is closed at once. */
  attach(channel: Channel, info: TransportInfo): void {
    const { connections, limits } = this.#core;
    const connection = new Connection(this.#core, channel, info);
    const isRefused = this.#isStopped || connections.halfOpen.size >= limits.halfOpenMax ||
      limits.connectsPerSecondMax > 0 && ++this.#connectsThisSecond > limits.connectsPerSecondMax;
    connection.open();
    if (isRefused) {
      this.#core.statistics.connectionsRefusedTotal++;
      this.#report("limit", "Closed a new connection: too many are opening", connection);
      return connection.cut();
    }
    connections.open.add(connection);
    connections.halfOpen.add(connection);
    this.#core.statistics.connections = connections.open.size;
    if (this.#isPaused) connection.setReading("paused", false);
    if (this.#isPendingFull) connection.setReading("pending", false);
  }

  /** Publishes for the gateway itself: never passed to `accept`. */
  publish({ topic, payload, qos, retain, volatile, properties }: OutboundPublish): void {
    const nowMs = this.#core.time.nowMs();
    const expiry = properties?.messageExpiryInterval;
    this.#core.router.publish({
      topic,
      payload,
      qos,
      retain,
      properties: properties ?? null,
      receivedAtMs: nowMs,
      expiresAtMs: expiry === undefined ? null : nowMs + expiry * 1000,
    }, { origin: null, volatile });
  }

  /** True when a subscription matches the topic now. */
  hasSubscribers(topic: string): boolean {
    return this.#core.router.concerns(topic, false);
  }

  /** Stops reading from all clients; they notice nothing but the missing acknowledgements. */
  pause(): void {
    this.#isPaused = true;
    for (const connection of this.#core.connections.open) connection.setReading("paused", false);
  }

  resume(): void {
    this.#isPaused = false;
    for (const connection of [...this.#core.connections.open]) {
      connection.setReading("paused", true);
    }
  }

  /** Ends the connections that match, with a reason code of 5.0; returns how many. */
  disconnect(predicate: (info: ConnectionInfo<P>) => boolean, reasonCode: number): number {
    let count = 0;
    for (const connection of [...this.#core.connections.open]) {
      const info = connection.describe() as ConnectionInfo<P> | null;
      if (info === null || !predicate(info)) continue;
      connection.closeWith(reasonCode);
      count++;
    }
    return count;
  }

  /**
   * Ends the sessions of a principal that is no more, with its connections; returns how many.
   */
  discardSessions(predicate: (principalId: string | null, clientId: string) => boolean): number {
    let count = 0;
    for (const session of [...this.#core.sessions.all()]) {
      if (!predicate(session.principal.id, session.clientId)) continue;
      this.#core.wills.forget(session);
      (session.connection ?? session.claimant)?.closeWith(ReasonCode.administrativeAction);
      const ops = this.#core.sessions.end(session);
      if (ops.length > 0) this.#core.journal.append(ops);
      count++;
    }
    return count;
  }

  /** The connections whose CONNECT was accepted. */
  connections(): ConnectionInfo<P>[] {
    return [...this.#core.connections.open].map((connection) =>
      connection.describe() as ConnectionInfo<P> | null
    ).filter((info) => info !== null);
  }

  /** Counters and gauges as they are now. */
  get statistics(): Readonly<BrokerStatistics> {
    return this.#core.statistics;
  }

  get limits(): Readonly<BrokerLimits> {
    return this.#core.limits;
  }

  /** Tells the clients, waits until everything is committed, ends. */
  async stop({ reasonCode = ReasonCode.serverShuttingDown } = {}): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#endTicks?.();
    const { connections, journal } = this.#core;
    for (const connection of [...connections.open]) connection.leave(reasonCode);
    await within(STOP_COMMIT_MS, journal.settled());
    const closing = [...connections.closing];
    await within(STOP_GRACE_MS, Promise.all(closing.map((connection) => connection.whenGone())));
    for (const connection of [...connections.closing]) connection.cut();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #tick(): void {
    const nowMs = this.#core.time.nowMs();
    const { connections, sessions, wills, limits } = this.#core;
    this.#isHalfTick = !this.#isHalfTick;
    for (const connection of connections.open) connection.tick(nowMs);
    for (const connection of connections.closing) connection.cutWhenOverdue(nowMs);
    wills.tick(nowMs);
    if (this.#isHalfTick) return;
    this.#connectsThisSecond = 0;
    if (limits.messagesPerSecondMax > 0) {
      for (const connection of [...connections.open]) connection.renewAllowance();
    }
    sessions.expire(nowMs);
    this.#systemTopics?.tick(nowMs);
  }

  #addPendingBytes(change: number): void {
    this.#pendingBytes += change;
    const { pendingBytesMax } = this.#core.limits;
    if (!this.#isPendingFull && this.#pendingBytes > pendingBytesMax) this.#setPendingFull(true);
    else if (this.#isPendingFull && this.#pendingBytes < pendingBytesMax / 2) {
      this.#setPendingFull(false);
    }
  }

  #setPendingFull(isFull: boolean): void {
    this.#isPendingFull = isFull;
    for (const connection of [...this.#core.connections.open]) {
      connection.setReading("pending", !isFull);
    }
  }

  #storeFailed(error: Error): void {
    this.#core.statistics.stateCommitErrorsTotal++;
    this.#report("store_error", `Cannot commit session state: ${error.message}`, null);
  }

  #report(kind: BrokerReport["kind"], message: string, connection: Connection | null): void {
    this.#core.hooks.report?.({
      kind,
      message,
      clientId: connection?.session?.clientId ?? null,
      remoteAddress: connection?.info.remoteAddress ?? null,
    });
  }
}

/** Waits for `work`, but not longer than `limitMs`. */
async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  const { promise: limit, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, limitMs);
  await Promise.race([limit, work]);
  clearTimeout(timer);
}

function fillRandom(bytes: Uint8Array): void {
  const random = crypto.getRandomValues(new Uint8Array(bytes.length));
  bytes.set(random);
}

function randomHex(fill: (bytes: Uint8Array) => void): string {
  const bytes = new Uint8Array(12);
  fill(bytes);
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
