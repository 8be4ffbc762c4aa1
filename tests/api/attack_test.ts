/** Attacks on the HTTP side, each with the answer that it must get. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { GatewayBed } from "@/tests/api/gateway_bed.ts";
import { until } from "@/tests/helpers/until.ts";

/** One raw request: `fetch` would tidy the path up. */
function rawStatus(bed: GatewayBed, path: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const socket = connect(Number(new URL(bed.url).port), "127.0.0.1");
  let text = "";
  socket.on("data", (data: Uint8Array) => text += new TextDecoder().decode(data));
  socket.on("error", reject);
  socket.on("close", () => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0)));
  socket.write(`GET ${path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n`);
  return promise;
}

Deno.test("path traversal in every encoding leads nowhere", async () => {
  await using bed = await GatewayBed.start("", { people: false });
  const paths = [
    "/ui/../../etc/passwd",
    "/ui/%2e%2e/%2e%2e/etc/passwd",
    "/ui/..%2f..%2fetc%2fpasswd",
    "/ui/..%5c..%5cetc%5cpasswd",
    "/ui/%252e%252e%252fetc%252fpasswd",
    "/docs/..%2f..%2fsluice.toml",
    "/docs/%c0%ae%c0%ae/sluice.toml",
    "/ui//etc/passwd",
    "/ui/%00",
  ];
  for (const path of paths) assert.equal(await rawStatus(bed, path), 404, path);
  // Dots that the parser of addresses resolves itself lead to a path as any other.
  assert.equal(await rawStatus(bed, "/ui/../api/users"), 401);
});

Deno.test("ids and values that mean something elsewhere are only texts here", async () => {
  await using bed = await GatewayBed.start();
  const topic = "devices/d/telemetry";
  const names = ["=cmd|' /C calc'!A0", "+1", "@SUM(1)", "-2+3"];
  for (const [i, name] of names.entries()) {
    const json = { id: `dev-${i}`, label: name };
    await bed.json("/api/devices", { as: "operator", json, status: 201 });
  }
  const odd = ["a' OR 1=1 --", "a,b c=d", 'x"; DROP TABLE readings'];
  for (const name of odd) {
    const found = await bed.json<{ items: unknown[] }>(
      `/api/readings?device=${encodeURIComponent(name)}`,
      { as: "viewer" },
    );
    assert.deepEqual(found.items, []);
    await bed.json(`/api/devices/${encodeURIComponent(name)}`, { as: "viewer", status: 404 });
  }
  const payload = new TextEncoder().encode('{"note":"=1+1","t":-5,"ts":1767225600}');
  await new Promise<void>((resolve) =>
    bed.gateway.intake.take(
      { source: "mqtt", sourceName: "broker", topic, payload },
      () => resolve(),
    )
  );
  const path = "/api/readings?device=d&from=1767225000000&to=1767226000000&format=csv";
  const csv = await until(async () => {
    const text = await (await bed.fetch(path, { as: "viewer" })).text();
    return text.includes("d,t,") ? text : null;
  }, { what: "the reading is exported" });
  assert.match(csv, /d,t,,2026-01-01T00:00:00\.000Z,-5,/);
  const filter = { destination: '=HYPERLINK("http://evil")', all: true };
  await bed.json("/api/dead/replay", { as: "admin", json: filter });
  const trail = await (await bed.fetch("/api/audit?format=csv", { as: "admin" })).text();
  assert(trail.includes(`"'=HYPERLINK(""http://evil"")"`));
  assert(!/(^|,)[=+@]/m.test(trail));
});

Deno.test("a page of another site gets nothing done with a browser's cookie", async () => {
  await using bed = await GatewayBed.start();
  const login = { name: "admin", password: "correct horse battery", address: "127.0.0.1" };
  const { sessionCookie } = await bed.gateway.auth.loginBrowser(
    { ...login, knownBrowser: null },
    null,
  );
  const cookie = `sluice_session=${sessionCookie}`;
  const origin = bed.url;
  await bed.json("/api/users", { headers: { cookie } });
  const form = { cookie, "content-type": "application/x-www-form-urlencoded" };
  const attacks: Record<string, string>[] = [
    { ...form, origin: "https://evil.example" },
    { ...form, origin: "null" },
    { ...form, origin },
    { cookie, "content-type": "text/plain", origin: "https://evil.example" },
    { cookie, "content-type": "application/json", origin: "https://evil.example" },
    { cookie, "content-type": "application/json", origin },
    { cookie, "content-type": "application/json", referer: "https://evil.example/" },
  ];
  for (const headers of attacks) {
    const body = '{"name":"eve","role":"admin","password":"four words are enough"}';
    const answer = await bed.json("/api/users", { headers, body, status: 403 });
    assert.match(String(answer.code), /^AUTH-040[67]$/);
  }
  const preflight = await bed.fetch("/api/users", {
    method: "OPTIONS",
    headers: { origin: "https://evil.example", "access-control-request-method": "POST" },
  });
  await preflight.body?.cancel();
  assert.equal(preflight.headers.get("access-control-allow-origin"), null);
  assert.equal(preflight.status, 404);
});

Deno.test("guessing passwords is slowed down and writes a bounded trail", async () => {
  await using bed = await GatewayBed.start();
  const statuses = new Map<number, number>();
  for (let i = 0; i < 200; i++) {
    const json = { username: i % 2 === 0 ? "admin" : `user-${i}`, password: `guess ${i}` };
    const response = await bed.fetch("/api/auth/login", { json });
    await response.body?.cancel();
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
  }
  assert.deepEqual([...statuses.keys()].sort(), [401, 429]);
  assert((statuses.get(401) ?? 0) <= 40);
  const { items } = await bed.json<{ items: unknown[] }>("/api/audit?limit=1000", { as: "admin" });
  assert(items.length < 60, `${items.length} lines`);
  // Who is signed in already goes on working.
  await bed.json("/api/auth/profile", { as: "admin" });
});
