/** Start, stop, reload, and what stands in their way (CONTRACT C7, C14). */
import assert from "node:assert/strict";
import mqtt from "mqtt";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { mosquittoPub } from "@/tests/helpers/mosquitto_clients.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";

Deno.test("SIGTERM and SIGINT end with exit code 0, and what was accepted is there again", async () => {
  await using folder = await TempDir.create();
  for (const [round, signal] of (["SIGTERM", "SIGINT"] as const).entries()) {
    await using gateway = await GatewayProcess.start({ folder });
    const payload = JSON.stringify({ values: { count: round } });
    await mosquittoPub(gateway.mqttPort, { topic: "devices/a/telemetry", payload });
    gateway.signal(signal);
    assert.equal(await gateway.untilExit(), 0, gateway.stderr);
  }
  await using gateway = await GatewayProcess.start({ folder });
  const status = JSON.parse(await gateway.command(["queue", "status", "--json"]));
  assert.equal(status.last_number ?? status.lastNumber, 2);
});

Deno.test("standard output has one line, the log is one JSON object a line", async () => {
  await using gateway = await GatewayProcess.start();
  await mosquittoPub(gateway.mqttPort, { topic: "devices/a/telemetry", payload: "not json" });
  await gateway.stop();
  assert.match(gateway.stdout, /^listening http=127\.0\.0\.1:\d+ mqtt=127\.0\.0\.1:\d+\n$/);
  for (const line of gateway.stderr.trim().split("\n")) {
    assert.equal(typeof JSON.parse(line).message, "string", line);
  }
});

Deno.test("a second gateway on the same data folder ends with a clear text", async () => {
  await using first = await GatewayProcess.start();
  await using second = await GatewayProcess.launch({ folder: first.folder });
  assert.equal(await second.untilExit(), 1);
  assert.match(second.stderr, /data folder .*in use|another/i);
  const response = await fetch(`${first.httpUrl}/readyz`);
  assert.equal(response.status, 200, await response.text());
});

Deno.test("a taken port is named with what to do, and the rest comes up", async () => {
  await using first = await GatewayProcess.start();
  await using second = await GatewayProcess.launch({ mqttPort: first.mqttPort });
  await second.untilListening();
  assert.match(second.stdout, /^listening http=127\.0\.0\.1:\d+\n$/);
  assert.match(second.stderr, /Cannot listen for MQTT on 127\.0\.0\.1:\d+: another program uses/);
  assert.match(second.stderr, /\[\[source\]\]/, "the hint offers to subscribe to that broker");
  const response = await fetch(`${second.httpUrl}/readyz`);
  assert.equal(response.status, 200, await response.text());
});

Deno.test("SIGHUP takes up a new destination without losing a connection", async () => {
  await using postgres = await PostgresServer.start();
  await using gateway = await GatewayProcess.start();
  const client = await mqtt.connectAsync(gateway.mqttUrl);
  let closed = 0;
  client.on("close", () => closed++);
  try {
    const config = `[[destination]]\nname = "pg"\ntype = "postgres"\nurl = "${postgres.url()}"\n`;
    await Deno.writeTextFile(gateway.folder.join("sluice.toml"), config);
    gateway.signal("SIGHUP");
    await until(() => gateway.stderr.includes("Configuration reloaded"), { what: "the reload" });
    const payload = JSON.stringify({ values: { temperature: 21.5 } });
    await client.publishAsync("devices/a/telemetry", payload, { qos: 1 });
    await until(async () => (await postgres.query("SELECT 1 FROM readings")).length === 1, {
      what: "the row is in PostgreSQL",
    });
    assert.equal(closed, 0);

    await Deno.writeTextFile(gateway.folder.join("sluice.toml"), 'destinaton = "typo"\n');
    gateway.signal("SIGHUP");
    await until(() => gateway.stderr.includes("was not reloaded"), { what: "the refusal" });
    assert.match(gateway.stderr, /destinaton/);
    await client.publishAsync("devices/a/telemetry", payload, { qos: 1 });
    assert.equal(closed, 0);
  } finally {
    await client.endAsync();
  }
});

Deno.test("QoS 2 arrives once, also when the gateway is killed before PUBREL", async () => {
  await using folder = await TempDir.create();
  const options = { folder, mqttPort: 0 };
  const payload = JSON.stringify({ values: { count: 1 } });
  const first = await GatewayProcess.start(options);
  const port = first.mqttPort;
  const client = mqtt.connect(first.mqttUrl, {
    clientId: "exact",
    clean: false,
    protocolVersion: 4,
    reconnectPeriod: 50,
  });
  client.on("error", () => {});
  try {
    const published = client.publishAsync("devices/a/telemetry", payload, { qos: 2 });
    await until(() => client.getLastMessageId() > 0, { what: "the message was sent" });
    await first.kill();
    await using second = await GatewayProcess.start({ folder, mqttPort: port });
    await published;
    const status = JSON.parse(await second.command(["queue", "status", "--json"]));
    assert.equal(status.last_number ?? status.lastNumber, 1);
  } finally {
    await client.endAsync(true);
    await first[Symbol.asyncDispose]();
  }
});
