import assert from "node:assert/strict";
import { GATEWAY_ACTOR, LOCAL_ACTOR } from "@/auth/audit.ts";
import { AuthBed, GOOD_PASSWORD, loginOf, refusedWith } from "@/auth/auth_test_bed.ts";

const WRONG = { status: 401, code: "AUTH-0401" };
const THROTTLED = { status: 429, code: "AUTH-0429" };

/** How many of so many wrong guesses were looked at, the others having been turned away. */
async function guess(
  bed: AuthBed,
  options: { times: number; name: (i: number) => string; address: (i: number) => string },
): Promise<number> {
  let looked = 0;
  for (let i = 0; i < options.times; i++) {
    const login = { name: options.name(i), address: options.address(i), password: `guess ${i} x` };
    const status = await refusal(bed.login(login));
    assert.ok(status === 401 || status === 429, `guess ${i}: ${status}`);
    looked += status === 401 ? 1 : 0;
  }
  return looked;
}

async function refusal(promise: Promise<unknown>): Promise<number> {
  return (await promise.then(() => ({ status: 200 }), (error) => error)).status;
}

Deno.test("right name and password get in, whatever the name's case", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("Ada", "admin");
  const { access_token: token } = await bed.login({ name: "aDA" });
  assert.equal((await bed.auth.tokens.verify(token)).name, "Ada");
});

Deno.test("a wrong name and a wrong password get the same answer after the same work", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  const unknown = await refusedWith(bed.login({ name: "nobody" }), WRONG);
  const wrong = await refusedWith(bed.login({ name: "ada", password: "not the one" }), WRONG);
  assert.deepEqual([unknown.message, unknown.hint], [wrong.message, wrong.hint]);
  assert.deepEqual(unknown.headers, wrong.headers);
  const odd = ["", "__proto__", "constructor", "' OR ''='", "a\r\nSet-Cookie: x", "\u0000"];
  for (const [i, name] of odd.entries()) {
    await refusedWith(bed.login({ name, address: `198.51.100.${i}` }), WRONG);
  }
  const long = bed.login({ name: "ada", password: "x".repeat(1_000_000), address: "203.0.113.9" });
  await refusedWith(long, WRONG);
});

Deno.test("attack: 1000 guesses at one account from one address", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  const looked = await guess(bed, {
    times: 1000,
    name: () => "ada",
    address: () => "198.51.100.7",
  });
  assert.ok(looked <= 5, `${looked} guesses were looked at`);
  const error = await refusedWith(bed.login({ name: "ada", address: "198.51.100.7" }), THROTTLED);
  assert.match(error.headers["Retry-After"] ?? "", /^[1-9]\d*$/);
  await bed.login({ name: "ada", address: "192.0.2.55" });
  bed.clock.pass(60_000);
  await bed.login({ name: "ada", address: "198.51.100.7" });
});

Deno.test("attack: 1000 guesses at once get no further than one after the other", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  const statuses = await Promise.all(
    Array.from({ length: 1000 }, (_, i) => refusal(bed.login({ name: "ada", password: `g${i}` }))),
  );
  assert.equal(statuses.filter((status) => status === 401).length, 5);
  assert.equal(statuses.filter((status) => status === 429).length, 995);
});

Deno.test("attack: one password over 1000 accounts from one address, IPv4 and IPv6", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  const name = (i: number) => `user${i}`;
  const fromOne = await guess(bed, { times: 1000, name, address: () => "198.51.100.7" });
  assert.ok(fromOne <= 20, `${fromOne} guesses were looked at`);
  const address = (i: number) => `2001:db8:1:2:${i.toString(16)}::${i.toString(16)}`;
  const fromNet = await guess(bed, { times: 1000, name: (i) => `other${i}`, address });
  assert.ok(fromNet <= 20, `${fromNet} guesses were looked at from one /64`);
  await bed.login({ name: "ada" });
});

Deno.test("attack: one account from many addresses; its owner's browser is not held up", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  const { knownBrowser } = await bed.auth.loginBrowser(loginOf("ada"), "Firefox");
  const address = (i: number) => `10.${i >> 8}.${i & 255}.1`;
  const looked = await guess(bed, { times: 1000, name: () => "ada", address });
  assert.ok(looked <= 30, `${looked} guesses were looked at`);
  await refusedWith(bed.login({ name: "ada", address: "10.200.0.1" }), THROTTLED);
  await bed.login({ name: "ada", address: "10.0.0.1", knownBrowser });
  bed.clock.pass(10_000);
  await bed.login({ name: "ada", address: "10.200.0.1" });
});

Deno.test("a known browser's mark: for its account, its password and its time only", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  await bed.addUser("bob", "admin");
  const { knownBrowser } = await bed.auth.loginBrowser(loginOf("ada"), null);
  const address = (i: number) => `10.${i >> 8}.${i & 255}.1`;
  for (const name of ["ada", "bob"]) await guess(bed, { times: 60, name: () => name, address });
  const blocked = (name: string, mark: string) =>
    refusedWith(bed.login({ name, knownBrowser: mark, address: "10.99.0.1" }), THROTTLED);
  await bed.login({ name: "ada", knownBrowser, address: "10.99.0.1" });
  await blocked("bob", knownBrowser);
  await blocked("ada", knownBrowser.replace(/.$/, (end) => end === "A" ? "B" : "A"));
  await blocked("ada", knownBrowser.replace(/^[^.]+/, (expiry) => `z${expiry}`));
  await blocked("ada", "");
  const guesses = await Promise.all(
    Array.from(
      { length: 50 },
      () => refusal(bed.login({ name: "ada", knownBrowser, password: "wrong wrong" })),
    ),
  );
  assert.equal(guesses.filter((status) => status === 401).length, 10, "it has a budget too");
  await bed.auth.people.setPassword("ada", { password: "a new good one", by: LOCAL_ACTOR });
  await blocked("ada", knownBrowser);
});

Deno.test("successful logins cost nothing: a program may sign in every second", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  for (let i = 0; i < 100; i++) await bed.login({ name: "ada" });
});

Deno.test("parameters are raised: the password is hashed again at the next login, nothing ends", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  const before = await bed.login({ name: "ada" });
  await bed.reopen({ passwordCost: { log2N: 5, r: 8, p: 2 } });
  await bed.login({ name: "ada" });
  const { users } = await bed.store.load();
  assert.match(users[0]?.passwordHash ?? "", /^\$scrypt\$ln=5,r=8,p=2\$/);
  await bed.auth.tokens.verify(before.access_token);
  await refusedWith(bed.login({ name: "ada", password: "not the one" }), WRONG);
  await bed.login({ name: "ada" });
});

Deno.test("names and passwords that are refused, with what to do", async () => {
  await using bed = await AuthBed.create();
  const add = (name: string, password: string) =>
    bed.auth.people.add({ name, password, role: "viewer" }, LOCAL_ACTOR);
  const names = ["", " ", "a b", "-x", ".hidden", "a/b", "ü", "x".repeat(65), "a\n", "__proto__"];
  for (const name of names) {
    const error = await refusedWith(add(name, GOOD_PASSWORD), { status: 400 });
    assert.match(error.hint, /A-Z/);
  }
  const passwords = [
    "",
    "short",
    "aaaaaaaaaaaa",
    "0123456789",
    "1234567890",
    "zyxwvutsrqpo",
    "Password123",
    "my name is carla",
    "x".repeat(2000),
  ];
  for (const password of passwords) {
    const error = await refusedWith(add("carla", password), { status: 400 });
    assert.equal(error.message.includes(password) && password !== "", false, "it is never echoed");
  }
  await add("carla", GOOD_PASSWORD);
  await refusedWith(add("CARLA", GOOD_PASSWORD), { status: 409 });
});

Deno.test("the last admin stays", async () => {
  await using bed = await AuthBed.create();
  const { people } = bed.auth;
  await bed.addUser("ada", "admin");
  await bed.addUser("bob");
  await refusedWith(people.remove("ada", LOCAL_ACTOR), { status: 409 });
  await refusedWith(people.setRole("ada", { role: "viewer", by: LOCAL_ACTOR }), { status: 409 });
  await people.setRole("bob", { role: "admin", by: LOCAL_ACTOR });
  const outcomes = await Promise.allSettled([
    people.remove("ada", LOCAL_ACTOR),
    people.remove("bob", LOCAL_ACTOR),
  ]);
  assert.deepEqual(outcomes.map(({ status }) => status), ["fulfilled", "rejected"]);
  assert.equal(people.adminExists, true);
  await refusedWith(people.remove("nobody", LOCAL_ACTOR), { status: 404 });
});

Deno.test("one's own password: the old one is asked for, other sessions end, this one stays", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  const here = await bed.auth.loginBrowser(loginOf("ada"), "here");
  const elsewhere = await bed.auth.loginBrowser(loginOf("ada"), "elsewhere");
  const program = await bed.login({ name: "ada" });
  const change = { ...loginOf("ada"), next: "a brand new one", keepSessionId: here.session.id };
  const wrong = { ...change, password: "not the one" };
  await refusedWith(bed.auth.people.changeOwnPassword(wrong), WRONG);
  await bed.auth.people.changeOwnPassword(change);
  assert.notEqual(bed.auth.sessions.ofCookie(here.sessionCookie), null);
  assert.equal(bed.auth.sessions.ofCookie(elsewhere.sessionCookie), null);
  await refusedWith(bed.auth.refresh(program.refresh_token, "::1"), { status: 401 });
  await refusedWith(bed.login({ name: "ada" }), WRONG);
  await bed.login({ name: "ada", password: "a brand new one" });
});

Deno.test("what cannot be written has not happened", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  bed.store.failWith = new Error("disk full");
  await assert.rejects(bed.addUser("bob"), /disk full/);
  await assert.rejects(bed.login({ name: "ada" }), /disk full/);
  await assert.rejects(bed.auth.devices.add("press-4", { by: LOCAL_ACTOR }), /disk full/);
  bed.store.failWith = null;
  assert.equal(bed.auth.people.find("bob"), null);
  assert.equal(bed.auth.devices.find("press-4"), null);
  assert.equal(bed.auth.devices.credentialsExist, false);
  await bed.addUser("bob");
});

Deno.test("the trail tells of every login, refusal and change, and nothing secret", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  await refusedWith(bed.login({ name: "ada", password: "my other secret" }), WRONG);
  const { refresh_token: refresh } = await bed.login({ name: "ada" });
  await bed.addUser("bob");
  await bed.auth.people.setRole("bob", { role: "operator", by: { name: "ada", address: "::1" } });
  await bed.auth.people.remove("bob", GATEWAY_ACTOR);
  const trail = await bed.auditTrail();
  const told = trail.map(({ actor, action, subject, outcome }) => [
    actor,
    action,
    subject,
    outcome,
  ]);
  assert.deepEqual(told.reverse(), [
    ["local", "user_add", "ada", "ok"],
    ["ada", "login", "ada", "refused"],
    ["ada", "login", "ada", "ok"],
    ["local", "user_add", "bob", "ok"],
    ["ada", "user_role", "bob", "ok"],
    ["gateway", "user_remove", "bob", "ok"],
  ]);
  const text = JSON.stringify(trail);
  for (const secret of ["my other secret", GOOD_PASSWORD, refresh]) {
    assert.equal(text.includes(secret), false);
  }
});

Deno.test("guessing cannot flood the trail", async () => {
  await using bed = await AuthBed.create();
  await bed.addUser("ada", "admin");
  await guess(bed, { times: 200, name: (i) => `u${i}`, address: (i) => `10.0.${i}.1` });
  const refused = (await bed.auditTrail()).filter(({ outcome }) => outcome === "refused");
  assert.ok(refused.length <= 40, `${refused.length} lines`);
  bed.clock.pass(600_000);
  await refusedWith(bed.login({ name: "zoe", address: "10.1.1.1" }), WRONG);
  assert.match((await bed.auditTrail())[0]?.detail ?? "", /\(\d+ more left out before\)/);
});
