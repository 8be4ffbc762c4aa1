/**
 * Backups: one file, made online from one consistent moment, that says itself what must be in it.
 *
 * The copy runs in one step on a read-only connection: a copy in many steps would begin again with
 * every commit. Into it go the number of rows of each table; beside it lies `FILE.sha256` in the format
 * of `sha256sum -c`. `FILE` appears under its name only when all of that is done.
 */
import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { backup } from "node:sqlite";
import { ConfigError } from "@/model/errors.ts";
import { conserves } from "@/model/ledger.ts";
import { endPeopleSessions } from "@/store/auth_tables.ts";
import { checkAll } from "@/store/damage_check.ts";
import { Database } from "@/store/database.ts";
import { databasePath, DataLock, makeDataDir, reasonOf } from "@/store/data_folder.ts";
import { DestinationLedger } from "@/store/destination_ledger.ts";
import { exists, removeIfThere, syncFolder, writeDurably } from "@/store/files.ts";
import { MessageLog } from "@/store/message_log.ts";
import { finishRestore, type RestoreNote, restoreNotePath } from "@/store/restore.ts";
import { applyMigrations, checkSchema, fileTime, schemaVersion } from "@/store/schema.ts";

export interface BackupReport {
  file: string;
  bytes: number;
  schemaVersion: number;
  createdAtMs: number;
  /** Rows per table. */
  rows: Record<string, number>;
  lastNumber: number;
}

/** Copies an open database into `file`; resolves with the size in bytes. */
export async function copyDatabase(database: Database, file: string): Promise<number> {
  const partial = `${file}.partial`;
  removeCopy(partial);
  try {
    await backup(database.connection, partial, { rate: -1 });
    describe(partial);
    writeDurably(`${file}.sha256`, `${digest(partial)}  ${basename(file)}\n`);
    Deno.renameSync(partial, file);
    return Deno.statSync(file).size;
  } catch (error) {
    removeCopy(partial);
    throw new ConfigError(`Cannot write the backup "${file}": ${reasonOf(error)}`, {
      code: "STO-0601",
      hint: "Choose a folder that the gateway may write to and that has space for the database",
      cause: error,
    });
  }
}

function removeCopy(path: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) removeIfThere(path + suffix);
}

/** Makes the copy one file of its own and notes what it holds. */
function describe(path: string): void {
  using copy = new Database(path);
  copy.get("PRAGMA journal_mode = DELETE");
  const rows = countRows(copy);
  const insert = "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)";
  copy.run(insert, "backup_rows", JSON.stringify(rows));
  copy.run(insert, "backup_at_ms", String(Date.now()));
}

/** `meta` is left out: the note about the rows is itself a row of it. */
function countRows(db: Database): Record<string, number> {
  const tables = db.all<{ name: string }>(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
     AND name <> 'meta' ORDER BY name`,
  );
  return Object.fromEntries(
    tables.map(({ name }) => [name, db.number(`SELECT count(*) FROM "${name}"`)]),
  );
}

function digest(path: string): string {
  const hash = createHash("sha256");
  using file = Deno.openSync(path, { read: true });
  const chunk = new Uint8Array(1_048_576);
  for (;;) {
    const length = file.readSync(chunk);
    if (length === null) return hash.digest("hex");
    hash.update(chunk.subarray(0, length));
  }
}

/**
 * Checks a backup: digest where its file is there, pages, schema, rows as noted, and a restore for
 * trial into a folder that is removed again.
 * @throws ConfigError naming what does not hold
 */
export function verifyBackup(file: string): BackupReport {
  checkDigest(file);
  try {
    using database = openBackup(file);
    const report = inspect(database, file);
    tryRestore(file);
    return report;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw unusable(file, reasonOf(error));
  }
}

/** Beside the backup, where there is as much space; else where the system has its scratch folder. */
function trialFolder(file: string): string {
  try {
    return Deno.makeTempDirSync({ dir: dirname(file), prefix: ".trial-" });
  } catch {
    return Deno.makeTempDirSync({ prefix: "sluice-trial-" });
  }
}

function tryRestore(file: string): void {
  const folder = trialFolder(file);
  try {
    const path = join(folder, "sluice.db");
    Deno.copyFileSync(file, path);
    prepare(path, new Date());
    using database = new Database(path);
    const ledger = new DestinationLedger(database, new MessageLog(database));
    const wrong = ledger.ledgers().find((entry) => !conserves(entry));
    if (wrong !== undefined) {
      throw unusable(file, `the ledger of "${wrong.destination}" does not add up`);
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function openBackup(file: string): Database {
  if (!exists(file)) {
    throw new ConfigError(`Cannot find the backup "${file}"`, {
      code: "STO-0602",
      hint: 'Give the path of a file that "backup create" wrote',
    });
  }
  return new Database(file, { readOnly: true });
}

function checkDigest(file: string): void {
  const beside = `${file}.sha256`;
  if (!exists(file) || !exists(beside)) return;
  const [expected] = Deno.readTextFileSync(beside).split(/\s/);
  if (digest(file) !== expected) throw unusable(file, `its digest is not that of "${beside}"`);
}

function inspect(database: Database, file: string): BackupReport {
  const damage = checkAll(database);
  if (damage !== null) throw unusable(file, damage);
  checkSchema(database);
  const meta = (key: string) =>
    database.get<{ value: string }>("SELECT value FROM meta WHERE key = ?", key)?.value;
  const noted = meta("backup_rows");
  if (noted === undefined) throw unusable(file, "it is a database, but was not made by a backup");
  const rows = countRows(database);
  if (JSON.stringify(rows) !== noted) throw unusable(file, "tables have other rows than noted");
  return {
    file,
    bytes: Deno.statSync(file).size,
    schemaVersion: schemaVersion(database),
    createdAtMs: Number(meta("backup_at_ms") ?? 0),
    rows,
    lastNumber: new MessageLog(database).lastNumber,
  };
}

function unusable(file: string, cause: string): ConfigError {
  return new ConfigError(`Cannot use the backup "${file}": ${cause}`, {
    code: "STO-0603",
    hint: "Take another backup; this one is damaged or was changed",
  });
}

/**
 * Puts a backup in the place of the database of a stopped gateway. Its ids stay what they were, the
 * numbers to come get a new epoch. Answers where the old database was moved, null without one.
 * @throws ConfigError when the gateway runs or the backup does not hold
 */
export async function restoreBackup(
  file: string,
  { dataDir, now }: { dataDir: string; now: Date },
): Promise<{ report: BackupReport; movedTo: string | null }> {
  makeDataDir(dataDir);
  using _lock = DataLock.take(dataDir);
  finishRestore(dataDir);
  const report = verifyBackup(file);
  const path = databasePath(dataDir);
  const note: RestoreNote = {
    ready: `${path}.restoring`,
    aside: `${path}.before-restore-${fileTime(now)}`,
  };
  removeCopy(note.ready);
  Deno.copyFileSync(file, note.ready);
  prepare(note.ready, now);
  const hadOld = exists(path);
  writeDurably(restoreNotePath(dataDir), JSON.stringify(note));
  finishRestore(dataDir);
  syncFolder(dataDir);
  return { report, movedTo: hadOld ? note.aside : null };
}

/** Brings a copy of a backup to the present schema and begins a new epoch in it. */
function prepare(path: string, now: Date): void {
  using database = new Database(path);
  applyMigrations(database);
  database.transaction(() => {
    database.run("DELETE FROM meta WHERE key IN ('backup_rows', 'backup_at_ms')");
    new MessageLog(database).startEpoch("restored", now.getTime());
    endPeopleSessions(database);
  });
}
