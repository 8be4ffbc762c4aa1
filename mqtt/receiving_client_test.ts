/** Against a real Mosquitto, and a scripted broker for what a real one does only in bad luck. */
import assert from "node:assert/strict";
import net from "node:net";
import { ReceivingClient, type ReceivingClientOptions } from "@/mqtt/receiving_client.ts";
import { Mosquitto } from "@/tests/helpers/mosquitto.ts";
import { mosquittoPub } from "@/tests/helpers/mosquitto_clients.ts";
import { run } from "@/tests/helpers/server_process.ts";
import { until } from "@/tests/helpers/until.ts";

interface Taken {
  text: string;
  done: (taken: boolean) => void;
}

const OPTIONS: ReceivingClientOptions = {
  host: "127.0.0.1",
  port: 1883,
  tls: null,
  version: 5,
  clientId: "gateway",
  username: null,
  password: null,
  filters: ["devices/#"],
  qos: 1,
  unacknowledgedMax: 10,
  packetBytesMax: 1024 * 1024,
  keepAliveSeconds: 30,
  sessionExpirySeconds: 3600,
  connectTimeoutMs: 5000,
  alwaysSubscribe: true,
};

class Receiver implements AsyncDisposable {
  readonly taken: Taken[] = [];
  readonly client: ReceivingClient;

  constructor(broker: Mosquitto, options: Partial<ReceivingClientOptions> = {}) {
    this.client = new ReceivingClient({ ...OPTIONS, port: broker.port, ...options }, {
      take: (publish, done) =>
        this.taken.push({ text: new TextDecoder().decode(publish.payload), done }),
      unreleased: new Set(),
      receiving: () => {},
    });
  }

  texts(): string[] {
    return this.taken.map((taken) => taken.text);
  }

  async receiving(): Promise<this> {
    await until(() => this.client.state === "receiving", { what: "the subscription stands" });
    return this;
  }

  async untilTaken(count: number): Promise<void> {
    await until(() => this.taken.length >= count, { what: `${count} messages were taken` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.client.closed;
  }
}

/** Publishes `count` numbered lines on one connection. */
async function publishLines(broker: Mosquitto, count: number): Promise<void> {
  const input = Array.from({ length: count }, (_, i) => `${i}\n`).join("");
  const at = ["-h", "127.0.0.1", "-p", String(broker.port)];
  const args = [...at, "-q", "1", "-t", "devices/a/telemetry", "-l"];
  await run("mosquitto_pub", { args, input });
}

for (const version of [4, 5] as const) {
  Deno.test(`acknowledges late, in order and within the window (version ${version})`, async () => {
    await using broker = await Mosquitto.start({ config: ["max_inflight_messages 10"] });
    await using receiver = await new Receiver(broker, { version }).receiving();
    await publishLines(broker, 25);
    await receiver.untilTaken(10);
    assert.equal(receiver.client.unacknowledged, 10);

    for (const { done } of receiver.taken.slice(1, 10)) done(true);
    await mosquittoPub(broker.port, { topic: "other", payload: "x" });
    assert.equal(receiver.client.unacknowledged, 10, "the first is open: none may go before it");

    receiver.taken[0]?.done(true);
    await receiver.untilTaken(20);
    for (const { done } of receiver.taken.slice(10)) done(true);
    await receiver.untilTaken(25);
    assert.deepEqual(receiver.texts(), Array.from({ length: 25 }, (_, i) => String(i)));
  });
}

Deno.test("what was not acknowledged comes again on the next connection", async () => {
  await using broker = await Mosquitto.start();
  {
    await using first = await new Receiver(broker).receiving();
    await publishLines(broker, 3);
    await first.untilTaken(3);
    first.taken[0]?.done(true);
    first.taken[1]?.done(false);
    const reason = await first.client.closed;
    assert.match(reason?.message ?? "", /could not be stored/);
  }
  await using second = await new Receiver(broker, { alwaysSubscribe: false }).receiving();
  await second.untilTaken(2);
  assert.deepEqual(second.texts().slice(-2), ["1", "2"]);
});

/** A broker that says what the test writes: for what a real one does only in bad luck. */
class ScriptedBroker implements AsyncDisposable {
  readonly #server = net.createServer((socket) => this.#accept(socket));
  readonly #onPublishAnswer: (socket: net.Socket) => void;
  readonly received: number[] = [];

  constructor(onPublishAnswer: (socket: net.Socket) => void) {
    this.#onPublishAnswer = onPublishAnswer;
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as net.AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: net.Socket): void {
    socket.on("error", () => {});
    socket.on("data", (bytes: Uint8Array) => {
      const type = bytes[0]! >> 4;
      this.received.push(type);
      if (type === 1) socket.write(Uint8Array.of(0x20, 3, 1, 0, 0));
      if (type === 1) socket.write(PUBLISH_QOS_2);
      if (type === 5) this.#onPublishAnswer(socket);
    });
  }
}

/** Topic "a", packet identifier 7, no properties, payload "x". */
const PUBLISH_QOS_2 = Uint8Array.of(0x34, 7, 0, 1, 97, 0, 7, 0, 120);

Deno.test("QoS 2 is taken once although the broker lost our PUBREC", async () => {
  await using broker = new ScriptedBroker((socket) => socket.destroy());
  const port = await broker.listen();
  const unreleased = new Set<number>();
  const texts: string[] = [];
  for (let connection = 0; connection < 2; connection++) {
    const client = new ReceivingClient({ ...OPTIONS, port, alwaysSubscribe: false }, {
      take: (publish, done) => {
        texts.push(new TextDecoder().decode(publish.payload));
        done(true);
      },
      unreleased,
      receiving: () => {},
    });
    assert.match((await client.closed)?.message ?? "", /closed the connection/);
  }
  assert.deepEqual(texts, ["x"]);
  assert.deepEqual(broker.received, [1, 5, 1, 5], "both were answered with PUBREC");
});

Deno.test("refusals say what to do", async () => {
  await using broker = await Mosquitto.start({ users: { device: "secret" } });
  await using wrong = new Receiver(broker, { username: "device", password: "wrong" });
  const refused = await wrong.client.closed;
  assert.match(refused?.message ?? "", /refused CONNECT with code 0x87/);
  assert.match(refused?.hint ?? "", /username, password/);

  await using nobody = new Receiver(broker, { port: 1 });
  assert.match((await nobody.client.closed)?.message ?? "", /ECONNREFUSED|refused/i);
});
