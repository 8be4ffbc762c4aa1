/** Forged, stale and stolen tokens at the running gateway: each gets 401 and nothing else. */
import assert from "node:assert/strict";
import {
  base64url,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWTHeaderParameters,
  SignJWT,
} from "jose";
import { SigningKeys } from "@/auth/signing_keys.ts";
import { GatewayBed, PASSWORD } from "@/tests/api/gateway_bed.ts";

interface Tokens {
  access_token: string;
  refresh_token: string;
}

function part(token: string, at: 0 | 1): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(base64url.decode(token.split(".")[at] ?? "")));
}

function encoded(value: unknown): string {
  return base64url.encode(JSON.stringify(value));
}

/** A viewer's token, and the gateway's own key, which only the gateway should have. */
async function stolen(bed: GatewayBed) {
  const { access_token: token } = await bed.login("viewer");
  const keys = await SigningKeys.open({
    folder: `${bed.gateway.dataDir}/keys`,
    now: Date.now,
    tokenLifetimeMs: 900_000,
  });
  const header = part(token, 0) as unknown as JWTHeaderParameters;
  assert.equal(keys.current.kid, header.kid);
  return { token, header, claims: part(token, 1), keys };
}

async function refused(bed: GatewayBed, token: string, what: string): Promise<void> {
  const response = await bed.fetch("/api/auth/profile", {
    headers: { authorization: `Bearer ${token}` },
  });
  const text = await response.text();
  assert.equal(response.status, 401, `${what}: ${text}`);
  assert.equal(JSON.parse(text).code, "AUTH-0403", what);
  assert(token.length < 20 || !text.includes(token.slice(0, 20)), "the token is not repeated");
}

Deno.test("attack over HTTP: alg none, HS256 with the public key, keys of one's own", async () => {
  await using bed = await GatewayBed.start();
  const { token, header, claims, keys } = await stolen(bed);
  const [head, body, signature] = token.split(".");
  for (const alg of ["none", "None", "NONE", ""]) {
    for (const end of ["", signature]) {
      await refused(bed, `${encoded({ ...header, alg })}.${body}.${end}`, `alg "${alg}"`);
    }
  }
  const jwk = await exportJWK(keys.current.publicKey);
  for (const form of [await exportSPKI(keys.current.publicKey), jwk.x ?? "", JSON.stringify(jwk)]) {
    const forged = await new SignJWT({ ...claims, role: "admin" })
      .setProtectedHeader({ ...header, alg: "HS256" })
      .sign(new TextEncoder().encode(form.padEnd(32)));
    await refused(bed, forged, "HS256");
  }
  const own = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
    asked++;
    return Response.json({ keys: [] });
  });
  let asked = 0;
  const url = `http://127.0.0.1:${server.addr.port}/keys.json`;
  const headers: JWTHeaderParameters[] = [
    { ...header, jwk: await exportJWK(own.publicKey) },
    { ...header, jku: url },
    { ...header, x5u: url },
    ...["../../../../dev/null", "' OR 1=1 --", "__proto__", url, "", header.kid].map((kid) => ({
      ...header,
      kid,
    })),
    { ...header, kid: undefined },
    { ...header, crit: ["exp"] },
  ];
  for (const forged of headers) {
    const made = await new SignJWT(claims).setProtectedHeader({ ...forged, crit: undefined })
      .sign(own.privateKey);
    const text = `${encoded(forged)}.${made.split(".").slice(1).join(".")}`;
    await refused(bed, made, JSON.stringify(forged));
    await refused(bed, text, JSON.stringify(forged));
  }
  assert.equal(asked, 0, "no address in a token is ever asked");
  await server.shutdown();
  await refused(bed, `${head}.${body}`, "without a signature");
});

Deno.test("attack over HTTP: tampered, expired, early, for others, and what is no token", async () => {
  await using bed = await GatewayBed.start();
  const { token, header, claims, keys } = await stolen(bed);
  const [head, , signature] = token.split(".");
  for (const changes of [{ role: "admin" }, { exp: 9_999_999_999 }, { sub: "x" }]) {
    const forged = `${head}.${encoded({ ...claims, ...changes })}.${signature}`;
    await refused(bed, forged, JSON.stringify(changes));
  }
  const sign = (changes: Record<string, unknown>) =>
    new SignJWT({ ...claims, ...changes }).setProtectedHeader(header).sign(keys.current.privateKey);
  const nowSeconds = Math.floor(Date.now() / 1000);
  const admin = bed.gateway.auth.people.find("admin");
  const wrong: Record<string, unknown>[] = [
    { exp: nowSeconds - 60 },
    { exp: undefined },
    { nbf: nowSeconds + 600 },
    { iss: "another gateway" },
    { aud: "another api" },
    { role: "admin" },
    { sub: admin?.id },
    { sid: "nothing" },
    { ver: 0 },
  ];
  for (const changes of wrong) await refused(bed, await sign(changes), JSON.stringify(changes));
  for (const text of ["a", "a.b.c", `${token}=`, `${token}.`, "x".repeat(8_000)]) {
    await refused(bed, text, text.slice(0, 20));
  }
  const headers = { authorization: `Bearer ${await sign({})}` };
  assert.equal((await bed.json("/api/auth/profile", { headers })).role, "viewer");
  // A cookie never lends its rights to a bad token beside it.
  const { sessionCookie } = await bed.gateway.auth.loginBrowser({
    ...{ name: "admin", password: PASSWORD, address: "127.0.0.1", knownBrowser: null },
  }, null);
  const both = { authorization: "Bearer a.b.c", cookie: `sluice_session=${sessionCookie}` };
  await bed.json("/api/users", { headers: both, status: 401 });
});

Deno.test("attack over HTTP: a token after logout, password change, role change and removal", async () => {
  await using bed = await GatewayBed.start();
  const ends: ((name: string, token: string) => Promise<unknown>)[] = [
    (_name, token) =>
      bed.json("/api/auth/logout", { ...bearer(token), method: "POST", status: 204 }),
    (name) => bed.json(`/api/users/${name}`, { ...asAdmin({ password: "another good one" }) }),
    (name) => bed.json(`/api/users/${name}`, { ...asAdmin({ role: "operator" }) }),
    (name) => bed.json(`/api/users/${name}`, { as: "admin", method: "DELETE", status: 204 }),
  ];
  for (const [i, end] of ends.entries()) {
    const name = `user${i}`;
    const json = { name, role: "viewer", password: PASSWORD };
    await bed.json("/api/users", { as: "admin", json, status: 201 });
    const tokens = await bed.login(name);
    await bed.json("/api/auth/profile", bearer(tokens.access_token));
    const stream = await bed.fetch("/api/readings/stream", bearer(tokens.access_token));
    assert.equal(stream.status, 200);
    await end(name, tokens.access_token);
    // The live stream ends too: its body comes to an end.
    await stream.text();
    await refused(bed, tokens.access_token, `end ${i}`);
    const refresh = { refresh_token: tokens.refresh_token };
    await bed.json("/api/auth/refresh", { json: refresh, status: 401 });
  }
});

Deno.test("attack over HTTP: a refresh token that comes again ends its family, no other", async () => {
  await using bed = await GatewayBed.start();
  const other = await bed.login("viewer");
  const first = await bed.login("viewer");
  const json = { refresh_token: first.refresh_token };
  const second = await bed.json<Tokens>("/api/auth/refresh", { json });
  const both = await Promise.all(
    [json, json].map((each) => bed.fetch("/api/auth/refresh", { json: each })),
  );
  for (const answer of both) {
    assert.equal(answer.status, 401);
    await answer.body?.cancel();
  }
  await refused(bed, second.access_token, "of the family");
  const again = { refresh_token: second.refresh_token };
  await bed.json("/api/auth/refresh", { json: again, status: 401 });
  await bed.json("/api/auth/profile", bearer(other.access_token));
  for (const token of ["", "a", `${first.refresh_token}x`, first.access_token, "a.b"]) {
    const answer = await bed.fetch("/api/auth/refresh", { json: { refresh_token: token } });
    await answer.body?.cancel();
    assert([400, 401].includes(answer.status), `${token}: ${answer.status}`);
  }
  await bed.json("/api/auth/profile", bearer(other.access_token));
});

function bearer(token: string) {
  return { headers: { authorization: `Bearer ${token}` } };
}

function asAdmin(json: unknown) {
  return { as: "admin", method: "PATCH", json } as const;
}
