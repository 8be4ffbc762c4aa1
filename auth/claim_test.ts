import assert from "node:assert/strict";
import { claimLinks } from "@/auth/claim.ts";
import { LOCAL_ACTOR } from "@/auth/audit.ts";
import { AuthBed, GOOD_PASSWORD, refusedWith } from "@/auth/auth_test_bed.ts";

const by = { name: "claim", address: "192.0.2.1" };
const ADA = { name: "ada", password: GOOD_PASSWORD, by };
const CLOSED = { status: 403, code: "AUTH-0408" };

Deno.test("the link makes one admin, once", async () => {
  await using bed = await AuthBed.create();
  const { claim } = bed.auth;
  assert.equal(claim.open, true);
  const token = claim.issue() ?? "";
  assert.equal(claim.accepts(token), true);
  const user = await claim.use(token, ADA);
  assert.equal(user.role, "admin");
  assert.equal(claim.open, false);
  await refusedWith(claim.use(token, { ...ADA, name: "eve" }), CLOSED);
  assert.equal(claim.issue(), null);
  await bed.login({ name: "ada" });
  assert.equal((await bed.auditTrail()).at(-1)?.action, "claim");
});

Deno.test("the link ends after 30 minutes, with a new one, and with an admin made elsewhere", async () => {
  await using bed = await AuthBed.create();
  const { claim } = bed.auth;
  const first = claim.issue() ?? "";
  bed.clock.pass(30 * 60 * 1000 - 1);
  assert.equal(claim.accepts(first), true);
  bed.clock.pass(1);
  await refusedWith(claim.use(first, ADA), CLOSED);
  const second = claim.issue() ?? "";
  const third = claim.issue() ?? "";
  assert.equal(claim.accepts(second), false);
  await bed.addUser("root", "admin");
  await refusedWith(claim.use(third, ADA), CLOSED);
});

Deno.test("a bad password or a made-up token spends nothing", async () => {
  await using bed = await AuthBed.create();
  const { claim } = bed.auth;
  await refusedWith(claim.use("", ADA), CLOSED);
  const token = claim.issue() ?? "";
  for (const made of ["", "x", `${token}x`, token.toUpperCase()]) {
    await refusedWith(claim.use(made, ADA), CLOSED);
  }
  await refusedWith(claim.use(token, { ...ADA, password: "short" }), { status: 400 });
  await claim.use(token, ADA);
});

Deno.test("two who use the link at once: one becomes the admin", async () => {
  await using bed = await AuthBed.create();
  const token = bed.auth.claim.issue() ?? "";
  const outcomes = await Promise.allSettled([
    bed.auth.claim.use(token, ADA),
    bed.auth.claim.use(token, { ...ADA, name: "eve" }),
  ]);
  // Which one is not said: both hash their password at the same time.
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  assert.equal(bed.auth.people.list().length, 1);
});

Deno.test("a viewer does not close the claim", async () => {
  await using bed = await AuthBed.create();
  await bed.auth.people.add({ name: "v", role: "viewer", password: GOOD_PASSWORD }, LOCAL_ACTOR);
  assert.equal(bed.auth.claim.open, true);
});

Deno.test("links that another machine can open", () => {
  const hosts = ["192.168.1.20", "fd00::2", "gate.local"];
  const http = { scheme: "http", host: "0.0.0.0", port: 8000 } as const;
  const https = { scheme: "https", host: "::", port: 443 } as const;
  assert.deepEqual(claimLinks("t", { publicUrl: null, listening: [http, https], hosts }), [
    "https://192.168.1.20/claim?token=t",
    "https://[fd00::2]/claim?token=t",
    "https://gate.local/claim?token=t",
    "http://192.168.1.20:8000/claim?token=t",
    "http://[fd00::2]:8000/claim?token=t",
    "http://gate.local:8000/claim?token=t",
  ]);
  const bound = { ...http, host: "127.0.0.1" };
  assert.deepEqual(claimLinks("t", { publicUrl: null, listening: [bound], hosts }), [
    "http://127.0.0.1:8000/claim?token=t",
  ]);
  const publicUrl = "https://iot.example/gw/";
  assert.deepEqual(claimLinks("t", { publicUrl, listening: [http], hosts }), [
    "https://iot.example/gw/claim?token=t",
  ]);
});
