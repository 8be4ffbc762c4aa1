import assert from "node:assert/strict";
import { clearedSessionCookie, knownCookie, sessionCookie } from "@/auth/browser_cookies.ts";

Deno.test("the attributes of the cookies, with and without TLS", () => {
  assert.equal(
    sessionCookie("v", true),
    "__Host-sluice_session=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=7776000; Secure",
  );
  assert.equal(
    sessionCookie("v", false),
    "sluice_session=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=7776000",
  );
  assert.match(knownCookie("v", true), /^__Host-sluice_known=v; Path=\/; HttpOnly; .*; Secure$/);
  assert.match(clearedSessionCookie(false), /^sluice_session=; .*Max-Age=0$/);
});
