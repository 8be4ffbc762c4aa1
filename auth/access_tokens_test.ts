import assert from "node:assert/strict";
import {
  base64url,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWTHeaderParameters,
  SignJWT,
  UnsecuredJWT,
} from "jose";
import { LOCAL_ACTOR } from "@/auth/audit.ts";
import type { Auth } from "@/auth/auth.ts";
import { AuthBed, GOOD_PASSWORD, refusedWith } from "@/auth/auth_test_bed.ts";
import { SigningKeys } from "@/auth/signing_keys.ts";

const INVALID = { status: 401, code: "AUTH-0403" };

/** A person with a token, and the means to make tokens that only the gateway can make. */
async function victim(bed: AuthBed, role: "viewer" | "admin" = "viewer") {
  await bed.addUser("root", "admin");
  await bed.addUser("eve", role);
  const answer = await bed.login({ name: "eve" });
  await bed.auth.tokens.verify(answer.access_token);
  const claims = payloadOf(answer.access_token);
  const keys = await SigningKeys.open({
    folder: bed.join("keys"),
    now: () => bed.clock.nowMs,
    tokenLifetimeMs: 900_000,
  });
  assert.equal(keys.current.kid, headerOf(answer.access_token).kid, "the very key that signed");
  return { answer, claims, keys, verify: (token: string) => bed.auth.tokens.verify(token) };
}

function payloadOf(token: string): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(base64url.decode(token.split(".")[1] ?? "")));
}

function headerOf(token: string): JWTHeaderParameters {
  return JSON.parse(new TextDecoder().decode(base64url.decode(token.split(".")[0] ?? "")));
}

Deno.test("a token of a login speaks for its person until it expires", async () => {
  await using bed = await AuthBed.create();
  const { answer, verify } = await victim(bed);
  const identity = await verify(answer.access_token);
  assert.equal(identity.name, "eve");
  assert.equal(identity.role, "viewer");
  assert.equal(identity.via, "bearer");
  assert.equal(answer.expires_in, 900);
  assert.equal(headerOf(answer.access_token).alg, "EdDSA");
  bed.clock.pass(899_000);
  await verify(answer.access_token);
  bed.clock.pass(7_000);
  await refusedWith(verify(answer.access_token), INVALID);
});

Deno.test("attack: alg none, with and without a signature", async () => {
  await using bed = await AuthBed.create();
  const { answer, claims, verify } = await victim(bed);
  const unsecured = new UnsecuredJWT(claims).encode();
  const signature = answer.access_token.split(".")[2];
  const header = { ...headerOf(answer.access_token) };
  for (const alg of ["none", "None", "NONE", ""]) {
    const forged = base64url.encode(JSON.stringify({ ...header, alg }));
    const body = answer.access_token.split(".")[1];
    await refusedWith(verify(`${forged}.${body}.`), INVALID);
    await refusedWith(verify(`${forged}.${body}.${signature}`), INVALID);
  }
  await refusedWith(verify(unsecured), INVALID);
});

Deno.test("attack: HS256 keyed by the public key, in every form that it can be had", async () => {
  await using bed = await AuthBed.create();
  const { answer, claims, keys, verify } = await victim(bed);
  const { publicKey, kid } = keys.current;
  const jwk = await exportJWK(publicKey);
  const forms = [await exportSPKI(publicKey), jwk.x ?? "", JSON.stringify(jwk)];
  const secrets = forms.map((form) => new TextEncoder().encode(form.padEnd(32)));
  secrets.push(new Uint8Array(base64url.decode(jwk.x ?? "")));
  for (const secret of secrets) {
    const forged = await new SignJWT({ ...claims, role: "admin" })
      .setProtectedHeader({ ...headerOf(answer.access_token), alg: "HS256", kid }).sign(secret);
    await refusedWith(verify(forged), INVALID);
  }
});

Deno.test("attack: a key of one's own, by jwk, jku, x5u, x5c, kid or crit in the header", async () => {
  await using bed = await AuthBed.create();
  const { answer, claims, verify } = await victim(bed);
  const own = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const jwk = await exportJWK(own.publicKey);
  const header = headerOf(answer.access_token);
  const kids = ["../../../../dev/null", "' OR 1=1 --", "__proto__", "constructor", "", header.kid];
  const headers: JWTHeaderParameters[] = [
    { ...header, jwk },
    { ...header, jku: "http://127.0.0.1:9/keys.json" },
    { ...header, x5u: "http://127.0.0.1:9/chain.pem", x5c: ["AAAA"] },
    ...kids.map((kid) => ({ ...header, kid })),
    { ...header, kid: undefined },
  ];
  for (const forged of headers) {
    const token = await new SignJWT(claims).setProtectedHeader(forged).sign(own.privateKey);
    await refusedWith(verify(token), INVALID);
  }
});

Deno.test("attack: a tampered payload keeps no signature", async () => {
  await using bed = await AuthBed.create();
  const { answer, claims, verify } = await victim(bed);
  const [header, , signature] = answer.access_token.split(".");
  for (const changes of [{ role: "admin" }, { exp: 9_999_999_999 }, { sub: "x" }, { ver: 2 }]) {
    const body = base64url.encode(JSON.stringify({ ...claims, ...changes }));
    await refusedWith(verify(`${header}.${body}.${signature}`), INVALID);
  }
});

Deno.test("attack: claims that our own key signed but that do not hold", async () => {
  await using bed = await AuthBed.create();
  const { answer, claims, keys, verify } = await victim(bed);
  const nowSeconds = Math.floor(bed.clock.nowMs / 1000);
  const header = headerOf(answer.access_token);
  const sign = (changes: Record<string, unknown>, other: JWTHeaderParameters = header) =>
    new SignJWT({ ...claims, ...changes }).setProtectedHeader(other).sign(keys.current.privateKey);
  await verify(await sign({}));
  const root = bed.auth.people.find("root");
  const wrong: Record<string, unknown>[] = [
    { iss: "another gateway" },
    { iss: undefined },
    { aud: "another api" },
    { aud: undefined },
    { nbf: nowSeconds + 60 },
    { nbf: undefined },
    { exp: nowSeconds - 60 },
    { exp: undefined },
    { iat: nowSeconds - 3600, exp: nowSeconds + 3600 },
    { iat: undefined },
    { role: "admin" },
    { sub: root?.id },
    { sub: "nobody" },
    { sid: "nothing" },
    { sid: undefined },
    { ver: 0 },
    { ver: "1" },
  ];
  for (const changes of wrong) {
    await refusedWith(verify(await sign(changes)), INVALID);
  }
  for (const typ of ["JWT", "known+jwt", undefined]) {
    await refusedWith(verify(await sign({}, { ...header, typ })), INVALID);
  }
});

Deno.test("attack: what is no token at all", async () => {
  await using bed = await AuthBed.create();
  const { answer, verify } = await victim(bed);
  const { access_token: token, refresh_token: refresh } = answer;
  const oversized = `${token}${"a".repeat(1_000_000)}`;
  for (const text of ["", ".", "..", "a.b.c", refresh, oversized, `${token}.`, `${token}=`]) {
    await refusedWith(verify(text), INVALID);
  }
});

Deno.test("a token ends with logout, password change, role change and removal", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("root", "admin");
  const by = LOCAL_ACTOR;
  const ends: ((auth: Auth, who: { name: string; sessionId: string }) => Promise<void>)[] = [
    (auth, who) => auth.sessions.end(who.sessionId, { by: who.name, address: "192.0.2.1" }),
    (auth, who) => auth.people.setPassword(who.name, { password: "another good one", by }),
    (auth, who) => auth.people.setRole(who.name, { role: "operator", by }),
    (auth, who) => auth.people.remove(who.name, by),
  ];
  for (const [i, end] of ends.entries()) {
    const name = `user${i}`;
    await bed.addUser(name);
    const answer = await bed.login({ name });
    const { sessionId } = await bed.auth.tokens.verify(answer.access_token);
    await end(bed.auth, { name, sessionId });
    await refusedWith(bed.auth.tokens.verify(answer.access_token), INVALID);
    await refusedWith(bed.auth.refresh(answer.refresh_token, "192.0.2.1"), { status: 401 });
    await bed.reopen();
    await refusedWith(bed.auth.tokens.verify(answer.access_token), INVALID);
  }
});

Deno.test("somebody new with the old name is not the old one", async () => {
  await using bed = await AuthBed.create();
  const { answer, verify } = await victim(bed);
  await bed.auth.people.remove("eve", LOCAL_ACTOR);
  await bed.addUser("eve", "admin");
  await refusedWith(verify(answer.access_token), INVALID);
});

Deno.test("rotating the key: the old one verifies for a token's life, then its file is gone", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("root", "admin");
  const before = await bed.login({ name: "root" });
  const oldKid = headerOf(before.access_token).kid;
  bed.clock.pass(31 * 24 * 3600 * 1000);
  await bed.auth.maintain();
  const { access_token: after } = await bed.login({ name: "root" });
  assert.notEqual(headerOf(after).kid, oldKid);
  assert.equal((await keyFiles(bed)).length, 2, "both keys verify");
  await bed.reopen();
  await bed.auth.tokens.verify(after);
  bed.clock.pass(901_000);
  await bed.auth.maintain();
  assert.deepEqual(await keyFiles(bed), [`signing-${headerOf(after).kid}.json`]);
});

Deno.test("a rotated key goes on verifying what it signed", async () => {
  await using bed = await AuthBed.create();
  const keys = await SigningKeys.open({
    folder: bed.join("other"),
    now: () => bed.clock.nowMs,
    tokenLifetimeMs: 900_000,
  });
  const { kid } = keys.current;
  await keys.rotate();
  assert.notEqual(keys.current.kid, kid);
  assert.equal(keys.find(kid)?.kid, kid);
  bed.clock.pass(899_000);
  await keys.maintain();
  assert.equal(keys.find(kid)?.kid, kid);
  bed.clock.pass(2_000);
  await keys.maintain();
  assert.equal(keys.find(kid), undefined);
});

Deno.test("a key file is for the owner alone; one that is damaged or was open to others is replaced", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("root", "admin");
  const { access_token: token } = await bed.login({ name: "root" });
  const [name] = await keyFiles(bed);
  const path = bed.join("keys", name ?? "");
  assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  assert.equal(((await Deno.stat(bed.join("keys"))).mode ?? 0) & 0o777, 0o700);
  await Deno.chmod(path, 0o640);
  await bed.reopen();
  await refusedWith(bed.auth.tokens.verify(token), INVALID);
  assert.equal((await keyFiles(bed)).includes(name ?? ""), false);
  const [second] = await keyFiles(bed);
  await Deno.writeTextFile(bed.join("keys", second ?? ""), "{");
  await bed.reopen();
  const fresh = await bed.auth.login({
    name: "root",
    password: GOOD_PASSWORD,
    address: "::1",
    knownBrowser: null,
  }, null);
  assert.equal((await bed.auth.tokens.verify(fresh.access_token)).name, "root");
});

async function keyFiles(bed: AuthBed): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(bed.join("keys"))) names.push(name);
  return names;
}
