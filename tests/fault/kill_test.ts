/**
 * Power cuts as a process feels them: SIGKILL at random instants under load, many times.
 *
 * Two senders with different protocols number their messages. What was acknowledged must be in
 * PostgreSQL exactly once at the end; what was not acknowledged is repeated with the same number,
 * as a device would, and must be there exactly once too.
 */
import assert from "node:assert/strict";
import mqtt from "mqtt";
import { addsUp, GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { freePort } from "@/tests/helpers/free_port.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";

const ROUNDS = 50;
const MQTT_WINDOW = 50;
const HTTP_SENDERS = 4;

/** A sender with npm's MQTT client: reconnects by itself and repeats what was not acknowledged. */
class MqttSender implements AsyncDisposable {
  readonly acknowledged = new Set<number>();
  readonly #client: mqtt.MqttClient;
  readonly #device: string;
  #next = 1;
  #open = 0;
  #stopped = false;

  constructor(url: string, device: string) {
    this.#device = device;
    this.#client = mqtt.connect(url, {
      clientId: device,
      clean: false,
      reconnectPeriod: 50,
      connectTimeout: 5000,
      queueQoSZero: false,
    });
    this.#client.on("error", () => {}); // refused while the gateway is down: it tries again
    this.#client.on("connect", () => this.#pump());
  }

  get sent(): number {
    return this.#next - 1;
  }

  #pump(): void {
    while (!this.#stopped && this.#open < MQTT_WINDOW && this.#client.connected) {
      this.#open++;
      this.#publish(this.#next++);
    }
  }

  #publish(seq: number): void {
    const payload = JSON.stringify({ seq, values: { count: seq } });
    const topic = `devices/${this.#device}/telemetry`;
    this.#client.publish(topic, payload, { qos: 1 }, (error) => {
      // The client gives some up when a connection ends; a device would send them again.
      if (error) return void setTimeout(() => this.#publish(seq), 10);
      this.#open--;
      this.acknowledged.add(seq);
      queueMicrotask(() => this.#pump());
    });
  }

  /** Sends nothing new and waits until everything is acknowledged. */
  async finish(): Promise<void> {
    this.#stopped = true;
    await until(() => this.#open === 0, { what: "every publish is acknowledged" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.endAsync(true);
  }
}

/** A sender over HTTP that repeats a message until it gets 202. */
class HttpSender {
  readonly acknowledged = new Set<number>();
  readonly #url: string;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #next = 1;

  constructor(url: string, device: string) {
    this.#url = `${url}/v1/ingest/${device}`;
    this.#running = this.#run();
  }

  get sent(): number {
    return this.#next - 1;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const seq = this.#next++;
      await until(() => this.#post(seq), { what: "202", everyMs: 20, timeoutMs: 60_000 });
      this.acknowledged.add(seq);
    }
  }

  async #post(seq: number): Promise<boolean> {
    const response = await fetch(this.#url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ seq, metrics: { count: seq } }),
    });
    await response.body?.cancel();
    return response.status === 202;
  }

  async finish(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

interface Found {
  device: string;
  rows: number;
  distinct: number;
  newest: number;
}

async function countRows(postgres: PostgresServer): Promise<Map<string, Found>> {
  const rows = await postgres.query<Found>(
    `SELECT device, count(*)::int AS rows, count(DISTINCT seq)::int AS distinct,
            max(seq)::int AS newest
     FROM readings GROUP BY device`,
  );
  return new Map(rows.map((row) => [row.device, row]));
}

function configFor(postgres: PostgresServer): string {
  return `
[http]
credential_requests_max = 0
address_requests_max = 0

[[destination]]
name = "postgres"
type = "postgres"
url = "${postgres.url()}"
tls = "off"
`;
}

Deno.test("fifty kills under MQTT and HTTP load lose and double nothing", async () => {
  const seed = Number(
    Deno.env.get("SLUICE_TEST_SEED") ?? crypto.getRandomValues(new Uint32Array(1))[0],
  );
  console.log(`seed ${seed} (set SLUICE_TEST_SEED to repeat)`);
  const random = mulberry32(seed);
  await using postgres = await PostgresServer.start();
  await using folder = await TempDir.create();
  const options = {
    folder,
    config: configFor(postgres),
    httpPort: freePort(),
    mqttPort: freePort(),
  };
  let gateway = await GatewayProcess.start(options);
  const http = Array.from({ length: HTTP_SENDERS }, (_, i) => {
    return new HttpSender(gateway.httpUrl, `http-${i}`);
  });
  await using sender = new MqttSender(gateway.mqttUrl, "mqtt-0");
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const goal = sender.acknowledged.size + Math.floor(random() * 400);
      await until(() => sender.acknowledged.size >= goal, {
        what: `round ${round} takes messages`,
      });
      await gateway.kill();
      gateway = await GatewayProcess.start(options);
    }
    await Promise.all([sender.finish(), ...http.map((each) => each.finish())]);

    const expected = new Map<string, Set<number>>([["mqtt-0", sender.acknowledged]]);
    http.forEach((each, i) => expected.set(`http-${i}`, each.acknowledged));
    const total = [...expected.values()].reduce((sum, each) => sum + each.size, 0);
    await until(async () => {
      const found = await countRows(postgres);
      return [...found.values()].reduce((sum, row) => sum + row.distinct, 0) >= total;
    }, { what: `${total} messages are in PostgreSQL`, everyMs: 200, timeoutMs: 60_000 });

    const found = await countRows(postgres);
    for (const [device, acknowledged] of expected) {
      const row = found.get(device);
      assert.equal(row?.distinct, acknowledged.size, `${device}: acknowledged and stored`);
      assert.equal(row?.rows, acknowledged.size, `${device}: stored once`);
      assert.equal(row?.newest, acknowledged.size, `${device}: no number is missing`);
    }
    const ledger = (await gateway.metrics()).ledger("postgres");
    assert.ok(addsUp(ledger), JSON.stringify(ledger));
    assert.equal(ledger.dropped, 0);
    assert.equal(ledger.dead, 0);
    assert.equal(await gateway.stop(), 0);
    await assertIntact(gateway);
  } finally {
    await gateway[Symbol.asyncDispose]();
  }
});

/** SQLite's own integrity check, through a backup as an operator would make one. */
async function assertIntact(gateway: GatewayProcess): Promise<void> {
  const file = gateway.folder.join("after.backup");
  await gateway.command(["backup", "create", file]);
  const said = await gateway.command(["backup", "verify", file]);
  assert.match(said, /the backup is good/);
}

/** A small seeded generator, so that a failing run can be repeated. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
