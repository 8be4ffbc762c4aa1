import assert from "node:assert/strict";
import { conserves } from "@/model/ledger.ts";
import { ConfigError } from "@/model/errors.ts";
import { restoreBackup, verifyBackup } from "@/store/backup.ts";
import { message, storeOptions, TempDir } from "@/store/fixture.ts";
import { openStoppedStore, type StoppedStore } from "@/store/stopped_store.ts";
import { openStore } from "@/store/store.ts";
import type { Store } from "@/store/store_types.ts";

const NOW = new Date("2026-02-03T04:05:06Z");

function appendAll(store: Store, count: number, from = 0): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => {
    return new Promise<string>((resolve, reject) =>
      store.append(message("a", { seq: from + i }), (outcome) => {
        if (outcome.kind === "accepted") resolve(outcome.id);
        else reject(new Error(outcome.kind));
      })
    );
  }));
}

async function withStopped<T>(dir: string, use: (store: StoppedStore) => Promise<T>): Promise<T> {
  await using store = await openStoppedStore(storeOptions(dir));
  return await use(store);
}

Deno.test("backup: made while messages come in, verified, restored under a new epoch", async () => {
  using dir = new TempDir();
  using other = new TempDir();
  const file = `${other.path}/gateway.backup`;
  const data = `${other.path}/data`;
  let firstIds: string[] = [];
  let lastId = "";
  {
    await using store = await openStore(storeOptions(dir.path));
    await store.syncDestinations(["db"]);
    firstIds = await appendAll(store, 100);
    const during = appendAll(store, 500, 1000);
    const bytes = await store.backup(file);
    assert.equal(bytes, Deno.statSync(file).size);
    await during;
    [lastId = ""] = await appendAll(store, 1, 5000);
  }
  const report = verifyBackup(file);
  const left = [...Deno.readDirSync(other.path)].map((entry) => entry.name).sort();
  assert.deepEqual(left, ["gateway.backup", "gateway.backup.sha256"], "the trial leaves nothing");
  assert((report.rows.messages ?? 0) >= 100);
  assert.equal(report.rows.destinations, 1);

  const restored = await restoreBackup(file, { dataDir: data, now: NOW });
  assert.equal(restored.movedTo, null);
  await withStopped(data, async (store) => {
    const { ledgers, lastNumber } = await store.snapshot();
    assert.equal(lastNumber, report.lastNumber);
    assert(ledgers.every(conserves));
    assert.equal((await store.journey(firstIds[0] ?? ""))?.message?.id, firstIds[0]);
    assert.equal(await store.journey(lastId), null, "taken after the backup");
    assert.notEqual(store.state.epochHex, lastId.slice(0, 16));
  });
});

Deno.test("restore: the old database is moved aside, whole", async () => {
  using dir = new TempDir();
  using other = new TempDir();
  const file = `${other.path}/gateway.backup`;
  {
    await using store = await openStore(storeOptions(dir.path));
    await appendAll(store, 3);
    await store.backup(file);
    await appendAll(store, 4, 100);
  }
  const { movedTo } = await restoreBackup(file, { dataDir: dir.path, now: NOW });
  assert.match(movedTo ?? "", /sluice\.db\.before-restore-20260203T040506Z$/);
  assert.equal(await withStopped(dir.path, async (store) => store.state.lastNumber), 3);
  Deno.mkdirSync(`${other.path}/old`);
  Deno.renameSync(movedTo ?? "", `${other.path}/old/sluice.db`);
  assert.equal(await withStopped(`${other.path}/old`, async (store) => store.state.lastNumber), 7);
});

Deno.test("restore: a kill after the note finishes at the next start, one before it changes nothing", async () => {
  using dir = new TempDir();
  using other = new TempDir();
  const file = `${other.path}/gateway.backup`;
  {
    await using store = await openStore(storeOptions(dir.path));
    await appendAll(store, 3);
    await store.backup(file);
    await appendAll(store, 4, 100);
  }
  const path = `${dir.path}/sluice.db`;
  const ready = `${path}.restoring`;
  Deno.copyFileSync(file, ready);
  assert.equal(await withStopped(dir.path, async (store) => store.state.lastNumber), 7);
  Deno.copyFileSync(file, ready);
  const note = { ready, aside: `${path}.before-restore-x` };
  Deno.writeTextFileSync(`${path}.restore.json`, JSON.stringify(note));
  assert.equal(await withStopped(dir.path, async (store) => store.state.lastNumber), 3);
  assert.equal(await withStopped(dir.path, async (store) => store.state.lastNumber), 3);
  assert(Deno.statSync(note.aside).size > 0);
});

Deno.test("verify: a changed byte, a missing row, another file are told", async () => {
  using dir = new TempDir();
  using other = new TempDir();
  const file = `${other.path}/gateway.backup`;
  {
    await using store = await openStore(storeOptions(dir.path));
    await appendAll(store, 50);
    await store.backup(file);
  }
  const good = Deno.readFileSync(file);
  const spoil = (change: (bytes: Uint8Array) => void) => {
    const bytes = good.slice();
    change(bytes);
    Deno.writeFileSync(file, bytes);
  };
  spoil((bytes) => bytes[bytes.length - 100]! ^= 1);
  assert.throws(() => verifyBackup(file), /its digest is not that of/);
  Deno.removeSync(`${file}.sha256`);
  spoil((bytes) => bytes.fill(7, 8192, 20_000));
  assert.throws(() => verifyBackup(file), ConfigError);
  spoil((bytes) => bytes.fill(7, 0, 50));
  assert.throws(() => verifyBackup(file), /file is not a database/);
  Deno.copyFileSync(`${dir.path}/sluice.db`, file);
  assert.throws(() => verifyBackup(file), /was not made by a backup/);
  assert.throws(() => verifyBackup(`${other.path}/none`), /Cannot find the backup/);
  await assert.rejects(
    restoreBackup(file, { dataDir: dir.path, now: NOW }),
    /was not made by a backup/,
  );
  assert.equal(await withStopped(dir.path, async (store) => store.state.lastNumber), 50);
});

Deno.test("restore: refused while the gateway runs", async () => {
  using dir = new TempDir();
  await using store = await openStore(storeOptions(dir.path));
  const file = `${dir.path}/gateway.backup`;
  await store.backup(file);
  await assert.rejects(
    restoreBackup(file, { dataDir: dir.path, now: NOW }),
    /another gateway is using it/,
  );
});

Deno.test("backup: a folder that cannot be written to is told, and nothing is left", async () => {
  using dir = new TempDir();
  await using store = await openStore(storeOptions(dir.path));
  await assert.rejects(store.backup(`${dir.path}/none/file`), /Cannot write the backup/);
});
