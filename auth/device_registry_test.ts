import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { LOCAL_ACTOR } from "@/auth/audit.ts";
import { AuthBed, refusedWith } from "@/auth/auth_test_bed.ts";
import { credentialOf } from "@/auth/device_doors.ts";
import type { DevicePresents, PresentedCertificate } from "@/auth/device_registry.ts";

const by = LOCAL_ACTOR;
const BROUGHT = "a-secret-it-came-with";

function presents(changes: Partial<DevicePresents> = {}): DevicePresents {
  return { id: "press-4", secret: null, certificate: null, address: "192.0.2.1", ...changes };
}

function certificate(bed: AuthBed, changes: Partial<PresentedCertificate> = {}) {
  const { nowMs } = bed.clock;
  const fingerprint = Array(32).fill("AB").join(":");
  const lifetime = { notBeforeMs: nowMs - 1000, notAfterMs: nowMs + 1000_000 };
  return { commonName: "press-4", fingerprint, ...lifetime, ...changes };
}

/** `ok`, or why not. */
async function judged(bed: AuthBed, changes: Partial<DevicePresents>): Promise<string> {
  const verdict = await bed.auth.devices.admit(presents(changes));
  return verdict.admitted ? "ok" : verdict.reason;
}

async function register(bed: AuthBed, id: string): Promise<string> {
  const credential = await bed.auth.devices.add(id, { by });
  assert(credential !== null);
  assert.deepEqual([credential.device, credential.username], [id, id]);
  return credential.password;
}

Deno.test("a registered device gets in with its secret, and nobody with another", async () => {
  await using bed = await AuthBed.create();
  const secret = await register(bed, "press-4");
  assert.match(secret, /^[a-z2-7]{32}$/);
  assert.equal(await judged(bed, { secret }), "ok");
  await bed.reopen();
  assert.equal(await judged(bed, { secret }), "ok");
  const other = await register(bed, "press-5");
  const wrong = [null, "", other, secret.slice(1), `${secret} `, secret.toUpperCase()];
  for (const secret of [...wrong, "x".repeat(100_000)]) {
    assert.equal(await judged(bed, { secret }), "bad_secret");
  }
  assert.equal(await judged(bed, { id: "press-6", secret }), "unknown");
  assert.equal(await judged(bed, { id: null, secret }), "unknown");
  assert.equal(JSON.stringify(await bed.store.load()).includes(secret), false);
  assert.equal(JSON.stringify(bed.auth.devices.list()).includes("hash"), false);
});

Deno.test("rotate, disable, enable, remove: each decides at once", async () => {
  await using bed = await AuthBed.create();
  const { devices } = bed.auth;
  const first = await register(bed, "press-4");
  const { password: second } = await devices.rotate("press-4", by);
  assert.equal(await judged(bed, { secret: first }), "bad_secret");
  assert.equal(await judged(bed, { secret: second }), "ok");
  await devices.setDisabled("press-4", { disabled: true, by });
  assert.equal(await judged(bed, { secret: second }), "disabled");
  assert.equal(await judged(bed, { secret: first }), "bad_secret");
  await devices.setDisabled("press-4", { disabled: false, by });
  assert.equal(await judged(bed, { secret: second }), "ok");
  await devices.remove("press-4", by);
  assert.equal(await judged(bed, { secret: second }), "unknown");
  await refusedWith(devices.rotate("press-4", by), { status: 404 });
  const actions = (await bed.auditTrail()).map(({ action }) => action).reverse();
  assert.deepEqual(actions, [
    "device_add",
    "device_rotate",
    "device_disable",
    "device_enable",
    "device_remove",
  ]);
});

Deno.test("anonymous senders end with the first credential and never come back", async () => {
  await using bed = await AuthBed.create();
  const local = { remoteAddress: "127.0.0.1", forwarded: false, authorization: null };
  assert.deepEqual(await bed.auth.doors.request(local), { deviceId: null });
  await register(bed, "press-4");
  await refusedWith(bed.auth.doors.request(local), { status: 401, code: "AUTH-0420" });
  await bed.auth.devices.remove("press-4", by);
  await bed.reopen();
  await refusedWith(bed.auth.doors.request(local), { status: 401 });
});

Deno.test("ids that no device may have", async () => {
  await using bed = await AuthBed.create();
  const reserved = ["node1", "node2", "signal", "stats", "gateway"];
  const hostile = ["", "a/b", "+", "#", "a b", "a.b", "ü", "x".repeat(65), "a\n", "' OR 1=1 --"];
  for (const id of [...reserved, ...hostile]) {
    await refusedWith(bed.auth.devices.add(id, { by }), { status: 400 });
  }
  await register(bed, "__proto__");
  await refusedWith(bed.auth.devices.add("__proto__", { by }), { status: 409 });
});

Deno.test("attack: 1000 guesses at a device; the right secret still gets in", async () => {
  await using bed = await AuthBed.create();
  const secret = await register(bed, "press-4");
  const answers: string[] = [];
  for (let i = 0; i < 1000; i++) answers.push(await judged(bed, { secret: `guess ${i}` }));
  assert.equal(answers.filter((answer) => answer === "bad_secret").length, 30);
  assert.equal(answers.filter((answer) => answer === "throttled").length, 970);
  assert.equal(await judged(bed, { secret }), "ok");
  assert.equal(await judged(bed, { secret: "x", address: "192.0.2.2" }), "bad_secret");
  const request = bed.auth.doors.request({
    remoteAddress: "192.0.2.1",
    forwarded: false,
    authorization: "Bearer press-4.wrong",
  });
  await refusedWith(request, { status: 429, code: "AUTH-0430" });
});

Deno.test("certificates: bound by fingerprint to one device, CN and user name must agree", async () => {
  await using bed = await AuthBed.create();
  const { devices } = bed.auth;
  await devices.add("press-4", { by, withoutSecret: true });
  await register(bed, "press-5");
  const bound = certificate(bed);
  await devices.addCertificate("press-4", { certificate: bound, origin: "issued", by });
  const judge = (changes: Partial<PresentedCertificate>, id: string | null = null) =>
    judged(bed, { id, certificate: certificate(bed, changes) });
  assert.equal(await judge({}), "ok");
  assert.equal(await judge({}, "press-4"), "ok");
  assert.equal(await judge({ fingerprint: "ab".repeat(32) }), "ok");
  assert.equal(await judge({}, "press-5"), "bad_certificate");
  assert.equal(await judge({ commonName: "press-5" }), "bad_certificate");
  assert.equal(await judge({ fingerprint: "cd".repeat(32) }), "bad_certificate");
  assert.equal(await judge({ commonName: "stranger", fingerprint: "cd".repeat(32) }), "unknown");
  assert.equal(await judge({ notAfterMs: bed.clock.nowMs }), "bad_certificate");
  assert.equal(await judge({ notBeforeMs: bed.clock.nowMs + 1 }), "bad_certificate");
  assert.equal(await judged(bed, { id: "press-4", secret: "" }), "bad_secret");
  const twice = devices.addCertificate("press-5", { certificate: bound, origin: "given", by });
  await refusedWith(twice, { status: 409 });
  await devices.setDisabled("press-4", { disabled: true, by });
  assert.equal(await judge({}), "disabled");
  await devices.setDisabled("press-4", { disabled: false, by });
  await devices.removeCertificate("press-4", { fingerprint: bound.fingerprint, by });
  assert.equal(await judge({}), "bad_certificate");
});

Deno.test("auto-registration off: a stranger stays one", async () => {
  await using bed = await AuthBed.create();
  assert.equal(await judged(bed, { secret: BROUGHT }), "unknown");
  assert.deepEqual([bed.auth.devices.list(), bed.auth.devices.pending], [[], []]);
});

Deno.test("auto-registration on: who comes first owns the id, with what it brought", async () => {
  await using bed = await AuthBed.create({ autoRegistration: () => "on" });
  assert.equal(await judged(bed, { secret: "short" }), "unknown");
  assert.equal(await judged(bed, { secret: "aaaaaaaaaaaaaaaaaaaa" }), "unknown");
  assert.equal(await judged(bed, { id: "node1", secret: BROUGHT }), "unknown");
  assert.equal(await judged(bed, { id: "a/b", secret: BROUGHT }), "unknown");
  const both = await Promise.all([
    judged(bed, { secret: BROUGHT }),
    judged(bed, { secret: `${BROUGHT} too` }),
  ]);
  assert.deepEqual(both, ["ok", "bad_secret"]);
  const by = certificate(bed, { commonName: "press-9" });
  assert.equal(await judged(bed, { id: null, certificate: by }), "ok");
  assert.deepEqual(bed.auth.devices.list().map(({ id, origin }) => [id, origin]), [
    ["press-4", "auto"],
    ["press-9", "auto"],
  ]);
  await bed.reopen({ autoRegistration: () => "off" });
  assert.equal(await judged(bed, { secret: BROUGHT }), "ok");
  assert.equal(await judged(bed, { id: null, certificate: by }), "ok");
});

Deno.test("auto-registration on: strangers are taken in at a bounded rate", async () => {
  await using bed = await AuthBed.create({ autoRegistration: () => "on" });
  let taken = 0;
  for (let i = 0; i < 200; i++) {
    taken += await judged(bed, { id: `d${i}`, secret: BROUGHT }) === "ok" ? 1 : 0;
  }
  assert.equal(taken, 50);
  bed.clock.pass(1000);
  assert.equal(await judged(bed, { id: "later", secret: BROUGHT }), "ok");
});

Deno.test("auto-registration ask: an operator lets in one stranger and not its double", async () => {
  await using bed = await AuthBed.create({ autoRegistration: () => "ask" });
  const { devices } = bed.auth;
  assert.equal(await judged(bed, { secret: BROUGHT }), "pending");
  bed.clock.pass(1000);
  assert.equal(await judged(bed, { secret: "quite another secret", address: "::1" }), "pending");
  assert.equal(await judged(bed, { secret: BROUGHT, address: "192.0.2.9" }), "pending");
  const waiting = devices.pending;
  assert.deepEqual(waiting.map(({ attempts }) => attempts).sort(), [1, 2]);
  assert.equal(JSON.stringify(waiting).includes(BROUGHT), false);
  const right = waiting.find(({ attempts }) => attempts === 2);
  assert.equal(right?.address, "192.0.2.9");
  await devices.approve(right?.requestId ?? "", by);
  assert.equal(await judged(bed, { secret: BROUGHT }), "ok");
  assert.equal(await judged(bed, { secret: "quite another secret" }), "bad_secret");
  assert.deepEqual(devices.pending, []);
  await refusedWith(devices.approve(right?.requestId ?? "", by), { status: 404 });
});

Deno.test("auto-registration ask: what waits is bounded and forgotten after a day", async () => {
  await using bed = await AuthBed.create({ autoRegistration: () => "ask" });
  const { devices } = bed.auth;
  for (let i = 0; i < 10; i++) await judged(bed, { secret: `${BROUGHT} ${i}` });
  assert.equal(devices.pending.length, 4, "of one id");
  for (let i = 0; i < 300; i++) await judged(bed, { id: `d${i}`, secret: BROUGHT });
  assert.equal(devices.pending.length, 200);
  await devices.dismiss(devices.pending[0]?.requestId ?? "", by);
  assert.equal(devices.pending.length, 199);
  bed.clock.pass(24 * 3600 * 1000 + 1);
  assert.deepEqual(devices.pending, []);
});

Deno.test("the HTTP door: basic, bearer, and everything that is neither", async () => {
  await using bed = await AuthBed.create();
  const secret = await register(bed, "press-4");
  const ask = (authorization: string | null) =>
    bed.auth.doors.request({ remoteAddress: "192.0.2.1", forwarded: false, authorization });
  const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
  for (const sent of [basic(`press-4:${secret}`), `Bearer press-4.${secret}`]) {
    const principal = await ask(sent);
    assert.deepEqual(principal, { deviceId: "press-4" });
    assert.equal(bed.auth.doors.mayWrite(principal, "press-4"), true);
    for (const other of ["press-5", "press-4/x", "", "+"]) {
      assert.equal(bed.auth.doors.mayWrite(principal, other), false, other);
    }
  }
  const bad = [null, "", "Basic", "Basic !", basic("press-4"), `Bearer ${secret}`, "Digest x"];
  for (const sent of [...bad, basic(`press-5:${secret}`), `Bearer press-4.${secret}x`]) {
    await refusedWith(ask(sent), { status: 401, code: "AUTH-0420" });
  }
  assert.deepEqual(credentialOf(basic("a:b:c")), { id: "a", secret: "b:c" });
});

Deno.test("the MQTT door: a secret, a certificate, nothing", async () => {
  await using bed = await AuthBed.create();
  const base = { remoteAddress: "127.0.0.1", forwarded: false, certificate: null };
  const connect = (username: string | null, password: string | null) =>
    bed.auth.doors.connect({
      ...base,
      username,
      password: password === null ? null : new TextEncoder().encode(password),
    });
  assert.deepEqual(await connect(null, null), { deviceId: null });
  assert.deepEqual(await connect("press-4", null), { refused: "unknown" });
  const secret = await register(bed, "press-4");
  assert.deepEqual(await connect("press-4", secret), { deviceId: "press-4" });
  assert.deepEqual(await connect("press-4", null), { refused: "bad_secret" });
  assert.deepEqual(await connect(null, null), { refused: "anonymous" });
  assert.deepEqual(await connect(null, secret), { refused: "unknown" });
});

Deno.test("grants: refused when malformed or too many, kept over a restart", async () => {
  await using bed = await AuthBed.create();
  await register(bed, "press-4");
  const { devices } = bed.auth;
  const grants = [{ action: "subscribe" as const, filter: "factory/#" }];
  await devices.setGrants("press-4", { grants, by });
  await bed.reopen();
  assert.deepEqual(bed.auth.devices.grantsOf("press-4"), grants);
  const bad = { grants: [{ action: "publish" as const, filter: "a/#/b" }], by };
  await refusedWith(bed.auth.devices.setGrants("press-4", bad), { status: 400 });
  const many = { grants: Array(33).fill(grants[0]), by };
  await refusedWith(bed.auth.devices.setGrants("press-4", many), { status: 409 });
  assert.deepEqual(bed.auth.devices.grantsOf("press-5"), []);
});
