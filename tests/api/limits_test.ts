/** What is too much, too slow or packed is refused with its code and a hint; the rest goes on. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { GatewayBed } from "@/tests/api/gateway_bed.ts";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { until } from "@/tests/helpers/until.ts";

const JSON_TYPE = { "content-type": "application/json" };

Deno.test("bodies: size, compression, depth, type", async () => {
  await using bed = await GatewayBed.start();
  const path = "/v1/ingest/d";
  const big = JSON.stringify({ metrics: { t: 1 }, payload: "x".repeat(70_000) });
  assert.equal(
    (await bed.json(path, { body: big, headers: JSON_TYPE, status: 413 })).code,
    "HTTP-0413",
  );
  const bomb = new Blob([new Uint8Array(10_000_000)]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  const body = await new Response(bomb).arrayBuffer();
  for (const asked of [path, "/api/auth/login"]) {
    const headers = { ...JSON_TYPE, "content-encoding": "gzip" };
    assert.equal((await bed.json(asked, { body, headers, status: 415 })).code, "HTTP-0415");
  }
  const deep = `{"metrics":{"t":1},"payload":${"[".repeat(5000)}${"]".repeat(5000)}}`;
  const answer = await bed.fetch(path, { body: deep, headers: JSON_TYPE });
  await answer.body?.cancel();
  assert([400, 202].includes(answer.status));
  const nested = { as: "admin", headers: JSON_TYPE } as const;
  const users = { ...nested, body: `{"name":${"[".repeat(99)}${"]".repeat(99)}}` };
  assert.equal((await bed.json("/api/users", { ...users, status: 400 })).code, "HTTP-0400");
  const many = JSON.stringify(Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [i, i])));
  await bed.json("/api/users", { ...nested, body: many, status: 400 });
  const huge = JSON.stringify({ name: "x".repeat(300_000) });
  await bed.json("/api/users", { ...nested, body: huge, status: 413 });
  await bed.json(path, { json: { metrics: { t: 1 } }, status: 202 });
});

Deno.test("a body that does not arrive in time gets 408, and others are not held up", async () => {
  // As a process: the runtime never ends a read of a body that nobody waits for any more, which
  // the sanitizer of this one would take for ours.
  await using gateway = await GatewayProcess.start({
    config: '[http]\nrequest_timeout = "1s"\n',
  });
  const port = gateway.httpPort;
  const socket = connect(port, "127.0.0.1");
  const answer = new Promise<string>((resolve, reject) => {
    let text = ""; // head and body may come in pieces
    socket.on("data", (data: Uint8Array) => {
      text += new TextDecoder().decode(data);
      if (text.includes("}")) resolve(text);
    });
    socket.once("error", reject);
    socket.once("close", () => resolve(text));
  });
  socket.write(
    "POST /v1/ingest/d HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
      "Content-Length: 100\r\n\r\n{",
  );
  const other = await fetch(`${gateway.httpUrl}/v1/ingest/d`, {
    method: "POST",
    headers: JSON_TYPE,
    body: '{"metrics":{"t":1}}',
  });
  await other.body?.cancel();
  assert.equal(other.status, 202);
  const text = await answer;
  assert.match(text, /^HTTP\/1\.1 408 /);
  assert.match(text, /HTTP-0408/);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.destroy();
  await closed;
});

/** Sends the head of an ingest request and the first byte of its body. */
function begin(port: number): { finish: () => Promise<string> } {
  const socket = connect(port, "127.0.0.1");
  const body = '{"metrics":{"t":1}}';
  socket.write(
    "POST /v1/ingest/d HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body[0]}`,
  );
  const answer = new Promise<string>((resolve, reject) => {
    let text = "";
    socket.on("data", (data: Uint8Array) => text += new TextDecoder().decode(data));
    socket.once("error", reject);
    socket.once("close", () => resolve(text));
  });
  return {
    finish: () => {
      socket.write(body.slice(1));
      return answer;
    },
  };
}

Deno.test("requests at a time: more get 503, health is answered, the first ones go on", async () => {
  await using gateway = await GatewayProcess.start({ config: "[http]\nconnections_max = 2\n" });
  const begun = [begin(gateway.httpPort), begin(gateway.httpPort)];
  const refused = await until(async () => {
    const response = await fetch(`${gateway.httpUrl}/v1/ingest/d`, {
      method: "POST",
      headers: JSON_TYPE,
      body: '{"metrics":{"t":1}}',
    });
    if (response.status === 503) return response;
    await response.body?.cancel();
    return null;
  }, { what: "both requests have arrived" });
  assert.equal((await refused.json()).code, "HTTP-0503");
  assert(Number(refused.headers.get("retry-after")) >= 1);
  assert.match(refused.headers.get("content-security-policy") ?? "", /default-src/);
  const health = await fetch(`${gateway.httpUrl}/readyz`);
  await health.body?.cancel();
  assert.equal(health.status, 200);
  for (const { finish } of begun) assert.match(await finish(), /^HTTP\/1\.1 202 /);
});

Deno.test("rates: one credential's and one address's, with Retry-After", async () => {
  await using bed = await GatewayBed.start("[http]\ncredential_requests_max = 5\n");
  await bed.json("/api/devices", { as: "operator", json: { id: "d" }, status: 201 });
  const credential = await bed.json("/api/devices/d/rotate", { as: "operator", json: {} });
  const headers = { authorization: `Basic ${btoa(`d:${credential.password}`)}` };
  const answers = await Promise.all(
    Array.from(
      { length: 40 },
      () => bed.fetch("/v1/ingest/d", { json: { metrics: { t: 1 } }, headers }),
    ),
  );
  const refused = answers.filter(({ status }) => status === 429);
  assert(refused.length > 0 && refused.length < answers.length);
  assert(refused.every((answer) => Number(answer.headers.get("retry-after")) >= 1));
  for (const answer of answers) await answer.body?.cancel();
  const many = await Promise.all(
    Array.from({ length: 1200 }, () => bed.fetch("/api/auth/profile", { as: "viewer" })),
  );
  const limited = many.find(({ status }) => status === 429);
  assert(limited !== undefined);
  assert.equal(JSON.parse(await limited.text()).code, "HTTP-0429");
  for (const answer of many) if (!answer.bodyUsed) await answer.body?.cancel();
  // Health is asked by machines that must not be turned away.
  await bed.json("/healthz");
});

Deno.test("headers: too many are refused with a hint, far too many by the server itself", async () => {
  await using bed = await GatewayBed.start("", { people: false });
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-${i}`, "1"]));
  await bed.json("/api/openapi.json", { headers: many(60) });
  const answer = await bed.json("/api/openapi.json", { headers: many(110), status: 431 });
  assert.equal(answer.code, "HTTP-0431");
  for (const headers of [many(500), { "x-large": "a".repeat(200_000) }]) {
    const response = await bed.fetch("/healthz", { headers });
    await response.body?.cancel();
    assert([400, 431].includes(response.status));
  }
  await bed.json("/healthz");
});
