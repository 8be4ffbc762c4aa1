/** Destinations that are refused, hang or are down at the start harm nobody else (CONTRACT C8, C9). */
import assert from "node:assert/strict";
import { addsUp, GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { FaultProxy } from "@/tests/helpers/fault_proxy.ts";
import { mosquittoSub } from "@/tests/helpers/mosquitto_clients.ts";
import { Mosquitto } from "@/tests/helpers/mosquitto.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
import { run } from "@/tests/helpers/server_process.ts";
import { until } from "@/tests/helpers/until.ts";
import { VictoriaMetrics } from "@/tests/helpers/victoria_metrics.ts";

const COUNT = 2000;

interface Ports {
  postgres: PostgresServer;
  postgresPort: number;
  influxPort: number;
  mqttPort: number;
}

function configFor({ postgres, postgresPort, influxPort, mqttPort }: Ports): string {
  return `
[[destination]]
name = "postgres"
type = "postgres"
url = "${postgres.url({ port: postgresPort })}"
tls = "off"
timeout_ms = 2000

[[destination]]
name = "influxdb"
type = "influxdb"
url = "http://127.0.0.1:${influxPort}"
org = "o"
bucket = "b"
token = "t"
timeout_ms = 2000

[[destination]]
name = "cloud"
type = "mqtt"
url = "mqtt://127.0.0.1:${mqttPort}"
timeout_ms = 2000
`;
}

/** `count` numbered messages of one device, on one connection, each acknowledged. */
async function publishNumbered(port: number, device: string, count: number): Promise<void> {
  // VictoriaMetrics keeps milliseconds: a time of its own for each message.
  const firstMs = Date.now() - count;
  const line = (seq: number) => JSON.stringify({ seq, ts: firstMs + seq, values: { count: seq } });
  const input = Array.from({ length: count }, (_, i) => line(i + 1) + "\n").join("");
  const at = ["-h", "127.0.0.1", "-p", String(port), "-V", "5"];
  const args = [...at, "-q", "1", "-t", `devices/${device}/telemetry`, "-l"];
  await run("mosquitto_pub", { args, input });
}

for (const mode of ["refuse", "hang"] as const) {
  Deno.test(`destinations that ${mode}: the others go on, then everything arrives once`, async () => {
    await using postgres = await PostgresServer.start();
    await using metrics = await VictoriaMetrics.start();
    await using broker = await Mosquitto.start();
    await using toPostgres = await FaultProxy.start(postgres.port, mode);
    await using toMetrics = await FaultProxy.start(metrics.port, mode);
    await using gateway = await GatewayProcess.start({
      config: configFor({
        postgres,
        postgresPort: toPostgres.port,
        influxPort: toMetrics.port,
        mqttPort: broker.port,
      }),
    });
    await using cloud = await mosquittoSub(broker.port, "iiot/press/+");

    await publishNumbered(gateway.mqttPort, "press", COUNT);
    const seen = await cloud.atLeast(COUNT);
    assert.deepEqual(
      seen.map((message) => message.payload),
      Array.from({ length: COUNT }, (_, i) => String(i + 1)),
      "the healthy destination got everything, in order",
    );
    const during = await gateway.metrics();
    for (const name of ["postgres", "influxdb", "cloud"]) {
      const ledger = during.ledger(name);
      assert.ok(addsUp(ledger), `${name}: ${JSON.stringify(ledger)}`);
      assert.equal(ledger.dead, 0, "a network error never kills a message");
    }
    assert.equal(during.ledger("postgres").acked, 0);
    assert.equal(during.value('sluice_destination_up{destination="postgres"}'), 0);

    await toPostgres.set("pass");
    await toMetrics.set("pass");
    for (const name of ["postgres", "influxdb", "cloud"]) {
      const sample = `sluice_forward_messages_total{destination="${name}",outcome="acked"}`;
      await gateway.untilMetric(sample, COUNT, 120_000);
    }
    const [rows] = await postgres.query<{ rows: number; distinct: number }>(
      "SELECT count(*)::int AS rows, count(DISTINCT seq)::int AS distinct FROM readings",
    );
    assert.deepEqual(rows, { rows: COUNT, distinct: COUNT });
    const points = await until(async () => {
      const found = await metrics.export('{__name__="count_value"}');
      return (found[0]?.values.length ?? 0) >= COUNT && found[0];
    }, { what: "VictoriaMetrics has all points" });
    assert.equal(new Set(points.values).size, COUNT);
  });
}
