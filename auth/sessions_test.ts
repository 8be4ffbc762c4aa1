import assert from "node:assert/strict";
import { AuthBed, loginOf, refusedWith } from "@/auth/auth_test_bed.ts";
import type { Revoked } from "@/auth/revocations.ts";

const DAY_MS = 24 * 3600 * 1000;
const UNUSABLE = { status: 401, code: "AUTH-0404" };

function refresh(bed: AuthBed, token: string) {
  return bed.auth.refresh(token, "192.0.2.1");
}

Deno.test("a refresh token gives new tokens once; the access token before stays good", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  const first = await bed.login({ name: "ada" });
  const second = await refresh(bed, first.refresh_token);
  assert.notEqual(second.refresh_token, first.refresh_token);
  await bed.auth.tokens.verify(first.access_token);
  await bed.auth.tokens.verify(second.access_token);
  await bed.reopen();
  await refresh(bed, second.refresh_token);
});

Deno.test("attack: a used refresh token comes again, the whole family ends and others stay", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  const stolen = await bed.login({ name: "ada" });
  const apart = await bed.login({ name: "ada" });
  const revoked: Revoked[] = [];
  bed.auth.revocations.onRevoked((each) => revoked.push(each));
  const second = await refresh(bed, stolen.refresh_token);
  const third = await refresh(bed, second.refresh_token);
  await refusedWith(refresh(bed, stolen.refresh_token), UNUSABLE);
  await refusedWith(refresh(bed, third.refresh_token), UNUSABLE);
  await refusedWith(bed.auth.tokens.verify(third.access_token), { status: 401 });
  assert.deepEqual(revoked.map(({ kind }) => kind), ["session"]);
  await refresh(bed, apart.refresh_token);
  assert.equal((await bed.auditTrail())[0]?.action, "refresh_reuse");
});

Deno.test("attack: the same refresh token twice at once, one wins and then the family ends", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  const { refresh_token: token } = await bed.login({ name: "ada" });
  const outcomes = await Promise.allSettled([refresh(bed, token), refresh(bed, token)]);
  assert.deepEqual(outcomes.map(({ status }) => status), ["fulfilled", "rejected"]);
  const [winner] = outcomes;
  assert(winner?.status === "fulfilled");
  await refusedWith(refresh(bed, winner.value.refresh_token), UNUSABLE);
});

Deno.test("attack: made-up refresh tokens end nothing", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  const { refresh_token: token, access_token: access } = await bed.login({ name: "ada" });
  const { sessionId } = await bed.auth.tokens.verify(access);
  const [selector = "", secret = ""] = token.split(".");
  const made = [
    "",
    ".",
    selector,
    `${selector}.`,
    `.${secret}`,
    `${sessionId}.${secret}`,
    `${secret.slice(0, 22)}.${secret}`,
    `${token}.`,
    `${token} `,
    access,
  ];
  for (const text of made) await refusedWith(refresh(bed, text), UNUSABLE);
  await refresh(bed, token);
});

Deno.test("a cookie is no refresh token and a refresh token is no cookie", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  const { sessionCookie } = await bed.auth.loginBrowser(loginOf("ada"), null);
  const { refresh_token: token } = await bed.login({ name: "ada" });
  await refusedWith(refresh(bed, sessionCookie), UNUSABLE);
  assert.equal(bed.auth.sessions.ofCookie(token), null);
  assert.notEqual(bed.auth.sessions.ofCookie(sessionCookie), null);
});

Deno.test("nothing that is kept opens a session", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  const { refresh_token: token } = await bed.login({ name: "ada" });
  const { sessionCookie } = await bed.auth.loginBrowser(loginOf("ada"), null);
  const kept = JSON.stringify(await bed.store.load());
  for (const credential of [token, sessionCookie]) {
    assert.equal(kept.includes(credential.split(".")[1] ?? ""), false);
  }
  const { sessions } = await bed.store.load();
  for (const { selector, secretHash } of sessions) {
    assert.equal(bed.auth.sessions.ofCookie(`${selector}.${secretHash}`), null);
  }
});

Deno.test("an idle session ends after 14 days, a used one after 90", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  const idle = await bed.auth.loginBrowser(loginOf("ada"), null);
  const used = await bed.auth.loginBrowser(loginOf("ada"), null);
  let days = 0;
  for (; days < 100; days++) {
    const session = bed.auth.sessions.ofCookie(used.sessionCookie);
    if (session === null) break;
    await bed.auth.sessions.touch(session);
    bed.clock.pass(DAY_MS);
    const open = bed.auth.sessions.ofCookie(idle.sessionCookie) !== null;
    assert.equal(open, days + 1 < 14, `day ${days + 1}`);
  }
  assert.equal(days, 90);
  await bed.auth.maintain();
  assert.deepEqual((await bed.store.load()).sessions, []);
});

Deno.test("use is written down once an hour at most, and failing to do so fails nothing", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  const { session } = await bed.auth.loginBrowser(loginOf("ada"), null);
  bed.store.failWith = new Error("disk full");
  bed.clock.pass(3_599_000);
  await bed.auth.sessions.touch(session);
  bed.clock.pass(2_000);
  await bed.auth.sessions.touch(session);
  bed.store.failWith = null;
  assert.equal((await bed.store.load()).sessions[0]?.usedAtMs, session.usedAtMs);
  await bed.auth.sessions.touch(session);
  assert.equal((await bed.store.load()).sessions[0]?.usedAtMs, bed.clock.nowMs);
});

Deno.test("a person has at most 20 sessions of a kind, the longest unused makes room", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  const cookies: string[] = [];
  for (let i = 0; i < 22; i++) {
    cookies.push((await bed.auth.loginBrowser(loginOf("ada"), null)).sessionCookie);
    bed.clock.pass(1000);
  }
  const { refresh_token: token } = await bed.login({ name: "ada" });
  const open = cookies.map((cookie) => bed.auth.sessions.ofCookie(cookie) !== null);
  assert.deepEqual(open, [false, false, ...Array(20).fill(true)]);
  await refresh(bed, token);
});

Deno.test("what a browser says of itself is kept printable and short", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  const agent = `evil\r\n\u001b[2J\u202e${"x".repeat(5000)}`;
  const { session } = await bed.auth.loginBrowser(loginOf("ada"), agent);
  assert.equal(session.agent.length, 200);
  assert.match(session.agent, /^evil\\u\{d\}\\u\{a\}\\u\{1b\}\[2J\\u\{202e\}x+…$/);
});

Deno.test("a login that a password change overtakes does not get in", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  const { user } = await bed.auth.people.login(loginOf("ada"));
  const by = { name: "local", address: "local" };
  await bed.auth.people.setPassword("ada", { password: "a brand new one", by });
  const origin = { kind: "token", address: "::1", agent: null } as const;
  await refusedWith(bed.auth.sessions.start(user, origin), { status: 401 });
});

Deno.test("all sign-ins of a person but one end together, in one line of the trail", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  await bed.addUser("bob", "viewer");
  const kept = await bed.login({ name: "ada" });
  const ended = [await bed.login({ name: "ada" }), await bed.login({ name: "ada" })];
  const others = await bed.login({ name: "bob" });
  const { userId, sessionId: keepSessionId } = await bed.auth.tokens.verify(kept.access_token);
  assert.equal(bed.auth.sessions.ofPerson(userId).length, 3);
  const by = { name: "ada", address: "192.0.2.1" };
  assert.equal(await bed.auth.sessions.endAll(userId, { by, keepSessionId }), 2);
  assert.deepEqual(bed.auth.sessions.ofPerson(userId).map(({ id }) => id), [keepSessionId]);
  for (const { access_token, refresh_token } of ended) {
    await refusedWith(bed.auth.tokens.verify(access_token), { status: 401 });
    await refusedWith(refresh(bed, refresh_token), UNUSABLE);
  }
  await bed.auth.tokens.verify(kept.access_token);
  await bed.auth.tokens.verify(others.access_token);
  const [{ action, subject, detail } = {}] = await bed.auditTrail();
  assert.deepEqual({ action, subject, detail }, {
    ...{ action: "logout", subject: "ada", detail: "2 sign-ins ended" },
  });
  assert.equal(await bed.auth.sessions.endAll(userId, { by, keepSessionId }), 0);
});
