import assert from "node:assert/strict";
import { LOCAL_ACTOR } from "@/auth/audit.ts";
import { AuthBed, loginOf } from "@/auth/auth_test_bed.ts";
import { Revocations } from "@/auth/revocations.ts";

const by = LOCAL_ACTOR;

Deno.test("live streams of a person end with session, password, role and person", async () => {
  await using bed = await AuthBed.create();
  const { people, sessions, revocations } = bed.auth;
  await bed.addUser("root", "admin");
  await bed.addUser("ada");
  const cut: string[] = [];
  const open = async (label: string) => {
    const { user, session } = await bed.auth.loginBrowser(loginOf("ada"), null);
    const { id: sessionId, expiresAtMs } = session;
    const holder = { kind: "person", userId: user.id, sessionId, expiresAtMs } as const;
    revocations.watch(holder, () => cut.push(label));
    return session;
  };
  const first = await open("first");
  const second = await open("second");
  await sessions.end(first.id, { by: "ada", address: "::1" });
  assert.deepEqual(cut, ["first"]);
  const change = { password: "a brand new one", by, keepSessionId: second.id };
  await people.setPassword("ada", change);
  assert.deepEqual(cut, ["first"], "the session that changed the password goes on");
  await people.setPassword("ada", { password: loginOf("ada").password, by });
  assert.deepEqual(cut, ["first", "second"]);
  await open("third");
  await people.setRole("ada", { role: "operator", by });
  await open("fourth");
  await people.remove("ada", by);
  assert.deepEqual(cut, ["first", "second", "third", "fourth"]);
  assert.equal(revocations.size, 0);
});

Deno.test("live connections of a device end with its secret, certificate, rights and itself", async () => {
  await using bed = await AuthBed.create();
  const { devices, revocations } = bed.auth;
  await devices.add("press-4", { by });
  await devices.add("press-5", { by });
  const notAfterMs = bed.clock.nowMs + 1_000_000;
  const certificate = { commonName: "press-4", fingerprint: "aa", notBeforeMs: 0, notAfterMs };
  await devices.addCertificate("press-4", { certificate, origin: "given", by });
  const cut: string[] = [];
  const open = (deviceId: string, fingerprint: string | null) => {
    const holder = { kind: "device", deviceId, fingerprint, expiresAtMs: null } as const;
    revocations.watch(holder, () => cut.push(`${deviceId} ${fingerprint ?? "secret"}`));
  };
  const openAll = () => [null, "aa", "bb"].forEach((proof) => open("press-4", proof));
  open("press-5", null);
  openAll();
  await devices.rotate("press-4", by);
  assert.deepEqual(cut.splice(0), ["press-4 secret"]);
  await devices.removeCertificate("press-4", { fingerprint: "AA", by });
  assert.deepEqual(cut.splice(0), ["press-4 aa"]);
  await devices.setDisabled("press-4", { disabled: true, by });
  assert.deepEqual(cut.splice(0), ["press-4 bb"]);
  openAll();
  await devices.remove("press-4", by);
  assert.deepEqual(cut.splice(0), ["press-4 secret", "press-4 aa", "press-4 bb"]);
  assert.equal(revocations.size, 1);
});

Deno.test("what expires is cut by the sweep, what closed by itself never", () => {
  const revocations = new Revocations();
  const cut: string[] = [];
  const holder = { kind: "person", userId: "u", sessionId: "s", expiresAtMs: 1000 } as const;
  const release = revocations.watch(holder, () => cut.push("released"));
  revocations.watch({ ...holder, sessionId: "t" }, (why) => cut.push(why));
  release();
  release();
  revocations.sweep(999);
  assert.deepEqual(cut, []);
  revocations.sweep(1000);
  revocations.sweep(1001);
  assert.deepEqual(cut, ["expired"]);
  assert.equal(revocations.size, 0);
});

Deno.test("a cut that closes others while it runs cuts each once", () => {
  const revocations = new Revocations();
  const cut: number[] = [];
  const releases: (() => void)[] = [];
  for (let i = 0; i < 3; i++) {
    const holder = { kind: "device", deviceId: "d", fingerprint: null, expiresAtMs: null } as const;
    releases.push(revocations.watch(holder, () => {
      cut.push(i);
      for (const release of releases) release();
    }));
  }
  revocations.revoke({ kind: "device", deviceId: "d" });
  assert.deepEqual(cut, [0]);
  assert.equal(revocations.size, 0);
});
