import assert from "node:assert/strict";
import type { Packet, Properties, PublishPacket } from "@/mqtt/codec/packet.ts";
import {
  connectPacket,
  type Peer,
  type PublishOptions,
  TestBroker,
  text,
  until,
} from "@/mqtt/test_peer.ts";

const V5 = { version: 5 as const };

async function publish(peer: Peer, options: PublishOptions): Promise<number> {
  peer.publish({ qos: 1, ...options });
  return (await peer.expect("puback")).reasonCode;
}

async function publishAll(peer: Peer, list: readonly PublishOptions[]): Promise<void> {
  let packetId = 0;
  for (const options of list) await publish(peer, { ...options, packetId: ++packetId });
}

function messages(packets: readonly Packet[]): string[] {
  return packets.filter((p): p is PublishPacket => p.type === "publish").map((p) =>
    text(p.payload)
  );
}

function acknowledge(peer: Peer, packetId: number): void {
  peer.send({ type: "puback", packetId, reasonCode: 0, properties: null });
}

async function leave(peer: Peer, properties: Properties | null = null): Promise<void> {
  peer.send({ type: "disconnect", reasonCode: 0, properties });
  await peer.end();
}

function willOf(topic: string, properties: Properties | null = null) {
  return {
    topic,
    payload: new TextEncoder().encode("lost"),
    qos: 1 as const,
    retain: false,
    properties,
  };
}

Deno.test("[MQTT-3.1.3-6] [MQTT-3.2.2-16] an empty client identifier gets one assigned", async () => {
  await using server = await TestBroker.start({ random: (bytes) => bytes.fill(7) });
  const peer = await server.connect({ ...V5, clientId: "" });
  const assigned = peer.connack!.properties!.assignedClientIdentifier;
  assert.equal(assigned, `auto-${"07".repeat(12)}`);
  assert.equal(server.broker.connections()[0]!.clientId, assigned);
  const old = await server.dial(4);
  old.send(connectPacket({ clientId: "", clean: false }));
  assert.equal((await old.expect("connack")).reasonCode, 2);
  const oldest = await server.dial(3);
  oldest.send(connectPacket({ version: 3, clientId: "", clean: true }));
  assert.equal((await oldest.expect("connack")).reasonCode, 2);
});

Deno.test("CONNACK announces what is granted", async () => {
  await using server = await TestBroker.start({
    limits: {
      topicAliasMaximum: 5,
      packetBytesMax: 9000,
      receiveMaximum: 7,
      sessionExpirySecondsMax: 60,
      keepAliveSecondsMax: 30,
    },
    responseInformation: "answers/",
  });
  const properties = { sessionExpiryInterval: 100, requestResponseInformation: 1 };
  const peer = await server.connect({ ...V5, keepAlive: 300, properties });
  assert.deepEqual(peer.connack!.properties, {
    topicAliasMaximum: 5,
    maximumPacketSize: 9000,
    receiveMaximum: 7,
    sessionExpiryInterval: 60,
    serverKeepAlive: 30,
    responseInformation: "answers/",
  });
  const plain = await server.connect({ ...V5, keepAlive: 20 });
  assert.deepEqual(plain.connack!.properties, {
    topicAliasMaximum: 5,
    maximumPacketSize: 9000,
    receiveMaximum: 7,
  });
});

Deno.test("[MQTT-3.2.2-22] the server keep alive is the one that counts", async () => {
  await using server = await TestBroker.start({ limits: { keepAliveSecondsMax: 10 } });
  const peer = await server.connect({ ...V5, keepAlive: 0 });
  server.clock.advance(15_600);
  const [packet] = await peer.end();
  assert(packet?.type === "disconnect" && packet.reasonCode === 0x8d);
});

Deno.test("session expiry: kept until it is over, changed by DISCONNECT, not from zero", async () => {
  await using server = await TestBroker.start();
  const properties = { sessionExpiryInterval: 10 };
  const again = async () => {
    const peer = await server.connect({ ...V5, clientId: "s", clean: false, properties });
    return [peer, peer.connack!.sessionPresent] as const;
  };
  const [first] = await again();
  await leave(first);
  server.clock.advance(9000);
  const [second, isPresent] = await again();
  assert.equal(isPresent, true);
  await leave(second);
  server.clock.advance(11_500);
  const [third, isStillPresent] = await again();
  assert.equal(isStillPresent, false);
  await leave(third, { sessionExpiryInterval: 0 });
  assert.equal((await again())[1], false);
  const zero = await server.connect({ ...V5, clientId: "zero" });
  zero.send({ type: "disconnect", reasonCode: 0, properties });
  const [packet] = await zero.end();
  assert(packet?.type === "disconnect" && packet.reasonCode === 0x82);
});

Deno.test("a step of the wall clock expires nothing", async () => {
  await using server = await TestBroker.start();
  const properties = { sessionExpiryInterval: 10 };
  const peer = await server.connect({ ...V5, clientId: "s", clean: false, properties });
  await leave(peer);
  server.clock.stepWall(365 * 86_400_000);
  server.clock.advance(2000);
  const back = await server.connect({ ...V5, clientId: "s", clean: false, properties });
  assert.equal(back.connack!.sessionPresent, true);
});

Deno.test("a session that lives no longer than its connection is gone with it", async () => {
  await using server = await TestBroker.start();
  const peer = await server.connect({ ...V5, clientId: "s", clean: false });
  await peer.subscribe("a", { qos: 1 });
  peer.cut();
  await until(() => server.broker.statistics.sessions === 0, "the session ended");
  assert.equal(server.broker.statistics.subscriptions, 0);
  assert.equal(server.store.committed.size, 0, "nothing of it was ever stored");
});

Deno.test("[MQTT-3.1.3-9] will delay: cancelled by a return, fired by time or the session's end", async () => {
  await using server = await TestBroker.start();
  const watcher = await server.connect();
  await watcher.subscribe("w/#");
  const properties = { sessionExpiryInterval: 20 };
  const connect = (clientId: string, delay: number) =>
    server.connect({
      ...V5,
      clientId,
      clean: false,
      properties,
      will: willOf(`w/${clientId}`, { willDelayInterval: delay }),
    });
  const returning = await connect("returning", 10);
  const [late, bound] = [await connect("late", 10), await connect("bound", 1000)];
  for (const peer of [returning, late, bound]) peer.cut();
  await until(() => server.broker.connections().length === 1, "they are gone");
  server.clock.advance(5000);
  assert.deepEqual(await watcher.upToPing(), []);
  await connect("returning", 10);
  server.clock.advance(6000);
  assert.equal((await watcher.message()).topic, "w/late");
  assert.deepEqual(await watcher.upToPing(), []);
  server.clock.advance(10_000);
  assert.equal((await watcher.message()).topic, "w/bound", "not later than the session's end");
});

Deno.test("[MQTT-3.14.4-3] DISCONNECT with 0x04 publishes the will, a take-over too", async () => {
  await using server = await TestBroker.start();
  const watcher = await server.connect(V5);
  await watcher.subscribe("w/#");
  const properties = { contentType: "text/plain", userProperties: [["a", "b"]] as const };
  const peer = await server.connect({ ...V5, will: willOf("w/1", properties) });
  peer.send({ type: "disconnect", reasonCode: 4, properties: null });
  const { packet } = await watcher.message();
  assert.deepEqual(packet.properties, properties);
  await server.connect({ ...V5, clientId: "twin", will: willOf("w/2") });
  await server.connect({ ...V5, clientId: "twin" });
  assert.equal((await watcher.message()).topic, "w/2");
  assert.equal(server.handed.filter((h) => h.publish.origin === "will").length, 2);
});

Deno.test("[MQTT-3.3.4-7] more than receive maximum unacknowledged ends the connection", async () => {
  await using server = await TestBroker.start({
    limits: { receiveMaximum: 3 },
    hooks: { accept: () => "taken" },
  });
  const peer = await server.connect(V5);
  for (let id = 1; id <= 3; id++) peer.publish({ topic: "t", qos: 1, packetId: id });
  assert.deepEqual(await peer.upToPing(), []);
  peer.publish({ topic: "t", qos: 0 });
  assert.deepEqual(await peer.upToPing(), [], "QoS 0 does not count");
  peer.publish({ topic: "t", qos: 1, packetId: 4 });
  const [packet] = await peer.end();
  assert(packet?.type === "disconnect" && packet.reasonCode === 0x93);
});

Deno.test("QoS 2 counts against receive maximum until PUBCOMP, and once", async () => {
  await using server = await TestBroker.start({ limits: { receiveMaximum: 2 } });
  const peer = await server.connect(V5);
  for (let round = 0; round < 3; round++) {
    for (const id of [1, 2]) peer.publish({ topic: "t", qos: 2, packetId: id });
    for (const _ of [1, 2]) await peer.expect("pubrec");
    for (const id of [1, 2]) {
      peer.send({ type: "pubrel", packetId: id, reasonCode: 0, properties: null });
      await peer.expect("pubcomp");
    }
  }
  for (const id of [1, 2]) peer.publish({ topic: "t", qos: 2, packetId: id });
  for (const _ of [1, 2]) await peer.expect("pubrec");
  peer.publish({ topic: "t", qos: 2, packetId: 3 });
  const [packet] = await peer.end();
  assert(packet?.type === "disconnect" && packet.reasonCode === 0x93);
});

Deno.test("3.1.1: a client over receive maximum waits instead, and loses nothing", async () => {
  const dones: (() => void)[] = [];
  await using server = await TestBroker.start({
    limits: { receiveMaximum: 3 },
    hooks: {
      accept: (_publish, done) => {
        dones.push(() => done({ kind: "accepted" }));
        return "taken";
      },
    },
  });
  const peer = await server.connect();
  for (let id = 1; id <= 10; id++) peer.publish({ topic: "t", qos: 1, packetId: id });
  await until(() => dones.length === 3, "three were taken");
  for (let id = 1; id <= 10; id++) {
    await until(() => dones.length > 0, "one more was taken");
    assert(dones.length <= 3);
    dones.shift()!();
    assert.equal((await peer.expect("puback")).packetId, id);
  }
});

Deno.test("[MQTT-3.3.4-9] the client's receive maximum bounds what is sent to it", async () => {
  await using server = await TestBroker.start();
  const properties = { receiveMaximum: 2 };
  const subscriber = await server.connect({ ...V5, properties });
  await subscriber.subscribe("t", { qos: 1 });
  const publisher = await server.connect();
  await publishAll(publisher, ["1", "2", "3", "4"].map((payload) => ({ topic: "t", payload })));
  const first = await subscriber.upToPing();
  assert.deepEqual(messages(first), ["1", "2"]);
  acknowledge(subscriber, (first[0] as PublishPacket).packetId);
  assert.deepEqual(messages(await subscriber.upToPing()), ["3"]);
});

Deno.test("[MQTT-3.1.2-24] [MQTT-3.1.2-25] what is too large for the client is not sent", async () => {
  await using server = await TestBroker.start();
  const subscriber = await server.connect({ ...V5, properties: { maximumPacketSize: 40 } });
  await subscriber.subscribe("t", { qos: 1 });
  const publisher = await server.connect();
  await publishAll(publisher, [
    { topic: "t", payload: "x".repeat(100) },
    { topic: "t", payload: "small" },
  ]);
  publisher.publish({ topic: "t", payload: "x".repeat(100) });
  await publisher.upToPing();
  assert.deepEqual(messages(await subscriber.upToPing()), ["small"]);
  assert.equal(server.broker.statistics.droppedTotal.too_large, 2);
  assert.equal(server.broker.statistics.queuedMessages, 1, "only the small one waits for PUBACK");
});

Deno.test("[MQTT-3.2.2-15] a packet over our maximum size is refused with 0x95", async () => {
  await using server = await TestBroker.start({ limits: { packetBytesMax: 200 } });
  const peer = await server.connect(V5);
  peer.publish({ topic: "t", payload: "x".repeat(300) });
  const [packet] = await peer.end();
  assert(packet?.type === "disconnect" && packet.reasonCode === 0x95);
});

Deno.test("topic aliases of the client: set, used, replaced; unknown and too high refused", async () => {
  await using server = await TestBroker.start({ limits: { topicAliasMaximum: 2 } });
  const peer = await server.connect(V5);
  await peer.subscribe("#");
  const send = (topic: string, topicAlias: number) =>
    peer.publish({ topic, properties: { topicAlias } });
  send("first", 1);
  send("", 1);
  send("second", 1);
  send("", 1);
  const topics = (await peer.upToPing()).map((p) => p.type === "publish" ? p.topic : p.type);
  assert.deepEqual(topics, ["first", "first", "second", "second"]);
  send("", 2);
  const [unknown] = await peer.end();
  assert(unknown?.type === "disconnect" && unknown.reasonCode === 0x82);
  const other = await server.connect(V5);
  other.publish({ topic: "t", properties: { topicAlias: 3 } });
  const [high] = await other.end();
  assert(high?.type === "disconnect" && high.reasonCode === 0x94);
});

Deno.test("[MQTT-3.1.2-26] [MQTT-3.3.2-10] aliases towards the client keep to its maximum", async () => {
  await using server = await TestBroker.start();
  const subscriber = await server.connect({ ...V5, properties: { topicAliasMaximum: 1 } });
  await subscriber.subscribe("#");
  const publisher = await server.connect();
  for (const topic of ["a", "a", "b", "a"]) publisher.publish({ topic });
  await publisher.upToPing();
  const seen = (await subscriber.upToPing()).map((p) =>
    p.type === "publish" ? [p.topic, p.properties?.topicAlias ?? 0] : []
  );
  assert.deepEqual(seen, [["a", 1], ["", 1], ["b", 0], ["", 1]]);
});

Deno.test("[MQTT-3.3.4-2…-5] overlapping subscriptions: one copy, highest QoS, all identifiers", async () => {
  await using server = await TestBroker.start();
  const peer = await server.connect(V5);
  await peer.subscribe("a/#", { qos: 0, identifier: 7 });
  await peer.subscribe("a/+", { qos: 2, identifier: 9 });
  await peer.subscribe("+/b", { qos: 1 });
  const publisher = await server.connect();
  await publish(publisher, { topic: "a/b", payload: "x" });
  const [packet, ...more] = await peer.upToPing();
  assert(packet?.type === "publish" && more.length === 0);
  assert.equal(packet.qos, 1);
  assert.deepEqual(packet.properties!.subscriptionIdentifiers!.toSorted(), [7, 9]);
});

Deno.test("[MQTT-3.8.3-3] no-local: not to the publisher, to everybody else", async () => {
  await using server = await TestBroker.start();
  const peer = await server.connect(V5);
  await peer.subscribe("a", { noLocal: true });
  const other = await server.connect(V5);
  await other.subscribe("a", { noLocal: true });
  peer.publish({ topic: "a", payload: "x" });
  assert.equal((await other.message()).payload, "x");
  assert.deepEqual(await peer.upToPing(), []);
  await peer.subscribe("+");
  peer.publish({ topic: "a", payload: "y" });
  assert.equal((await peer.message()).payload, "y", "the other subscription has no such option");
});

Deno.test("[MQTT-3.3.1-12] [MQTT-3.3.1-13] retain as published", async () => {
  await using server = await TestBroker.start();
  const peer = await server.connect(V5);
  await peer.subscribe("a", { retainAsPublished: true });
  await peer.subscribe("b", { retainAsPublished: false });
  for (const topic of ["a", "b"]) peer.publish({ topic, payload: "x", retain: true });
  const flags = (await peer.upToPing()).map((p) => p.type === "publish" && p.retain);
  assert.deepEqual(flags, [true, false]);
});

Deno.test("[MQTT-3.3.1-9…-11] retain handling: always, only when new, never", async () => {
  await using server = await TestBroker.start();
  const publisher = await server.connect();
  await publish(publisher, { topic: "r", payload: "x", retain: true });
  const peer = await server.connect(V5);
  const counts: number[] = [];
  for (const retainHandling of [2, 1, 0, 0, 1] as const) {
    await peer.subscribe("r", { retainHandling });
    counts.push((await peer.upToPing()).length);
  }
  // The first made the subscription exist, so handling 1 finds it not new.
  assert.deepEqual(counts, [0, 0, 1, 1, 0]);
  const fresh = await server.connect(V5);
  await fresh.subscribe("r", { retainHandling: 1 });
  assert.equal((await fresh.upToPing()).length, 1);
  await fresh.subscribe("$share/g/r");
  assert.equal((await fresh.upToPing()).length, 0, "[MQTT-4.8.2] never for shared subscriptions");
});

Deno.test("[MQTT-3.3.2-4…-20] properties are passed on unaltered", async () => {
  await using server = await TestBroker.start();
  const subscriber = await server.connect(V5);
  await subscriber.subscribe("t", { qos: 1 });
  const publisher = await server.connect(V5);
  const properties: Properties = {
    payloadFormatIndicator: 1,
    contentType: "application/json",
    responseTopic: "answers/7",
    correlationData: Uint8Array.of(0, 1, 255),
    userProperties: [["b", "2"], ["a", "1"], ["b", "3"]],
  };
  await publish(publisher, { topic: "t", properties: { ...properties, topicAlias: 1 } });
  assert.deepEqual((await subscriber.message()).packet.properties, properties);
  const [handed] = server.handed;
  assert.deepEqual(handed!.publish.userProperties, properties.userProperties);
});

Deno.test("[MQTT-3.3.2-5] [MQTT-3.3.2-6] message expiry: the rest is told, the expired not sent", async () => {
  await using server = await TestBroker.start();
  const properties = { sessionExpiryInterval: 100 };
  const away = await server.connect({ ...V5, clientId: "s", clean: false, properties });
  await away.subscribe("t", { qos: 1 });
  await leave(away);
  const publisher = await server.connect(V5);
  await publishAll(publisher, [
    { topic: "t", payload: "short", properties: { messageExpiryInterval: 5 } },
    { topic: "t", payload: "long", properties: { messageExpiryInterval: 60 } },
    { topic: "r", payload: "r", retain: true, properties: { messageExpiryInterval: 5 } },
  ]);
  server.clock.advance(20_000);
  const back = await server.connect({ ...V5, clientId: "s", clean: false, properties });
  const { payload, packet } = await back.message();
  assert.deepEqual([payload, packet.properties?.messageExpiryInterval], ["long", 40]);
  await back.subscribe("r");
  assert.deepEqual(await back.upToPing(), [], "an expired retained message is not sent");
  assert.equal(server.broker.statistics.droppedTotal.expired, 2);
});

Deno.test("[MQTT-4.12.0-1] enhanced authentication is refused with 0x8C, stray AUTH with 0x82", async () => {
  await using server = await TestBroker.start();
  const peer = await server.dial(5);
  const properties = { authenticationMethod: "SCRAM" };
  peer.send(connectPacket({ ...V5, properties }));
  assert.equal((await peer.expect("connack")).reasonCode, 0x8c);
  await peer.end();
  const other = await server.connect(V5);
  other.send({ type: "auth", reasonCode: 0x19, properties });
  const [packet] = await other.end();
  assert(packet?.type === "disconnect" && packet.reasonCode === 0x82);
});

Deno.test("[MQTT-3.1.2-29] reason strings: sent with refusals unless unwanted", async () => {
  await using server = await TestBroker.start({
    hooks: { authorize: (_p, action) => action !== "will" && action !== "subscribe" },
  });
  for (const requestProblemInformation of [0, 1]) {
    const refused = await server.dial(5);
    const properties = { requestProblemInformation };
    refused.send(connectPacket({ ...V5, will: willOf("w"), properties }));
    const connack = await refused.expect("connack");
    assert.equal(connack.properties?.reasonString !== undefined, requestProblemInformation === 1);
    const peer = await server.connect({ ...V5, properties });
    peer.send({
      type: "subscribe",
      packetId: 1,
      subscriptions: [{
        filter: "a",
        qos: 0,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 0,
      }],
      properties: null,
    });
    const suback = await peer.expect("suback");
    assert.equal(suback.properties?.reasonString !== undefined, requestProblemInformation === 1);
  }
});

Deno.test("[MQTT-4.7.2-1] $ topics stay out of wildcards; $SYS is published and not writable", async () => {
  await using server = await TestBroker.start({ info: { version: "9.9" } });
  const all = await server.connect(V5);
  await all.subscribe("#");
  await all.subscribe("+/broker/version");
  const system = await server.connect(V5);
  await system.subscribe("$SYS/broker/version");
  server.clock.advance(1000);
  assert.equal((await system.message()).payload, "9.9");
  assert.equal(await publish(system, { topic: "$SYS/broker/version", payload: "0" }), 0x87);
  assert.equal(await publish(system, { topic: "$share/g/x", payload: "0" }), 0x87);
  const old = await server.connect();
  assert.equal(await publish(old, { topic: "$SYS/broker/version", payload: "0" }), 0);
  assert.deepEqual(await system.upToPing(), []);
  assert.deepEqual(await all.upToPing(), []);
  const late = await server.connect();
  await late.subscribe("$SYS/#");
  assert((await late.upToPing()).length > 10);
});

// --- shared subscriptions -----------------------------------------------------------------------

Deno.test("shared: each message to one member, in turn; ordinary subscribers get all", async () => {
  await using server = await TestBroker.start();
  const members = [await server.connect(), await server.connect(), await server.connect()];
  for (const member of members) await member.subscribe("$share/g/t/+", { qos: 1 });
  const other = await server.connect();
  await other.subscribe("$share/h/t/#");
  const publisher = await server.connect();
  for (let i = 0; i < 9; i++) await publish(publisher, { topic: `t/${i}`, packetId: i + 1 });
  for (const member of members) assert.equal((await member.upToPing()).length, 3);
  assert.equal((await other.upToPing()).length, 9);
});

Deno.test("shared: what a lost member was not sent goes to the others", async () => {
  await using server = await TestBroker.start();
  const slow = await server.connect({
    ...V5,
    clientId: "slow",
    clean: false,
    properties: { receiveMaximum: 1, sessionExpiryInterval: 100 },
  });
  await slow.subscribe("$share/g/t", { qos: 1 });
  const publisher = await server.connect();
  await publishAll(publisher, ["1", "2", "3"].map((payload) => ({ topic: "t", payload })));
  assert.equal((await slow.message()).payload, "1");
  const other = await server.connect();
  await other.subscribe("$share/g/t", { qos: 1 });
  slow.cut();
  assert.equal((await other.message()).payload, "2");
  assert.equal((await other.message()).payload, "3");
  const back = await server.connect({
    ...V5,
    clientId: "slow",
    clean: false,
    properties: { sessionExpiryInterval: 100 },
  });
  assert.deepEqual(messages(await back.upToPing()), ["1"], "what it had been sent stays its own");
});

Deno.test("[MQTT-4.8.2-4] [MQTT-4.8.2-5] shared: an ended session's QoS 1 moves on, sent QoS 2 not", async () => {
  await using server = await TestBroker.start();
  const first = await server.connect();
  await first.subscribe("$share/g/t", { qos: 2 });
  const publisher = await server.connect();
  await publish(publisher, { topic: "t", payload: "one" });
  publisher.publish({ topic: "t", payload: "two", qos: 2, packetId: 2 });
  await publisher.expect("pubrec");
  assert.equal((await first.message()).payload, "one");
  assert.equal((await first.message()).payload, "two");
  const second = await server.connect();
  await second.subscribe("$share/g/t", { qos: 2 });
  first.cut();
  assert.equal((await second.message()).payload, "one");
  assert.deepEqual(await second.upToPing(), []);
});

Deno.test("shared: with every member away the message waits for one of them", async () => {
  await using server = await TestBroker.start();
  const member = await server.connect({ clientId: "m", clean: false });
  await member.subscribe("$share/g/t", { qos: 1 });
  await leave(member);
  const publisher = await server.connect();
  await publish(publisher, { topic: "t", payload: "waits" });
  const back = await server.connect({ clientId: "m", clean: false });
  assert.equal((await back.message()).payload, "waits");
});

Deno.test("shared: a refused delivery is not given to another [MQTT-4.8.2-6]", async () => {
  await using server = await TestBroker.start();
  const first = await server.connect(V5);
  await first.subscribe("$share/g/t", { qos: 1 });
  const publisher = await server.connect();
  await publish(publisher, { topic: "t", payload: "x" });
  const { packet } = await first.message();
  const second = await server.connect(V5);
  await second.subscribe("$share/g/t", { qos: 1 });
  first.send({ type: "puback", packetId: packet.packetId, reasonCode: 0x80, properties: null });
  await first.upToPing();
  assert.deepEqual(await second.upToPing(), []);
  assert.equal(server.broker.statistics.queuedMessages, 0);
});

Deno.test("acknowledgements out of turn are protocol errors, unknown ones are not", async () => {
  await using server = await TestBroker.start();
  const publisher = await server.connect();
  const wrong: [1 | 2, "puback" | "pubrec" | "pubcomp"][] = [
    [1, "pubrec"],
    [1, "pubcomp"],
    [2, "puback"],
    [2, "pubcomp"],
  ];
  for (const [i, [qos, type]] of wrong.entries()) {
    const peer = await server.connect(V5);
    await peer.subscribe("t", { qos: 2 });
    peer.send({ type: "puback", packetId: 999, reasonCode: 0, properties: null });
    publisher.publish({ topic: "t", qos, packetId: i + 1 });
    const { packetId } = (await peer.message()).packet;
    peer.send({ type, packetId, reasonCode: 0, properties: null });
    const [packet] = await peer.end();
    assert(packet?.type === "disconnect" && packet.reasonCode === 0x82, `${qos} ${type}`);
  }
  const peer = await server.connect(V5);
  peer.send({ type: "pubrel", packetId: 5, reasonCode: 0, properties: null });
  assert.equal((await peer.expect("pubcomp")).reasonCode, 0x92);
  peer.send({ type: "pubrec", packetId: 5, reasonCode: 0, properties: null });
  assert.equal((await peer.expect("pubrel")).reasonCode, 0x92);
});
