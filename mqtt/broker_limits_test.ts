/** Every limit has a stated behaviour; here is the proof of each. */

import assert from "node:assert/strict";
import type { PublishPacket } from "@/mqtt/codec/packet.ts";
import { connectPacket, type Peer, TestBroker, until } from "@/mqtt/test_peer.ts";

const V5 = { version: 5 as const };

async function refusedWith(peer: Peer, options: Parameters<typeof connectPacket>[0]) {
  peer.send(connectPacket(options));
  const { reasonCode } = await peer.expect("connack");
  await peer.end();
  return reasonCode;
}

Deno.test("connections: one too many is told server busy", async () => {
  await using server = await TestBroker.start({ limits: { connectionsMax: 2 } });
  const first = await server.connect();
  await server.connect();
  assert.equal(await refusedWith(await server.dial(5), V5), 0x89);
  assert.equal(await refusedWith(await server.dial(4), {}), 3);
  assert.deepEqual(await first.upToPing(), []);
  first.cut();
  await until(() => server.broker.connections().length === 1, "one left");
  await server.connect();
});

Deno.test("half-open connections: the newest is closed, the others are served", async () => {
  await using server = await TestBroker.start({ limits: { halfOpenMax: 3 } });
  const silent = [await server.dial(), await server.dial(), await server.dial()];
  await until(() => server.broker.statistics.connections === 3, "three are open");
  const fourth = await server.dial();
  await fourth.end();
  silent[0]!.send(connectPacket({}));
  await silent[0]!.expect("connack");
  await server.connect();
  assert.equal(server.reports.filter((r) => r.kind === "limit").length, 1);
});

Deno.test("a connection that does not complete CONNECT in time is closed", async () => {
  await using server = await TestBroker.start({ limits: { connectTimeoutMs: 3000 } });
  const silent = await server.dial();
  const slow = await server.dial();
  slow.hex("10 20 00");
  const served = await server.connect();
  await until(() => server.broker.statistics.connections === 3, "all are there");
  server.clock.advance(3600);
  await silent.end();
  await slow.end();
  assert.deepEqual(await served.upToPing(), []);
  assert.equal(server.broker.statistics.connections, 1);
});

Deno.test("connects per second: further ones are closed, the next second takes them", async () => {
  await using server = await TestBroker.start({ limits: { connectsPerSecondMax: 2 } });
  await server.connect();
  await server.connect();
  await (await server.dial()).end();
  server.clock.advance(1000);
  await server.connect();
});

Deno.test("messages per second: a client above waits, the others do not, nothing is lost", async () => {
  await using server = await TestBroker.start({ limits: { messagesPerSecondMax: 5 } });
  const loud = await server.connect();
  const calm = await server.connect();
  for (let id = 1; id <= 12; id++) loud.publish({ topic: "t", qos: 1, packetId: id });
  for (let id = 1; id <= 5; id++) assert.equal((await loud.expect("puback")).packetId, id);
  calm.publish({ topic: "t", qos: 1, packetId: 1 });
  await calm.expect("puback");
  assert.equal(server.handed.length, 6);
  for (const ids of [[6, 7, 8, 9, 10], [11, 12]]) {
    server.clock.advance(1000);
    for (const id of ids) assert.equal((await loud.expect("puback")).packetId, id);
  }
});

Deno.test("CONNECT over its size is refused on the header", async () => {
  await using server = await TestBroker.start({ limits: { connectBytesMax: 100 } });
  const peer = await server.dial();
  peer.hex("10 f0 01");
  await peer.end();
  assert.equal(server.broker.statistics.protocolErrorsTotal, 1);
});

Deno.test("topic levels: 0x90 at publish, 3.1.1 closed, 0x97 at subscribe, will refused", async () => {
  await using server = await TestBroker.start({ limits: { topicLevelsMax: 3 } });
  const peer = await server.connect(V5);
  peer.publish({ topic: "a/b/c", qos: 1, packetId: 1 });
  assert.equal((await peer.expect("puback")).reasonCode, 0x10);
  peer.publish({ topic: "a/b/c/d", qos: 1, packetId: 2 });
  assert.equal((await peer.expect("puback")).reasonCode, 0x90);
  assert.equal(await peer.subscribe("a/+/c/#"), 0x97);
  const old = await server.connect();
  assert.equal(await old.subscribe("a/+/c/#"), 0x80);
  old.publish({ topic: "a/b/c/d" });
  await old.end();
  const will = {
    topic: "a/b/c/d",
    payload: new Uint8Array(),
    qos: 0 as const,
    retain: false,
    properties: null,
  };
  assert.equal(await refusedWith(await server.dial(5), { ...V5, will }), 0x90);
});

Deno.test("subscriptions per session: 0x97 for a further one, replacing is allowed", async () => {
  await using server = await TestBroker.start({ limits: { subscriptionsPerSessionMax: 2 } });
  const peer = await server.connect(V5);
  assert.equal(await peer.subscribe("a"), 0);
  assert.equal(await peer.subscribe("b"), 0);
  assert.equal(await peer.subscribe("c"), 0x97);
  assert.equal(await peer.subscribe("b", { qos: 1 }), 1);
  const old = await server.connect();
  for (const filter of ["a", "b"]) await old.subscribe(filter);
  assert.equal(await old.subscribe("c"), 0x80);
});

Deno.test("sessions: a new one is refused, a kept one may return", async () => {
  await using server = await TestBroker.start({ limits: { sessionsMax: 1 } });
  const kept = await server.connect({ clientId: "kept", clean: false });
  kept.send({ type: "disconnect", reasonCode: 0, properties: null });
  await kept.end();
  assert.equal(await refusedWith(await server.dial(5), V5), 0x97);
  assert.equal(await refusedWith(await server.dial(4), {}), 3);
  const back = await server.connect({ clientId: "kept", clean: false });
  assert.equal(back.connack!.sessionPresent, true);
});

/** A kept session without its client, subscribed to `q`. */
async function leaveSession(server: TestBroker): Promise<void> {
  const away = await server.connect({ clientId: "away", clean: false });
  await away.subscribe("q", { qos: 1 });
  away.send({ type: "disconnect", reasonCode: 0, properties: null });
  await away.end();
}

async function fill(server: TestBroker, payloads: readonly string[]): Promise<string[]> {
  const publisher = await server.connect();
  for (const [i, payload] of payloads.entries()) {
    publisher.publish({ topic: "q", payload, qos: 1, packetId: i + 1 });
    await publisher.expect("puback");
  }
  const back = await server.connect({ clientId: "away", clean: false });
  const packets = await back.upToPing();
  return packets.map((p) => new TextDecoder().decode((p as PublishPacket).payload));
}

Deno.test("queue of a session, in messages: the newest is not taken, and counted", async () => {
  await using server = await TestBroker.start({ limits: { queuedMessagesMax: 2 } });
  await leaveSession(server);
  assert.deepEqual(await fill(server, ["1", "2", "3", "4"]), ["1", "2"]);
  assert.equal(server.broker.statistics.droppedTotal.queue_full, 2);
});

Deno.test("queue of a session, in bytes", async () => {
  await using server = await TestBroker.start({ limits: { queuedBytesMax: 500 } });
  await leaveSession(server);
  const large = "x".repeat(350);
  assert.deepEqual(await fill(server, [large, large, "y"]), [large]);
  assert.equal(server.broker.statistics.droppedTotal.queue_full, 2);
});

Deno.test("queues of all sessions together, in bytes", async () => {
  await using server = await TestBroker.start({ limits: { queuedBytesTotalMax: 500 } });
  await leaveSession(server);
  const large = "x".repeat(350);
  assert.deepEqual(await fill(server, [large, large]), [large]);
});

Deno.test("retained messages: number and bytes; replacing and removing still work", async () => {
  await using server = await TestBroker.start({
    limits: { retainedMessagesMax: 2, retainedBytesMax: 1000 },
  });
  const peer = await server.connect(V5);
  let packetId = 0;
  const retain = async (topic: string, payload: string) => {
    peer.publish({ topic, payload, retain: true, qos: 1, packetId: ++packetId });
    return (await peer.expect("puback")).reasonCode;
  };
  assert.equal(await retain("a", "1"), 0x10);
  assert.equal(await retain("b", "1"), 0x10);
  assert.equal(await retain("c", "1"), 0x97);
  assert.equal(await retain("b", "2"), 0x10);
  assert.equal(await retain("b", "x".repeat(2000)), 0x97);
  assert.equal(await retain("a", ""), 0x10);
  assert.equal(await retain("c", "1"), 0x10);
  const old = await server.connect();
  const subscriber = await server.connect();
  await subscriber.subscribe("d");
  old.publish({ topic: "d", payload: "x", retain: true, qos: 1, packetId: 1 });
  await old.expect("puback");
  assert.equal((await subscriber.message()).payload, "x", "routed, but not retained");
  assert.equal(server.broker.statistics.droppedTotal.retained_full, 1);
  assert.equal(server.broker.statistics.retainedMessages, 2);
});

Deno.test("a slow subscriber: QoS 0 dropped and counted, QoS 1 waits, others get everything", async () => {
  await using server = await TestBroker.start({
    limits: { outboundBytesMax: 64 << 10, queuedMessagesMax: 200, queuedBytesMax: 64 << 20 },
  });
  const slow = await server.connect();
  const quick = await server.connect();
  for (const peer of [slow, quick]) await peer.subscribe("t/#", { qos: 1 });
  slow.stopReading();
  const publisher = await server.connect();
  const payload = new Uint8Array(32 << 10);
  const { droppedTotal } = server.broker.statistics;
  let sent = 0;
  // The kernel's buffers take some megabytes before the broker feels anything.
  for (; droppedTotal.slow_subscriber === 0; sent++) {
    assert(sent < 2000, "a slow subscriber is never noticed");
    publisher.publish({ topic: "t/0", payload });
    assert.deepEqual(await publisher.upToPing(), []);
    await quick.message();
  }
  for (let id = 1; id <= 50; id++) {
    publisher.publish({ topic: "t/1", payload: `${id}`, qos: 1, packetId: id });
    await publisher.expect("puback");
    const { packet } = await quick.message();
    quick.send({ type: "puback", packetId: packet.packetId, reasonCode: 0, properties: null });
  }
  slow.startReading();
  const late: string[] = [];
  while (late.length < 50) {
    const { topic, payload, packet } = await slow.message();
    if (topic === "t/0") continue;
    late.push(payload);
    slow.send({ type: "puback", packetId: packet.packetId, reasonCode: 0, properties: null });
  }
  assert.deepEqual(late, Array.from({ length: 50 }, (_, i) => `${i + 1}`));
});

Deno.test("a client that sends and never reads is not read from, and others are served", async () => {
  await using server = await TestBroker.start({ limits: { outboundBytesMax: 16 << 10 } });
  const mute = await server.connect();
  mute.discard();
  mute.stopReading();
  const other = await server.connect();
  // More answers than the buffers of both kernels take: 32 MB.
  const pings = new Uint8Array(1 << 20).map((_, i) => i % 2 === 0 ? 0xc0 : 0);
  const sent = 32 * pings.length;
  for (let i = 0; i < 32; i++) mute.raw(pings);
  const { statistics } = server.broker;
  for (let before = -1; statistics.receivedBytesTotal !== before;) {
    before = statistics.receivedBytesTotal + 100 * 2;
    for (let i = 0; i < 100; i++) await other.upToPing();
  }
  assert(statistics.receivedBytesTotal < sent, "it is read without end");
  mute.startReading();
  const connackBytes = 4;
  await until(
    () => mute.receivedBytes === connackBytes + sent,
    "all pings are answered in the end",
  );
});

Deno.test("bytes that wait for commits: reading stops for all and goes on, in order", async () => {
  const dones: (() => void)[] = [];
  await using server = await TestBroker.start({
    limits: { pendingBytesMax: 5000 },
    hooks: {
      accept: (_publish, done) => {
        dones.push(() => done({ kind: "accepted" }));
        return "taken";
      },
    },
  });
  const peer = await server.connect();
  for (let id = 1; id <= 30; id++) {
    peer.publish({ topic: "t", payload: "x".repeat(1000), qos: 1, packetId: id });
  }
  await until(() => dones.length === 5, "five were taken");
  for (let id = 1; id <= 30; id++) {
    await until(() => dones.length > 0, "the next was taken");
    assert(dones.length <= 5, `${dones.length} are pending`);
    dones.shift()!();
    assert.equal((await peer.expect("puback")).packetId, id);
  }
});

Deno.test("many retained messages reach a new subscriber although it reads late", async () => {
  await using server = await TestBroker.start({ limits: { outboundBytesMax: 32 << 10 } });
  const payload = new Uint8Array(500);
  for (let i = 0; i < 5000; i++) {
    const topic = `r/${i % 50}/${i}`;
    server.broker.publish({ topic, payload, qos: 1, retain: true, volatile: true });
  }
  for (const qos of [0, 1] as const) {
    const peer = await server.connect();
    await peer.subscribe("r/#", { qos });
    const topics = new Set<string>();
    while (topics.size < 5000) {
      const { topic, packet } = await peer.message();
      topics.add(topic);
      if (qos === 0) continue;
      peer.send({ type: "puback", packetId: packet.packetId, reasonCode: 0, properties: null });
    }
  }
  assert.equal(server.broker.statistics.droppedTotal.slow_subscriber, 0);
});

Deno.test("a retained value that changed during the replay comes once, the new one", async () => {
  await using server = await TestBroker.start({ limits: { inflightMessagesMax: 1 } });
  const encoder = new TextEncoder();
  const set = (topic: string, value: string) =>
    server.broker.publish({
      topic,
      payload: encoder.encode(value),
      qos: 1,
      retain: true,
      volatile: true,
    });
  for (const topic of ["r/a", "r/b"]) set(topic, "old");
  const peer = await server.connect();
  await peer.subscribe("r/#", { qos: 1 });
  const first = await peer.message();
  set("r/a", "new");
  set("r/b", "new");
  const seen = [`${first.topic} ${first.payload}`];
  let { packet } = first;
  for (let i = 0; i < 2; i++) {
    peer.send({ type: "puback", packetId: packet.packetId, reasonCode: 0, properties: null });
    const next = await peer.message();
    seen.push(`${next.topic} ${next.payload}`);
    packet = next.packet;
  }
  peer.send({ type: "puback", packetId: packet.packetId, reasonCode: 0, properties: null });
  assert.deepEqual(await peer.upToPing(), []);
  assert.deepEqual(seen, ["r/a old", "r/a new", "r/b new"]);
});

Deno.test("a peer that does not close its side is cut after the close timeout", async () => {
  await using server = await TestBroker.start({ limits: { closeTimeoutMs: 2000 } });
  const peer = await server.connect(V5);
  peer.stopReading();
  peer.send({ type: "pingreq" });
  await until(() => server.broker.statistics.receivedBytesTotal > 20, "the ping arrived");
  server.broker.disconnect(() => true, 0x98);
  server.clock.advance(3000);
  peer.startReading();
  await peer.end();
});

Deno.test("user properties count: messages without payload cannot pass the limits by", async () => {
  await using server = await TestBroker.start({ limits: { queuedBytesMax: 5000 } });
  await leaveSession(server);
  const publisher = await server.connect(V5);
  const userProperties = [["name", "x".repeat(4000)]] as const;
  for (const packetId of [1, 2]) {
    publisher.publish({ topic: "q", qos: 1, packetId, properties: { userProperties } });
    await publisher.expect("puback");
  }
  assert.equal(server.broker.statistics.queuedMessages, 1);
});

Deno.test("a fault of the product costs the connection, not the process", async () => {
  await using server = await TestBroker.start({
    hooks: {
      accept: (publish) => {
        if (publish.topic === "bad") throw new Error("a defect");
        return "route";
      },
    },
  });
  const [bad, good] = [await server.connect(V5), await server.connect(V5)];
  bad.publish({ topic: "bad", qos: 1, packetId: 1 });
  const [packet] = await bad.end();
  assert(packet?.type === "disconnect" && packet.reasonCode === 0x83);
  good.publish({ topic: "good", qos: 1, packetId: 1 });
  await good.expect("puback");
  assert.deepEqual(server.reports.map((r) => r.kind), ["internal_error"]);
});

Deno.test("places in queues are given back when sessions end before the commit", async () => {
  await using server = await TestBroker.start({ limits: { inflightMessagesMax: 1 } });
  const kept = await server.connect({ clientId: "kept", clean: false });
  const gone = await server.connect();
  for (const peer of [kept, gone]) await peer.subscribe("q", { qos: 1 });
  server.store.hold();
  const publisher = await server.connect();
  for (const id of [1, 2, 3]) publisher.publish({ topic: "q", qos: 1, packetId: id });
  await until(() => server.broker.statistics.queuedMessages === 6, "all were planned");
  gone.cut();
  await until(() => server.broker.connections().length === 2, "one is gone");
  server.store.release();
  for (const id of [1, 2, 3]) assert.equal((await publisher.expect("puback")).packetId, id);
  assert.equal(server.broker.statistics.queuedMessages, 3);
  server.broker.discardSessions((_principal, clientId) => clientId === "kept");
  assert.equal(server.broker.statistics.queuedMessages, 0);
  assert.equal(server.broker.statistics.queuedBytes, 0);
});

Deno.test("bytes that all subscribers have not taken: slow ones get no more, others do", async () => {
  await using server = await TestBroker.start({
    limits: { outboundBytesMax: 1 << 30, outboundBytesTotalMax: 64 << 10 },
  });
  const slow = await server.connect();
  const quick = await server.connect();
  for (const peer of [slow, quick]) await peer.subscribe("t");
  slow.stopReading();
  const publisher = await server.connect();
  const payload = new Uint8Array(32 << 10);
  const { droppedTotal } = server.broker.statistics;
  for (let sent = 0; droppedTotal.slow_subscriber < 5; sent++) {
    assert(sent < 2000, "the sum is never noticed");
    publisher.publish({ topic: "t", payload });
    await publisher.upToPing();
    await quick.message();
  }
});

Deno.test("QoS 2 messages that are never released, over any number of connections", async () => {
  await using server = await TestBroker.start({ limits: { unreleasedMessagesMax: 3 } });
  const properties = { sessionExpiryInterval: 100 };
  const connect = () => server.connect({ ...V5, clientId: "d", clean: false, properties });
  let peer = await connect();
  for (let packetId = 1; packetId <= 3; packetId++) {
    peer.publish({ topic: "t", qos: 2, packetId });
    await peer.expect("pubrec");
    peer.cut();
    peer = await connect();
  }
  peer.publish({ topic: "t", qos: 2, packetId: 4 });
  const [packet] = await peer.end();
  assert(packet?.type === "disconnect" && packet.reasonCode === 0x93);
});

Deno.test("length of filters per session, and of topics behind aliases", async () => {
  await using server = await TestBroker.start({ limits: { filterCharactersPerSessionMax: 100 } });
  const peer = await server.connect(V5);
  assert.equal(await peer.subscribe("a".repeat(60)), 0);
  assert.equal(await peer.subscribe("b".repeat(60)), 0x97);
  peer.publish({ topic: "a".repeat(60_000), properties: { topicAlias: 1 } });
  peer.publish({ topic: "b".repeat(60_000), properties: { topicAlias: 1 } });
  await peer.upToPing();
  peer.publish({ topic: "c".repeat(60_000), properties: { topicAlias: 2 } });
  const [packet] = await peer.end();
  assert(packet?.type === "disconnect" && packet.reasonCode === 0x97);
});
