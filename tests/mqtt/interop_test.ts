/** Debian's mosquitto_pub and mosquitto_sub, npm `mqtt`, and Mosquitto as a bridge. */
import assert from "node:assert/strict";
import mqtt from "mqtt";
import { MemorySessionStore } from "@/mqtt/memory_session_store.ts";
import { TestAuthority } from "@/tests/helpers/certificates.ts";
import { Mosquitto } from "@/tests/helpers/mosquitto.ts";
import { mosquittoPub, mosquittoSub } from "@/tests/helpers/mosquitto_clients.ts";
import { ServerProcess } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";
import { OpenBroker, writeCertificates } from "@/tests/mqtt/open_broker.ts";

const QOS = [0, 1, 2] as const;
const MOSQUITTO_VERSIONS = ["mqttv31", "mqttv311", "mqttv5"];

for (const version of MOSQUITTO_VERSIONS) {
  Deno.test(`mosquitto_pub and mosquitto_sub, ${version}, QoS 0, 1, 2, retained`, async () => {
    await using server = await OpenBroker.start();
    await using subscriber = await mosquittoSub(server.port, "t/#", { version, qos: 2 });
    for (const qos of QOS) {
      await mosquittoPub(server.port, { topic: `t/${qos}`, payload: `ümläut ${qos}` }, {
        version,
        qos,
      });
    }
    await mosquittoPub(
      server.port,
      { topic: "t/kept", payload: "x".repeat(300_000), retain: true },
      {
        version,
        qos: 2,
      },
    );
    const seen = await subscriber.atLeast(4);
    assert.deepEqual(
      seen.slice(0, 3).map(({ topic, payload, qos }) => [topic, payload, qos]),
      QOS.map((qos) => [`t/${qos}`, `ümläut ${qos}`, qos]),
    );
    assert.deepEqual([seen[3]!.payload.length, seen[3]!.retained], [300_000, false]);
    await using late = await mosquittoSub(server.port, "t/kept", { version, qos: 1 });
    const [kept] = await late.atLeast(1);
    assert.deepEqual([kept!.payload.length, kept!.qos, kept!.retained], [300_000, 1, true]);
  });

  Deno.test(`mosquitto_sub comes back to its session, ${version}`, async () => {
    await using server = await OpenBroker.start();
    const options = { version, qos: 2 as const, args: ["-c", "-i", "absent"] };
    await (await mosquittoSub(server.port, "q/+", options))[Symbol.asyncDispose]();
    await until(() => server.broker.connections().length === 0, { what: "it is gone" });
    for (const qos of QOS) {
      await mosquittoPub(server.port, { topic: `q/${qos}`, payload: `${qos}` }, { version, qos });
    }
    await using back = await mosquittoSub(server.port, "q/+", options);
    const seen = await back.atLeast(2);
    assert.deepEqual(seen.map(({ payload, qos }) => [payload, qos]), [["1", 1], ["2", 2]]);
  });

  Deno.test(`the will of a mosquitto_sub that is killed, ${version}`, async () => {
    await using server = await OpenBroker.start();
    await using watcher = await mosquittoSub(server.port, "will/+", { version });
    const doomed = new ServerProcess("stdbuf", {
      args: [
        ...["-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p", String(server.port)],
        ...["-V", version, "-d", "-t", "t"],
        ...["--will-topic", "will/x", "--will-payload", "gone", "--will-qos", "1"],
      ],
    });
    await doomed.untilOutput(/Subscribed/);
    await doomed.stop("SIGKILL");
    const [will] = await watcher.atLeast(1);
    assert.deepEqual([will!.payload, will!.qos], ["gone", 1]);
  });
}

Deno.test("mosquitto_pub's 5.0 properties arrive at mosquitto_sub", async () => {
  await using server = await OpenBroker.start();
  await using subscriber = await mosquittoSub(server.port, "p");
  await mosquittoPub(server.port, { topic: "p", payload: "x" }, {
    args: [
      ...["-D", "publish", "user-property", "b", "1", "-D", "publish", "user-property", "a", "2"],
      ...["-D", "publish", "content-type", "text/plain", "-D", "publish", "topic-alias", "3"],
    ],
  });
  await subscriber.atLeast(1);
  assert.deepEqual(subscriber.userProperties, ["b:1 a:2"]);
});

Deno.test("mosquitto_pub and mosquitto_sub over TLS, without and with a client certificate", async () => {
  await using folder = await TempDir.create();
  await using server = await OpenBroker.start();
  const authority = await TestAuthority.create("Interop CA");
  const paths = await writeCertificates(folder, { authority, client: "device-7" });
  const open = await server.openTls(authority);
  const strict = await server.openTls(authority, true);
  const ca = ["--cafile", paths.ca];
  const own = [...ca, "--cert", paths.certificate, "--key", paths.key];
  await using subscriber = await mosquittoSub(open.port, "tls/#", { args: ca });
  for (const [version, args] of [["mqttv311", ca], ["5", own]] as const) {
    const message = { topic: `tls/${version}`, payload: version };
    await mosquittoPub(open.port, message, { version, qos: 2, args: [...args] });
  }
  await mosquittoPub(strict.port, { topic: "tls/strict", payload: "s" }, { qos: 1, args: own });
  const seen = await subscriber.atLeast(3);
  assert.deepEqual(seen.map(({ topic }) => topic), ["tls/mqttv311", "tls/5", "tls/strict"]);
  const names = server.requests.map(({ certificate }) => certificate?.commonName ?? null);
  assert.deepEqual(names, [null, null, "device-7", "device-7"]);
  await assert.rejects(
    mosquittoPub(strict.port, { topic: "tls/no", payload: "n" }, { args: ca }),
    "a listener that requires a certificate refuses a client without one",
  );
});

// --- npm mqtt -----------------------------------------------------------------------------------

interface Received {
  topic: string;
  payload: string;
  packet: mqtt.IPublishPacket;
}

/** A connected client that collects what it receives. */
class NpmClient implements AsyncDisposable {
  readonly received: Received[] = [];
  readonly client: mqtt.MqttClient;

  private constructor(client: mqtt.MqttClient) {
    this.client = client;
    client.on("message", (topic, payload, packet) => {
      this.received.push({ topic, payload: payload.toString(), packet });
    });
  }

  static async connect(url: string, options: mqtt.IClientOptions): Promise<NpmClient> {
    return new NpmClient(await mqtt.connectAsync(url, { reconnectPeriod: 0, ...options }));
  }

  async atLeast(count: number): Promise<Received[]> {
    return await until(() => this.received.length >= count && this.received, {
      what: `${count} messages have come (${this.received.length} so far)`,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.endAsync();
  }
}

const TRANSPORTS = ["mqtt", "ws"] as const;

for (const protocolVersion of [4, 5] as const) {
  for (const transport of TRANSPORTS) {
    Deno.test(`npm mqtt as ${protocolVersion} over ${transport}: all QoS, retained, large`, async () => {
      await using server = await OpenBroker.start();
      const port = transport === "ws" ? await server.openWebSocket() : server.port;
      const url = `${transport}://127.0.0.1:${port}/mqtt`;
      await using subscriber = await NpmClient.connect(url, { protocolVersion });
      await using publisher = await NpmClient.connect(url, { protocolVersion });
      await subscriber.client.subscribeAsync("t/#", { qos: 2 });
      for (const qos of QOS) await publisher.client.publishAsync(`t/${qos}`, `${qos}`, { qos });
      const large = "y".repeat(900_000);
      await publisher.client.publishAsync("t/large", large, { qos: 2, retain: true });
      const seen = await subscriber.atLeast(4);
      assert.deepEqual(seen.slice(0, 3).map(({ payload, packet }) => [payload, packet.qos]), [
        ["0", 0],
        ["1", 1],
        ["2", 2],
      ]);
      assert.equal(seen[3]!.payload, large);
      assert.equal(seen[3]!.packet.retain, false);
      await using late = await NpmClient.connect(url, { protocolVersion });
      await late.client.subscribeAsync("t/large", { qos: 1 });
      assert.equal((await late.atLeast(1))[0]!.packet.retain, true);
      await subscriber.client.unsubscribeAsync("t/#");
      await publisher.client.publishAsync("t/1", "unheard", { qos: 1 });
      assert.equal(subscriber.received.length, 4);
    });
  }

  Deno.test(`npm mqtt as ${protocolVersion}: a session with 200 messages in flight, broken 5 times`, async () => {
    await using server = await OpenBroker.start();
    const url = `mqtt://127.0.0.1:${server.port}`;
    const kept = protocolVersion === 5 ? { sessionExpiryInterval: 600 } : {};
    await using subscriber = await NpmClient.connect(url, {
      protocolVersion,
      clean: false,
      clientId: "kept",
      reconnectPeriod: 1,
      properties: kept,
    });
    await subscriber.client.subscribeAsync("n", { qos: 2 });
    await using publisher = await NpmClient.connect(url, { protocolVersion });
    for (let burst = 0; burst < 5; burst++) {
      const isBack = () => server.broker.connections().some(({ clientId }) => clientId === "kept");
      await until(isBack, { what: "the subscriber is connected" });
      const sent = Array.from(
        { length: 40 },
        (_, i) => publisher.client.publishAsync("n", `${burst * 40 + i}`, { qos: 2 }),
      );
      assert.equal(server.broker.disconnect(({ clientId }) => clientId === "kept", 0x98), 1);
      await Promise.all(sent);
    }
    const seen = await subscriber.atLeast(200);
    const payloads = seen.map(({ payload }) => Number(payload));
    assert.deepEqual(payloads, Array.from({ length: 200 }, (_, i) => i));
  });
}

Deno.test("npm mqtt as 5: properties, aliases, shared subscriptions, request and response", async () => {
  await using server = await OpenBroker.start();
  const url = `mqtt://127.0.0.1:${server.port}`;
  await using service = await NpmClient.connect(url, { protocolVersion: 5 });
  await using asker = await NpmClient.connect(url, {
    protocolVersion: 5,
    autoAssignTopicAlias: true,
    properties: { topicAliasMaximum: 10, receiveMaximum: 5 },
  });
  await service.client.subscribeAsync("$share/workers/ask/+", { qos: 1 });
  await asker.client.subscribeAsync("answer/me", { qos: 1 });
  service.client.on("message", (_topic, payload, { properties }) => {
    service.client.publish(properties!.responseTopic!, `re: ${payload}`, {
      qos: 1,
      properties: { correlationData: properties!.correlationData! },
    });
  });
  for (let i = 0; i < 20; i++) {
    await asker.client.publishAsync("ask/x", `${i}`, {
      qos: 1,
      properties: {
        responseTopic: "answer/me",
        correlationData: new TextEncoder().encode(`c${i}`) as never,
        userProperties: { n: `${i}` },
        contentType: "text/plain",
      },
    });
  }
  const answers = await asker.atLeast(20);
  assert.deepEqual(answers.map(({ payload }) => payload), range(20).map((i) => `re: ${i}`));
  const data = answers.map(({ packet }) => packet.properties!.correlationData!.toString());
  assert.deepEqual(data, range(20).map((i) => `c${i}`));
});

Deno.test("npm mqtt with a client certificate over TLS", async () => {
  await using server = await OpenBroker.start();
  const authority = await TestAuthority.create("Interop CA");
  const listener = await server.openTls(authority, true);
  const { key, certificate } = await authority.issue("device-9");
  await using client = await NpmClient.connect(`mqtts://127.0.0.1:${listener.port}`, {
    ca: authority.certificate,
    key,
    cert: certificate,
  });
  await client.client.subscribeAsync("t");
  await client.client.publishAsync("t", "secret", { qos: 1 });
  assert.equal((await client.atLeast(1))[0]!.payload, "secret");
  assert.equal(server.requests[0]!.certificate?.commonName, "device-9");
});

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

// --- bridge -------------------------------------------------------------------------------------

function bridgeConfig(port: number, version: string): string[] {
  return [
    "connection sluice",
    `address 127.0.0.1:${port}`,
    `bridge_protocol_version ${version}`,
    "topic out/# out 2",
    "topic in/# in 2",
    "topic # both 1 theirs/ ours/",
    "restart_timeout 1",
    "cleansession false",
    "local_clientid local-bridge",
    "remote_clientid remote-bridge",
  ];
}

for (const version of ["mqttv311", "mqttv50"]) {
  Deno.test(`Mosquitto bridged both ways, ${version}, over a restart of ours`, async () => {
    const store = new MemorySessionStore();
    let server = await OpenBroker.start({ store });
    const { port } = server;
    await using mosquitto = await Mosquitto.start({ config: bridgeConfig(port, version) });
    await untilBridged(server);
    await using there = await mosquitto.subscribe("#");
    await carryBothWays(server, { mosquitto, mark: "before" });
    await server[Symbol.asyncDispose]();
    await mosquitto.publish("out/meanwhile", "kept by the bridge");
    server = await OpenBroker.start({ store, port });
    await using _ = server;
    await until(() => server.handed.includes("out/meanwhile"), { what: "the bridge came back" });
    await carryBothWays(server, { mosquitto, mark: "after" });
    const seen = there.messages.filter(({ topic }) => topic.startsWith("in/"));
    assert.deepEqual(seen.map(({ payload }) => payload), ["before", "after"], "no loop, no loss");
  });
}

async function untilBridged(server: OpenBroker): Promise<void> {
  await until(() => server.broker.statistics.subscriptions >= 2, { what: "the bridge subscribed" });
}

/** One message each way, through the plain and through the prefixed topics. */
async function carryBothWays(
  server: OpenBroker,
  { mosquitto, mark }: { mosquitto: Mosquitto; mark: string },
): Promise<void> {
  await using here = await mosquittoSub(server.port, "#", { qos: 2 });
  await using there = await mosquitto.subscribe("#", { qos: 2 });
  await mosquittoPub(server.port, { topic: "in/x", payload: mark }, { qos: 2 });
  await mosquittoPub(server.port, { topic: "ours/y", payload: mark }, { qos: 1 });
  await mosquitto.publish("out/x", mark);
  await mosquitto.publish("theirs/z", mark);
  await until(() => find(there.messages, "in/x", mark) && find(there.messages, "theirs/y", mark), {
    what: "ours came there",
  });
  await until(() => find(here.messages, "out/x", mark) && find(here.messages, "ours/z", mark), {
    what: "theirs came here",
  });
}

function find(
  messages: readonly { topic: string; payload: string }[],
  topic: string,
  payload: string,
): boolean {
  return messages.some((message) => message.topic === topic && message.payload === payload);
}
