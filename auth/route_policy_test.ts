import assert from "node:assert/strict";
import { PolicyTable, ROUTE_POLICIES, type RoutePolicy } from "@/auth/route_policy.ts";

const PUBLIC = { kind: "public" } as const;
const ADMIN = { kind: "person", atLeast: "admin" } as const;
const VIEWER = { kind: "person", atLeast: "viewer" } as const;

Deno.test("the narrowest entry decides, whatever the order of the table", () => {
  const routes: RoutePolicy[] = [
    { method: "GET", path: "/a/*", policy: PUBLIC },
    { method: "GET", path: "/a/:id", policy: VIEWER },
    { method: "GET", path: "/a/secret", policy: ADMIN },
    { method: "GET", path: "/a/:id/keys", policy: ADMIN },
  ];
  for (const order of [routes, routes.toReversed()]) {
    const table = new PolicyTable(order);
    assert.equal(table.find("GET", "/a/secret"), ADMIN);
    assert.equal(table.find("HEAD", "/a/7"), VIEWER);
    assert.equal(table.find("GET", "/a/7/keys"), ADMIN);
    assert.equal(table.find("GET", "/a/7/other"), PUBLIC);
    assert.equal(table.find("POST", "/a/7"), null);
    assert.equal(table.find("GET", "/a"), null);
    assert.equal(table.find("GET", "/a/"), null);
  }
});

Deno.test("a table that says two things about one route is refused", () => {
  const twice = [
    { method: "GET", path: "/a/:id", policy: PUBLIC },
    { method: "GET", path: "/a/:name", policy: ADMIN },
  ];
  assert.throws(() => new PolicyTable(twice), /Two policies/);
});

Deno.test("a route without a policy is named", () => {
  const table = new PolicyTable();
  const routes = [
    { method: "GET", path: "/api/users" },
    { method: "GET", path: "/api/devices/:id" },
    { method: "GET", path: "/api/forgotten" },
    { method: "PUT", path: "/api/users" },
  ];
  assert.deepEqual(table.undeclared(routes), ["GET /api/forgotten", "PUT /api/users"]);
});

Deno.test("the public list is the contract's and no more", () => {
  const open = ROUTE_POLICIES.filter(({ policy }) => policy.kind === "public")
    .map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(open, [
    "GET /healthz",
    "GET /readyz",
    "GET /api/openapi.json",
    "POST /api/auth/login",
    "POST /api/auth/refresh",
    "POST /api/claim",
    "GET /login",
    "POST /login",
    "GET /claim",
    "POST /claim",
    "POST /appearance",
    "GET /welcome",
    "GET /docs",
    "GET /docs/*",
    "GET /purchase",
    "POST /purchase",
    "GET /purchase/thanks",
    "GET /privacy",
    "GET /terms",
    "GET /imprint",
    "GET /ui/*",
    "GET /_islands/*",
    "GET /favicon.ico",
    "GET /robots.txt",
  ]);
});
