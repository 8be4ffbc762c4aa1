import assert from "node:assert/strict";
import type { PublishOutcome } from "@/mqtt/broker_types.ts";
import { connectPacket, type Handed, TestBroker, text, until } from "@/mqtt/test_peer.ts";

Deno.test("[MQTT-3.2.0-1] CONNECT is answered with CONNACK, in 3.1, 3.1.1 and 5.0", async () => {
  await using server = await TestBroker.start();
  for (const version of [3, 4, 5] as const) {
    const peer = await server.connect({ version, clientId: `v${version}` });
    assert.equal(peer.connack!.sessionPresent, false);
  }
  assert.deepEqual(server.broker.connections().map((c) => c.protocolVersion), [3, 4, 5]);
});

Deno.test("[MQTT-4.3.1-1] [MQTT-4.3.2-4] [MQTT-4.3.3-8] QoS 0, 1 and 2 reach a subscriber", async () => {
  await using server = await TestBroker.start();
  for (const version of [4, 5] as const) {
    const subscriber = await server.connect({ version });
    assert.equal(await subscriber.subscribe(`${version}/+`, { qos: 2 }), 2);
    const publisher = await server.connect({ version });
    publisher.publish({ topic: `${version}/0`, payload: "zero" });
    assert.equal((await subscriber.message()).payload, "zero");

    publisher.publish({ topic: `${version}/1`, payload: "one", qos: 1, packetId: 9 });
    assert.equal((await publisher.expect("puback")).packetId, 9);
    const one = await subscriber.message();
    assert.deepEqual([one.payload, one.packet.qos, one.packet.dup], ["one", 1, false]);
    subscriber.send({
      type: "puback",
      packetId: one.packet.packetId,
      reasonCode: 0,
      properties: null,
    });

    publisher.publish({ topic: `${version}/2`, payload: "two", qos: 2, packetId: 10 });
    assert.equal((await publisher.expect("pubrec")).packetId, 10);
    publisher.send({ type: "pubrel", packetId: 10, reasonCode: 0, properties: null });
    assert.equal((await publisher.expect("pubcomp")).packetId, 10);
    const { packetId } = (await subscriber.message()).packet;
    subscriber.send({ type: "pubrec", packetId, reasonCode: 0, properties: null });
    assert.equal((await subscriber.expect("pubrel")).packetId, packetId);
    subscriber.send({ type: "pubcomp", packetId, reasonCode: 0, properties: null });
    assert.deepEqual(await subscriber.upToPing(), []);
    assert.equal(server.broker.statistics.queuedMessages, 0);
  }
});

Deno.test("[MQTT-3.12.4-1] PINGREQ is answered", async () => {
  await using server = await TestBroker.start();
  const peer = await server.connect();
  assert.deepEqual(await peer.upToPing(), []);
});

Deno.test("[MQTT-3.10.4-1] [MQTT-3.10.4-4] nothing comes after UNSUBACK", async () => {
  await using server = await TestBroker.start();
  const peer = await server.connect({ version: 5 });
  await peer.subscribe("a");
  peer.send({ type: "unsubscribe", packetId: 3, filters: ["a", "b"], properties: null });
  const unsuback = await peer.expect("unsuback");
  assert.deepEqual([unsuback.packetId, unsuback.reasonCodes], [3, [0, 0x11]]);
  peer.publish({ topic: "a", payload: "x" });
  assert.deepEqual(await peer.upToPing(), []);
});

Deno.test("5.0: QoS 1 without a subscriber is acknowledged with 0x10", async () => {
  await using server = await TestBroker.start();
  const peer = await server.connect({ version: 5 });
  peer.publish({ topic: "nobody", qos: 1, packetId: 1 });
  assert.equal((await peer.expect("puback")).reasonCode, 0x10);
});

Deno.test("[MQTT-3.3.1-5…-8] retained messages are kept, replaced, sent, and removed", async () => {
  await using server = await TestBroker.start();
  const publisher = await server.connect();
  publisher.publish({ topic: "r/a", payload: "1", retain: true, qos: 1, packetId: 1 });
  publisher.publish({ topic: "r/a", payload: "2", retain: true, qos: 1, packetId: 2 });
  publisher.publish({ topic: "r/b", payload: "b", retain: true, qos: 1, packetId: 3 });
  publisher.publish({ topic: "r/b", payload: "", retain: true, qos: 1, packetId: 4 });
  for (const id of [1, 2, 3, 4]) assert.equal((await publisher.expect("puback")).packetId, id);
  const subscriber = await server.connect();
  await subscriber.subscribe("r/#", { qos: 1 });
  const { topic, payload, packet } = await subscriber.message();
  assert.deepEqual([topic, payload, packet.retain, packet.qos], ["r/a", "2", true, 1]);
  assert.deepEqual(await subscriber.upToPing(), []);
  publisher.publish({ topic: "r/a", payload: "3", retain: true });
  const live = await subscriber.message();
  assert.deepEqual([live.payload, live.packet.retain], ["3", false]);
});

Deno.test("a will is published when the connection is lost, not after DISCONNECT", async () => {
  await using server = await TestBroker.start();
  const watcher = await server.connect();
  await watcher.subscribe("gone/#");
  const will = {
    topic: "gone/x",
    payload: new TextEncoder().encode("lost"),
    qos: 0 as const,
    retain: false,
    properties: null,
  };
  const polite = await server.connect({ will });
  polite.send({ type: "disconnect", reasonCode: 0, properties: null });
  await polite.end();
  assert.deepEqual(await watcher.upToPing(), []);
  const lost = await server.connect({ will });
  lost.cut();
  assert.equal((await watcher.message()).payload, "lost");
});

Deno.test("[MQTT-3.1.2-22] silence of one and a half keep alives ends the connection", async () => {
  await using server = await TestBroker.start();
  const peer = await server.connect({ version: 5, keepAlive: 10 });
  server.clock.advance(14_000);
  assert.deepEqual(await peer.upToPing(), []);
  server.clock.advance(14_900);
  assert.deepEqual(await peer.upToPing(), []);
  server.clock.advance(16_000);
  const [packet] = await peer.end();
  assert(packet?.type === "disconnect" && packet.reasonCode === 0x8d);
});

Deno.test("[MQTT-3.1.4-3] a second connection of a client takes its session over", async () => {
  await using server = await TestBroker.start();
  const first = await server.connect({ version: 5, clientId: "twin" });
  const second = await server.connect({ version: 5, clientId: "twin" });
  const [packet] = await first.end();
  assert(packet?.type === "disconnect" && packet.reasonCode === 0x8e);
  assert.deepEqual(await second.upToPing(), []);
  assert.equal(server.broker.connections().length, 1);
});

Deno.test("two principals with one client id have two sessions", async () => {
  await using server = await TestBroker.start();
  const a = await server.connect({ username: "a", clientId: "same", clean: false });
  const b = await server.connect({ username: "b", clientId: "same", clean: false });
  await a.subscribe("to-a");
  b.publish({ topic: "to-a", payload: "hello" });
  assert.equal((await a.message()).payload, "hello");
  assert.deepEqual(await b.upToPing(), []);
  assert.equal(server.broker.connections().length, 2);
});

Deno.test("a kept session gets what was published while it was away, in order", async () => {
  await using server = await TestBroker.start();
  const away = await server.connect({ clientId: "away", clean: false });
  await away.subscribe("q", { qos: 1 });
  away.cut();
  await until(() => server.broker.connections().length === 0, "the connection ended");
  const publisher = await server.connect();
  for (const id of [1, 2, 3]) {
    publisher.publish({ topic: "q", payload: `${id}`, qos: 1, packetId: id });
  }
  for (const id of [1, 2, 3]) assert.equal((await publisher.expect("puback")).packetId, id);
  const back = await server.connect({ clientId: "away", clean: false });
  assert.equal(back.connack!.sessionPresent, true);
  for (const id of [1, 2, 3]) assert.equal((await back.message()).payload, `${id}`);
});

Deno.test("[MQTT-4.4.0-1] what was not acknowledged comes again with DUP and its identifier", async () => {
  await using server = await TestBroker.start();
  const first = await server.connect({ clientId: "s", clean: false });
  await first.subscribe("q", { qos: 2 });
  const publisher = await server.connect();
  publisher.publish({ topic: "q", payload: "1", qos: 1, packetId: 1 });
  publisher.publish({ topic: "q", payload: "2", qos: 2, packetId: 2 });
  const one = (await first.message()).packet;
  const two = (await first.message()).packet;
  first.send({ type: "pubrec", packetId: two.packetId, reasonCode: 0, properties: null });
  await first.expect("pubrel");
  first.cut();
  const second = await server.connect({ clientId: "s", clean: false });
  const packets = [await second.next(), await second.next()];
  const again = packets.find((p) => p.type === "publish");
  assert(again?.type === "publish" && again.dup && again.packetId === one.packetId);
  const release = packets.find((p) => p.type === "pubrel");
  assert(release?.type === "pubrel" && release.packetId === two.packetId);
});

Deno.test("a clean start discards what was kept", async () => {
  await using server = await TestBroker.start();
  const first = await server.connect({ clientId: "s", clean: false });
  await first.subscribe("q", { qos: 1 });
  first.send({ type: "disconnect", reasonCode: 0, properties: null });
  await first.end();
  const publisher = await server.connect();
  publisher.publish({ topic: "q", payload: "1", qos: 1 });
  await publisher.expect("puback");
  const second = await server.connect({ clientId: "s", clean: true });
  assert.equal(second.connack!.sessionPresent, false);
  assert.deepEqual(await second.upToPing(), []);
  const third = await server.connect({ clientId: "s", clean: false });
  assert.equal(third.connack!.sessionPresent, false);
  assert.equal(server.broker.statistics.queuedMessages, 0);
});

Deno.test("malformed input ends its connection with the reason and touches nobody else", async () => {
  await using server = await TestBroker.start();
  const good = await server.connect({ version: 5 });
  const bad = await server.connect({ version: 5 });
  bad.hex("36 05 0001 61 0001");
  const [packet] = await bad.end();
  assert(packet?.type === "disconnect" && packet.reasonCode === 0x81);
  const old = await server.connect({ version: 4 });
  old.hex("36 05 0001 61 0001");
  assert.deepEqual(await old.end(), []);
  assert.deepEqual(await good.upToPing(), []);
  assert.equal(server.broker.statistics.protocolErrorsTotal, 2);
});

Deno.test("[MQTT-3.1.2-2] an unknown version is answered with return code 1", async () => {
  await using server = await TestBroker.start();
  const peer = await server.dial(5);
  peer.hex("10 0d 0004 4d515454 06 02 003c 0001 61");
  await peer.whenEnded();
  assert.deepEqual(peer.received, [0x20, 2, 0, 1]);
});

// --- the product's part -------------------------------------------------------------------------

/** A product that takes everything and lets the test decide. */
function taking(handed: Handed[]) {
  return {
    accept: (publish: Handed["publish"], done: Handed["done"]) => {
      handed.push({ publish, payload: text(publish.payload), done });
      return "taken" as const;
    },
  };
}

Deno.test("the acknowledgement and the delivery follow the product's commit, in order", async () => {
  const handed: Handed[] = [];
  await using server = await TestBroker.start({ hooks: taking(handed) });
  const subscriber = await server.connect();
  await subscriber.subscribe("t");
  const publisher = await server.connect();
  for (const id of [1, 2, 3]) {
    publisher.publish({ topic: "t", payload: `${id}`, qos: 1, packetId: id });
  }
  assert.deepEqual(await publisher.upToPing(), [], "no PUBACK before the commit");
  assert.deepEqual(await subscriber.upToPing(), []);
  assert.deepEqual(handed.map((h) => h.payload), ["1", "2", "3"]);
  handed[2]!.done({ kind: "accepted" });
  handed[1]!.done({ kind: "accepted" });
  assert.deepEqual(await publisher.upToPing(), [], "PUBACK keeps the order of PUBLISH");
  handed[0]!.done({ kind: "accepted" });
  for (const id of [1, 2, 3]) assert.equal((await publisher.expect("puback")).packetId, id);
  const delivered = [];
  for (let i = 0; i < 3; i++) delivered.push((await subscriber.message()).payload);
  assert.deepEqual(delivered, ["3", "2", "1"], "each follows its own commit");
});

Deno.test("acknowledgements of one commit go out in one write per connection", async () => {
  const handed: Handed[] = [];
  await using server = await TestBroker.start({ hooks: taking(handed) });
  const peer = await server.connect();
  for (let id = 1; id <= 50; id++) peer.publish({ topic: "t", qos: 1, packetId: id });
  await until(() => handed.length === 50, "all were handed over");
  const before = server.broker.statistics.sentBytesTotal;
  for (const { done } of handed) done({ kind: "accepted" });
  assert.equal(server.broker.statistics.sentBytesTotal, before, "nothing is written one by one");
  for (let id = 1; id <= 50; id++) assert.equal((await peer.expect("puback")).packetId, id);
});

const REFUSALS: [string, PublishOutcome, 4 | 5][] = [
  ["5.0 with a reason code", { kind: "refused", reasonCode: 0x99, disconnect: false }, 5],
  ["5.0 with DISCONNECT", { kind: "refused", reasonCode: 0x97, disconnect: true }, 5],
  ["3.1.1", { kind: "refused", reasonCode: 0x97, disconnect: false }, 4],
];

for (const [name, outcome, version] of REFUSALS) {
  Deno.test(`a refused message is not routed and answered as its version allows: ${name}`, async () => {
    const handed: Handed[] = [];
    await using server = await TestBroker.start({ hooks: taking(handed) });
    const subscriber = await server.connect();
    await subscriber.subscribe("#", { qos: 1 });
    const peer = await server.connect({ version });
    peer.publish({ topic: "t", payload: "no", qos: 1, retain: true, packetId: 5 });
    await until(() => handed.length === 1, "it was handed over");
    handed[0]!.done(outcome);
    if (version === 4) assert.deepEqual(await peer.end(), []);
    else if (outcome.kind === "refused" && outcome.disconnect) {
      const [packet] = await peer.end();
      assert(packet?.type === "disconnect" && packet.reasonCode === 0x97);
    } else {
      const puback = await peer.expect("puback");
      assert.deepEqual([puback.packetId, puback.reasonCode], [5, 0x99]);
    }
    assert.deepEqual(await subscriber.upToPing(), []);
    assert.equal(server.broker.statistics.retainedMessages, 0);
    assert.equal(server.broker.statistics.queuedMessages, 0);
  });
}

Deno.test("[MQTT-4.3.3-10] a repeated QoS 2 message is not handed over twice", async () => {
  const handed: Handed[] = [];
  await using server = await TestBroker.start({ hooks: taking(handed) });
  const first = await server.connect({ clientId: "d", clean: false });
  first.publish({ topic: "t", payload: "x", qos: 2, packetId: 7 });
  await until(() => handed.length === 1, "it was handed over");
  assert.deepEqual(handed[0]!.publish.stateOps.map((op) => op.kind), ["inbound_add"]);
  first.cut();
  const second = await server.connect({ clientId: "d", clean: false });
  second.publish({ topic: "t", payload: "x", qos: 2, packetId: 7, dup: true });
  assert.deepEqual(await second.upToPing(), [], "the commit is still pending");
  handed[0]!.done({ kind: "accepted" });
  assert.equal((await second.expect("pubrec")).packetId, 7);
  second.publish({ topic: "t", payload: "x", qos: 2, packetId: 7, dup: true });
  await second.expect("pubrec");
  second.send({ type: "pubrel", packetId: 7, reasonCode: 0, properties: null });
  await second.expect("pubcomp");
  assert.equal(handed.length, 1);
  second.publish({ topic: "t", payload: "next", qos: 2, packetId: 7 });
  await until(() => handed.length === 2, "the identifier is free again");
});

Deno.test("state of a taken message is handed to the product's transaction", async () => {
  const handed: Handed[] = [];
  await using server = await TestBroker.start({ hooks: taking(handed) });
  const away = await server.connect({ clientId: "away", clean: false });
  await away.subscribe("t", { qos: 1 });
  const peer = await server.connect({ clientId: "p", clean: false });
  peer.publish({ topic: "t", payload: "x", qos: 2, retain: true, packetId: 3 });
  await until(() => handed.length === 1, "it was handed over");
  const kinds = handed[0]!.publish.stateOps.map((op) => op.kind);
  assert.deepEqual(kinds.toSorted(), ["inbound_add", "queue_add", "retained_put"]);
});

Deno.test("authorisation is asked at publish, will, subscribe and delivery", async () => {
  const secret = (topic: string) => topic.startsWith("secret");
  const asked: string[] = [];
  await using server = await TestBroker.start({
    hooks: {
      authorize: (_principal, action, topic) => {
        asked.push(`${action} ${topic}`);
        return action === "receive" ? topic !== "open/hidden" : !secret(topic);
      },
    },
  });
  const peer = await server.connect({ version: 5 });
  assert.equal(await peer.subscribe("secret/#"), 0x87);
  assert.equal(await peer.subscribe("$share/g/secret/#"), 0x87);
  assert.equal(await peer.subscribe("open/#"), 0);
  const old = await server.connect({ version: 4 });
  assert.equal(await old.subscribe("secret/#"), 0x80);
  peer.publish({ topic: "secret/a", qos: 1, packetId: 1 });
  assert.equal((await peer.expect("puback")).reasonCode, 0x87);
  peer.publish({ topic: "secret/a", qos: 2, packetId: 2 });
  assert.equal((await peer.expect("pubrec")).reasonCode, 0x87);
  peer.publish({ topic: "open/hidden", qos: 1, packetId: 3 });
  assert.equal((await peer.expect("puback")).reasonCode, 0x10);
  old.publish({ topic: "secret/a", qos: 1, packetId: 1 });
  assert.deepEqual(await old.end(), []);
  const dialled = await server.dial(5);
  const will = {
    topic: "secret/will",
    payload: new Uint8Array(),
    qos: 0 as const,
    retain: false,
    properties: null,
  };
  dialled.send(connectPacket({ version: 5, will }));
  assert.equal((await dialled.expect("connack")).reasonCode, 0x87);
  assert(asked.includes("receive open/hidden") && asked.includes("subscribe secret/#"));
  assert(!asked.some((question) => question.includes("$share")));
});

Deno.test("a refused, slow or failing authentication", async () => {
  const { promise: slow, resolve: decide } = Promise.withResolvers<{ principal: { id: null } }>();
  await using server = await TestBroker.start({
    hooks: {
      authenticate: (request) => {
        if (request.clientId === "slow") return slow;
        if (request.clientId === "failing") throw new Error("the table is gone");
        return { refuse: 0x86 };
      },
    },
  });
  const rows: [4 | 5, string, number][] = [
    [4, "no", 4],
    [5, "no", 0x86],
    [4, "failing", 3],
    [5, "failing", 0x88],
  ];
  for (const [version, clientId, code] of rows) {
    const peer = await server.dial(version);
    peer.send(connectPacket({ version, clientId }));
    assert.equal((await peer.expect("connack")).reasonCode, code);
    await peer.end();
  }
  const waiting = await server.dial(5);
  waiting.send(connectPacket({ version: 5, clientId: "slow" }));
  waiting.publish({ topic: "early", payload: "kept", qos: 1, packetId: 1 });
  waiting.send({ type: "pingreq" });
  await until(() => server.broker.statistics.receivedBytesTotal > 0, "CONNECT arrived");
  assert.equal(server.handed.length, 0, "nothing is read before the decision");
  decide({ principal: { id: null } });
  assert.equal((await waiting.expect("connack")).reasonCode, 0);
  await waiting.expect("puback");
  await waiting.expect("pingresp");
});

Deno.test("pause stops all reading, resume loses nothing", async () => {
  await using server = await TestBroker.start();
  const peer = await server.connect();
  server.broker.pause();
  for (let id = 1; id <= 20; id++) peer.publish({ topic: "t", qos: 1, packetId: id });
  const late = await server.dial();
  late.send(connectPacket({}));
  await until(() => server.broker.statistics.connections === 2, "the late one arrived");
  assert.equal(server.handed.length, 0);
  server.broker.resume();
  for (let id = 1; id <= 20; id++) assert.equal((await peer.expect("puback")).packetId, id);
  assert.equal((await late.expect("connack")).reasonCode, 0);
});

Deno.test("disconnect ends who matches, stop tells everybody", async () => {
  await using server = await TestBroker.start();
  const a = await server.connect({ version: 5, clientId: "a" });
  const b = await server.connect({ version: 5, clientId: "b" });
  assert.equal(server.broker.disconnect((c) => c.clientId === "a", 0x98), 1);
  const [first] = await a.end();
  assert(first?.type === "disconnect" && first.reasonCode === 0x98);
  const stopped = server.broker.stop();
  const [second] = await b.end();
  assert(second?.type === "disconnect" && second.reasonCode === 0x8b);
  await stopped;
});

Deno.test("the gateway's own messages reach subscribers and are not handed to the product", async () => {
  await using server = await TestBroker.start();
  const peer = await server.connect();
  await peer.subscribe("iiot/#", { qos: 1 });
  const payload = new TextEncoder().encode("26.7");
  server.broker.publish({ topic: "iiot/n/t", payload, qos: 1, retain: true, volatile: true });
  const live = await peer.message();
  assert.deepEqual([live.payload, live.packet.qos, live.packet.retain], ["26.7", 1, false]);
  assert.equal(server.handed.length, 0);
  const late = await server.connect();
  await late.subscribe("iiot/+/t", { qos: 1 });
  assert.equal((await late.message()).packet.retain, true);
  assert.equal(server.store.committed.get("retained_put"), undefined, "it is not stored");
});
