/** The broker as the conformance suite runs it: on TCP, with a clock that stands still. */

import { Broker, type BrokerOptions } from "@/mqtt/broker.ts";
import type {
  AclAction,
  AuthDecision,
  BrokerHooks,
  BrokerReport,
  ConnectionEvent,
  ConnectRequest,
  InboundPublish,
  Principal,
  PublishOutcome,
} from "@/mqtt/broker_types.ts";
import { DEFAULT_LIMITS } from "@/mqtt/limits.ts";
import type { BrokerLimits } from "@/mqtt/limits.ts";
import { type Listener, listenTcp } from "@/mqtt/listener.ts";
import { MemorySessionStore } from "@/mqtt/memory_session_store.ts";
import { ManualClock } from "@/mqtt/test_peer.ts";
import { PATIENCE_MS, RawClient } from "@/tests/mqtt/raw_client.ts";
import type { Version } from "@/tests/mqtt/wire.ts";

export interface FixtureOptions {
  limits?: Partial<BrokerLimits>;
  broker?: Partial<BrokerOptions<Principal>>;
  /** Every connection is another principal: equal client identifiers do not meet. */
  isolated?: boolean;
}

interface Taken {
  publish: InboundPublish;
  done: (outcome: PublishOutcome) => void;
}

/**
 * What the surroundings allow, by name, so that a script needs no set-up: topics below `nopub`,
 * `nosub`, `norecv`, `nowill` are denied for that action; publishes below `taken` go to the
 * product; user `refuse-86` is refused with 0x86.
 */
export class Fixture implements AsyncDisposable {
  broker!: Broker;
  readonly clock: ManualClock = new ManualClock();
  readonly reports: BrokerReport[] = [];
  readonly events: ConnectionEvent[] = [];
  /** Everything that reached the product, in order: `topic payload`. */
  readonly handed: string[] = [];
  readonly requests: ConnectRequest[] = [];
  readonly #options: FixtureOptions;
  readonly #taken: Taken[] = [];
  readonly #clients: RawClient[] = [];
  store: MemorySessionStore = new MemorySessionStore();
  #listener!: Listener;

  private constructor(options: FixtureOptions) {
    this.#options = options;
  }

  static async start(options: FixtureOptions = {}): Promise<Fixture> {
    const fixture = new Fixture(options);
    await fixture.#startBroker();
    return fixture;
  }

  get port(): number {
    return this.#listener.port;
  }

  async #startBroker(): Promise<void> {
    this.broker = new Broker({
      principalOf: (id) => ({ id }),
      info: null,
      ...this.#options.broker,
      limits: { ...DEFAULT_LIMITS, ...this.#options.limits },
      hooks: this.#hooks(),
      store: this.store,
      clock: this.clock,
    });
    await this.broker.start();
    this.#listener = await listenTcp(this.broker, { hostname: "127.0.0.1", port: 0 });
  }

  #hooks(): BrokerHooks {
    return {
      authenticate: (request) => this.#authenticate(request),
      authorize: (_principal, action, topic) => isAllowed(action, topic),
      accept: (publish, done) => this.#accept(publish, done),
      report: (report) => this.reports.push(report),
      connectionChanged: (event) => this.events.push(event),
    };
  }

  #authenticate(request: ConnectRequest): AuthDecision {
    this.requests.push(request);
    const refused = /^refuse-([0-9a-f]{2})$/.exec(request.username ?? "");
    if (refused !== null) return { refuse: parseInt(refused[1]!, 16) };
    const id = this.#options.isolated ? String(this.requests.length) : request.username;
    return { principal: { id } };
  }

  #accept(publish: InboundPublish, done: (outcome: PublishOutcome) => void): "route" | "taken" {
    this.handed.push(`${publish.topic} ${new TextDecoder().decode(publish.payload)}`);
    if (!publish.topic.startsWith("taken/")) return "route";
    this.#taken.push({ publish, done });
    return "taken";
  }

  /** The product's answer to the oldest message that it has not answered. */
  conclude(outcome: PublishOutcome): void {
    const taken = this.#taken.shift();
    if (taken === undefined) throw new Error("the product has no message to answer");
    const { publish, done } = taken;
    if (outcome.kind === "refused" || publish.stateOps.length === 0) return done(outcome);
    this.store.commit(publish.stateOps, () => done(outcome));
  }

  async dial(version: Version = 4): Promise<RawClient> {
    const client = await RawClient.open(this.port, version);
    this.#clients.push(client);
    return client;
  }

  /** Ends the broker as kill -9 does and starts another on what was committed. */
  async restart(): Promise<void> {
    this.store.hold();
    for (const client of this.#clients) client.cut();
    this.store.dropPending();
    this.store.hold();
    await this.#listener.stop();
    // The old process must not write any more.
    const survivor = await MemorySessionStore.from(await this.store.load());
    this.store.release();
    await this.broker.stop();
    this.store = survivor;
    await this.#startBroker();
  }

  async stop(): Promise<void> {
    await this.#listener.stop();
    await this.broker.stop();
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    while (!condition()) {
      if (performance.now() > giveUpAt) throw new Error(`waited in vain until ${what}`);
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client[Symbol.asyncDispose]();
    await this.stop();
  }
}

function isAllowed(action: AclAction, topic: string): boolean {
  const denied: Record<AclAction, string> = {
    publish: "nopub",
    subscribe: "nosub",
    receive: "norecv",
    will: "nowill",
  };
  return topic !== denied[action] && !topic.startsWith(`${denied[action]}/`);
}
