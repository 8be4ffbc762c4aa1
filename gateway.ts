/**
 * The composition root: builds every part, joins them, starts them in order, stops them in reverse.
 *
 *   start  store → forward → broker → sources → listeners
 *   stop   listeners → sources → broker → forward → store
 *
 * Accepting ends first and the store last, so that everything that was taken is committed and
 * everything that was committed is either confirmed by its destination or back in the queue.
 */
import { assets } from "@/_gen/assets.ts";
import { docs } from "@/_gen/docs.ts";
import { islands } from "@/_gen/islands.ts";
import { routes } from "@/_gen/routes.ts";
import { type AppParts, createApp, type CreatedApp } from "@/app.ts";
import { Auth } from "@/auth/auth.ts";
import { authStoreOf } from "@/auth/auth_store.ts";
import { RateLimit } from "@/auth/rate_limit.ts";
import type { ConfigSources, LoadedConfig } from "@/config/load.ts";
import { normalizeRules } from "@/config/rules.ts";
import type { Config } from "@/config/schema.ts";
import { Forwarder, loadForwardWorker } from "@/forward/forwarder.ts";
import { FanOut } from "@/ingest/fan_out.ts";
import { Intake } from "@/ingest/intake.ts";
import { MqttHooks, type MqttPrincipal } from "@/ingest/mqtt_hooks.ts";
import { VERSION } from "@/model/build.ts";
import { decodePayload, decodeStored, isUndecodable } from "@/model/decode/decode.ts";
import { DecodeError, type StoreFullError } from "@/model/errors.ts";
import type { StoredMessage } from "@/model/message.ts";
import { normalize } from "@/model/normalize.ts";
import type { Normalized } from "@/model/reading.ts";
import { Broker } from "@/mqtt/broker.ts";
import { type Listener, listenTcp, listenTls } from "@/mqtt/listener.ts";
import { webSocketServerOptions } from "@/mqtt/websocket_channel.ts";
import { configureLogs, logger } from "@/observe/log.ts";
import { Metrics } from "@/observe/metrics.ts";
import { OrderDesk } from "@/routes/order_desk.ts";
import { DocLibrary } from "@/routes/doc_library.ts";
import type { Health } from "@/routes/health.ts";
import { type HttpApproach } from "@/routes/http_env.ts";
import type { DeviceParts } from "@/routes/api/devices.ts";
import { LiveStreams } from "@/routes/api/event_stream.ts";
import { LiveBoard } from "@/routes/api/live_board.ts";
import { readLegalText } from "@/runtime/legal_files.ts";
import type { InputMeaning } from "@/routes/page_services.ts";
import { WorkBoard } from "@/routes/work_board.ts";
import { AccessCalls } from "@/runtime/access_calls.ts";
import { boundAddresses, BoundPort } from "@/runtime/bound_port.ts";
import { CertificateWatch } from "@/runtime/certificate_watch.ts";
import { announceClaim } from "@/runtime/claim_notice.ts";
import { admitDevice, cutExpired, cutRevoked } from "@/runtime/device_gate.ts";
import { DeliveryViews } from "@/runtime/delivery_view.ts";
import { DeviceWatch } from "@/runtime/device_watch.ts";
import { EncryptedListeners } from "@/runtime/encrypted_listeners.ts";
import { HttpIngest } from "@/runtime/http_ingest.ts";
import { HttpListener } from "@/runtime/http_listener.ts";
import { SettingsDesk } from "@/runtime/settings_desk.ts";
import { RecentRates } from "@/runtime/recent_rates.ts";
import { LoopLag, readBoot, readBytesWritten } from "@/runtime/machine.ts";
import { upgradeMqtt } from "@/runtime/mqtt_web_socket.ts";
import { NodeUpgrades } from "@/runtime/node_upgrades.ts";
import { GatewayOperations } from "@/runtime/operations.ts";
import { brokerLimits, destinationOptions, storeOptions } from "@/runtime/options.ts";
import { addProbes } from "@/runtime/probes.ts";
import { Sources } from "@/runtime/sources.ts";
import { SystemViews } from "@/runtime/system_view.ts";
import { databasePath } from "@/store/data_folder.ts";
import { openStore } from "@/store/store.ts";
import type { Store } from "@/store/store_types.ts";

export interface GatewayOptions {
  config: Config;
  /** Absolute. */
  dataDir: string;
  /** Where each value of `config` is from; without it settings are the data folder's alone. */
  origins?: { loaded: LoadedConfig; sources: ConfigSources };
}

/** `starting` → `ready` → `draining`; `full` is seen in the store's state. */
export type Phase = "starting" | "ready" | "draining";

/** History follows the log within a second or so; more than this never comes in that time. */
const RECENT_MESSAGES = 1_000;
/** Messages of the log's end from which a start learns how often devices send. */
const HABIT_MESSAGES = 4_000;

/** Of the API: a page asks for a dozen things at once, a program that polls for more uses streams. */
const ADDRESS_REQUESTS_PER_SECOND = 400;
const SESSION_REQUESTS_PER_SECOND = 200;

/** All of a stop, of the 5 s that the contract gives it. */
const STOP_DEADLINE_MS = 4_000;
const HTTP_GRACE_MS = 500;
const FORWARD_STOP_MS = 2_000;
/** Live connections whose proof expired are cut within this. */
const SWEEP_MS = 1_000;
/** Old sessions, signing keys, the own server certificate. */
const MAINTAIN_MS = 3_600_000;

export class Gateway implements AsyncDisposable {
  readonly store: Store;
  readonly forwarder: Forwarder;
  readonly intake: Intake;
  readonly metrics: Metrics;
  readonly broker: Broker<MqttPrincipal>;
  readonly sources: Sources;
  readonly auth: Auth;
  readonly app: CreatedApp;
  readonly streams: LiveStreams;
  readonly live: LiveBoard;
  readonly encrypted: EncryptedListeners;
  readonly certificates: CertificateWatch;
  readonly deviceWatch = new DeviceWatch();
  readonly settings: SettingsDesk;
  readonly drainRates = new RecentRates(() => performance.now());
  readonly #failure = Promise.withResolvers<Error>();
  readonly #dataDir: string;
  readonly #fanOut: FanOut;
  readonly #http: HttpListener;
  readonly #mqtt: BoundPort<Listener> | null;
  readonly #upgrades = new NodeUpgrades();
  readonly #loopLag = new LoopLag();
  readonly #deliveryViews: DeliveryViews;
  readonly #systemViews: SystemViews;
  readonly #work = new WorkBoard({ now: Date.now });
  /** Shared with access control, which asks each time. */
  readonly #settings: { config: Config };
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  #phase: Phase = "starting";
  #full: StoreFullError | null = null;
  #rules: ReturnType<typeof normalizeRules>;
  #limits: { address: RateLimit | null; credential: RateLimit | null };

  private constructor(
    options: Omit<GatewayOptions, "config"> & { settings: { config: Config } },
    { store, auth, forwardWorker }: { store: Store; auth: Auth; forwardWorker: Worker },
  ) {
    const { config } = options.settings;
    this.#dataDir = options.dataDir;
    this.#settings = options.settings;
    this.auth = auth;
    this.#rules = normalizeRules(config);
    this.#limits = rateLimits(config);
    this.store = store;
    this.metrics = new Metrics();
    this.intake = this.#createIntake();
    this.broker = this.#createBroker();
    this.forwarder = this.#createForwarder(forwardWorker);
    this.sources = new Sources({
      intake: this.intake,
      metrics: this.metrics,
      readTextFile: Deno.readTextFileSync,
    });
    this.#fanOut = new FanOut(this.broker, {
      prefix: config.fanout.prefix,
      seriesMax: config.mqtt.retained_messages_max,
    });
    this.streams = this.#createStreams();
    this.#deliveryViews = this.#createDeliveryViews();
    this.live = this.#createLive();
    this.settings = this.#createSettings(options.origins);
    this.#systemViews = this.#createSystemViews();
    this.app = this.#createApp();
    this.#http = this.#createHttp();
    this.#mqtt = this.#createMqtt();
    this.encrypted = this.#createEncrypted();
    this.certificates = new CertificateWatch({
      ...{ config: () => this.#config, certificates: auth.certificates, now: Date.now },
      ...{ listeners: this.encrypted, log: logger("tls") },
    });
  }

  /** Starts everything; resolves when data can be accepted and stored. */
  static async start(options: GatewayOptions): Promise<Gateway> {
    await configureLogs(options.config.log);
    const gateway = await Gateway.#open(options);
    try {
      await gateway.#start();
      return gateway;
    } catch (error) {
      await gateway.stop();
      throw error;
    }
  }

  static async #open({ config, dataDir, origins }: GatewayOptions): Promise<Gateway> {
    // Takes longer to load than the store to open: both at once.
    const forwardWorker = loadForwardWorker();
    try {
      const boot = await readBoot();
      const store = await openStore(storeOptions(config, { dataDir, boot }));
      const settings = { config };
      const auth = await openAuth({ store, settings, dataDir });
      return new Gateway({ dataDir, settings, origins }, { store, auth, forwardWorker });
    } catch (error) {
      forwardWorker.terminate();
      throw error;
    }
  }

  get #config(): Config {
    return this.#settings.config;
  }

  /** Bound addresses by protocol; a protocol whose port is taken or off is absent. */
  get addresses(): Record<string, string> {
    const plain = { http: this.#http.address, mqtt: this.#mqtt?.address ?? null };
    return { ...boundAddresses(plain), ...this.encrypted.addresses };
  }

  /** Resolves when the gateway cannot go on: the process ends, and its service manager starts it. */
  get failed(): Promise<Error> {
    return this.#failure.promise;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get config(): Config {
    return this.#config;
  }

  get dataDir(): string {
    return this.#dataDir;
  }

  get health(): Health {
    const { full, durability } = this.store.state;
    const status = this.#phase === "ready" && full !== null ? "full" : this.#phase;
    return {
      status,
      ready: status === "ready",
      notes: full === null ? [] : [`${full.message}: ${full.hint}`],
      durability,
      destinations: this.forwarder.status().map(({ name, mode, up }) => ({
        name,
        mode,
        up: up !== false,
      })),
    };
  }

  async #start(): Promise<void> {
    this.#watchStore();
    await this.store.syncDestinations(this.#config.destination.map(({ name }) => name));
    this.forwarder.start();
    await this.#configureForwarder();
    await this.broker.start();
    cutRevoked(this.auth, this.broker);
    this.#timers.push(
      setInterval(() => this.#sweep(), SWEEP_MS),
      setInterval(() => void this.#maintainAuth(), MAINTAIN_MS),
    );
    await this.#startFanOut();
    await this.#startDeviceWatch();
    await this.sources.configure(this.#config);
    addProbes(this.metrics, {
      store: this.store,
      forwarder: this.forwarder,
      connections: () => this.broker.statistics.connections,
      loopLag: this.#loopLag,
      certificates: this.certificates,
      deviceWatch: this.deviceWatch,
    });
    this.#http.start();
    await this.#mqtt?.start();
    await this.encrypted.start();
    await this.certificates.warn();
    this.#phase = "ready";
    this.#logStart();
    const { public_url: publicUrl } = this.#config.http;
    const certificate = this.encrypted.files?.info ?? null;
    await announceClaim(this.auth, { publicUrl, addresses: this.addresses, certificate });
  }

  /**
   * Applies a new configuration without losing a connection or a message. What can only be set at
   * the start (listen addresses, durability, limits of the broker) is named in the log.
   */
  async reload(config: Config): Promise<void> {
    const before = this.#config;
    this.#settings.config = config;
    this.#rules = normalizeRules(config);
    this.#limits = rateLimits(config);
    await configureLogs(config.log);
    const { lingerMs, queueBytesMax, freeBytesMin, whenFull, ...rest } = this.#liveStoreOptions();
    await this.store.configure({ lingerMs, queueBytesMax, freeBytesMin, whenFull, ...rest });
    await this.store.syncDestinations(config.destination.map(({ name }) => name));
    await this.#configureForwarder();
    await this.sources.configure(config);
    await this.encrypted.look({ force: true });
    this.#logRestartNeeded(before);
    logger("gateway").info("Configuration reloaded");
  }

  /** Accepts nothing new, finishes or releases what is on its way, checkpoints. At most 5 s. */
  async stop(): Promise<void> {
    if (this.#phase === "draining") return;
    this.#phase = "draining";
    const startedAtMs = performance.now();
    for (const timer of this.#timers) clearInterval(timer);
    this.#fanOut.flush();
    this.#fanOut.announceStatus("offline");
    this.streams.stop();
    this.live.stop();
    await this.#work.stop();
    await Promise.all([
      ...[this.#mqtt?.stop(), this.#http.stop(HTTP_GRACE_MS), this.encrypted.stop(HTTP_GRACE_MS)],
      this.sources.stop(),
    ]);
    await this.broker.stop();
    const leftMs = STOP_DEADLINE_MS - (performance.now() - startedAtMs);
    await this.forwarder.stop(Math.max(100, Math.min(FORWARD_STOP_MS, leftMs)));
    await this.store[Symbol.asyncDispose]();
    this.#loopLag.stop();
    logger("gateway").info("Stopped", { tookMs: Math.round(performance.now() - startedAtMs) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #createIntake(): Intake {
    const intake = new Intake({
      store: this.store,
      metrics: this.metrics,
      rules: () => this.#rules,
      now: Date.now,
      monotonic: () => performance.now(),
    });
    intake.listen((live) => {
      this.#deliveryViews.count(live.message.source);
      this.deviceWatch.hear(live);
      if (this.#config.fanout.enabled) this.#fanOut.announce(live);
    });
    return intake;
  }

  #createBroker(): Broker<MqttPrincipal> {
    const hooks = new MqttHooks({
      access: {
        admit: (request) => admitDevice(this.auth, request),
        allows: (principal, action, topic) => {
          if (action === "subscribe") this.#fanOut.flush();
          return this.auth.access.allows({ deviceId: principal.id }, action, topic);
        },
      },
      intake: this.intake,
      metrics: this.metrics,
      log: logger("mqtt"),
      full: () => this.#full,
    });
    return new Broker<MqttPrincipal>({
      hooks,
      store: {
        load: () => this.store.loadState(),
        commit: (ops, done) => this.store.commitState(ops, done),
      },
      principalOf: (id) => ({ id }),
      limits: brokerLimits(this.#config),
      info: { version: `sluice ${VERSION}` },
    });
  }

  #createForwarder(worker: Worker): Forwarder {
    const forwarder = new Forwarder({
      worker,
      openStorePort: () => this.store.openForwardPort(),
      databasePath: databasePath(this.#dataDir),
      rules: this.#rules,
    });
    forwarder.onBatch(({ destination, seconds, messages, outcome }) => {
      this.metrics.forwardBatchSeconds.observe({ destination }, seconds);
      if (outcome !== "failed") this.drainRates.add(destination, messages);
    });
    forwarder.onNotice(({ level, message, ...properties }) => {
      logger("forward")[level]("{message}", { message, ...properties });
    });
    return forwarder;
  }

  #createHttp(): HttpListener {
    const handler = (request: Request, remoteAddress: string) =>
      this.app.hono.fetch(request, { remoteAddress, tls: false });
    return new HttpListener({ ...this.#config.http.listen, handler }, logger("http"));
  }

  #createMqtt(): BoundPort<Listener> | null {
    const { listen: at } = this.#config.mqtt;
    if (at === null) return null;
    const listen = () => listenTcp(this.broker, at);
    return new BoundPort({ protocol: "MQTT", at, listen, log: logger("mqtt") });
  }

  #createEncrypted(): EncryptedListeners {
    const { http, mqtt } = this.#config;
    return new EncryptedListeners({
      config: () => this.#config,
      certificates: this.auth.certificates,
      log: logger("tls"),
      https: async (at, material) => {
        const { HttpsListener } = await import("@/runtime/https_listener.ts");
        return await HttpsListener.listen(at, {
          material,
          socketsMax: http.connections_max,
          requestTimeoutMs: http.request_timeout,
          webSocket: webSocketServerOptions(this.broker),
          upgrades: this.#upgrades,
          handler: (request, sender) => this.app.hono.fetch(request, { ...sender, tls: true }),
        });
      },
      mqtts: (at, identity) =>
        listenTls(this.broker, {
          ...at,
          identity,
          socketsMax: mqtt.connections_max + mqtt.connecting_max,
        }),
    });
  }

  #sweep(): void {
    this.auth.sweep();
    if (this.encrypted.files !== null) cutExpired(this.broker, Date.now());
  }

  #createApp(): CreatedApp {
    const ingest = new HttpIngest({
      doors: this.auth.doors,
      intake: this.intake,
      limits: () => this.#limits,
      unavailable: () => this.#unavailable(),
    });
    const access = new AccessCalls({
      auth: this.auth,
      config: () => this.#config,
      listening: () => this.addresses,
    });
    const operations = new GatewayOperations(this);
    const withSnippets: DeviceParts["withSnippets"] = async (credential) => ({
      ...credential,
      ...await access.withSnippets(credential),
    });
    return createApp({
      auth: this.auth,
      store: this.store,
      streams: this.streams,
      live: this.live,
      ...{ operations, withSnippets },
      pages: this.#pagesParts({ operations, withSnippets }),
      health: {
        health: () => this.health,
        renderMetrics: () => this.metrics.render(),
        mayScrape: (approach) => this.#mayScrape(approach),
      },
      ingest,
      ingestLimits: () => ingestLimits(this.#config),
      requestLimits: requestLimits(),
      requestsMax: () => this.#config.http.connections_max,
      upgradeMqtt: (request, approach) =>
        upgradeMqtt(this.broker, request, { approach, upgrades: this.#upgrades }),
    });
  }

  #pagesParts(
    { operations, withSnippets }: Pick<
      AppParts["pages"]["services"],
      "operations" | "withSnippets"
    >,
  ): AppParts["pages"] {
    return {
      services: {
        ...{ store: this.store, auth: this.auth, operations, withSnippets },
        config: () => this.#config,
        addresses: () => this.addresses,
        health: () => this.health,
        deliveryView: () => this.#deliveryViews.view(),
        deviceWatch: this.deviceWatch,
        settings: this.settings,
        docs: new DocLibrary(docs),
        orderDesk: new OrderDesk({
          store: this.store,
          monotonicNow: () => performance.now(),
        }),
        legalText: (name) => readLegalText(this.#dataDir, name),
        systemView: () => this.#systemViews.view(),
        work: this.#work,
        decodeMessage: (message) => this.#decodeStored(message),
        decodeInput: (topic, payload) => this.#decodeInput(topic, payload),
      },
      manifest: { routes, islands, assets },
      now: Date.now,
    };
  }

  #createSettings(origins: GatewayOptions["origins"]): SettingsDesk {
    return new SettingsDesk({
      ...origins ?? foundIn(this.#dataDir, this.#config),
      apply: (config) => this.reload(config),
      testDestination: (options) => this.forwarder.test(options),
      linesInUse: () => this.sources.linesInUse(),
      sourceModes: () => new Map(this.sources.modes().map(({ name, mode }) => [name, mode])),
      audit: (act) => this.auth.audit.note(act),
      certificates: () => this.certificates.list(),
      tlsProblem: () => this.encrypted.problem,
    });
  }

  #createDeliveryViews(): DeliveryViews {
    return new DeliveryViews({
      store: this.store,
      destinations: () => new GatewayOperations(this).destinationList(),
      lastSuccessAtMs: (name) =>
        this.forwarder.status().find((each) => each.name === name)?.lastSuccessAtMs ?? null,
      drainRates: this.drainRates,
      queueBytesMax: () => this.#config.storage.queue_bytes_max,
      bytesWritten: () => readBytesWritten(Deno.pid),
      now: Date.now,
      monotonic: () => performance.now(),
    });
  }

  #createSystemViews(): SystemViews {
    return new SystemViews({
      store: this.store,
      loopLag: this.#loopLag,
      health: () => this.health,
      connections: () => ({
        mqtt: this.broker.statistics.connections,
        streams: this.streams.size,
        pages: this.live.size,
      }),
      dataDir: this.#dataDir,
      diskFloorBytes: () => this.#config.storage.free_bytes_min,
      startedAtMs: Date.now(),
      now: Date.now,
      monotonic: () => performance.now(),
    });
  }

  #createLive(): LiveBoard {
    return new LiveBoard({
      listen: (listener) => this.intake.listen(listener),
      deliveryView: () => this.#deliveryViews.view(),
      revocations: this.auth.revocations,
      hello: { startedAtMs: Date.now(), buildId: assets.buildId },
      streamsMax: () => this.#config.http.streams_max,
    });
  }

  #createStreams(): LiveStreams {
    return new LiveStreams({
      revocations: this.auth.revocations,
      streamsMax: () => this.#config.http.streams_max,
      feed: {
        listen: (listener) => this.intake.listen(listener),
        after: (number, limit) => this.store.query("messages.after", { number, limit }),
        normalize: (message) => this.#normalizeStored(message),
        epochHex: () => this.store.state.epochHex,
      },
    });
  }

  /** Null for a message that no decoder takes any more. */
  #normalizeStored(message: StoredMessage): Normalized | null {
    try {
      return this.#decodeStored(message);
    } catch (error) {
      if (error instanceof DecodeError) return null;
      throw error;
    }
  }

  /** Throws DecodeError. */
  #decodeStored(message: StoredMessage): Normalized {
    const context = { ...message, sender: message.device };
    return normalize(decodeStored(message), context, this.#rules);
  }

  /** What input would become if it arrived now; nothing is taken in. */
  #decodeInput(topic: string, payload: Uint8Array): InputMeaning[] {
    const receivedUs = Date.now() * 1000;
    return decodePayload(topic, payload, receivedUs).map((part) => {
      if (isUndecodable(part)) return { payload: null, normalized: null, error: part.error };
      const { device: sender } = part.decoded;
      const context = { receivedUs, clockUntrusted: false, prefixed: false, sender };
      const normalized = normalize(part.decoded, context, this.#rules);
      return { payload: part.payload, normalized, error: null };
    });
  }

  #unavailable() {
    if (this.#full !== null) return this.#full;
    if (this.#phase === "ready") return null;
    return {
      message: `The gateway is ${this.#phase}`,
      hint: "send this again",
      retryAfterSeconds: 5,
    };
  }

  #mayScrape(approach: HttpApproach): boolean {
    const { metrics, metrics_token: token } = this.#config.http;
    if (metrics === "open" || this.auth.access.isThisMachine(approach)) return true;
    return token !== null && sameText(approach.authorization ?? "", `Bearer ${token}`);
  }

  #watchStore(): void {
    const { store, metrics } = this;
    store.onCommitted(({ seconds, messages }) => {
      metrics.commitSeconds.observe(seconds);
      metrics.commitMessages.observe(messages);
    });
    store.onNotice(({ level, message, ...properties }) => {
      logger("store")[level]("{message}", { message, ...properties });
    });
    store.onFailed((error) => this.#failure.resolve(error));
    this.#full = store.state.full;
    store.onFullChanged((full) => {
      this.#full = full;
      if (full === null) logger("store").info("Taking new data again");
      else {
        const { message, hint, code } = full;
        logger("store").error("New data is refused: {message}", { message, hint, code });
      }
    });
  }

  async #configureForwarder(): Promise<void> {
    const { destination } = this.#config;
    const enabled = { ...this.#config, destination: destination.filter((each) => each.enabled) };
    const options = destinationOptions(enabled, Deno.readTextFileSync);
    await this.forwarder.configure(options, this.#rules);
  }

  /** Retained values from history, and from the end of the log that history may not have yet. */
  async #startFanOut(): Promise<void> {
    if (!this.#config.fanout.enabled) return;
    const latest = await this.store.query("readings.latest", {});
    this.#fanOut.restore(latest.map((each) => ({ ...each, at: { us: each.atUs, ns: 0 } })));
    const number = Math.max(0, this.store.state.lastNumber - RECENT_MESSAGES);
    const recent = await this.store.query("messages.after", { number, limit: RECENT_MESSAGES });
    for (const message of recent) {
      const context = { ...message, sender: message.device };
      this.#fanOut.restore(normalize(decodeStored(message), context, this.#rules).readings);
    }
    this.#fanOut.announceStatus("online");
  }

  /** Fills what is known of devices from the store, so that a restart does not forget their habits. */
  async #startDeviceWatch(): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await this.store.query("devices.list", { limit: 1_000, cursor });
      this.deviceWatch.remember(page.items);
      cursor = page.cursor ?? undefined;
    } while (cursor !== undefined && this.deviceWatch.hasRoom);
    const { lastNumber } = this.store.state;
    for (let ago = HABIT_MESSAGES; ago > 0; ago -= RECENT_MESSAGES) {
      if (lastNumber <= ago - RECENT_MESSAGES) continue;
      const number = Math.max(0, lastNumber - ago);
      const limit = Math.min(RECENT_MESSAGES, lastNumber - ago + RECENT_MESSAGES);
      for (const message of await this.store.query("messages.after", { number, limit })) {
        const normalized = this.#normalizeStored(message);
        if (normalized !== null) this.deviceWatch.hear({ message, normalized });
      }
    }
  }

  #liveStoreOptions() {
    const options = storeOptions(this.#config, {
      dataDir: this.#dataDir,
      boot: { id: "", uptimeUs: 0, atMs: 0 },
    });
    const { dataDir: _dir, durability: _fixed, buildTimeMs: _build, boot: _boot, ...live } =
      options;
    return live;
  }

  async #maintainAuth(): Promise<void> {
    try {
      await this.auth.maintain();
      await this.certificates.warn();
    } catch (error) {
      logger("auth").error("Upkeep of access failed, next try in an hour", {
        cause: String(error),
      });
    }
  }

  #logStart(): void {
    const { durability, salvaged } = this.store.state;
    logger("gateway").info("Ready", { ...this.addresses, durability, dataDir: this.#dataDir });
    if (durability === "relaxed") {
      logger("gateway").warn("Durability is relaxed: power loss may take the last commits");
    }
    if (salvaged !== null) {
      logger("store").error("A damaged database was moved aside to {movedTo}", { ...salvaged });
    }
  }

  #logRestartNeeded(before: Config): void {
    const fixed = (config: Config) => ({
      "http.listen": config.http.listen,
      tls: { ...config.tls, certificate: null, key: null, client_authority: null },
      mqtt: { ...config.mqtt, anonymous: null },
      "storage.durability": config.storage.durability,
      "fanout.prefix": config.fanout.prefix,
    });
    const [old, now] = [fixed(before), fixed(this.#config)];
    const changed = Object.keys(now).filter((key) => {
      const name = key as keyof typeof now;
      return JSON.stringify(old[name]) !== JSON.stringify(now[name]);
    });
    if (changed.length === 0) return;
    logger("gateway").warn("Changes that need a restart were left out", { keys: changed });
  }
}

/** For a gateway that was given its configuration by a program. */
function foundIn(dataDir: string, config: Config): NonNullable<GatewayOptions["origins"]> {
  const settingsFile = `${dataDir}/settings.toml`;
  const files = { configFile: null, configFileRequired: false, settingsFile };
  return {
    loaded: { config, tree: new Map() },
    sources: { ...files, environment: {}, flags: [] },
  };
}

/** The store is closed again when access control cannot be opened. */
async function openAuth(
  { store, settings, dataDir }: {
    store: Store;
    settings: { config: Config };
    dataDir: string;
  },
): Promise<Auth> {
  try {
    return await Auth.open({
      store: authStoreOf(store),
      dataDir,
      now: Date.now,
      monotonicNow: () => performance.now(),
      anonymous: () => settings.config.mqtt.anonymous,
      autoRegistration: () => settings.config.auth.auto_registration,
    });
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

function ingestLimits({ http }: Config) {
  return {
    bodyBytesMax: http.body_bytes_max,
    batchBytesMax: http.batch_body_bytes_max,
    batchLinesMax: http.batch_lines_max,
    deadlineMs: http.request_timeout,
  };
}

/** Of the API for people and programs; ingest has limits of its own. */
function requestLimits() {
  const limit = (perSecond: number) =>
    new RateLimit({
      perSecond,
      burst: 2 * perSecond,
      keysMax: 10_000,
      now: () => performance.now(),
    });
  return {
    address: limit(ADDRESS_REQUESTS_PER_SECOND),
    session: limit(SESSION_REQUESTS_PER_SECOND),
  };
}

function rateLimits({ http }: Config) {
  const limit = (perSecond: number) =>
    perSecond === 0 ? null : new RateLimit({
      perSecond,
      burst: perSecond,
      keysMax: 10_000,
      now: () => performance.now(),
    });
  return {
    address: limit(http.address_requests_max),
    credential: limit(http.credential_requests_max),
  };
}

/** Compares without telling by its duration where two texts differ. */
function sameText(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => new TextEncoder().encode(text)) as [
    Uint8Array,
    Uint8Array,
  ];
  let difference = left.length ^ right.length;
  for (let i = 0; i < left.length; i++) difference |= left[i]! ^ (right[i] ?? 0);
  return difference === 0;
}
