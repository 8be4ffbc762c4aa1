/** MQTT over WebSocket while the broker does not read: kept up to a bound, then the client is cut. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import mqtt from "mqtt";
import { GatewayBed } from "@/tests/api/gateway_bed.ts";
import { until } from "@/tests/helpers/until.ts";

Deno.test("what comes while the broker is paused is kept and acknowledged later", async () => {
  await using bed = await GatewayBed.start("", { people: false });
  const url = `ws://${bed.gateway.addresses.http}/mqtt`;
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 });
  bed.gateway.broker.pause();
  let acknowledged = 0;
  const sent = Array.from(
    { length: 200 },
    (_, i) =>
      client.publishAsync("devices/d/telemetry", `{"seq":${i},"t":${i}}`, { qos: 1 })
        .then(() => acknowledged++),
  );
  // An answer over HTTP shows that the event loop has gone round with the frames in it.
  await bed.json("/healthz");
  assert.equal(acknowledged, 0);
  bed.gateway.broker.resume();
  await Promise.all(sent);
  assert.equal(bed.gateway.store.state.lastNumber, 200);
  await client.endAsync();
});

Deno.test("a client that floods a paused broker is cut, the gateway goes on", async () => {
  await using bed = await GatewayBed.start('[mqtt]\npacket_bytes_max = "64KiB"\n', {
    people: false,
  });
  const url = `ws://${bed.gateway.addresses.http}/mqtt`;
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 });
  client.on("error", () => {});
  bed.gateway.broker.pause();
  const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
  const payload = new Uint8Array(60_000);
  for (let i = 0; i < 40; i++) client.publish("notes/big", Buffer.from(payload), { qos: 0 });
  await closed;
  await until(() => bed.gateway.broker.statistics.connections === 0, {
    what: "the broker has forgotten the client",
  });
  bed.gateway.broker.resume();
  const next = await mqtt.connectAsync(url, { reconnectPeriod: 0 });
  await next.publishAsync("devices/d/telemetry", '{"t":1}', { qos: 1 });
  await next.endAsync();
  await client.endAsync(true);
});
