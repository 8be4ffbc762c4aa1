/** HTTPS and MQTT over TLS of the running gateway: who is let in by a certificate, and for how long. */
import assert from "node:assert/strict";
import type { TLSSocket } from "node:tls";
import { LOCAL_ACTOR } from "@/auth/audit.ts";
import { CertificateAuthority, type CertificatePair } from "@/auth/certificate_authority.ts";
import { expiredPair } from "@/auth/tls_test_certificates.ts";
import { cutExpired } from "@/runtime/device_gate.ts";
import { GatewayOperations } from "@/runtime/operations.ts";
import { PASSWORD } from "@/tests/api/gateway_bed.ts";
import { TlsGatewayBed } from "@/tests/api/tls_bed.ts";
import { until } from "@/tests/helpers/until.ts";

const by = LOCAL_ACTOR;
const OVER = ["mqtts", "wss"] as const;

/** One kind of client, and what MQTT (either way) and HTTP ingest say to it. */
interface Case {
  what: string;
  pair: CertificatePair | null;
  device?: string;
  mqtt: "open" | "refused";
  https: readonly [status: number, code: string | null];
}

async function authorityPair(tls: TlsGatewayBed): Promise<CertificatePair> {
  const { certificate, key } = tls.bed.gateway.auth.certificates.authorityPaths;
  return {
    certificate: await Deno.readTextFile(certificate),
    key: await Deno.readTextFile(key),
  };
}

async function cases(tls: TlsGatewayBed): Promise<Case[]> {
  const bound = await tls.device("press-4");
  await tls.device("press-5");
  const { authority: foreign } = await CertificateAuthority.create({
    name: "Sluice CA",
    now: Date.now,
  });
  const forged = await foreign.issueDevice("press-4");
  await tls.bind("press-4", forged);
  const expired = await expiredPair(await authorityPair(tls), "press-4");
  await tls.bind("press-4", expired);
  const ofAnother = await tls.unbound("press-5");
  await tls.bind("press-4", ofAnother);
  const revoked = await tls.unbound("press-4");
  const fingerprint = await tls.bind("press-4", revoked);
  await tls.bed.gateway.auth.devices.removeCertificate("press-4", { fingerprint, by });
  const no = { mqtt: "refused", https: [401, "AUTH-0420"] } as const;
  const unproven = { mqtt: "refused", https: [401, "AUTH-0413"] } as const;
  return [
    { what: "ours", pair: bound, mqtt: "open", https: [202, null] },
    { what: "none", pair: null, ...no },
    { what: "foreign authority", pair: forged, ...unproven },
    { what: "expired", pair: expired, ...unproven },
    { what: "revoked", pair: revoked, ...no },
    { what: "never bound", pair: await tls.unbound("press-4"), ...no },
    { what: "of a device that nobody knows", pair: await tls.unbound("press-9"), ...no },
    { what: "bound to another device than its CN", pair: ofAnother, ...no },
    {
      what: "of another device",
      pair: bound,
      device: "press-5",
      mqtt: "open",
      https: [403, "HTTP-0403"],
    },
  ];
}

Deno.test("client certificates: ours, none, foreign, expired, revoked, unbound, mismatched", async () => {
  await using tls = await TlsGatewayBed.start("", { people: false });
  for (const { what, pair, device = "press-4", mqtt, https } of await cases(tls)) {
    for (const over of OVER) {
      assert.equal(await tls.attempt(over, { pair }), mqtt, `${what} ${over}`);
    }
    const { status, code } = await tls.ingest(device, { pair });
    assert.deepEqual([status, code], https, what);
  }
});

Deno.test("a user name beside a certificate must be the certificate's", async () => {
  await using tls = await TlsGatewayBed.start("", { people: false });
  const pair = await tls.device("press-4");
  for (const over of OVER) {
    assert.equal(await tls.attempt(over, { pair, username: "press-4" }), "open");
    assert.equal(await tls.attempt(over, { pair, username: "press-5" }), "refused");
  }
});

Deno.test("a password works over TLS, on its own device", async () => {
  await using tls = await TlsGatewayBed.start("", { people: false });
  const credential = await tls.bed.gateway.auth.devices.add("oven-1", { by });
  assert(credential !== null);
  const { username, password } = credential;
  for (const over of OVER) {
    assert.equal(await tls.attempt(over, { username, password }), "open");
    assert.equal(await tls.attempt(over, { username, password: "guess" }), "refused");
  }
  const headers = { authorization: `Basic ${btoa(`${username}:${password}`)}` };
  assert.equal((await tls.ingest("oven-1", { headers })).status, 202);
  assert.equal((await tls.ingest("oven-2", { headers })).status, 403);
});

Deno.test("a web page is not its browser's certificate, and no anonymous sender", async () => {
  await using tls = await TlsGatewayBed.start("", { people: false });
  const origin = { Origin: "https://evil.example" };
  const fetched = { "Sec-Fetch-Site": "cross-site" };
  assert.equal((await tls.ingest("press-4")).status, 202, "this machine, nothing registered yet");
  for (const headers of [origin, fetched]) {
    assert.equal((await tls.ingest("press-4", { headers })).status, 401);
  }
  assert.equal(await tls.attempt("wss", {}), "open");
  assert.equal(await tls.attempt("wss", { headers: origin }), "refused");
  const pair = await tls.device("press-4");
  assert.equal((await tls.ingest("press-4", { pair })).status, 202);
  for (const headers of [origin, fetched]) {
    assert.equal((await tls.ingest("press-4", { pair, headers })).status, 401);
  }
  assert.equal(await tls.attempt("wss", { pair, headers: origin }), "refused");
});

Deno.test("revoking a certificate cuts what it opened, and nothing else", async () => {
  await using tls = await TlsGatewayBed.start("", { people: false });
  const pair = await tls.device("press-4");
  const other = await tls.device("press-5");
  const clients = await Promise.all(OVER.map((over) => tls.connect(over, { pair })));
  const stays = await tls.connect("mqtts", { pair: other });
  const ends = clients.map((client) =>
    new Promise<void>((resolve) => client.once("close", () => resolve()))
  );
  for (const client of clients) {
    await client.publishAsync("devices/press-4/telemetry", '{"t":1}', { qos: 1 });
  }
  const [certificate] = tls.bed.gateway.auth.devices.find("press-4")?.certificates ?? [];
  assert(certificate !== undefined);
  const { fingerprint } = certificate;
  await tls.bed.gateway.auth.devices.removeCertificate("press-4", { fingerprint, by });
  await Promise.all(ends);
  for (const over of OVER) assert.equal(await tls.attempt(over, { pair }), "refused");
  assert.equal((await tls.ingest("press-4", { pair })).status, 401);
  await stays.publishAsync("devices/press-5/telemetry", '{"t":1}', { qos: 1 });
  await Promise.all([...clients, stays].map((client) => client.endAsync(true)));
});

Deno.test("the API issues, binds and revokes certificates of devices", async () => {
  await using tls = await TlsGatewayBed.start();
  const { bed } = tls;
  const path = "/api/devices/press-4/certificates";
  const as = "operator";
  await bed.json(path, { as: "viewer", json: {}, status: 403 });
  const issued = await bed.json<{ certificate: string; key: string; fingerprint: string }>(path, {
    ...{ as, json: { days: 30 }, status: 201 },
  });
  assert.equal(await tls.attempt("mqtts", { pair: issued }), "open");
  const given = await tls.unbound("press-4");
  const json = { certificate: given.certificate };
  const bound = await bed.json(path, { as, json, status: 201 });
  assert.equal(bound.key, null);
  await bed.json(path, { as, json, status: 409 });
  await bed.json("/api/devices/press-5/certificates", { as, json, status: 400 });
  await bed.json("/api/devices/press-5", { as, status: 404 });
  await bed.json(path, { as, json: { certificate: "no PEM" }, status: 400 });
  await bed.json(path, { as, json: { days: 0 }, status: 400 });
  assert.equal(await tls.attempt("wss", { pair: given }), "open");
  const client = await tls.connect("mqtts", { pair: issued });
  const ended = new Promise<void>((resolve) => client.once("close", () => resolve()));
  const one = `${path}/${issued.fingerprint}`;
  await bed.json(one, { as: "viewer", method: "DELETE", status: 403 });
  await bed.json(one, { as, method: "DELETE", status: 204 });
  await ended;
  await client.endAsync(true);
  await bed.json(one, { as, method: "DELETE", status: 404 });
  assert.equal(await tls.attempt("mqtts", { pair: issued }), "refused");
  assert.equal(await tls.attempt("mqtts", { pair: given }), "open");
});

Deno.test("a connection ends with the certificate that opened it", async () => {
  await using tls = await TlsGatewayBed.start("", { people: false });
  const pair = await tls.device("press-4");
  const client = await tls.connect("mqtts", { pair });
  const ended = new Promise<void>((resolve) => client.once("close", () => resolve()));
  const [certificate] = tls.bed.gateway.auth.devices.find("press-4")?.certificates ?? [];
  assert(certificate !== undefined);
  cutExpired(tls.bed.gateway.broker, certificate.notAfterMs - 1000);
  await client.publishAsync("devices/press-4/telemetry", '{"t":1}', { qos: 1 });
  cutExpired(tls.bed.gateway.broker, certificate.notAfterMs);
  await ended;
  await client.endAsync(true);
});

Deno.test("an unknown device registers itself by its certificate, once that is allowed", async () => {
  await using tls = await TlsGatewayBed.start('[auth]\nauto_registration = "on"\n', {
    people: false,
  });
  const pair = await tls.unbound("press-7");
  for (const over of OVER) assert.equal(await tls.attempt(over, { pair }), "open");
  const device = tls.bed.gateway.auth.devices.find("press-7");
  assert.equal(device?.certificates.length, 1);
  assert((device?.certificates[0]?.notAfterMs ?? 0) > Date.now());
  const rival = await tls.unbound("press-7");
  for (const over of OVER) assert.equal(await tls.attempt(over, { pair: rival }), "refused");
});

Deno.test("live streams and large MQTT messages run over TLS", async () => {
  await using tls = await TlsGatewayBed.start();
  const http = Deno.createHttpClient({ caCerts: [tls.ca] });
  const abort = new AbortController();
  const headers = { authorization: `Bearer ${tls.bed.tokens.viewer}` };
  const url = `${tls.https}/api/readings/stream`;
  const stream = await fetch(url, { client: http, headers, signal: abort.signal });
  assert.equal(stream.headers.get("content-type"), "text/event-stream");
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  const client = await tls.connect("wss");
  const received = new Promise<number>((resolve) =>
    client.on("message", (_topic, payload) => resolve(payload.length))
  );
  await client.subscribeAsync("notes/#", { qos: 1 });
  await client.publishAsync("notes/big", "x".repeat(300_000), { qos: 1 });
  assert.equal(await received, 300_000);
  await client.publishAsync("devices/oven-1/telemetry", '{"t":21.5}', { qos: 1 });
  let text = "";
  while (!text.includes("21.5")) text += (await reader.read()).value ?? "";
  await client.endAsync();
  abort.abort();
  await reader.read().catch(() => {});
  await until(() => tls.bed.gateway.streams.size === 0, { what: "the stream is forgotten" });
  http.close();
});

/** Writes to the HTTPS port; everything that comes until the end. */
async function said(tls: TlsGatewayBed, head: string): Promise<string> {
  const socket = await tls.socket("https");
  let text = "";
  socket.on("data", (data) => text += data);
  const ended = closed(socket);
  socket.write(head);
  await ended;
  return text;
}

function closed(socket: TLSSocket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

Deno.test("heads of requests: too large, too many, too slow, none at all", async () => {
  await using tls = await TlsGatewayBed.start('[http]\nrequest_timeout = "1s"\n', {
    people: false,
  });
  const get = "GET /api/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
  const many = Array.from({ length: 120 }, (_, i) => `X-${i}: 1\r\n`).join("");
  const cases: [head: string, status: number, code: string][] = [
    [`${get}X: ${"a".repeat(20_000)}\r\n\r\n`, 431, "HTTP-0431"],
    [`${get}${many}\r\n`, 431, "HTTP-0431"],
    ["POST /v1/ingest/d HTTP/1.1\r\nHost: x\r\nX-Sl", 408, "HTTP-0408"],
    ["GARBAGE\r\n\r\n", 400, "HTTP-0400"],
    [`${get}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`, 400, "HTTP-0400"],
  ];
  for (const [head, status, code] of cases) {
    const text = await said(tls, head);
    assert(text.startsWith(`HTTP/1.1 ${status} `), `${head.slice(0, 60)}: ${text}`);
    assert.equal(JSON.parse(text.slice(text.indexOf("\r\n\r\n"))).code, code);
  }
  assert.equal((await tls.ingest("d")).status, 202);
});

Deno.test("a connection too many is closed, and makes room when another one ends", async () => {
  await using tls = await TlsGatewayBed.start("[http]\nconnections_max = 2\n", { people: false });
  const [first, second] = [await tls.socket("https"), await tls.socket("https")];
  await assert.rejects(tls.socket("https"), "over connections_max");
  const ends = [closed(first), closed(second)];
  first.destroy();
  second.destroy();
  await Promise.all(ends);
  await until(async () => (await tls.ingest("d")).status === 202, { what: "there is room again" });
});

Deno.test("a browser signs in over HTTPS: cookies for this host and TLS alone, own origin", async () => {
  await using tls = await TlsGatewayBed.start();
  const client = Deno.createHttpClient({ caCerts: [tls.ca] });
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(tls.https + path, { ...init, client, redirect: "manual" });
  const body = new URLSearchParams({ username: "admin", password: PASSWORD });
  const foreign = { origin: tls.https.replace("https", "http").replace(/\d+$/, "1") };
  const refused = await ask("/login", { method: "POST", body, headers: foreign });
  await refused.body?.cancel();
  assert.equal(refused.status, 403);
  const answer = await ask("/login", { method: "POST", body, headers: { origin: tls.https } });
  await answer.body?.cancel();
  assert.equal(answer.status, 303);
  const cookies = answer.headers.getSetCookie();
  const session = cookies.find((each) => each.startsWith("__Host-sluice_session="));
  assert.match(session ?? "", /; Secure/);
  assert.match(session ?? "", /; HttpOnly/);
  for (const each of cookies) assert.match(each, /^__Host-|; Secure/);
  const cookie = session!.split(";")[0]!;
  const profile = await ask("/api/auth/profile", { headers: { cookie } });
  assert.equal((await profile.json()).name, "admin");
  // What the browser keeps for the encrypted port is nothing on the plain one.
  await tls.bed.json("/api/auth/profile", { headers: { cookie }, status: 401 });
  client.close();
});

Deno.test("/metrics counts down to the end of the certificates", async () => {
  await using tls = await TlsGatewayBed.start("", { people: false });
  const text = await (await tls.bed.fetch("/metrics")).text();
  for (const [which, days] of [["server", 397], ["authority", 3650]] as const) {
    const line = new RegExp(
      `^sluice_certificate_expiry_seconds\\{certificate="${which}"\\} (.*)$`,
      "m",
    );
    const left = Number(line.exec(text)?.[1]) / 86_400;
    assert(left > days - 1 && left <= days, `${which}: ${left} days`);
  }
  const list = await new GatewayOperations(tls.bed.gateway).certificates();
  assert.deepEqual(list.map(({ use }) => use), ["server", "authority"]);
});

Deno.test("reload: a new certificate for new connections, open ones go on", async () => {
  await using tls = await TlsGatewayBed.start("", { people: false });
  const { gateway } = tls.bed;
  const pair = await tls.device("press-4");
  const client = await tls.connect("mqtts", { pair });
  const socket = await tls.connect("wss", { pair });
  const before = (await tls.socket("mqtts")).getPeerCertificate().fingerprint256;
  const access = await new GatewayOperations(gateway).access();
  await access.certServer({ names: ["localhost", "127.0.0.1", "new.local"] });
  for (const over of ["https", "mqtts"] as const) {
    const peer = (await tls.socket(over)).getPeerCertificate();
    assert.notEqual(peer.fingerprint256, before);
    assert.match(peer.subjectaltname ?? "", /new\.local/);
  }
  for (const open of [client, socket]) {
    await open.publishAsync("devices/press-4/telemetry", '{"t":1}', { qos: 1 });
  }
  for (const over of OVER) assert.equal(await tls.attempt(over, { pair }), "open");
  // An authority that replaced ours voids what ours issued, on new connections.
  await access.certAuthority({ replace: true });
  await access.certServer({ names: ["localhost", "127.0.0.1"] });
  tls.ca = await Deno.readTextFile(gateway.auth.certificates.authorityPaths.certificate);
  for (const over of OVER) assert.equal(await tls.attempt(over, { pair }), "refused");
  assert.deepEqual(await tls.ingest("press-4", { pair }), { status: 401, code: "AUTH-0413" });
  await client.publishAsync("devices/press-4/telemetry", '{"t":2}', { qos: 1 });
  await Promise.all([client.endAsync(), socket.endAsync()]);
});
