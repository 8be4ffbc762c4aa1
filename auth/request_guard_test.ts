import assert from "node:assert/strict";
import { AuthBed, loginOf, refusedWith } from "@/auth/auth_test_bed.ts";
import type { Role } from "@/auth/auth_store.ts";
import { ROUTE_POLICIES, type RoutePolicy } from "@/auth/route_policy.ts";

const HOST = "gateway.local:8000";
const ORIGIN = `http://${HOST}`;
const FOREIGN = { status: 403, code: "AUTH-0406" };
const NO_TOKEN = { status: 403, code: "AUTH-0407" };

interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  tls?: boolean;
}

function check(bed: AuthBed, path: string, asked: Asked = {}) {
  const { method = "GET", headers = {}, body } = asked;
  const request = new Request(`${ORIGIN}${path}`, {
    method,
    headers: { host: HOST, ...headers },
    body,
  });
  return bed.auth.guard.check(request, { tls: asked.tls ?? false, form: () => formOf(request) });
}

async function formOf(request: Request): Promise<URLSearchParams> {
  return new URLSearchParams(await request.text());
}

async function signedIn(bed: AuthBed, name: string, role: Role) {
  await bed.addUser(name, role);
  const { access_token: token } = await bed.login({ name });
  const { sessionCookie } = await bed.auth.loginBrowser(loginOf(name), null);
  const cookie = `sluice_session=${sessionCookie}`;
  const { csrfToken } = await check(bed, "/", { headers: { cookie } });
  assert(csrfToken !== null);
  return { bearer: { authorization: `Bearer ${token}` }, cookie, csrfToken, sessionCookie };
}

/** A path that a policy's pattern stands for. */
function example({ path }: RoutePolicy): string {
  return path.replace(/:\w+/g, "x").replace("*", "x");
}

Deno.test("every declared route × every role × signed out", async () => {
  await using bed = await AuthBed.create();
  const roles: Role[] = ["admin", "operator", "viewer"];
  const people = new Map<Role, Record<string, string>>();
  for (const role of roles) people.set(role, (await signedIn(bed, role, role)).bearer);
  const rank = (role: Role) => roles.length - roles.indexOf(role);
  for (const route of ROUTE_POLICIES) {
    const path = example(route);
    const asked = { method: route.method };
    const { policy } = route;
    if (policy.kind !== "person") {
      assert.equal((await check(bed, path, asked)).policy.kind, policy.kind, path);
      continue;
    }
    await refusedWith(check(bed, path, asked), { status: 401, code: "AUTH-0402" });
    for (const role of roles) {
      const answer = check(bed, path, { ...asked, headers: people.get(role) });
      if (rank(role) >= rank(policy.atLeast)) assert.equal((await answer).identity?.role, role);
      else await refusedWith(answer, { status: 403, code: "AUTH-0405" });
    }
  }
});

Deno.test("what is not declared does not exist, whoever asks", async () => {
  await using bed = await AuthBed.create();
  const { bearer } = await signedIn(bed, "ada", "admin");
  const paths = [
    "/api/unknown",
    "/api/users/",
    "/api//users",
    "/API/users",
    "/static/..%2fapi/users",
    "/static/%2e%2e%5capi/users",
    "/static/x%00.css",
    "/docs/",
    "/api/devices/a/b%2fc",
    "/__proto__",
  ];
  for (const path of paths) {
    await refusedWith(check(bed, path), { status: 404 });
    await refusedWith(check(bed, path, { headers: bearer }), { status: 404 });
  }
  await refusedWith(check(bed, "/api/users", { method: "PUT", headers: bearer }), { status: 404 });
});

Deno.test("dots in a path are resolved before it is judged", async () => {
  await using bed = await AuthBed.create();
  for (const path of ["/static/../api/users", "/static/%2e%2e/api/users", "/docs/..\\api/users"]) {
    await refusedWith(check(bed, path), { status: 401 });
  }
});

Deno.test("a bad bearer token is refused also beside a good cookie", async () => {
  await using bed = await AuthBed.create();
  const { cookie } = await signedIn(bed, "ada", "admin");
  assert.equal((await check(bed, "/api/users", { headers: { cookie } })).identity?.name, "ada");
  for (const authorization of ["Bearer x.y.z", "Bearer", "Bearer a b", "Basic YTpi", ""]) {
    const headers = { cookie, authorization };
    await refusedWith(check(bed, "/api/users", { headers }), { status: 401, code: "AUTH-0403" });
  }
});

Deno.test("attack: another site posts a form, as text, or by a simple request with the cookie", async () => {
  await using bed = await AuthBed.create();
  const { cookie, csrfToken } = await signedIn(bed, "ada", "admin");
  const types = ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"];
  const origins = [
    "https://evil.example",
    "null",
    `http://gateway.local`,
    `http://gateway.local.evil.example:8000`,
    `http://evil.example/${HOST}`,
    "http://sub.gateway.local:8000",
  ];
  for (const type of types) {
    for (const origin of origins) {
      const headers = { cookie, origin, "content-type": type };
      const body = `_csrf=${csrfToken}`;
      const asked = { method: "POST", headers, body };
      await refusedWith(check(bed, "/api/users", asked), FOREIGN);
    }
    const silent = { method: "POST", headers: { cookie, "content-type": type }, body: "a=b" };
    await refusedWith(check(bed, "/api/users", silent), FOREIGN);
    const own = { ...silent, headers: { ...silent.headers, origin: ORIGIN } };
    await refusedWith(check(bed, "/api/users", own), NO_TOKEN);
  }
  const refererOnly = { cookie, referer: "https://evil.example/x", "x-csrf-token": csrfToken };
  await refusedWith(check(bed, "/api/users", { method: "POST", headers: refererOnly }), FOREIGN);
});

Deno.test("our own pages: the token in a header or in a form field", async () => {
  await using bed = await AuthBed.create();
  const { cookie, csrfToken } = await signedIn(bed, "ada", "admin");
  const other = await signedIn(bed, "bob", "admin");
  const base = { cookie, origin: ORIGIN };
  const header = { method: "DELETE", headers: { ...base, "x-csrf-token": csrfToken } };
  assert.equal((await check(bed, "/api/users/x", header)).identity?.via, "cookie");
  const form = (token: string) => ({
    method: "POST",
    headers: { ...base, "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ name: "x", _csrf: token }).toString(),
  });
  await check(bed, "/api/users", form(csrfToken));
  for (const token of ["", "x", other.csrfToken, csrfToken.slice(1), `${csrfToken}=`]) {
    await refusedWith(check(bed, "/api/users", form(token)), NO_TOKEN);
  }
  const referer = { cookie, referer: `${ORIGIN}/users`, "x-csrf-token": csrfToken };
  await check(bed, "/api/users", { method: "POST", headers: referer });
});

Deno.test("programs need no origin: bearer anywhere, JSON login from no page", async () => {
  await using bed = await AuthBed.create();
  const { bearer, cookie } = await signedIn(bed, "ada", "admin");
  const foreign = { ...bearer, origin: "https://evil.example" };
  await check(bed, "/api/users", { method: "POST", headers: foreign, body: "{}" });
  await check(bed, "/api/auth/login", { method: "POST", body: "{}" });
  await check(bed, "/login", { method: "POST", headers: { origin: ORIGIN }, body: "a=b" });
  for (const path of ["/api/auth/login", "/login", "/claim"]) {
    const headers = { origin: "https://evil.example" };
    await refusedWith(check(bed, path, { method: "POST", headers }), FOREIGN);
    const site = { "sec-fetch-site": "cross-site" };
    await refusedWith(check(bed, path, { method: "POST", headers: site }), FOREIGN);
  }
  assert.equal((await check(bed, "/login", { headers: { cookie } })).identity?.name, "ada");
});

Deno.test("cookies: the name binds them to TLS or not, and two of a name are none", async () => {
  await using bed = await AuthBed.create();
  const { sessionCookie } = await signedIn(bed, "ada", "admin");
  const plain = { cookie: `sluice_session=${sessionCookie}` };
  const host = { cookie: `a=b; __Host-sluice_session=${sessionCookie}` };
  await check(bed, "/api/users", { headers: plain });
  await check(bed, "/api/users", { headers: host, tls: true });
  await refusedWith(check(bed, "/api/users", { headers: plain, tls: true }), { status: 401 });
  await refusedWith(check(bed, "/api/users", { headers: host }), { status: 401 });
  const twice = { cookie: `sluice_session=${sessionCookie}; sluice_session=x` };
  await refusedWith(check(bed, "/api/users", { headers: twice }), { status: 401 });
});
