import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { MqttOptions } from "@/forward/forward_types.ts";
import { MqttDestination } from "@/forward/mqtt.ts";
import { type SluiceError, TransientError } from "@/model/errors.ts";
import { TestAuthority } from "@/tests/helpers/certificates.ts";
import { commonOptions } from "@/tests/helpers/destination_options.ts";
import { FaultProxy } from "@/tests/helpers/fault_proxy.ts";
import { batchEntry, FIRST_RECEIVED_US } from "@/tests/helpers/log_rows.ts";
import { Mosquitto, type SeenMessage } from "@/tests/helpers/mosquitto.ts";

function patience(): AbortSignal {
  return AbortSignal.timeout(30_000);
}

class Rig implements AsyncDisposable {
  readonly destination: MqttDestination;
  readonly lost: TransientError[] = [];

  constructor(url: string, options: Partial<MqttOptions> = {}) {
    this.destination = new MqttDestination({
      ...commonOptions(),
      type: "mqtt",
      url,
      username: null,
      password: null,
      prefix: "iiot",
      qos: 1,
      clientId: "sluice-gw1",
      ...options,
    }, { lost: (error) => this.lost.push(error), notice: () => {} });
  }

  prepare(): Promise<void> {
    return this.destination.prepare(patience());
  }

  async write(...batch: ReturnType<typeof batchEntry>[]) {
    return await this.destination.write(batch, patience());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destination.close(patience());
  }
}

function texts(messages: SeenMessage[]): string[] {
  return messages.map(({ topic, payload, qos, retained }) =>
    `${topic} ${payload} q${qos}${retained ? " retained" : ""}`
  );
}

async function failsWith(attempt: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  await assert.rejects(attempt, (error: SluiceError) => {
    assert(error instanceof TransientError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}

Deno.test("mqtt: sensor values are retained, signal and statistics are not, predictions neither", async () => {
  await using broker = await Mosquitto.start();
  await using rig = new Rig(broker.url);
  await rig.prepare();
  const packet = batchEntry(1, {
    device: "N2",
    topic: "gateways/N2/packet",
    payload:
      '{"ts":1,"id":"N2","n1":{"t":26.0},"sig":{"rssi":-32,"snr":12},"sts":{"rx":1,"err":0}}',
  });
  const prediction = batchEntry(2, {
    device: "cam",
    topic: "devices/cam/prediction",
    payload: '{"ts":1767225600000,"label":"person","score":0.93}',
  });
  await using live = await broker.subscribe("iiot/#");
  assert.equal((await rig.write(packet, prediction)).decided, 2);
  assert.deepEqual(texts(await live.atLeast(7)), [
    "iiot/gateway/status online q1 retained",
    "iiot/node1/temperature 26 q1",
    "iiot/signal/rssi -32 q1",
    "iiot/signal/snr 12 q1",
    "iiot/stats/packets_received 1 q1",
    "iiot/stats/crc_errors 0 q1",
    'iiot/cam/prediction {"ts":1767225600000,"label":"person","score":0.93} q1',
  ]);
  assert.deepEqual(live.userProperties.slice(1), Array(6).fill("sluice-gateway:gw1"));
  await using late = await broker.subscribe("iiot/#");
  await broker.publish("iiot/end", "");
  assert.deepEqual(texts(await late.atLeast(3)), [
    "iiot/gateway/status online q1 retained",
    "iiot/node1/temperature 26 q1 retained",
    "iiot/end  q1",
  ]);
});

Deno.test("mqtt: an older value never replaces a newer retained one", async () => {
  await using broker = await Mosquitto.start();
  await using rig = new Rig(broker.url);
  await rig.prepare();
  const at = (ts: number, temperature: number) =>
    batchEntry(temperature, { payload: JSON.stringify({ ts, values: { temperature } }) });
  const nowMs = FIRST_RECEIVED_US / 1000;
  await using live = await broker.subscribe("iiot/+/temperature");
  await rig.write(at(nowMs, 2), at(nowMs - 60_000, 1), at(nowMs + 172_800_000, 3));
  assert.deepEqual((await live.atLeast(3)).map(({ payload }) => payload), ["2", "1", "3"]);
  await using late = await broker.subscribe("iiot/+/temperature");
  assert.deepEqual(texts(await late.atLeast(1)), ["iiot/d1/temperature 2 q1 retained"]);
});

Deno.test("mqtt: the status is online, offline at the end, and offline by the last will", async () => {
  await using broker = await Mosquitto.start();
  await using proxy = await FaultProxy.start(broker.port);
  await using status = await broker.subscribe("iiot/gateway/status");
  const rig = new Rig(`mqtt://127.0.0.1:${proxy.port}`);
  await rig.prepare();
  await status.atLeast(1);
  proxy.cut();
  await status.atLeast(2);
  await rig.prepare();
  await status.atLeast(3);
  await rig[Symbol.asyncDispose]();
  const seen = await status.atLeast(4);
  assert.deepEqual(seen.map(({ payload }) => payload), ["online", "offline", "online", "offline"]);
  assert.equal(rig.lost.length, 1);
  assert.match(broker.log, /DISCONNECT from sluice-gw1/);
  await using late = await broker.subscribe("iiot/gateway/status");
  assert.deepEqual(texts(await late.atLeast(1)), ["iiot/gateway/status offline q1 retained"]);
});

Deno.test("mqtt: a test neither disturbs the delivery nor its status", async () => {
  await using broker = await Mosquitto.start();
  await using rig = new Rig(broker.url);
  await rig.prepare();
  await using status = await broker.subscribe("iiot/gateway/status");
  await status.atLeast(1);
  assert.match(await rig.destination.test(patience()), /MQTT 5\.0/);
  await broker.publish("iiot/gateway/status", "end");
  const seen = await status.atLeast(2);
  assert.deepEqual(seen.map(({ payload }) => payload), ["online", "end"]);
  assert.deepEqual(rig.lost, []);
});

Deno.test("mqtt: credentials and access rules are told apart", async () => {
  const users = { ada: "secret", bob: "secret" };
  const acl = "user ada\ntopic readwrite iiot/#\nuser bob\ntopic readwrite iiot/gateway/status\n";
  await using broker = await Mosquitto.start({ users, acl });
  await using nobody = new Rig(broker.url);
  await failsWith(nobody.prepare(), "FWD-0301", /Not authorized/);
  await using wrong = new Rig(broker.url, { username: "ada", password: "wrong" });
  await failsWith(wrong.prepare(), "FWD-0301", /Not authorized/);
  await using bob = new Rig(broker.url, { username: "bob", password: "secret" });
  await bob.prepare();
  const { decided, interrupted } = await bob.write(batchEntry(1), batchEntry(2));
  assert.equal(decided, 0);
  assert(interrupted instanceof TransientError);
  assert.equal(interrupted.code, "FWD-0302");
  await using ada = new Rig(broker.url, { username: "ada", password: "secret" });
  await ada.prepare();
  assert.equal((await ada.write(batchEntry(1))).decided, 1);
});

for (const qos of [0, 2] as const) {
  Deno.test(`mqtt: QoS ${qos}`, async () => {
    await using broker = await Mosquitto.start();
    await using rig = new Rig(broker.url, { qos });
    await rig.prepare();
    await using live = await broker.subscribe("iiot/d1/#");
    const batch = Array.from({ length: 700 }, (_, index) => batchEntry(index + 1));
    assert.equal((await rig.write(...batch)).decided, 700);
    const seen = await live.atLeast(700);
    assert.deepEqual(seen.map(({ payload }) => Number(payload)), batch.map((_, i) => i + 1));
    assert.match(broker.log, new RegExp(`PUBLISH from sluice-gw1 \\(d0, q${qos}, r1`));
  });
}

Deno.test("mqtt: a broker of 3.1.1 alone is spoken to in 3.1.1", async () => {
  await using broker = await OldBroker.start();
  const rig = new Rig(`mqtt://127.0.0.1:${broker.port}`);
  await rig.prepare();
  assert.deepEqual(broker.versions, [5, 4]);
  assert.equal((await rig.write(batchEntry(1), batchEntry(2))).decided, 2);
  rig.destination.close(AbortSignal.abort());
});

Deno.test("mqtt: a broker that hangs up instead of acknowledging leaves the rest open", async () => {
  await using broker = await OldBroker.start({ publishesMax: 3 });
  await using rig = new Rig(`mqtt://127.0.0.1:${broker.port}`);
  await rig.prepare(); // one publish: the status
  const result = await rig.write(batchEntry(1), batchEntry(2), batchEntry(3), batchEntry(4));
  assert.equal(result.decided, 2);
  assert(result.interrupted instanceof TransientError);
});

Deno.test("mqtt: TLS is verified by the given authority", async () => {
  const authority = await TestAuthority.create();
  const tls = await authority.issue("127.0.0.1");
  await using broker = await Mosquitto.start({ tls });
  await using rig = new Rig(broker.url, { tls: { mode: "auto", ca: authority.certificate } });
  await rig.prepare();
  assert.equal((await rig.write(batchEntry(1))).decided, 1);
  await using stranger = new Rig(broker.url, { clientId: "b" });
  await failsWith(stranger.prepare(), "FWD-0010", /start TLS/);
  await using careless = new Rig(broker.url, {
    clientId: "c",
    tls: { mode: "insecure", ca: null },
  });
  await careless.prepare();
});

/**
 * Speaks just enough MQTT 3.1.1 to be connected to: refuses every other version as the standard
 * says, and acknowledges publishes of QoS 1. Mosquitto cannot be told to refuse 5.0.
 */
class OldBroker implements AsyncDisposable {
  readonly versions: number[] = [];
  readonly #server = createServer((socket) => this.#serve(socket));
  readonly #sockets = new Set<Socket>();
  readonly #publishesMax: number;

  private constructor({ publishesMax }: { publishesMax: number }) {
    this.#publishesMax = publishesMax;
  }

  static async start(options = { publishesMax: Infinity }): Promise<OldBroker> {
    const broker = new OldBroker(options);
    broker.#server.listen(0, "127.0.0.1");
    await once(broker.#server, "listening");
    return broker;
  }

  get port(): number {
    const address = this.#server.address();
    assert(address !== null && typeof address !== "string");
    return address.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #serve(socket: Socket): void {
    let publishes = 0;
    let pending = new Uint8Array();
    this.#sockets.add(socket.on("error", () => {}));
    socket.on("data", (bytes) => {
      pending = Uint8Array.of(...pending, ...bytes as Uint8Array);
      while (pending.length > 1 && pending.length >= 2 + pending[1]!) {
        const packet = pending.slice(0, 2 + pending[1]!);
        pending = pending.slice(packet.length);
        if (packet[0] === 0x10) this.#connect(socket, packet[8]!);
        else if (packet[0]! >> 4 === 3 && ++publishes > this.#publishesMax) socket.end();
        else if (packet[0]! >> 4 === 3) acknowledge(socket, packet);
      }
    });
  }

  #connect(socket: Socket, version: number): void {
    this.versions.push(version);
    socket.write(Uint8Array.of(0x20, 2, 0, version === 4 ? 0 : 1));
    if (version !== 4) socket.end();
  }
}

/** PUBACK with the packet identifier, which follows the topic. */
function acknowledge(socket: Socket, packet: Uint8Array): void {
  const at = 4 + packet[2]! * 256 + packet[3]!;
  socket.write(Uint8Array.of(0x40, 2, packet[at]!, packet[at + 1]!));
}
