/** The README's first five minutes: one LoRa packet, seen everywhere within a second. */
import assert from "node:assert/strict";
import { addsUp, GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { mosquittoPub, mosquittoSub } from "@/tests/helpers/mosquitto_clients.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";
import { VictoriaMetrics } from "@/tests/helpers/victoria_metrics.ts";

const PACKET = JSON.stringify({
  ts: 194500,
  id: "N2",
  n1: { t: 28.3, h: 52.6, g: 461235 },
  n2: { t: 27.8, h: 48.8 },
  sig: { rssi: -32, snr: 12 },
  sts: { rx: 1, err: 0 },
});

const TOPIC = "gateways/N2/packet";

/** Topic, payload and whether it is retained (FORMATS §2). */
const EXPECTED: [topic: string, payload: string, retained: boolean][] = [
  ["iiot/node1/temperature", "28.3", true],
  ["iiot/node1/humidity", "52.6", true],
  ["iiot/node1/gas_resistance", "461235", true],
  ["iiot/node2/temperature", "27.8", true],
  ["iiot/node2/humidity", "48.8", true],
  ["iiot/signal/rssi", "-32", false],
  ["iiot/signal/snr", "12", false],
  ["iiot/stats/packets_received", "1", false],
  ["iiot/stats/crc_errors", "0", false],
];

function configFor(postgres: PostgresServer, metrics: VictoriaMetrics): string {
  return `
[[destination]]
name = "postgres"
type = "postgres"
url = "${postgres.url()}"
tls = "off"

[[destination]]
name = "influxdb"
type = "influxdb"
url = "${metrics.url}"
org = "o"
bucket = "b"
token = "t"
`;
}

Deno.test("one packet: nine topics, nine rows, nine points, metrics that add up", async () => {
  await using postgres = await PostgresServer.start();
  await using metrics = await VictoriaMetrics.start();
  await using gateway = await GatewayProcess.start({ config: configFor(postgres, metrics) });
  await using live = await mosquittoSub(gateway.mqttPort, "iiot/+/+");

  await mosquittoPub(gateway.mqttPort, { topic: TOPIC, payload: PACKET });

  const seen = await live.atLeast(EXPECTED.length + 1);
  const sensors = seen.filter((message) => message.topic !== "iiot/gateway/status");
  assert.deepEqual(
    sensors.map((message) => [message.topic, message.payload]).sort(),
    EXPECTED.map(([topic, payload]) => [topic, payload]).sort(),
  );

  const rows = await until(async () => {
    const found = await postgres.query<Record<string, unknown>>("SELECT * FROM readings");
    return found.length >= EXPECTED.length && found;
  }, { what: "PostgreSQL has the nine rows" });
  assert.equal(rows.length, EXPECTED.length);
  assert.deepEqual(
    rows.map((row) => `iiot/${row.device}/${row.measurement} ${row.value}`).sort(),
    EXPECTED.map(([topic, payload]) => `${topic} ${payload}`).sort(),
  );
  assert.equal(new Set(rows.map((row) => row.message_id)).size, 1);
  assert.equal(new Set(rows.map((row) => row.at)).size, 1, "one time for the whole packet");

  const points = await until(async () => {
    const found = await metrics.export('{__name__=~".*_value"}');
    return found.length >= EXPECTED.length && found;
  }, { what: "VictoriaMetrics has the nine points" });
  assert.deepEqual(
    points.map(({ labels, values }) => {
      return `iiot/${labels.node}/${labels.__name__?.replace(/_value$/, "")} ${values[0]}`;
    }).sort(),
    EXPECTED.map(([topic, payload]) => `${topic} ${payload}`).sort(),
  );

  const accepted = 'sluice_forward_messages_total{destination="postgres",outcome="acked"}';
  await gateway.untilMetric(accepted, 1);
  const scrape = await gateway.metrics();
  for (const destination of ["postgres", "influxdb"]) {
    const ledger = scrape.ledger(destination);
    assert.equal(ledger.accepted, 1);
    assert.ok(addsUp(ledger), JSON.stringify(ledger));
  }
  const source = 'sluice_ingest_messages_total{source="mqtt",outcome="accepted"}';
  assert.equal(scrape.value(source), 1);
});

Deno.test("sensor values are retained, signal and statistics are not, also after a kill", async () => {
  await using folder = await TempDir.create();
  await using gateway = await GatewayProcess.start({ folder });
  await mosquittoPub(gateway.mqttPort, { topic: TOPIC, payload: PACKET });
  const expected = EXPECTED.filter(([, , retained]) => retained);

  await assertRetained(gateway.mqttPort, expected);
  await gateway.kill();
  await using again = await GatewayProcess.start({ folder });
  await assertRetained(again.mqttPort, expected);
});

async function assertRetained(port: number, expected: typeof EXPECTED): Promise<void> {
  await using late = await mosquittoSub(port, "iiot/#");
  const seen = await late.atLeast(expected.length + 1);
  assert.deepEqual(
    seen.map((message) => [message.topic, message.payload, message.retained]).sort(),
    [...expected, ["iiot/gateway/status", "online", true] as const].map((e) => [...e]).sort(),
  );
}
