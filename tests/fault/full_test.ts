/** No room: refused before it is accepted, everything else goes on, and it recovers (CONTRACT C10). */
import assert from "node:assert/strict";
import mqtt from "mqtt";
import { addsUp, GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { mosquittoSub } from "@/tests/helpers/mosquitto_clients.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
import { until } from "@/tests/helpers/until.ts";

const PADDING = "x".repeat(900);

async function post(gateway: GatewayProcess, seq: number): Promise<Response> {
  return await fetch(`${gateway.httpUrl}/v1/ingest/press`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ seq, metrics: { count: seq }, payload: PADDING }),
  });
}

/** Sends until the gateway refuses; returns how many were accepted. */
async function fill(gateway: GatewayProcess): Promise<number> {
  for (let seq = 1; seq < 20_000; seq++) {
    const response = await post(gateway, seq);
    await response.body?.cancel();
    if (response.status === 503) return seq - 1;
    assert.equal(response.status, 202);
  }
  throw new Error("the gateway never refused");
}

/** Connects, publishes one message and tells how the gateway answered. */
async function publishOnce(gateway: GatewayProcess, protocolVersion: 4 | 5): Promise<string> {
  const client = mqtt.connect(gateway.mqttUrl, { protocolVersion, reconnectPeriod: 0 });
  client.on("error", () => {});
  const answer = Promise.withResolvers<string>();
  client.on("disconnect", ({ reasonCode }) => answer.resolve(`DISCONNECT ${reasonCode}`));
  client.on("close", () => answer.resolve("closed"));
  client.on("connect", () => {
    const payload = JSON.stringify({ values: { count: 1 } });
    client.publish("devices/press/telemetry", payload, { qos: 1 }, (error) => {
      if (!error) answer.resolve("acknowledged");
    });
  });
  try {
    return await answer.promise;
  } finally {
    await client.endAsync(true);
  }
}

Deno.test("a full queue refuses new data, drains, and takes data again", async () => {
  await using postgres = await PostgresServer.start();
  await postgres.stop();
  await using gateway = await GatewayProcess.start({
    config: `
[http]
credential_requests_max = 0
address_requests_max = 0

[storage]
queue_bytes_max = "1MiB"

[[destination]]
name = "postgres"
type = "postgres"
url = "${postgres.url()}"
tls = "off"
`,
  });
  const accepted = await fill(gateway);

  const refused = await post(gateway, 99_999);
  const problem = await refused.json();
  assert.equal(refused.status, 503);
  assert.ok(Number(refused.headers.get("retry-after")) > 0);
  assert.match(problem.code, /^STO-\d{4}$/);
  assert.ok(problem.hint.length > 0);
  const ready = await fetch(`${gateway.httpUrl}/readyz`);
  assert.equal(ready.status, 503);
  assert.equal((await ready.json()).status, "full");
  assert.equal(await publishOnce(gateway, 5), "DISCONNECT 151", "0x97: the client repeats it");
  assert.equal(await publishOnce(gateway, 4), "closed");
  await using reader = await mosquittoSub(gateway.mqttPort, "iiot/#");
  await reader.atLeast(1);
  const ledger = (await gateway.metrics()).ledger("postgres");
  assert.ok(addsUp(ledger), JSON.stringify(ledger));
  assert.equal(ledger.accepted, accepted);

  await postgres.resume();
  await until(async () => {
    const response = await post(gateway, 100_000);
    await response.body?.cancel();
    return response.status === 202;
  }, { what: "new data is taken again", timeoutMs: 90_000, everyMs: 200 });
  const acked = 'sluice_forward_messages_total{destination="postgres",outcome="acked"}';
  await gateway.untilMetric(acked, accepted + 1, 60_000);
  const [counted] = await postgres.query<{ rows: number }>(
    "SELECT count(*)::int AS rows FROM readings WHERE seq <= 20000",
  );
  assert.equal(counted?.rows, accepted, "what was accepted is there, what was refused is not");
});
