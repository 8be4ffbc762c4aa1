/** Many, slow, hasty and silent clients: each is bounded, and the others are served. */
import assert from "node:assert/strict";
import { Fixture } from "@/tests/mqtt/fixture.ts";
import type { RawClient } from "@/tests/mqtt/raw_client.ts";
import {
  acknowledgement,
  type Connect,
  connect,
  publish,
  type Seen,
  subscribe,
  type Version,
} from "@/tests/mqtt/wire.ts";

const PING = [0xc0, 0];

async function join(fixture: Fixture, options: Partial<Connect> = {}): Promise<RawClient> {
  const version: Version = options.version ?? 5;
  const client = await fixture.dial(version);
  client.send(connect({ clientId: "", ...options, version }));
  assert.match((await client.next()).head, /^connack [01] 0$/);
  return client;
}

async function listen(client: RawClient, filter: string, qos = 0): Promise<void> {
  client.send(subscribe(client.version, { id: 1, filters: [[filter, qos]] }));
  assert.equal((await client.next()).head, `suback 1 ${qos}`);
}

/** Everything up to the answer of a ping. */
async function upToPing(client: RawClient): Promise<Seen[]> {
  client.send(PING);
  const packets: Seen[] = [];
  for (;;) {
    const packet = await client.next();
    if (packet.type === 13) return packets;
    packets.push(packet);
  }
}

/** Takes so many packets of a type; acknowledges QoS 1. */
async function take(client: RawClient, count: number, type = 3): Promise<Seen[]> {
  const taken: Seen[] = [];
  while (taken.length < count) {
    if (client.packets.length === 0) client.packets.push(await client.next());
    // Many at once: taking them one by one from a long list is slow.
    for (const packet of client.packets.splice(0, count - taken.length)) {
      if (packet.type === 3 && packet.id > 0) client.send(acknowledgement(0x40, { id: packet.id }));
      if (packet.type === type) taken.push(packet);
    }
  }
  return taken;
}

Deno.test("a slow subscriber harms only itself", async () => {
  const limits = { outboundBytesMax: 256 << 10, queuedMessagesMax: 500, queuedBytesMax: 1 << 20 };
  await using fixture = await Fixture.start({ limits });
  const slow = await join(fixture);
  await listen(slow, "flood/#", 1);
  const quick = await join(fixture);
  await listen(quick, "flood/#", 1);
  const publisher = await join(fixture);
  slow.pause();
  const [rounds, perRound] = [200, 100];
  const payload = "x".repeat(1000);
  for (let round = 0; round < rounds; round++) {
    const burst = Array.from(
      { length: perRound },
      (_, i) => publish(5, { topic: `flood/${i % 10}`, payload, qos: i % 2, id: 1 + i }),
    );
    await publisher.sendAll(Uint8Array.from(burst.flat()));
    const [seen] = await Promise.all([take(quick, perRound), take(publisher, perRound / 2, 4)]);
    assert.equal(seen.length, perRound);
  }
  const { statistics } = fixture.broker;
  assert(statistics.droppedTotal.slow_subscriber > 1000, "QoS 0 was dropped for the slow one");
  assert(statistics.droppedTotal.queue_full > 1000, "and QoS 1 beyond its queue");
  assert(statistics.queuedMessages <= 500 + 100);
  assert(statistics.queuedBytes <= (1 << 20) + (1 << 18));
  slow.resume();
  await until(async () => {
    const packets = await upToPing(slow);
    for (const { type, id } of packets) {
      if (type === 3 && id > 0) slow.send(acknowledgement(0x40, { id }));
    }
    return packets.length === 0 && statistics.queuedMessages === 0;
  });
  publisher.send(publish(5, { topic: "flood/now", payload: "live" }));
  assert.equal((await slow.next()).line, 'publish flood/now "live"');
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 60_000;
  while (!await condition()) assert(performance.now() < giveUpAt, "it never came to rest");
}

Deno.test("100 000 retained topics: kept, bounded, and found again while others are served", async () => {
  const count = 100_000;
  await using fixture = await Fixture.start();
  const flooder = await join(fixture);
  const perChunk = 1000;
  for (let at = 0; at < count; at += perChunk) {
    const chunk = Array.from(
      { length: perChunk },
      (_, i) =>
        publish(5, { topic: `r/${(at + i) % 317}/${at + i}`, payload: `${at + i}`, retain: true }),
    );
    await flooder.sendAll(Uint8Array.from(chunk.flat()));
  }
  assert.deepEqual(await upToPing(flooder), []);
  const { statistics, limits } = fixture.broker;
  assert.equal(statistics.retainedMessages, count);
  assert(statistics.retainedBytes <= limits.retainedBytesMax);
  flooder.send(publish(5, { topic: "r/too/many", payload: "x", retain: true, qos: 1, id: 9 }));
  assert.equal((await flooder.next()).head, "puback 9 0x97");
  const reader = await join(fixture);
  await listen(reader, "r/#");
  const other = await join(fixture);
  const pings = (async () => {
    for (let i = 0; i < 50; i++) assert.deepEqual(await upToPing(other), []);
  })();
  const seen = await take(reader, count);
  await pings;
  assert.equal(new Set(seen.map(({ head }) => head)).size, count, "each topic once");
  assert.deepEqual(await upToPing(reader), []);
  const narrow = await join(fixture);
  await listen(narrow, "r/7/+");
  assert.equal((await upToPing(narrow)).length, Math.ceil((count - 7) / 317));
});

Deno.test("a reconnect storm of 1000 clients, 10 times each", async () => {
  await using fixture = await Fixture.start({ limits: { halfOpenMax: 2000 } });
  const witness = await join(fixture);
  await listen(witness, "hello/+");
  const clients = 1000;
  const rounds = 10;
  const live = async (n: number) => {
    for (let round = 0; round < rounds; round++) {
      await using client = await join(fixture, {
        clientId: `storm-${n}`,
        clean: false,
        properties: [["session", "100"]],
      });
      if (round === 0) await listen(client, `to/${n}`, 1);
      client.send(publish(5, { topic: `hello/${n}`, payload: `${round}` }));
      await upToPing(client);
      client.cut();
    }
  };
  const [seen] = await Promise.all([
    take(witness, clients * rounds),
    ...Array.from({ length: clients }, (_, n) => live(n)),
  ]);
  assert.equal(new Set((seen as Seen[]).map(({ head }) => head)).size, clients * rounds);
  const { statistics } = fixture.broker;
  await fixture.until(() => statistics.connections === 1, "the storm is over");
  assert.equal(statistics.sessions, clients + 1);
  assert.equal(statistics.subscriptions, clients + 1);
  fixture.clock.advance(102_000);
  await fixture.until(() => statistics.sessions === 1, "its sessions have expired");
  assert.equal(statistics.subscriptions, 1);
  assert.deepEqual(await upToPing(witness), []);
});

Deno.test("two clients with one identifier throw each other out 500 times", async () => {
  await using fixture = await Fixture.start();
  const witness = await join(fixture);
  await listen(witness, "pong");
  const session = { clientId: "same", clean: false, properties: [["session", "100"]] as const };
  let holder = await join(fixture, session);
  await listen(holder, "ping", 1);
  for (let round = 0; round < 500; round++) {
    const next = await join(fixture, session);
    await holder.closed();
    assert.deepEqual(holder.packets.map(({ head }) => head), ["disconnect 0x8e"]);
    witness.send(publish(5, { topic: "ping", payload: `${round}`, qos: 1, id: 3 }));
    const [message] = await take(next, 1);
    assert.equal(message!.head, `publish ping "${round}" qos=1 id=${message!.id}`);
    next.send(publish(5, { topic: "pong", payload: `${round}` }));
    await take(witness, 1);
    holder = next;
  }
  const { statistics } = fixture.broker;
  assert.equal(statistics.takenOverTotal, 500);
  assert.equal(statistics.connections, 2);
  assert.equal(statistics.sessions, 2);
  assert.equal(statistics.queuedMessages, 0);
});

Deno.test("1000 half-open sockets: the next are closed, others are served, time clears them", async () => {
  await using fixture = await Fixture.start({ limits: { halfOpenMax: 1000 } });
  const served = await join(fixture);
  await listen(served, "t");
  const silent: RawClient[] = [];
  for (let i = 0; i < 1000; i++) silent.push(await fixture.dial(5));
  // Some have sent a part of CONNECT.
  for (const client of silent.slice(0, 500)) client.send([0x10, 0x20, 0x00, 0x04]);
  const { statistics } = fixture.broker;
  const tooMany = await fixture.dial(5);
  await tooMany.closed();
  assert.equal(tooMany.bytesReceived, 0);
  served.send(publish(5, { topic: "t", payload: "through" }));
  assert.equal((await served.next()).line, 'publish t "through"');
  // Who completes CONNECT makes room for another.
  const late = silent.pop()!;
  late.send(connect({ version: 5, clientId: "late" }));
  assert.equal((await late.next()).head, "connack 0 0");
  assert.equal((await join(fixture)).isClosed, false);
  fixture.clock.advance(11_000);
  for (const client of silent) await client.closed();
  await fixture.until(() => statistics.connections === 3, "the silent ones are gone");
  assert.deepEqual(await upToPing(late), []);
});
