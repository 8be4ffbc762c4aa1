import assert from "node:assert/strict";
import { type AccessChange, applyAccess, readAccess } from "@/store/auth_tables.ts";
import { restoreBackup } from "@/store/backup.ts";
import { databasePath } from "@/store/data_folder.ts";
import { Database } from "@/store/database.ts";
import { storeOptions, TempDir } from "@/store/fixture.ts";
import { runQuery } from "@/store/queries.ts";
import { migrate, MIGRATIONS } from "@/store/schema.ts";
import { openStore } from "@/store/store.ts";

const NOW = new Date("2026-11-22T00:00:00Z");

const CHANGES: AccessChange[] = [
  {
    type: "put_user",
    user: {
      id: "u1",
      name: "ada",
      role: "admin",
      passwordHash: "$scrypt$",
      tokenVersion: 1,
      createdAtMs: 1,
      passwordSetAtMs: 2,
    },
  },
  {
    type: "put_session",
    session: {
      id: "s1",
      userId: "u1",
      kind: "token",
      selector: "sel",
      secretHash: "hash",
      createdAtMs: 1,
      usedAtMs: 2,
      expiresAtMs: 3,
      address: "::1",
      agent: "",
    },
  },
  {
    type: "put_device",
    device: {
      id: "press-4",
      label: "",
      disabled: false,
      secret: { salt: "aa", hash: "bb", setAtMs: 4 },
      certificates: [],
      grants: [],
      origin: "added",
      createdAtMs: 5,
    },
  },
  { type: "put_fact", fact: "device_credential", atMs: 6 },
];

Deno.test("a database of the version before keeps its audit trail", async () => {
  using dir = new TempDir();
  using db = new Database(`${dir.path}/sluice.db`);
  await migrate(db, { migrations: MIGRATIONS.slice(0, 3), now: NOW });
  db.run("INSERT INTO audit (at_ms, actor, action, subject) VALUES (7, 'a', 'dead.purge', 'all')");
  await migrate(db, { now: NOW });
  const { items } = runQuery(db, "audit.list", { limit: 5 });
  assert.deepEqual(items, [{
    id: 1,
    atMs: 7,
    actor: "a",
    action: "dead.purge",
    subject: "all",
    address: "",
    outcome: "ok",
    detail: "",
  }]);
  assert.deepEqual(readAccess(db), { users: [], sessions: [], devices: [], facts: [] });
});

Deno.test("a restored database has its people and devices, and everybody signs in again", async () => {
  using dir = new TempDir();
  const file = `${dir.path}/copy.db`;
  const dataDir = `${dir.path}/data`;
  {
    await using store = await openStore(storeOptions(dataDir));
    await store.commitAccess(CHANGES);
    await store.backup(file);
  }
  await restoreBackup(file, { dataDir, now: NOW });
  using db = new Database(databasePath(dataDir));
  const { users, sessions, devices, facts } = readAccess(db);
  assert.deepEqual(sessions, []);
  assert.deepEqual([users.length, devices.length, facts.length], [1, 1, 1]);
});

Deno.test("a fingerprint belongs to one device", async () => {
  using dir = new TempDir();
  using db = new Database(`${dir.path}/sluice.db`);
  await migrate(db, { now: NOW });
  const certificate = {
    fingerprint: "ff",
    notBeforeMs: 1,
    notAfterMs: 2,
    addedAtMs: 3,
    origin: "issued",
  } as const;
  const device = (id: string): AccessChange => ({
    type: "put_device",
    device: {
      id,
      label: "",
      disabled: true,
      secret: null,
      certificates: [certificate],
      grants: [{ action: "publish", filter: "b" }, { action: "subscribe", filter: "a" }],
      origin: "auto",
      createdAtMs: 1,
    },
  });
  applyAccess(db, [device("press-4"), device("press-4")]);
  assert.throws(() => db.transaction(() => applyAccess(db, [device("press-5")])), /UNIQUE/);
  assert.deepEqual(readAccess(db).devices.map(({ id, grants }) => [id, grants.length]), [
    ["press-4", 2],
  ]);
});
