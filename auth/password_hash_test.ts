import assert from "node:assert/strict";
import { PASSWORD_COST, PasswordHasher } from "@/auth/password_hash.ts";
import { refusedWith } from "@/auth/auth_test_bed.ts";

const CHEAP = { log2N: 4, r: 8, p: 1 };

Deno.test("the product's parameters: written into the hash, verified, unequal for other passwords", async () => {
  const hasher = new PasswordHasher();
  const stored = await hasher.hash("correct horse battery");
  assert.match(stored, /^\$scrypt\$ln=14,r=8,p=5\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  const right = await hasher.verify("correct horse battery", stored);
  assert.deepEqual(right, { matches: true, outdated: false });
  assert.equal((await hasher.verify("correct horse batterz", stored)).matches, false);
  assert.equal(PASSWORD_COST.log2N, 14);
});

Deno.test("a test vector of RFC 7914 under our format", async () => {
  // scrypt("pleaseletmein", "SodiumChloride", N = 16384, r = 8, p = 1), the first 32 bytes.
  const hash = "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2";
  const text = Uint8Array.fromHex(hash).toBase64({ omitPadding: true });
  const salt = new TextEncoder().encode("SodiumChloride").toBase64({ omitPadding: true });
  const stored = `$scrypt$ln=14,r=8,p=1$${salt}$${text}`;
  const verdict = await new PasswordHasher().verify("pleaseletmein", stored);
  assert.deepEqual(verdict, { matches: true, outdated: true });
});

Deno.test("the same letter composed and decomposed is the same password", async () => {
  const hasher = new PasswordHasher({ cost: CHEAP });
  const stored = await hasher.hash("caf\u00e9 con leche");
  assert.equal((await hasher.verify("cafe\u0301 con leche", stored)).matches, true);
});

Deno.test("nobody and damaged texts match nothing, and cost what a real check costs", async () => {
  const hasher = new PasswordHasher({ cost: CHEAP });
  const good = await hasher.hash("correct horse battery");
  const damaged = [
    null,
    "",
    "plain",
    "$scrypt$ln=4,r=8,p=1$$",
    good.slice(0, -5),
    good.replace("ln=4", "ln=40"),
    good.replace("ln=4", "ln=0"),
    good.replace("p=1", "p=0"),
    good.replace("scrypt", "argon2id"),
  ];
  for (const stored of damaged) {
    const verdict = await hasher.verify("correct horse battery", stored);
    assert.equal(verdict.matches, false, String(stored));
  }
});

Deno.test("two run, a bounded number waits, more are refused at once", async () => {
  const hasher = new PasswordHasher({ cost: CHEAP, runningMax: 2, waitingMax: 3 });
  const all = Array.from({ length: 8 }, (_, i) => hasher.hash(`password number ${i}`));
  const outcomes = await Promise.allSettled(all);
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 5);
  const refused = all.filter((_, i) => outcomes[i]?.status === "rejected");
  for (const each of refused) await refusedWith(each, { status: 503 });
  await hasher.hash("there is room again");
});
