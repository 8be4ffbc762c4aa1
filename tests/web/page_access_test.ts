/** Every page × method × role × signed out, from the route files themselves. */
import assert from "node:assert/strict";
import { routes } from "@/_gen/routes.ts";
import { CSRF_FIELD } from "@/auth/csrf.ts";
import type { Role } from "@/auth/auth_store.ts";
import { hasRole, type Policy } from "@/auth/route_policy.ts";
import { GatewayBed, PASSWORD, ROLE_NAMES } from "@/tests/api/gateway_bed.ts";
import { methodsOf, RouteTree } from "@/web/route_tree.ts";

interface PageRoute {
  file: string;
  method: string;
  /** The pattern with values in place of its parameters. */
  path: string;
}

/** What a browser that is signed in sends. */
interface SignedIn {
  cookie: string;
  csrf: string;
}

/** Answers of pages to those who may: shown, led on, nothing there, input refused. */
const WELL = new Set([200, 201, 303, 400, 404, 409, 415, 422]);
/** A form for strangers that was sent empty: a wrong password, a spent link. */
const REFUSED = new Set([401, 403]);

/** Ends the session that asks: looked at on its own. */
const LOGOUT = "/logout";

/** Of every route file; a parameter gets each of `values`. */
function pageRoutes(values: readonly string[]): PageRoute[] {
  return new RouteTree(routes).routes().flatMap((route) => {
    const methods = methodsOf(route);
    assert(methods !== null, `${route.file} answers every method`);
    const paths = route.patterns.flatMap((pattern) =>
      values.map((value) => pattern.replace(/:\w+\*?/g, () => value))
    );
    return methods.flatMap((method) =>
      [...new Set(paths)].map((path) => ({ file: route.file, method, path }))
    );
  });
}

async function signIn(bed: GatewayBed, role: Role): Promise<SignedIn> {
  const body = new URLSearchParams({ username: role, password: PASSWORD });
  const asked = { method: "POST", body, redirect: "manual" } as const;
  const answer = await fetch(`${bed.url}/login`, asked);
  const cookie = answer.headers.getSetCookie().map((each) => each.split(";")[0]!).join("; ");
  await answer.body?.cancel();
  assert.match(cookie, /sluice_session=/);
  const shown = await fetch(`${bed.url}/account`, { headers: { cookie } });
  const csrf = /name="_csrf" value="([^"]+)"/.exec(await shown.text())?.[1];
  assert(csrf !== undefined);
  return { cookie, csrf };
}

/** The status and the text of an answer that is not followed. */
async function ask(
  bed: GatewayBed,
  { method, path }: { method: string; path: string },
  who: SignedIn | null,
): Promise<{ status: number; location: string | null; text: string }> {
  const headers: Record<string, string> = who === null ? {} : { cookie: who.cookie };
  const reads = method === "GET" || method === "HEAD";
  if (!reads) headers.origin = bed.url;
  const body = reads ? undefined : new URLSearchParams(who ? { [CSRF_FIELD]: who.csrf } : {});
  const redirect = "manual" as const;
  const answer = await fetch(bed.url + path, { method, headers, body, redirect });
  const { status } = answer;
  const text = await answer.text();
  return { status, location: answer.headers.get("location"), text };
}

Deno.test("every page has a policy, and a page without one is named", async () => {
  await using bed = await GatewayBed.start("", { people: false });
  const { policies } = bed.gateway.auth;
  const all = pageRoutes(["x"]);
  assert(all.length > 10);
  const missing = all.filter(({ method, path }) => policies.find(method, path) === null);
  assert.deepEqual(missing, []);
});

Deno.test("every page × role × signed out", async () => {
  await using bed = await GatewayBed.start();
  const signedIn = new Map<Role, SignedIn>();
  for (const role of ROLE_NAMES) signedIn.set(role, await signIn(bed, role));
  for (const route of pageRoutes(["x"])) {
    if (route.path === LOGOUT) continue;
    const policy = bed.gateway.auth.policies.find(route.method, route.path);
    assert(policy !== null);
    assertStranger(await ask(bed, route, null), { route, policy });
    for (const role of ROLE_NAMES) {
      const answer = await ask(bed, route, signedIn.get(role)!);
      assertRole(answer, { route, policy, role });
    }
  }
});

type Answered = Awaited<ReturnType<typeof ask>>;

function assertStranger(
  { status, location }: Answered,
  { route: { method, path }, policy }: { route: PageRoute; policy: Policy },
): void {
  const what = `${method} ${path} signed out: ${status}`;
  if (policy.kind === "public") return assert(WELL.has(status) || REFUSED.has(status), what);
  if (method === "POST") return assert.equal(status, 401, what);
  assert.equal(status, 303, what);
  const next = path === "/" ? "" : `?next=${encodeURIComponent(path)}`;
  assert.equal(location, `/login${next}`, what);
}

function assertRole(
  { status, text }: Answered,
  { route: { method, path }, policy, role }: { route: PageRoute; policy: Policy; role: Role },
): void {
  const what = `${method} ${path} as ${role}: ${status} ${text.slice(0, 2000)}`;
  if (method === "HEAD") assert.equal(text, "", what);
  if (policy.kind === "person" && !hasRole(role, policy.atLeast)) {
    assert.equal(status, 403, what);
    if (method !== "HEAD") assert.match(text, /<h1>You may not do this<\/h1>/, what);
  } else {
    assert(WELL.has(status) || (policy.kind === "public" && REFUSED.has(status)), what);
  }
}

Deno.test("HEAD says what GET says", async () => {
  await using bed = await GatewayBed.start();
  const admin = await signIn(bed, "admin");
  for (const { path, method } of pageRoutes(["x"])) {
    if (method !== "GET") continue;
    const [got, head] = [
      await ask(bed, { path, method: "GET" }, admin),
      await ask(bed, { path, method: "HEAD" }, admin),
    ];
    assert.equal(head.status, got.status, path);
    assert.equal(head.text, "");
  }
});

Deno.test("no parameter of a page makes it fail, whatever stands there", async () => {
  await using bed = await GatewayBed.start();
  const admin = await signIn(bed, "admin");
  const values = [
    ...[
      "%00",
      "..%2f..%2fetc%2fpasswd",
      "%2e%2e",
      "%ff%fe",
      "%ed%a0%80",
      "__proto__",
      "constructor",
    ],
    ...[
      "-1",
      "0",
      "9".repeat(40),
      "'%20OR%201=1--",
      "%3Cscript%3E",
      "a".repeat(3000),
      "%F0%9F%92%A7",
    ],
  ];
  for (const { path, method } of pageRoutes(values)) {
    if (method === "HEAD" || path === LOGOUT) continue;
    const { status, text } = await ask(bed, { path, method }, admin);
    const isPublic = bed.gateway.auth.policies.find(method, path)?.kind === "public";
    assert(
      WELL.has(status) || (isPublic && REFUSED.has(status)),
      `${method} ${path}: ${status} ${text.slice(0, 2000)}`,
    );
  }
});

Deno.test("no form is taken without its token, from elsewhere or of another kind", async () => {
  await using bed = await GatewayBed.start();
  const { cookie, csrf } = await signIn(bed, "admin");
  const form = new URLSearchParams({ [CSRF_FIELD]: csrf });
  const tries: { headers: Record<string, string>; body: BodyInit }[] = [
    { headers: { cookie, origin: bed.url }, body: new URLSearchParams() },
    { headers: { cookie, origin: bed.url }, body: new URLSearchParams({ [CSRF_FIELD]: "guess" }) },
    { headers: { cookie, origin: "https://evil.example" }, body: form },
    { headers: { cookie }, body: form },
    { headers: { cookie, origin: bed.url, "content-type": "text/plain" }, body: `_csrf=${csrf}` },
  ];
  for (const { method, path } of pageRoutes(["x"])) {
    if (method !== "POST" || bed.gateway.auth.policies.find(method, path)?.kind !== "person") {
      continue;
    }
    for (const [i, options] of tries.entries()) {
      const asked: RequestInit = { method, redirect: "manual", ...options };
      const answer = await fetch(bed.url + path, asked);
      await answer.body?.cancel();
      assert.equal(answer.status, 403, `${path}, try ${i}`);
    }
  }
});

Deno.test("signing out ends the session of the browser, and only with its token", async () => {
  await using bed = await GatewayBed.start();
  const viewer = await signIn(bed, "viewer");
  const account = { method: "GET", path: "/account" };
  const forged = await ask(bed, { method: "POST", path: LOGOUT }, { ...viewer, csrf: "guess" });
  assert.equal(forged.status, 403);
  assert.equal((await ask(bed, account, viewer)).status, 200);
  const ended = await ask(bed, { method: "POST", path: LOGOUT }, viewer);
  assert.deepEqual([ended.status, ended.location], [303, "/login"]);
  assert.equal((await ask(bed, account, viewer)).location, "/login?next=%2Faccount");
});

Deno.test("an empty form is an empty form, not a failure", async () => {
  await using bed = await GatewayBed.start();
  const { status, location } = await ask(bed, { method: "POST", path: "/appearance" }, null);
  assert.deepEqual([status, location], [303, "/"]);
});
