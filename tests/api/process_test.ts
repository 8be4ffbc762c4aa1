/** The HTTP side of the program as an operator runs it: first start, and a stop with open clients. */
import assert from "node:assert/strict";
import mqtt from "mqtt";
import { PASSWORD } from "@/tests/api/gateway_bed.ts";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { until } from "@/tests/helpers/until.ts";

async function claim(gateway: GatewayProcess): Promise<string> {
  const link = await until(
    () => /http:\/\/[^"\s]+\/claim\?token=[\w-]+/.exec(gateway.stderr)?.[0],
    {
      what: "the claim link is in the log",
    },
  );
  const url = new URL(link);
  assert.equal(Number(url.port), gateway.httpPort);
  const response = await fetch(`${gateway.httpUrl}/api/claim`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      token: url.searchParams.get("token"),
      username: "ada",
      password: PASSWORD,
    }),
  });
  assert.equal(response.status, 201);
  return (await response.json()).access_token;
}

Deno.test("the link in the log makes the first admin, the next start prints none", async () => {
  await using gateway = await GatewayProcess.start();
  await claim(gateway);
  assert.equal(await gateway.stop(), 0);
  await using again = await GatewayProcess.start({ folder: gateway.folder });
  const answer = await fetch(`${again.httpUrl}/api/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username: "ada", password: PASSWORD }),
  });
  await answer.body?.cancel();
  assert.equal(answer.status, 200);
  assert(!again.stderr.includes("/claim?token="));
});

Deno.test("a stop ends live streams and WebSockets, exit 0", async () => {
  await using gateway = await GatewayProcess.start();
  const token = await claim(gateway);
  const headers = { authorization: `Bearer ${token}` };
  const stream = await fetch(`${gateway.httpUrl}/api/readings/stream`, { headers });
  const client = await mqtt.connectAsync(`ws://127.0.0.1:${gateway.httpPort}/mqtt`, {
    reconnectPeriod: 0,
  });
  await client.publishAsync("devices/d/telemetry", '{"t":1}', { qos: 1 });
  const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
  assert.equal(await gateway.stop(), 0);
  await closed;
  await client.endAsync(true);
  await stream.text().catch(() => {});
});
