/** Who may do what over HTTP and MQTT, seen from outside the running gateway. */
import assert from "node:assert/strict";
import mqtt from "mqtt";
import { LOCAL_ACTOR } from "@/auth/audit.ts";
import type { Role } from "@/auth/auth_store.ts";
import { hasRole, type Policy } from "@/auth/route_policy.ts";
import { GatewayBed, PASSWORD, ROLE_NAMES } from "@/tests/api/gateway_bed.ts";
import { until } from "@/tests/helpers/until.ts";

interface ProblemAnswer {
  status: number;
  code: string;
  hint: string;
}

interface Tokens {
  access_token: string;
  refresh_token: string;
  expires_in: number;
}

const by = LOCAL_ACTOR;

/** Routes of the app below the pages, by method and path. */
function routesOf(bed: GatewayBed): { method: string; path: string }[] {
  const { routes } = bed.gateway.app.hono;
  return routes.filter(({ method, path }) => method !== "ALL" && path !== "/*");
}

/** Status and code of a request without a body; the answer is not waited for to its end. */
async function answerOf(
  bed: GatewayBed,
  route: { method: string; path: string },
  as?: Role,
): Promise<{ status: number; code: string | null }> {
  const abort = new AbortController();
  const path = route.path.replace(/:\w+/g, "x");
  const response = await bed.fetch(path, { method: route.method, as, signal: abort.signal });
  const { status } = response;
  const isProblem = response.headers.get("content-type") === "application/problem+json";
  const code = isProblem ? (await response.json()).code : null;
  if (!isProblem) await response.body?.cancel();
  abort.abort();
  return { status, code };
}

/** What the contract lets a visitor expect; null where the route itself decides. */
function expected(policy: Policy, as: Role | undefined): string | null {
  if (policy.kind !== "person") return null;
  if (as === undefined) return "AUTH-0402";
  return hasRole(as, policy.atLeast) ? null : "AUTH-0405";
}

Deno.test("every route × every role × signed out", async () => {
  await using bed = await GatewayBed.start();
  const routes = routesOf(bed);
  assert(routes.length > 40);
  assert.deepEqual(bed.gateway.auth.policies.undeclared(routes), []);
  for (const route of routes) {
    const policy = bed.gateway.auth.policies.find(route.method, route.path);
    assert(policy !== null, `${route.method} ${route.path}`);
    for (const as of [undefined, ...ROLE_NAMES]) {
      // It ends the sign-in that the others are asked with; a test of its own has it.
      if (route.path === "/api/auth/logout" && as !== undefined) continue;
      const what = `${route.method} ${route.path} as ${as ?? "nobody"}`;
      const { status, code } = await answerOf(bed, route, as);
      const wanted = expected(policy, as);
      if (wanted !== null) {
        assert.deepEqual([status, code], [wanted === "AUTH-0402" ? 401 : 403, wanted], what);
      } else if (policy.kind === "own" && policy.credential === "device") {
        // A person's token is none of a device's.
        assert.equal(status === 401, as !== undefined, `${what}: ${status}`);
      } else {
        assert(![401, 403, 405, 500, 503].includes(status), `${what}: ${status} ${code}`);
      }
    }
  }
});

Deno.test("unknown paths are 404, with a problem below /api, signed in or not", async () => {
  await using bed = await GatewayBed.start();
  for (const path of ["/api/nothing", "/api", "/api/users/a/b%2fc", "/v1/nothing"]) {
    for (const as of [undefined, "admin"] as const) {
      const problem = await bed.json<ProblemAnswer>(path, { as, status: 404 });
      assert.equal(problem.code, "HTTP-0404", path);
      assert(problem.hint.length > 0);
    }
  }
  for (const as of [undefined, "admin"] as const) {
    const page = await bed.fetch("/nothing", { as });
    assert.equal(page.status, 404);
    assert.match(await page.text(), /<h1>There is no such page<\/h1>/);
  }
});

Deno.test("login, profile, refresh, reuse, logout", async () => {
  await using bed = await GatewayBed.start();
  const first = await bed.login("viewer") as Tokens;
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
  const profile = await bed.json("/api/auth/profile", bearer(first.access_token));
  assert.equal(profile.name, "viewer");
  assert.equal(profile.role, "viewer");
  const json = { refresh_token: first.refresh_token };
  const second = await bed.json<Tokens>("/api/auth/refresh", { json });
  await bed.json("/api/auth/profile", bearer(second.access_token));
  await bed.json("/api/auth/refresh", { json, status: 401 });
  const ended = await bed.json<ProblemAnswer>("/api/auth/profile", {
    ...bearer(second.access_token),
    status: 401,
  });
  assert.equal(ended.code, "AUTH-0403");
  const third = await bed.login("viewer");
  await bed.json("/api/auth/logout", {
    ...bearer(third.access_token),
    method: "POST",
    status: 204,
  });
  await bed.json("/api/auth/profile", { ...bearer(third.access_token), status: 401 });
});

Deno.test("the JSON login takes no form, no other site and no unknown field", async () => {
  await using bed = await GatewayBed.start("", { people: false });
  const json = { username: "nobody", password: PASSWORD };
  const path = "/api/auth/login";
  await bed.json(path, { json, status: 401 });
  await bed.json(path, { json, headers: { origin: "https://evil.example" }, status: 403 });
  await bed.json(path, { json: { ...json, admin: true }, status: 400 });
  const body = JSON.stringify(json);
  for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
    await bed.json(path, { body, headers: { "content-type": type }, status: 415 });
  }
  const headers = { "content-type": "application/json" };
  await bed.json(path, { headers, body: '{"__proto__": {}}', status: 400 });
  await bed.json(path, { headers, body: "[".repeat(40) + "]".repeat(40), status: 400 });
  await bed.json(path, { headers, body: "{", status: 400 });
});

Deno.test("the first admin claims the gateway, once", async () => {
  await using bed = await GatewayBed.start("", { people: false });
  const token = bed.gateway.auth.claim.issue();
  const claim = { token, username: "ada", password: PASSWORD };
  await bed.json("/api/claim", { json: { ...claim, token: "guess" }, status: 403 });
  await bed.json("/api/claim", { json: { ...claim, password: "short" }, status: 400 });
  const tokens = await bed.json<Tokens>("/api/claim", { json: claim, status: 201 });
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  assert.equal((await bed.json("/api/auth/profile", { headers })).role, "admin");
  await bed.json("/api/claim", { json: claim, status: 403 });
});

Deno.test("a device's credential opens its own ingest path and no other", async () => {
  await using bed = await GatewayBed.start();
  const json = { metrics: { temperature: 21.5 } };
  await bed.json("/v1/ingest/oven-1", { json, status: 202 });
  const credential = await bed.gateway.auth.devices.add("oven-1", { by });
  assert(credential !== null);
  await bed.json("/v1/ingest/oven-1", { json, status: 401 });
  const basic = { authorization: `Basic ${btoa(`oven-1:${credential.password}`)}` };
  const bearer = { authorization: `Bearer oven-1.${credential.password}` };
  await bed.json("/v1/ingest/oven-1", { json, headers: basic, status: 202 });
  await bed.json("/v1/ingest/oven-1", { json, headers: bearer, status: 202 });
  await bed.json("/v1/ingest/oven-2", { json, headers: basic, status: 403 });
  const wrong = { authorization: `Basic ${btoa("oven-1:wrong")}` };
  await bed.json("/v1/ingest/oven-1", { json, headers: wrong, status: 401 });
  await bed.gateway.auth.devices.remove("oven-1", by);
  await bed.json("/v1/ingest/oven-1", { json, headers: basic, status: 401 });
  await bed.json("/v1/ingest/oven-1", { json, status: 401 });
});

Deno.test("MQTT over TCP and WebSocket: device credentials, and the cut when they end", async () => {
  await using bed = await GatewayBed.start();
  const { http, mqtt: tcp } = bed.gateway.addresses;
  for (const url of [`mqtt://${tcp}`, `ws://${http}/mqtt`]) {
    const id = url.startsWith("ws") ? "socket-1" : "plain-1";
    const credential = await bed.gateway.auth.devices.add(id, { by });
    assert(credential !== null);
    const { username, password } = credential;
    const client = await mqtt.connectAsync(url, {
      ...{ username, password, protocolVersion: 5, reconnectPeriod: 0 },
    });
    await client.publishAsync(`devices/${id}/telemetry`, '{"temperature":20}', { qos: 1 });
    const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
    await bed.gateway.auth.devices.rotate(id, by);
    await closed;
    await client.endAsync(true);
    const again = { username, password, reconnectPeriod: 0 };
    await assert.rejects(mqtt.connectAsync(url, { ...again, protocolVersion: 5 }));
    await until(async () => {
      const latest = await bed.gateway.store.query("readings.latest", { devices: [id] });
      return latest.length === 1;
    }, { what: `the reading of ${id} is in history` });
  }
});

Deno.test("a web page is no anonymous MQTT sender, and not every WebSocket is MQTT", async () => {
  await using bed = await GatewayBed.start("", { people: false });
  const { http } = bed.gateway.addresses;
  const url = `ws://${http}/mqtt`;
  const open = await mqtt.connectAsync(url, { reconnectPeriod: 0 });
  const big = "x".repeat(300_000);
  const received = new Promise<string>((resolve) =>
    open.on("message", (_topic, payload) => resolve(payload.toString()))
  );
  await open.subscribeAsync("notes/#", { qos: 1 });
  await open.publishAsync("notes/big", big, { qos: 1 });
  assert.equal(await received, big);
  await open.endAsync();
  const wsOptions = { headers: { Origin: "https://evil.example" } };
  await assert.rejects(mqtt.connectAsync(url, { reconnectPeriod: 0, wsOptions }));
  await bed.json("/mqtt", { status: 400 });
});
