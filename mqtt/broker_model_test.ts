/**
 * Random legal clients against the broker, with lost connections and kills at random instants. The
 * model is what the promise says: what was acknowledged to a publisher reaches every kept subscriber,
 * QoS 2 exactly once, in order per publisher. MODEL_SEED repeats a run, MODEL_ROUNDS lengthens it.
 */

import assert from "node:assert/strict";
import type { Packet, ProtocolVersion, Qos } from "@/mqtt/codec/packet.ts";
import { MemorySessionStore } from "@/mqtt/memory_session_store.ts";
import { type Peer, publishPacket, TestBroker, text, until } from "@/mqtt/test_peer.ts";

/** A small generator of our own: the same numbers everywhere for one seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

abstract class Actor {
  protected peer: Peer | null = null;
  readonly clientId: string;
  readonly version: ProtocolVersion;

  constructor(clientId: string, version: ProtocolVersion) {
    this.clientId = clientId;
    this.version = version;
  }

  get isConnected(): boolean {
    return this.peer !== null;
  }

  async connect(server: TestBroker): Promise<void> {
    const properties = this.version === 5 ? { sessionExpiryInterval: 100_000 } : null;
    const { clientId, version } = this;
    const peer = await server.connect({ clientId, version, clean: false, properties });
    this.peer = peer;
    await this.resume(peer);
    void this.#listen(peer);
  }

  cut(): void {
    this.peer?.cut();
    this.peer = null;
  }

  async #listen(peer: Peer): Promise<void> {
    try {
      for (;;) {
        const packet = await peer.next();
        if (this.peer === peer) this.handle(peer, packet);
      }
    } catch {
      if (this.peer === peer) this.peer = null;
    }
  }

  protected abstract resume(peer: Peer): Promise<void> | void;
  protected abstract handle(peer: Peer, packet: Packet): void;
}

interface Outgoing {
  number: number;
  qos: Qos;
  isReleased: boolean;
}

class Publisher extends Actor {
  readonly outgoing: Map<number, Outgoing> = new Map();
  readonly acknowledged: Map<number, Qos> = new Map();
  #lastNumber = 0;
  #lastId = 0;

  publish(qos: 1 | 2): void {
    if (this.peer === null || this.outgoing.size >= 20) return;
    const message = { number: ++this.#lastNumber, qos, isReleased: false };
    this.#lastId = this.#lastId % 60_000 + 1;
    this.outgoing.set(this.#lastId, message);
    this.#send(this.peer, this.#lastId, false);
  }

  #send(peer: Peer, packetId: number, dup: boolean): void {
    const { number, qos } = this.outgoing.get(packetId)!;
    peer.send(publishPacket({
      topic: `from/${this.clientId}/${qos}`,
      payload: `${number}`,
      qos,
      packetId,
      dup,
    }));
  }

  protected resume(peer: Peer): void {
    for (const [packetId, { isReleased }] of this.outgoing) {
      if (isReleased) peer.send({ type: "pubrel", packetId, reasonCode: 0, properties: null });
      else this.#send(peer, packetId, true);
    }
  }

  protected handle(peer: Peer, packet: Packet): void {
    if (packet.type !== "puback" && packet.type !== "pubrec" && packet.type !== "pubcomp") return;
    const { packetId } = packet;
    const message = this.outgoing.get(packetId);
    if (packet.type === "pubrec") {
      if (message !== undefined) {
        message.isReleased = true;
        this.acknowledged.set(message.number, 2);
      }
      peer.send({ type: "pubrel", packetId, reasonCode: 0, properties: null });
      return;
    }
    if (message !== undefined) this.acknowledged.set(message.number, message.qos);
    this.outgoing.delete(packetId);
  }
}

class Subscriber extends Actor {
  /** by topic, in order of arrival */
  readonly received: Map<string, number[]> = new Map();
  readonly #unreleased: Set<number> = new Set();
  #isSubscribed = false;

  protected async resume(peer: Peer): Promise<void> {
    assert.equal(
      peer.connack!.sessionPresent,
      this.#isSubscribed,
      `${this.clientId} lost its session`,
    );
    if (this.#isSubscribed) return;
    await peer.subscribe("from/+/+", { qos: 2 });
    this.#isSubscribed = true;
  }

  protected handle(peer: Peer, packet: Packet): void {
    if (packet.type === "pubrel") {
      const { packetId } = packet;
      this.#unreleased.delete(packetId);
      peer.send({ type: "pubcomp", packetId, reasonCode: 0, properties: null });
    }
    if (packet.type !== "publish") return;
    const { packetId, qos } = packet;
    const isRepeated = qos === 2 && this.#unreleased.has(packetId);
    if (qos === 2) this.#unreleased.add(packetId);
    const type = qos === 2 ? "pubrec" : "puback";
    peer.send({ type, packetId, reasonCode: 0, properties: null });
    if (isRepeated) return;
    const list = this.received.get(packet.topic) ?? [];
    list.push(Number(text(packet.payload)));
    this.received.set(packet.topic, list);
  }
}

interface World {
  server: TestBroker;
  publishers: Publisher[];
  subscribers: Subscriber[];
}

async function restart(world: World): Promise<void> {
  const store = await world.server.crash();
  for (const actor of [...world.publishers, ...world.subscribers]) actor.cut();
  world.server = await startServer(store);
}

/** The product takes every QoS 2 message and commits it with its state in a transaction of its own. */
function startServer(store: MemorySessionStore): Promise<TestBroker> {
  return TestBroker.start({
    store,
    limits: { queuedMessagesMax: 100_000, inflightMessagesMax: 10 },
    hooks: {
      accept: (publish, done) => {
        if (publish.qos !== 2) return "route";
        store.commit(publish.stateOps, (error) => {
          if (error === null) done({ kind: "accepted" });
        });
        return "taken";
      },
    },
  });
}

async function step(world: World, random: (below: number) => number): Promise<void> {
  const actors = [...world.publishers, ...world.subscribers];
  const dice = random(100);
  const { store } = world.server;
  if (dice < 76) {
    const publisher = world.publishers[random(world.publishers.length)]!;
    publisher.publish(random(2) === 0 ? 1 : 2);
  } else if (dice < 80) store.hold();
  else if (dice < 85) actors[random(actors.length)]!.cut();
  else if (dice < 97) {
    const actor = actors[random(actors.length)]!;
    store.release(); // a session is not taken up before its commit
    if (!actor.isConnected) await actor.connect(world.server);
  } else if (dice < 98) await restart(world);
  else await new Promise((resolve) => setTimeout(resolve, 0));
  // Now and then everything under way comes to rest.
  if (random(20) === 0) await new Promise((resolve) => setTimeout(resolve, 0));
}

async function comeToRest(world: World): Promise<void> {
  world.server.store.release();
  for (const actor of [...world.publishers, ...world.subscribers]) {
    if (!actor.isConnected) await actor.connect(world.server);
  }
  await until(
    () => world.publishers.every((p) => p.outgoing.size === 0),
    "all publishers are acknowledged",
  );
  const { statistics } = world.server.broker;
  await until(() => statistics.queuedMessages === 0, "all queues are empty");
}

function check(world: World): void {
  for (const publisher of world.publishers) {
    for (const subscriber of world.subscribers) {
      for (const qos of [1, 2] as const) {
        const topic = `from/${publisher.clientId}/${qos}`;
        const received = subscriber.received.get(topic) ?? [];
        const acknowledged = [...publisher.acknowledged].filter(([, q]) => q === qos).map(([n]) =>
          n
        );
        const missing = acknowledged.filter((number) => !received.includes(number));
        assert.deepEqual(missing, [], `${subscriber.clientId} misses messages of ${topic}`);
        const firsts = [...new Set(received)];
        assert.deepEqual(firsts, firsts.toSorted((a, b) => a - b), `order of ${topic}`);
        if (qos === 2) assert.deepEqual(received, firsts, `${topic} came twice`);
      }
    }
  }
}

Deno.test("random clients, lost connections and kills: nothing acknowledged is lost", async () => {
  const seed = Number(Deno.env.get("MODEL_SEED") ?? Math.floor(Math.random() * 1e9));
  const rounds = Number(Deno.env.get("MODEL_ROUNDS") ?? 3);
  for (let round = 0; round < rounds; round++) {
    console.log(`MODEL_SEED=${seed + round}`);
    const random = randomFrom(seed + round);
    const world: World = {
      server: await startServer(new MemorySessionStore()),
      publishers: [new Publisher("p4", 4), new Publisher("p5", 5)],
      subscribers: [new Subscriber("s4", 4), new Subscriber("s5", 5)],
    };
    for (const actor of [...world.subscribers, ...world.publishers]) {
      await actor.connect(world.server);
    }
    for (let i = 0; i < 1000; i++) await step(world, random);
    try {
      await comeToRest(world);
      check(world);
    } catch (cause) {
      throw new Error(`The promise is broken with MODEL_SEED=${seed + round}`, { cause });
    }
    await world.server[Symbol.asyncDispose]();
  }
});
