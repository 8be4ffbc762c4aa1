import assert from "node:assert/strict";
import { MemorySessionStore } from "@/mqtt/memory_session_store.ts";
import { connectPacket, type Peer, TestBroker, until } from "@/mqtt/test_peer.ts";

/** Ends the process as kill -9 does and starts another on what was committed. */
async function restart(server: TestBroker): Promise<TestBroker> {
  const store = await server.crash();
  return await TestBroker.start({ store });
}

async function publish(peer: Peer, topic: string, payload: string): Promise<void> {
  peer.publish({ topic, payload, qos: 1, packetId: 1 });
  await peer.expect("puback");
}

Deno.test("sessions, subscriptions, queued and retained messages survive a kill", async () => {
  let server = await TestBroker.start();
  const away = await server.connect({ clientId: "away", clean: false });
  await away.subscribe("q/+", { qos: 1 });
  away.send({ type: "disconnect", reasonCode: 0, properties: null });
  await away.end();
  const publisher = await server.connect();
  await publish(publisher, "q/1", "one");
  await publish(publisher, "q/2", "two");
  publisher.publish({ topic: "r", payload: "kept", qos: 1, retain: true, packetId: 2 });
  await publisher.expect("puback");
  server = await restart(server);
  await using _ = server;
  const back = await server.connect({ clientId: "away", clean: false });
  assert.equal(back.connack!.sessionPresent, true);
  assert.equal((await back.message()).payload, "one");
  assert.equal((await back.message()).payload, "two");
  await publish(await server.connect(), "q/3", "three");
  assert.equal((await back.message()).payload, "three");
  await back.subscribe("r");
  assert.equal((await back.message()).payload, "kept");
});

Deno.test("[MQTT-4.3.3-10] a QoS 2 message repeated after a kill is not taken twice", async () => {
  let server = await TestBroker.start();
  const device = await server.connect({ clientId: "d", clean: false });
  device.publish({ topic: "t", payload: "x", qos: 2, packetId: 7 });
  await device.expect("pubrec");
  server = await restart(server);
  await using _ = server;
  const again = await server.connect({ clientId: "d", clean: false });
  again.publish({ topic: "t", payload: "x", qos: 2, packetId: 7, dup: true });
  await again.expect("pubrec");
  assert.equal(server.handed.length, 0);
  again.send({ type: "pubrel", packetId: 7, reasonCode: 0, properties: null });
  await again.expect("pubcomp");
  again.publish({ topic: "t", payload: "y", qos: 2, packetId: 7 });
  await again.expect("pubrec");
  assert.equal(server.handed[0]?.payload, "y", "a released identifier is a new message");
});

Deno.test("a QoS 2 delivery goes on after a kill under the same identifier", async () => {
  let server = await TestBroker.start();
  const first = await server.connect({ clientId: "s", clean: false });
  await first.subscribe("t", { qos: 2 });
  const publisher = await server.connect();
  for (const id of [1, 2]) {
    publisher.publish({ topic: "t", payload: `${id}`, qos: 2, packetId: id });
    await publisher.expect("pubrec");
  }
  const one = (await first.message()).packet;
  const two = (await first.message()).packet;
  first.send({ type: "pubrec", packetId: one.packetId, reasonCode: 0, properties: null });
  await first.expect("pubrel");
  server = await restart(server);
  await using _ = server;
  const second = await server.connect({ clientId: "s", clean: false });
  const packets = [await second.next(), await second.next()];
  const release = packets.find((p) => p.type === "pubrel");
  const repeat = packets.find((p) => p.type === "publish");
  assert(release?.type === "pubrel" && release.packetId === one.packetId);
  assert(repeat?.type === "publish" && repeat.packetId === two.packetId && repeat.dup);
});

Deno.test("what was not committed was not acknowledged", async () => {
  const server = await TestBroker.start();
  const away = await server.connect({ clientId: "away", clean: false });
  await away.subscribe("q", { qos: 1 });
  away.cut();
  await until(() => server.broker.connections().length === 0, "the connection ended");
  const publisher = await server.connect();
  await publish(publisher, "elsewhere", "x");
  server.store.hold();
  publisher.publish({ topic: "q", payload: "lost", qos: 1, packetId: 5 });
  publisher.publish({ topic: "r", payload: "lost", qos: 1, retain: true, packetId: 6 });
  publisher.publish({ topic: "behind", payload: "waits", qos: 1, packetId: 7 });
  assert.deepEqual(await publisher.upToPing(), []);
  const late = await server.connect();
  late.send({
    type: "subscribe",
    packetId: 1,
    subscriptions: [{
      filter: "r",
      qos: 0,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
    }],
    properties: null,
  });
  const [suback, ...more] = await late.upToPing();
  assert.equal(suback?.type, "suback");
  assert.deepEqual(more, [], "an uncommitted retained message is not shown");
  server.store.release();
  for (const id of [5, 6, 7]) assert.equal((await publisher.expect("puback")).packetId, id);
  await server[Symbol.asyncDispose]();
});

Deno.test("SUBACK, UNSUBACK and CONNACK of a kept session follow the commit", async () => {
  await using server = await TestBroker.start();
  const peer = await server.connect({ clientId: "s", clean: false });
  server.store.hold();
  const subscribing = peer.subscribe("a", { qos: 1 });
  const other = await server.dial();
  other.send(connectPacket({ clientId: "new", clean: false }));
  await until(() => server.store.pendingCommits >= 2, "both wait for their commit");
  assert.equal(server.broker.connections().length, 1);
  server.store.release();
  assert.equal(await subscribing, 1);
  await other.expect("connack");
});

Deno.test("a failing store: nothing is acknowledged, connections end, others go on", async () => {
  await using server = await TestBroker.start();
  const away = await server.connect({ clientId: "away", clean: false });
  await away.subscribe("q", { qos: 1 });
  const publisher = await server.connect({ version: 5 });
  const bystander = await server.connect({ version: 5 });
  server.store.failure = new Error("disk full");
  publisher.publish({ topic: "q", payload: "x", qos: 1, packetId: 1 });
  const [packet] = await publisher.end();
  assert(packet?.type === "disconnect" && packet.reasonCode === 0x97);
  assert.deepEqual(await away.upToPing(), []);
  bystander.publish({ topic: "none", qos: 1, packetId: 1 });
  await bystander.expect("puback");
  server.store.failure = null;
  assert(server.broker.statistics.stateCommitErrorsTotal > 0);
  assert.equal(server.broker.statistics.queuedMessages, 0, "places are given back");
});

Deno.test("a kept will fires after a kill unless its client is back in time", async () => {
  let server = await TestBroker.start();
  const will = {
    topic: "gone",
    payload: new TextEncoder().encode("lost"),
    qos: 1 as const,
    retain: false,
    properties: { willDelayInterval: 5 },
  };
  const properties = { sessionExpiryInterval: 100 };
  for (const clientId of ["a", "b"]) {
    await server.connect({ version: 5, clientId, clean: false, will, properties });
  }
  server = await restart(server);
  await using _ = server;
  const watcher = await server.connect();
  await watcher.subscribe("gone");
  await server.connect({ version: 5, clientId: "a", clean: false, properties });
  server.clock.advance(6000);
  assert.equal((await watcher.message()).payload, "lost");
  assert.deepEqual(await watcher.upToPing(), [], "only one of them stayed away");
});

Deno.test("a queue survives two kills in a row with a delivery under way", async () => {
  let server = await TestBroker.start({ limits: { inflightMessagesMax: 2 } });
  const connect = () => server.connect({ clientId: "s", clean: false });
  let subscriber = await connect();
  await subscriber.subscribe("t", { qos: 2 });
  subscriber.send({ type: "disconnect", reasonCode: 0, properties: null });
  await subscriber.end();
  const publisher = await server.connect();
  for (const id of [1, 2, 3]) {
    publisher.publish({ topic: "t", payload: `${id}`, qos: id === 3 ? 2 : 1, packetId: id });
    await publisher.next();
  }
  for (let kill = 0; kill < 2; kill++) {
    subscriber = await connect();
    assert.equal((await subscriber.message()).payload, "1");
    server = await restart(server);
  }
  await using _ = server;
  subscriber = await connect();
  for (const expected of ["1", "2", "3"]) {
    const { payload, packet } = await subscriber.message();
    assert.equal(payload, expected);
    if (packet.qos === 2) continue;
    const { packetId } = packet;
    subscriber.send({ type: "puback", packetId, reasonCode: 0, properties: null });
  }
});

Deno.test("a waiting message before one that was sent keeps its place over two kills", async () => {
  const text = (value: string) => new TextEncoder().encode(value);
  const entry = (sequence: number, packetId: number | null) => ({
    sequence,
    packetId,
    sessionId: 1,
    qos: 1 as const,
    retain: false,
    subscriptionIdentifiers: [],
    share: null,
    released: false,
    message: {
      topic: "t",
      payload: text(`${sequence}`),
      qos: 1 as const,
      retain: false,
      properties: null,
      receivedAtMs: 0,
      expiresAtMs: null,
    },
  });
  const session = {
    sessionId: 1,
    principalId: null,
    clientId: "s",
    expirySeconds: 1000,
    disconnectedAtMs: null,
    will: null,
  };
  // 3 was acknowledged under identifier 9 and its removal lost; 5 has that identifier now.
  const queue = [entry(2, null), entry(3, 9), entry(4, null), entry(5, 9), entry(6, null)];
  const state = { sessions: [session], subscriptions: [], queue, inbound: [], retained: [] };
  let server = await TestBroker.start({ store: await MemorySessionStore.from(state) });
  for (let kill = 0; kill < 2; kill++) {
    const peer = await server.connect({ clientId: "s", clean: false });
    const packets = await peer.upToPing();
    const seen = packets.map((p) =>
      p.type === "publish" ? [new TextDecoder().decode(p.payload), p.dup] : p.type
    );
    assert.deepEqual(seen, [["2", false], ["4", false], ["5", true], ["6", false]]);
    server = await restart(server);
  }
  await server[Symbol.asyncDispose]();
});
