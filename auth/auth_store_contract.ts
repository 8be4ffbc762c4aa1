/** What every `AuthStore` must do; run by each implementation's own test file. */
import assert from "node:assert/strict";
import type {
  AuditEntry,
  AuthStore,
  DeviceRecord,
  SessionRecord,
  UserRecord,
} from "@/auth/auth_store.ts";

/** A store under test; `reopen` closes it and opens the same data again. */
export interface AuthStoreUnderTest extends AsyncDisposable {
  readonly store: AuthStore;
  reopen(): Promise<AuthStore>;
}

/** Gives an empty store. */
export type AuthStoreFactory = () => Promise<AuthStoreUnderTest>;

const HOSTILE = 'Robert\'); DROP TABLE users;-- \u202e \u2028 \u{1F600} "quoted" %_';

function user(changes: Partial<UserRecord> = {}): UserRecord {
  return {
    id: "0".repeat(31) + "1",
    name: "Ada",
    role: "admin",
    passwordHash: "$scrypt$ln=14,r=8,p=5$c2FsdA$aGFzaA",
    tokenVersion: 3,
    createdAtMs: 1_790_000_000_000,
    passwordSetAtMs: 1_790_000_000_001,
    ...changes,
  };
}

function session(changes: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id: "a".repeat(32),
    userId: user().id,
    kind: "token",
    selector: "selector",
    secretHash: "f".repeat(64),
    createdAtMs: 1_790_000_000_000,
    usedAtMs: 1_790_000_000_002,
    expiresAtMs: 1_800_000_000_000,
    address: "192.0.2.1",
    agent: HOSTILE,
    ...changes,
  };
}

function device(changes: Partial<DeviceRecord> = {}): DeviceRecord {
  return {
    id: "press-4",
    label: HOSTILE,
    disabled: false,
    secret: { salt: "1".repeat(32), hash: "2".repeat(64), setAtMs: 1_790_000_000_003 },
    certificates: [{
      fingerprint: "c".repeat(64),
      notBeforeMs: 1,
      notAfterMs: 1_890_000_000_000,
      addedAtMs: 1_790_000_000_004,
      origin: "issued",
    }],
    grants: [{ action: "subscribe", filter: "factory/+/orders/#" }],
    origin: "added",
    createdAtMs: 1_790_000_000_005,
    ...changes,
  };
}

function audit(changes: Partial<AuditEntry> = {}): AuditEntry {
  return {
    atMs: 1_790_000_000_000,
    actor: "Ada",
    action: "login",
    subject: "Ada",
    address: "192.0.2.1",
    outcome: "ok",
    detail: HOSTILE,
    ...changes,
  };
}

/** Registers the suite; `name` says which implementation is under test. */
export function testAuthStore(name: string, create: AuthStoreFactory): void {
  Deno.test(`${name}: everything comes back after a reopening as it was put`, async () => {
    await using under = await create();
    const bare = device({ id: "bare", secret: null, certificates: [], grants: [], disabled: true });
    await under.store.commit([
      { type: "put_user", user: user() },
      { type: "put_session", session: session() },
      { type: "put_device", device: device() },
      { type: "put_device", device: bare },
      { type: "put_fact", fact: "device_credential", atMs: 5 },
      { type: "audit", entry: audit() },
    ]);
    const store = await under.reopen();
    const state = await store.load();
    assert.deepEqual(state.users, [user()]);
    assert.deepEqual(state.sessions, [session()]);
    assert.deepEqual(state.devices.toSorted((a, b) => a.id.localeCompare(b.id)), [bare, device()]);
    assert.deepEqual(state.facts, [{ fact: "device_credential", atMs: 5 }]);
    const { items, cursor } = await store.listAudit({}, { limit: 10 });
    assert.deepEqual(items.map(({ id: _, ...entry }) => entry), [audit()]);
    assert.equal(cursor, null);
  });

  Deno.test(`${name}: putting again replaces, removing removes, facts keep their first time`, async () => {
    await using under = await create();
    const { store } = under;
    await store.commit([
      { type: "put_user", user: user() },
      { type: "put_session", session: session() },
      { type: "put_device", device: device() },
      { type: "put_fact", fact: "device_credential", atMs: 5 },
    ]);
    const plain = device({ certificates: [], grants: [], secret: null, label: "" });
    await store.commit([
      { type: "put_user", user: user({ name: "ADA", role: "viewer", tokenVersion: 4 }) },
      { type: "put_session", session: session({ secretHash: "e".repeat(64), usedAtMs: 7 }) },
      { type: "put_device", device: plain },
      { type: "put_fact", fact: "device_credential", atMs: 9 },
    ]);
    assert.deepEqual(await store.load(), {
      users: [user({ name: "ADA", role: "viewer", tokenVersion: 4 })],
      sessions: [session({ secretHash: "e".repeat(64), usedAtMs: 7 })],
      devices: [plain],
      facts: [{ fact: "device_credential", atMs: 5 }],
    });
    await store.commit([
      { type: "delete_session", id: session().id },
      { type: "delete_device", id: "press-4" },
      { type: "delete_device", id: "never-was" },
    ]);
    const { sessions, devices } = await store.load();
    assert.deepEqual({ sessions, devices }, { sessions: [], devices: [] });
  });

  Deno.test(`${name}: a person's sessions go with the person`, async () => {
    await using under = await create();
    const other = user({ id: "2".repeat(32), name: "Bob" });
    const others = session({ id: "b".repeat(32), userId: other.id, selector: "other" });
    await under.store.commit([
      { type: "put_user", user: user() },
      { type: "put_user", user: other },
      { type: "put_session", session: session() },
      { type: "put_session", session: others },
    ]);
    await under.store.commit([{ type: "delete_user", id: user().id }]);
    const { users, sessions } = await under.store.load();
    assert.deepEqual({ users, sessions }, { users: [other], sessions: [others] });
  });

  Deno.test(`${name}: one refused change refuses all, also the audit line`, async () => {
    await using under = await create();
    const before = await under.store.load();
    await assert.rejects(under.store.commit([
      { type: "put_device", device: device() },
      { type: "audit", entry: audit() },
      { type: "put_session", session: session({ userId: "nobody" }) },
    ]));
    assert.deepEqual(await under.store.load(), before);
    assert.deepEqual((await under.store.listAudit({}, { limit: 10 })).items, []);
  });

  Deno.test(`${name}: two people cannot share a name, whatever its case`, async () => {
    await using under = await create();
    await under.store.commit([{ type: "put_user", user: user() }]);
    const twin = user({ id: "3".repeat(32), name: "aDA" });
    await assert.rejects(under.store.commit([{ type: "put_user", user: twin }]));
    assert.deepEqual((await under.store.load()).users, [user()]);
  });

  Deno.test(`${name}: the audit trail pages from the newest and filters`, async () => {
    await using under = await create();
    await fill(under.store, 10);
    const store = await under.reopen();
    assert.deepEqual(await trailOf(store), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    const even = await store.listAudit({ actor: "even", fromMs: 5, toMs: 10 }, { limit: 9 });
    assert.deepEqual(even.items.map((item) => item.atMs), [8, 6]);
    assert.equal(even.cursor, null);
    assert.deepEqual((await store.listAudit({ action: "x" }, { limit: 9 })).items, []);
  });
}

/** For a store that was told to keep at most seven lines. */
export function testAuditBound(name: string, create: AuthStoreFactory): void {
  Deno.test(`${name}: at its bound the audit trail loses the oldest lines`, async () => {
    await using under = await create();
    await fill(under.store, 10);
    assert.deepEqual(await trailOf(under.store), [10, 9, 8, 7, 6, 5, 4]);
  });
}

async function fill(store: AuthStore, lines: number): Promise<void> {
  for (let atMs = 1; atMs <= lines; atMs++) {
    const actor = atMs % 2 === 0 ? "even" : "odd";
    await store.commit([{ type: "audit", entry: audit({ atMs, actor }) }]);
  }
}

/** Times of all lines, read in pages of three. */
async function trailOf(store: AuthStore): Promise<number[]> {
  const seen: number[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.listAudit({}, { limit: 3, cursor });
    seen.push(...page.items.map((item) => item.atMs));
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
  return seen;
}
