/** An outside broker as source and as destination: acknowledged after the commit, no loops. */
import assert from "node:assert/strict";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { mosquittoPub } from "@/tests/helpers/mosquitto_clients.ts";
import { Mosquitto } from "@/tests/helpers/mosquitto.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
import { run } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";

async function publishNumbered(broker: Mosquitto, from: number, count: number): Promise<void> {
  const line = (seq: number) => JSON.stringify({ seq, values: { count: seq } }) + "\n";
  const input = Array.from({ length: count }, (_, i) => line(from + i)).join("");
  const at = ["-h", "127.0.0.1", "-p", String(broker.port), "-V", "5"];
  await run("mosquitto_pub", {
    args: [...at, "-q", "1", "-t", "devices/a/telemetry", "-l"],
    input,
  });
}

function configFor(broker: Mosquitto, postgres: PostgresServer): string {
  return `
[[source]]
name = "plant"
type = "mqtt"
url = "${broker.url}"
topics = ["devices/#", "gateways/+/packet"]

[[destination]]
name = "postgres"
type = "postgres"
url = "${postgres.url()}"

[[destination]]
name = "cloud"
type = "mqtt"
url = "${broker.url}"
prefix = "iiot"
`;
}

Deno.test("messages of an outside broker survive a kill of the gateway and arrive once", async () => {
  await using broker = await Mosquitto.start();
  await using postgres = await PostgresServer.start();
  await using folder = await TempDir.create();
  const options = { folder, config: configFor(broker, postgres) };
  const first = await GatewayProcess.start(options);
  const received = 'sluice_ingest_messages_total{source="subscriber",outcome="accepted"}';
  try {
    await mosquittoPub(broker.port, { topic: "devices/warm/telemetry", payload: '{"up":1}' });
    await until(async () => {
      await mosquittoPub(broker.port, { topic: "devices/warm/telemetry", payload: '{"up":1}' });
      return ((await first.metrics()).value(received) ?? 0) > 0;
    }, { what: "the subscription stands", everyMs: 50 });
    const publishing = publishNumbered(broker, 1, 1500);
    await until(async () => ((await first.metrics()).value(received) ?? 0) > 300, {
      what: "some have come",
    });
    await first.kill();
    await publishing;
  } finally {
    await first[Symbol.asyncDispose]();
  }
  await publishNumbered(broker, 1501, 500);
  await using second = await GatewayProcess.start(options);
  await until(async () => (await countNumbers(postgres)).distinct >= 2000, {
    what: "all 2000 are in PostgreSQL",
    timeoutMs: 60_000,
  });
  assert.deepEqual(await countNumbers(postgres), { rows: 2000, distinct: 2000 });
  assert.equal(await second.stop(), 0);
});

async function countNumbers(postgres: PostgresServer): Promise<{ rows: number; distinct: number }> {
  const [counted] = await postgres.query<{ rows: number; distinct: number }>(
    "SELECT count(*)::int AS rows, count(DISTINCT seq)::int AS distinct FROM readings " +
      "WHERE measurement = 'count'",
  );
  return counted ?? { rows: 0, distinct: 0 };
}

Deno.test("what a gateway publishes to a broker it does not take in again", async () => {
  await using broker = await Mosquitto.start();
  await using gateway = await GatewayProcess.start({
    config: `
[[source]]
name = "plant"
type = "mqtt"
url = "${broker.url}"
topics = ["devices/#"]
`,
  });
  const count = async (outcome: string) => {
    const sample = `sluice_ingest_messages_total{source="subscriber",outcome="${outcome}"}`;
    return (await gateway.metrics()).value(sample) ?? 0;
  };
  const publish = (mark: string) => {
    const args = ["-D", "publish", "user-property", "sluice-gateway", mark];
    const topic = `devices/${mark}/telemetry`;
    return mosquittoPub(broker.port, { topic, payload: '{"temperature":21.5}' }, { args });
  };
  await until(async () => {
    await publish("another");
    return await count("accepted") > 0;
  }, { what: "another gateway's message is taken", everyMs: 50 });
  await publish("sluice");
  const before = await count("accepted");
  await publish("another");
  await until(async () => await count("accepted") > before, { what: "the one after it is taken" });
  const devices = await gateway.command(["queue", "status", "--json"]);
  const taken = JSON.parse(devices);
  assert.equal(await count("accepted"), taken.last_number ?? taken.lastNumber);
  assert.equal(await count("accepted"), before + 1, "its own was acknowledged and left alone");
});
