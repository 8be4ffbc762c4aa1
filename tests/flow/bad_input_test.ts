/** Bad input over the real protocols: the stated answer, a counted reason, a readable dead letter. */
import assert from "node:assert/strict";
import mqtt from "mqtt";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { nastyPayloads } from "@/tests/testdata/nasty/nasty_payloads.ts";

function countReasons(answers: string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  return counts;
}

Deno.test("every nasty payload over MQTT is acknowledged, counted and kept", async () => {
  await using gateway = await GatewayProcess.start();
  const client = await mqtt.connectAsync(gateway.mqttUrl, { protocolVersion: 4 });
  const payloads = await nastyPayloads();
  try {
    for (const { topic, payload } of payloads) {
      // Resolves with the PUBACK: a 3.1.1 device would repeat for ever what is not acknowledged.
      await client.publishAsync(topic, payload as never, { qos: 1 });
    }
    const good = JSON.stringify({ values: { temperature: 21.5 } });
    await client.publishAsync("devices/good/telemetry", good, { qos: 1 });
  } finally {
    await client.endAsync();
  }

  const expected = countReasons(payloads.flatMap((each) => each.mqtt));
  const scrape = await gateway.metrics();
  const accepted = 'sluice_ingest_messages_total{source="mqtt",outcome="accepted"}';
  assert.equal(scrape.value(accepted), (expected.get("accepted") ?? 0) + 1);
  expected.delete("accepted");
  for (const [reason, count] of expected) {
    assert.equal(scrape.value(`sluice_ingest_rejected_total{reason="${reason}"}`), count, reason);
  }

  const query = ["dead", "list", "--source", "--reason", "not_json", "--limit", "500"];
  const listed = await gateway.command(query);
  assert.match(listed, /not_json/);
  const whole = await gateway.command([...query, "--json"]);
  assert.ok(whole.includes('"payload":"warm"'), "the payload is readable");
  const controls = (listed + whole).replaceAll("\n", "").match(/\p{Cc}/gu);
  assert.equal(controls, null, "nothing in a listing moves a terminal's cursor");
  assert.ok(gateway.running);
});

Deno.test("every nasty payload over HTTP gets its status and a problem with a hint", async () => {
  await using gateway = await GatewayProcess.start({
    config: "[http]\naddress_requests_max = 0\ncredential_requests_max = 0\n",
  });
  for (const { name, payload, http } of await nastyPayloads()) {
    if (http === null) continue;
    const response = await fetch(`${gateway.httpUrl}/v1/ingest/nasty`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: payload as BodyInit,
    });
    const answer = await response.json();
    const status = http === "accepted" ? 202 : http === "too_large" ? 413 : 400;
    assert.equal(response.status, status, `${name}: ${JSON.stringify(answer)}`);
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
    if (status === 202) continue;
    assert.equal(response.headers.get("content-type"), "application/problem+json");
    assert.match(answer.code, /^(ING|HTTP)-\d{4}$/, name);
    assert.ok(answer.hint.length > 0 && answer.detail.length > 0, name);
  }
  const text = await (await fetch(`${gateway.httpUrl}/readyz`)).json();
  assert.equal(text.status, "ready");
});

Deno.test("HTTP answers what the formats say for wrong requests", async () => {
  await using gateway = await GatewayProcess.start();
  const url = `${gateway.httpUrl}/v1/ingest/press-4`;
  const good = JSON.stringify({ metrics: { temperature: 21.5 } });
  const json = { "content-type": "application/json" };
  const post = async (headers: Record<string, string>, body: BodyInit, to = url) => {
    const response = await fetch(to, { method: "POST", headers, body });
    const answer = await response.json();
    return { status: response.status, answer };
  };
  assert.equal((await post(json, good)).status, 202);
  assert.equal((await post({ "content-type": "text/plain" }, good)).status, 415);
  assert.equal((await post({ ...json, "content-encoding": "gzip" }, good)).status, 415);
  assert.equal((await post(json, `{"metrics":{"a":1},"x":"${"y".repeat(65536)}"}`)).status, 413);
  assert.equal((await post(json, good, `${gateway.httpUrl}/v1/ingest/node1`)).status, 400);
  assert.equal((await post(json, good, `${gateway.httpUrl}/v1/ingest/a%20b`)).status, 400);
  // An encoded separator is no part of any path here, whatever it would be decoded to.
  assert.equal((await post(json, good, `${gateway.httpUrl}/v1/ingest/a%2Fb`)).status, 404);
  const proxied = { ...json, "x-forwarded-for": "192.168.1.9" };
  assert.equal(
    (await post(proxied, good)).status,
    401,
    "a forwarded request is not of this machine",
  );
  assert.equal((await post({ ...json, authorization: "Basic eDp5" }, good)).status, 401);
});

Deno.test("an NDJSON batch has a result per line, a bad line harms no other", async () => {
  await using gateway = await GatewayProcess.start();
  const lines = [
    '{"device":"a","seq":1,"metrics":{"temperature":21.5}}',
    '{"device":"a","metrics":{"temperature":1e999}}',
    "not json",
    '{"device":"b/c","metrics":{"temperature":1}}',
    '{"device":"a","seq":1,"metrics":{"temperature":21.5}}',
    '{"device":"b","ts":1767225600000000001,"metrics":{"temperature":-0.5}}',
  ];
  const response = await fetch(`${gateway.httpUrl}/v1/ingest`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: lines.join("\n") + "\n",
  });
  assert.equal(response.status, 202);
  const { results } = await response.json();
  assert.deepEqual(
    results.map((result: { line: number; status: string }) => [result.line, result.status]),
    [[1, "accepted"], [2, "rejected"], [3, "rejected"], [4, "rejected"], [5, "duplicate"], [
      6,
      "accepted",
    ]],
  );
  assert.match(results[0].id, /^[0-9a-f]{32}$/);
});

Deno.test("an Idempotency-Key stores once, also when the body differs", async () => {
  await using gateway = await GatewayProcess.start();
  const post = async (value: number) => {
    const response = await fetch(`${gateway.httpUrl}/v1/ingest/press-4`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": "shift-7" },
      body: JSON.stringify({ metrics: { temperature: value } }),
    });
    return await response.json();
  };
  const first = await post(21.5);
  const second = await post(22.5);
  assert.equal(first.status, "accepted");
  assert.deepEqual(second, { status: "duplicate", id: first.id });
});
