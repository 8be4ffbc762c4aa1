/**
 * For tests: a broker on loopback with a clock that stands still, and a peer that speaks raw packets
 * over TCP. Nothing here waits for time: a peer waits for a packet or for the end, and gives up with
 * a clear text when neither comes.
 */

import assert from "node:assert/strict";
import { Broker, type BrokerOptions } from "@/mqtt/broker.ts";
import type {
  BrokerClock,
  BrokerHooks,
  BrokerReport,
  ConnectionEvent,
  InboundPublish,
  Principal,
  PublishOutcome,
} from "@/mqtt/broker_types.ts";
import type {
  AcknowledgementPacket,
  AcknowledgementType,
  ConnackPacket,
  ConnectPacket,
  Packet,
  Properties,
  ProtocolVersion,
  PublishPacket,
  Qos,
  SubscriptionRequest,
} from "@/mqtt/codec/packet.ts";
import { encodePacket } from "@/mqtt/codec/packet_encoder.ts";
import { PacketParser } from "@/mqtt/codec/packet_parser.ts";
import { type Listener, listenTcp } from "@/mqtt/listener.ts";
import { MemorySessionStore } from "@/mqtt/memory_session_store.ts";

/** A peer that waits longer than this for the other side reports what it waited for. */
const PATIENCE_MS = 20_000;

/** A clock that moves when told to. */
export class ManualClock implements BrokerClock {
  #nowMs = 0;
  #wallOffsetMs = 1_767_225_600_000;
  readonly #ticks: Map<symbol, { intervalMs: number; nextMs: number; tick: () => void }> =
    new Map();

  wallMs(): number {
    return this.#wallOffsetMs + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  /** Sets the wall clock forward or back; time itself goes on as before. */
  stepWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  every(intervalMs: number, tick: () => void): () => void {
    const id = Symbol();
    this.#ticks.set(id, { intervalMs, nextMs: this.#nowMs + intervalMs, tick });
    return () => this.#ticks.delete(id);
  }

  advance(ms: number): void {
    const end = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#ticks.values()].filter((t) => t.nextMs <= end)
        .sort((a, b) => a.nextMs - b.nextMs)[0];
      if (due === undefined) break;
      this.#nowMs = due.nextMs;
      due.nextMs += due.intervalMs;
      due.tick();
    }
    this.#nowMs = end;
  }
}

export interface TestBrokerOptions extends Partial<Omit<BrokerOptions<Principal>, "hooks">> {
  store?: MemorySessionStore;
  hooks?: Partial<BrokerHooks>;
  clock?: ManualClock;
}

/** What the product was handed; `outcome` is answered by the test when it is "taken". */
export interface Handed {
  publish: InboundPublish;
  payload: string;
  done: (outcome: PublishOutcome) => void;
}

export class TestBroker implements AsyncDisposable {
  readonly broker: Broker;
  readonly store: MemorySessionStore;
  readonly clock: ManualClock;
  readonly handed: Handed[];
  readonly reports: BrokerReport[];
  readonly events: ConnectionEvent[];
  readonly #listener: Listener;
  readonly #peers: Peer[] = [];

  constructor(parts: {
    broker: Broker;
    store: MemorySessionStore;
    clock: ManualClock;
    handed: Handed[];
    reports: BrokerReport[];
    events: ConnectionEvent[];
    listener: Listener;
  }) {
    this.broker = parts.broker;
    this.store = parts.store;
    this.clock = parts.clock;
    this.handed = parts.handed;
    this.reports = parts.reports;
    this.events = parts.events;
    this.#listener = parts.listener;
  }

  static async start(options: TestBrokerOptions = {}): Promise<TestBroker> {
    const store = options.store ?? new MemorySessionStore();
    const clock = options.clock ?? new ManualClock();
    const handed: Handed[] = [];
    const reports: BrokerReport[] = [];
    const events: ConnectionEvent[] = [];
    const hooks: BrokerHooks = {
      // The user name is the principal; nobody is refused.
      authenticate: (request) => ({ principal: { id: request.username } }),
      authorize: () => true,
      accept: (publish, done) => {
        handed.push({ publish, payload: text(publish.payload), done });
        return "route";
      },
      report: (event) => reports.push(event),
      connectionChanged: (event) => events.push(event),
      ...options.hooks,
    };
    const broker = new Broker({ principalOf: (id) => ({ id }), ...options, hooks, store, clock });
    await broker.start();
    const listener = await listenTcp(broker, { hostname: "127.0.0.1", port: 0 });
    return new TestBroker({ broker, store, clock, handed, reports, events, listener });
  }

  /** A TCP connection without CONNECT. */
  async dial(version: ProtocolVersion = 4): Promise<Peer> {
    const socket = await Deno.connect({ hostname: "127.0.0.1", port: this.#listener.port });
    socket.setNoDelay(true);
    const peer = new Peer(socket, version);
    this.#peers.push(peer);
    return peer;
  }

  /** A connection that was accepted; `connack` tells how. */
  async connect(options: ConnectOptions = {}): Promise<Peer> {
    const peer = await this.dial(options.version ?? 4);
    peer.send(connectPacket(options));
    const packet = await peer.next();
    assert.equal(packet.type, "connack");
    peer.connack = packet as ConnackPacket;
    assert.equal(peer.connack.reasonCode, 0, "CONNECT was refused");
    return peer;
  }

  /** What kill -9 leaves: unconfirmed commits are lost, the store stays, connections are cut. */
  async crash(): Promise<MemorySessionStore> {
    this.store.hold();
    for (const peer of this.#peers) peer.cut();
    this.store.dropPending();
    await this.#listener.stop();
    // The old process must not write any more.
    const survivor = await MemorySessionStore.from(await this.store.load());
    await this.broker.stop();
    return survivor;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.#peers) peer.cut();
    await Promise.all(this.#peers.map((peer) => peer.whenEnded()));
    await this.#listener.stop();
    await this.broker.stop();
  }
}

export interface ConnectOptions {
  version?: ProtocolVersion;
  clientId?: string;
  clean?: boolean;
  keepAlive?: number;
  username?: string | null;
  will?: ConnectPacket["will"];
  properties?: Properties | null;
}

export function connectPacket(options: ConnectOptions): ConnectPacket {
  return {
    type: "connect",
    version: options.version ?? 4,
    cleanStart: options.clean ?? true,
    keepAlive: options.keepAlive ?? 0,
    clientId: options.clientId ?? `peer-${++peerCount}`,
    username: options.username ?? null,
    password: null,
    will: options.will ?? null,
    properties: options.properties ?? null,
  };
}

let peerCount = 0;

export interface PublishOptions {
  topic: string;
  payload?: string | Uint8Array;
  qos?: Qos;
  retain?: boolean;
  dup?: boolean;
  packetId?: number;
  properties?: Properties | null;
}

export function publishPacket(options: PublishOptions): PublishPacket {
  const payload = options.payload ?? "";
  return {
    type: "publish",
    topic: options.topic,
    payload: typeof payload === "string" ? new TextEncoder().encode(payload) : payload,
    qos: options.qos ?? 0,
    retain: options.retain ?? false,
    dup: options.dup ?? false,
    packetId: options.packetId ?? (options.qos ? 1 : 0),
    properties: options.properties ?? null,
  };
}

type PacketOf<T extends Packet["type"]> = T extends AcknowledgementType ? AcknowledgementPacket
  : Extract<Packet, { type: T }>;

/** One end of a connection, in raw packets. */
export class Peer {
  readonly version: ProtocolVersion;
  connack: ConnackPacket | null = null;
  readonly #socket: Deno.TcpConn;
  readonly #packets: Packet[] = [];
  readonly #ended: Promise<void>;
  #writing: Promise<unknown> = Promise.resolve();
  #isEnded = false;
  #isReading = true;
  #waiters: (() => void)[] = [];
  /** The first bytes received, for tests that look at the wire. */
  received: number[] = [];
  receivedBytes = 0;
  #isDiscarding = false;

  constructor(socket: Deno.TcpConn, version: ProtocolVersion) {
    this.#socket = socket;
    this.version = version;
    this.#ended = this.#read();
  }

  async #read(): Promise<void> {
    const parser = new PacketParser({
      role: "client",
      packetBytesMax: 64 << 20,
      version: this.version,
      onPacket: (packet) => {
        this.#packets.push(structuredClone(packet));
      },
    });
    const buffer = new Uint8Array(65_536);
    try {
      for (;;) {
        while (!this.#isReading) await this.#change();
        const count = await this.#socket.read(buffer);
        if (count === null) break;
        this.receivedBytes += count;
        if (this.#isDiscarding) continue;
        if (this.received.length < 65_536) this.received.push(...buffer.subarray(0, count));
        parser.push(buffer.slice(0, count));
        this.#wakeAll();
      }
    } catch { /* a reset is an end like any other */ }
    this.#isEnded = true;
    this.#wakeAll();
    try {
      this.#socket.close();
    } catch { /* it was cut by the test */ }
  }

  /** Resolves at the next packet, end, or change of reading. */
  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #wakeAll(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  /** Writes raw bytes. */
  raw(bytes: Uint8Array): void {
    this.#writing = this.#writing.then(() => this.#writeAll(bytes)).catch(() => {});
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#socket.write(bytes.subarray(at));
  }

  hex(digits: string): void {
    const plain = digits.replaceAll(" ", "");
    this.raw(
      Uint8Array.from(
        { length: plain.length / 2 },
        (_, i) => parseInt(plain.slice(2 * i, 2 * i + 2), 16),
      ),
    );
  }

  send(packet: Packet): void {
    this.raw(encodePacket(packet, this.version));
  }

  publish(options: PublishOptions): void {
    this.send(publishPacket(options));
  }

  /** The next packet from the server; fails when the connection ends instead. */
  async next(): Promise<Packet> {
    await this.#until(() => this.#packets.length > 0 || this.#isEnded, "a packet");
    const packet = this.#packets.shift();
    assert(packet !== undefined, "the server closed the connection instead of sending a packet");
    return packet;
  }

  /** The next packet, which is of this type. */
  async expect<T extends Packet["type"]>(type: T): Promise<PacketOf<T>> {
    const packet = await this.next();
    assert.equal(packet.type, type, JSON.stringify(packet));
    return packet as PacketOf<T>;
  }

  /** The next packet is a message; as text, with its flags. */
  async message(): Promise<{ topic: string; payload: string; packet: PublishPacket }> {
    const packet = await this.expect("publish");
    return { topic: packet.topic, payload: text(packet.payload), packet };
  }

  /** Everything that came before the answer to a ping: what is not there was not sent. */
  async upToPing(): Promise<Packet[]> {
    this.send({ type: "pingreq" });
    const packets: Packet[] = [];
    for (;;) {
      const packet = await this.next();
      if (packet.type === "pingresp") return packets;
      packets.push(packet);
    }
  }

  /** The server ends the connection; returns what it said before. */
  async end(): Promise<Packet[]> {
    await this.whenEnded();
    return this.#packets.splice(0);
  }

  async whenEnded(): Promise<void> {
    await this.#until(() => this.#isEnded, "the end of the connection");
    await this.#ended;
  }

  async subscribe(
    filter: string,
    options: Partial<SubscriptionRequest> & { identifier?: number; packetId?: number } = {},
  ): Promise<number> {
    const { identifier, packetId, ...request } = options;
    this.send({
      type: "subscribe",
      packetId: packetId ?? 1,
      subscriptions: [{
        filter,
        qos: 0,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 0,
        ...request,
      }],
      properties: identifier === undefined ? null : { subscriptionIdentifiers: [identifier] },
    });
    const suback = await this.expect("suback");
    return suback.reasonCodes[0]!;
  }

  /** The connection is over, from whichever side. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** From now on bytes are counted, not decoded. */
  discard(): void {
    this.#isDiscarding = true;
  }

  /** Stops taking bytes from the socket. */
  stopReading(): void {
    this.#isReading = false;
  }

  startReading(): void {
    this.#isReading = true;
    this.#wakeAll();
  }

  /** Ends without DISCONNECT. */
  cut(): void {
    this.startReading();
    try {
      this.#socket.close();
    } catch { /* it is closed already */ }
  }

  async #until(condition: () => boolean, what: string): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`Waited in vain for ${what}`)), PATIENCE_MS);
    });
    try {
      while (!condition()) {
        await Promise.race([patience, this.#change()]);
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Waits until `condition` holds, looking after each turn of the event loop. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (!condition()) {
    assert(performance.now() < giveUpAt, `Waited in vain until ${what}`);
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
  }
}
