import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { conserves } from "@/model/ledger.ts";
import { message, TestWriter } from "@/store/fixture.ts";
import { SALVAGED_TABLES } from "@/store/salvage.ts";
import { scanWalBytes } from "@/store/wal_scan.ts";

const ROWS = 2000;

/** A store with settled, waiting and dead messages, closed, its log written back into one file. */
async function closedStore(): Promise<TestWriter> {
  const test = await TestWriter.open({ keepMs: 1e12 });
  test.writer.syncDestinations(["db"]);
  for (let i = 0; i < ROWS; i += 100) {
    const batch = Array.from({ length: 100 }, (_, k) => {
      const seq = i + k;
      return message(`dev-${seq % 7}`, { seq, payload: `{"n":${seq},"pad":"${"x".repeat(150)}"}` });
    });
    test.append(...batch);
  }
  const dead = [{ number: 3, error: "no", attempts: 1 }];
  test.settle({ destination: "db", throughNumber: 500, rows: 500, dead });
  test.writer.setSetting("site", "north");
  test.upkeep();
  test.end(false);
  return test;
}

function edit(path: string, change: (bytes: Uint8Array) => Uint8Array | void): void {
  const bytes = Deno.readFileSync(path);
  Deno.writeFileSync(path, change(bytes) ?? bytes);
}

function garbage(bytes: Uint8Array, from: number, length: number): void {
  for (let i = from; i < Math.min(bytes.length, from + length); i++) bytes[i] = (i * 131) & 0xff;
}

/** Every number above the cursor is there with its payload, or known to be lost; the books balance. */
function checkBooks(test: TestWriter): { present: number; lost: number } {
  const { ledgers } = test.writer.snapshot();
  assert(ledgers.every(conserves), JSON.stringify(ledgers));
  const rows = test.writer.database.all<{ number: number; payload: string }>(
    "SELECT number, payload FROM messages",
  );
  for (const { number, payload } of rows) assert.equal(JSON.parse(payload).n, number - 1);
  const lost = test.writer.database.number(
    "SELECT coalesce(sum(through_number - from_number + 1), 0) FROM gaps",
  );
  assert.equal(test.writer.database.all("PRAGMA integrity_check")[0]?.integrity_check, "ok");
  return { present: rows.length, lost };
}

function movedAside(test: TestWriter): string[] {
  return [...Deno.readDirSync(test.dir.path)].map((entry) => entry.name)
    .filter((name) => name.includes(".corrupt-"));
}

Deno.test("damage: one garbled page of the log costs its rows and no other", async () => {
  using test = await closedStore();
  const pages = pagesOf(test, "messages");
  const page = pages[Math.floor(pages.length * 0.7)] ?? 0;
  edit(test.databasePath, (bytes) => garbage(bytes, (page - 1) * 4096, 4096));
  await test.reopen();
  const { salvaged, lastNumber } = test.writer.status;
  assert.equal(lastNumber, ROWS);
  const { present, lost } = checkBooks(test);
  assert.deepEqual([salvaged?.recovered, salvaged?.lost], [present, lost]);
  assert(lost > 0 && lost < 60, `${lost} lost`);
  assert.equal(present + lost, ROWS);
  assert.equal(movedAside(test).length, 1);
  const [ledger] = test.writer.snapshot().ledgers;
  assert.deepEqual([ledger?.acked, ledger?.dead, ledger?.enqueued], [499, 1, 1500]);
  assert.equal(test.writer.database.number("SELECT count(*) FROM settings"), 1);
  assert.match(test.environment.notices[0]?.message ?? "", /messages were recovered/);

  // what is lost is dropped when the cursor passes it
  const settled = test.settle({ destination: "db", throughNumber: ROWS, rows: 1500 - lost });
  assert.equal(settled, null);
  const [after] = test.writer.snapshot().ledgers;
  assert.deepEqual([after?.acked, after?.dropped, after?.enqueued], [1999 - lost, lost, 0]);

  await test.reopen();
  assert.equal(test.writer.status.salvaged, null, "repaired once");
});

Deno.test("damage: messages are not taken twice after a salvage, and ids are new", async () => {
  using test = await closedStore();
  const pages = pagesOf(test, "messages");
  edit(test.databasePath, (bytes) => garbage(bytes, ((pages[80] ?? 0) - 1) * 4096, 4096));
  await test.reopen();
  const payload = `{"n":${ROWS - 1},"pad":"${"x".repeat(150)}"}`;
  const repeat = message(`dev-${(ROWS - 1) % 7}`, { seq: ROWS - 1, payload });
  assert.deepEqual(test.append(repeat), [0]);
  assert.deepEqual(test.append(message("a")), [ROWS + 1]);
  const epochs = test.writer.database.all<{ reason: string; from_number: number }>(
    "SELECT reason, from_number FROM epochs ORDER BY place",
  );
  assert.deepEqual(epochs.map((row) => [row.reason, row.from_number]), [
    ["created", 1],
    ["salvaged", ROWS + 1],
  ]);
});

Deno.test("damage: a file cut off keeps what is in front", async () => {
  using test = await closedStore();
  edit(test.databasePath, (bytes) => bytes.slice(0, Math.floor(bytes.length / 2 / 4096) * 4096));
  await test.reopen();
  const { present } = checkBooks(test);
  assert(present > 0, "some rows are found again");
  assert.equal(test.append(message("a"))[0], test.writer.status.lastNumber);
});

Deno.test("damage: a file that is no database at all is moved aside, and work goes on", async () => {
  using test = await closedStore();
  const wreck = crypto.getRandomValues(new Uint8Array(20_000));
  Deno.writeFileSync(test.databasePath, wreck);
  Deno.removeSync(`${test.databasePath}.page1`);
  await test.reopen();
  assert.deepEqual([test.writer.status.salvaged?.recovered, test.writer.status.salvaged?.lost], [
    0,
    null,
  ]);
  assert.deepEqual(test.append(message("a")), [1]);
  const [aside = ""] = movedAside(test);
  assert.deepEqual(Deno.readFileSync(`${test.dir.path}/${aside}`), wreck, "nothing is deleted");
});

Deno.test("damage: a garbled beginning is mended from the kept first page", async () => {
  using test = await closedStore();
  edit(test.databasePath, (bytes) => garbage(bytes, 0, 4096));
  await test.reopen();
  const { present, lost } = checkBooks(test);
  assert.deepEqual([present, lost], [ROWS, 0]);
  const [ledger] = test.writer.snapshot().ledgers;
  assert.deepEqual([ledger?.acked, ledger?.dead, ledger?.enqueued], [499, 1, 1500]);
  const names = [...Deno.readDirSync(test.dir.path)].map((entry) => entry.name);
  assert(!names.some((name) => name.includes("mended")), names.join(" "));
});

Deno.test("damage: destinations that cannot be read begin again with all that was kept", async () => {
  using test = await closedStore();
  for (const page of pagesOf(test, "destinations")) {
    edit(test.databasePath, (bytes) => garbage(bytes, (page - 1) * 4096, 4096));
  }
  await test.reopen();
  test.writer.syncDestinations(["db", "new"]);
  checkBooks(test);
  const ledgers = test.writer.snapshot().ledgers;
  assert.deepEqual(ledgers.map((ledger) => ledger.enqueued), [ROWS, ROWS]);
});

Deno.test("damage: a kill in the middle of the repair begins it again", async () => {
  using test = await closedStore();
  const pages = pagesOf(test, "messages");
  edit(test.databasePath, (bytes) => garbage(bytes, ((pages[90] ?? 0) - 1) * 4096, 4096));
  const movedTo = `${test.databasePath}.corrupt-20260101T000000Z`;
  Deno.writeTextFileSync(
    `${test.databasePath}.salvage.json`,
    JSON.stringify({ movedTo, damage: "first look" }),
  );
  Deno.renameSync(test.databasePath, movedTo);
  Deno.writeTextFileSync(`${test.databasePath}.salvaging`, "half a file");
  await test.reopen();
  assert.equal(test.writer.status.salvaged?.damage, "first look");
  const { present, lost } = checkBooks(test);
  assert.equal(present + lost, ROWS);
});

Deno.test("damage: garbage anywhere never keeps the store from opening, and the books balance", async () => {
  const seed = Number(Deno.env.get("SLUICE_MODEL_SEED") ?? Date.now() % 2 ** 31);
  console.log(`seed ${seed}, repeat it with SLUICE_MODEL_SEED=${seed}`);
  const spot = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), bytes: fc.nat(9000) });
  await fc.assert(
    fc.asyncProperty(fc.array(spot, { minLength: 1, maxLength: 5 }), async (spots) => {
      using test = await closedStore();
      edit(test.databasePath, (bytes) => {
        for (const { at, bytes: length } of spots) {
          garbage(bytes, Math.floor(at * (bytes.length - 1)), length);
        }
      });
      // a small file is always checked in full
      await test.reopen();
      test.writer.syncDestinations(["db"]);
      checkBooks(test);
      const [number = 0] = test.append(message("new", { payload: `{"n":-1}` }));
      assert.equal(number, test.writer.status.lastNumber);
      test.upkeep();
      assert.equal(test.writer.damage, null);
    }),
    { seed, numRuns: Number(Deno.env.get("SLUICE_FUZZ_RUNS") ?? 6) },
  );
});

Deno.test("damage: found while running, it is repaired by opening anew", async () => {
  using test = await closedStore();
  await test.reopen();
  const pages = pagesOf(test, "messages");
  edit(test.databasePath, (bytes) => garbage(bytes, ((pages[100] ?? 0) - 1) * 4096, 4096));
  await test.reopen({ suspect: "database disk image is malformed" });
  const { present, lost } = checkBooks(test);
  assert.equal(present + lost, ROWS);
});

Deno.test("damage: garbage in the write-ahead log is kept aside, and numbers get a new epoch", async () => {
  using test = await TestWriter.open();
  test.writer.syncDestinations(["db"]);
  for (let i = 0; i < 20; i++) test.append(message("a", { payload: `{"n":${i}}` }));
  const before = test.writer.status;
  const wal = Deno.readFileSync(`${test.databasePath}-wal`);
  test.end(true);
  const frames = scanWalBytes(wal).usable;
  assert(frames > 40);
  garbage(wal, 32 + 24 + (4096 + 24) * (frames - 20), 300);
  Deno.writeFileSync(`${test.databasePath}-wal`, wal);
  await test.reopen();
  const { salvaged, epochHex, lastNumber } = test.writer.status;
  assert.match(salvaged?.damage ?? "", /pages at the end of the write-ahead log/);
  assert(lastNumber < 20 && lastNumber > 0);
  assert.notEqual(epochHex, before.epochHex);
  checkBooks(test);
  assert.equal(movedAside(test).length, 1);
});

Deno.test("damage: a torn last commit is no damage", async () => {
  using test = await TestWriter.open();
  for (let i = 0; i < 20; i++) test.append(message("a", { payload: `{"n":${i}}` }));
  const before = test.writer.status;
  const wal = Deno.readFileSync(`${test.databasePath}-wal`);
  test.end(true);
  Deno.writeFileSync(`${test.databasePath}-wal`, wal.slice(0, wal.length - 1000));
  await test.reopen();
  assert.equal(test.writer.status.salvaged, null);
  assert.equal(test.writer.status.epochHex, before.epochHex);
  assert.equal(test.writer.status.lastNumber, 19);
});

Deno.test("salvage: leaves out no table but the gaps, which it finds anew", async () => {
  using test = await TestWriter.open();
  const tables = test.writer.database.all<{ name: string }>(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  ).map((row) => row.name);
  assert.deepEqual(tables.filter((name) => !SALVAGED_TABLES.includes(name)), ["gaps"]);
});

Deno.test("wal scan: a wrong header is told from none", () => {
  assert.equal(scanWalBytes(new Uint8Array(5000).fill(7)).headerDamaged, true);
  assert.equal(scanWalBytes(new Uint8Array(10)).headerDamaged, true);
});

/** Leaf pages of a table, in the order of its rows. */
function pagesOf(test: TestWriter, table: string): number[] {
  const reader = new DatabaseSync(test.databasePath, { readOnly: true });
  try {
    const rows = reader.prepare(
      "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path",
    ).all(table);
    return rows.map((row) => Number(row.pageno));
  } finally {
    reader.close();
  }
}
