import assert from "node:assert/strict";
import { ConfigError } from "@/model/errors.ts";
import { Database } from "@/store/database.ts";
import { message, TempDir, TestWriter } from "@/store/fixture.ts";
import { migrate, MIGRATIONS, schemaVersion } from "@/store/schema.ts";

const NOW = new Date("2026-02-03T04:05:06Z");

Deno.test("schema: versions are numbered without holes", () => {
  assert.deepEqual(MIGRATIONS.map((step) => step.version), MIGRATIONS.map((_, i) => i + 1));
});

Deno.test("schema: a new version keeps a copy of the old database, and the data", async () => {
  using dir = new TempDir();
  const path = `${dir.path}/sluice.db`;
  {
    using db = new Database(path);
    assert.equal(await migrate(db, { now: NOW }), null, "a new database needs no copy");
    db.run("INSERT INTO settings (key, value, updated_at_ms) VALUES ('a', 'b', 1)");
  }
  const next = {
    version: MIGRATIONS.length + 1,
    title: "one more",
    sql: "ALTER TABLE settings ADD COLUMN extra TEXT NOT NULL DEFAULT 'x'",
  };
  using db = new Database(path);
  const copy = await migrate(db, { migrations: [...MIGRATIONS, next], now: NOW });
  assert.match(copy ?? "", /sluice\.db\.before-v\d+-20260203T040506Z$/);
  assert.equal(schemaVersion(db), next.version);
  assert.equal(db.get<{ extra: string }>("SELECT extra FROM settings")?.extra, "x");
  using old = new Database(copy ?? "", { readOnly: true });
  assert.equal(schemaVersion(old), MIGRATIONS.length);
  assert.equal(old.number("SELECT count(*) FROM settings"), 1);
});

Deno.test("schema: a step that fails leaves the old version, untouched", async () => {
  using dir = new TempDir();
  using db = new Database(`${dir.path}/sluice.db`);
  await migrate(db, { now: NOW });
  const bad = {
    version: MIGRATIONS.length + 1,
    title: "broken",
    sql: "CREATE TABLE half (a); INSERT INTO nowhere VALUES (1)",
  };
  await assert.rejects(migrate(db, { migrations: [...MIGRATIONS, bad], now: NOW }), /nowhere/);
  assert.equal(schemaVersion(db), MIGRATIONS.length);
  assert.equal(db.number("SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), 0);
});

Deno.test("schema: a database of a newer program is refused and left as it is", async () => {
  using test = await TestWriter.open();
  test.append(message("a"));
  test.writer.database.run("PRAGMA user_version = 99");
  test.end(false);
  const before = Deno.readFileSync(test.databasePath);
  await assert.rejects(test.reopen(), (error) => {
    assert(error instanceof ConfigError);
    assert.match(error.message, /its schema has version 99, this program knows \d+/);
    return true;
  });
  assert.deepEqual(Deno.readFileSync(test.databasePath), before);
});

Deno.test("schema: a database of another program is refused", async () => {
  using dir = new TempDir();
  using db = new Database(`${dir.path}/sluice.db`);
  db.execute("CREATE TABLE theirs (a)");
  await assert.rejects(migrate(db, { now: NOW }), /it is a database of another program/);
  assert.equal(db.number("SELECT count(*) FROM sqlite_schema"), 1);
});
