/**
 * Opens the database of a data folder: finishes what a kill interrupted, repairs damage, migrates,
 * begins a new epoch where numbers might come up twice.
 *
 * Repair, so that a kill at any point leaves a way on: `salvage.json` names the file moved aside and is
 * written before anything moves; a new database is filled beside under another name and takes its
 * place by one rename; then the note goes. Found at a start, the note makes the repair begin again.
 */
import { ConfigError, SluiceError } from "@/model/errors.ts";
import { findDamage } from "@/store/damage_check.ts";
import { Database, sqliteFailure } from "@/store/database.ts";
import { databasePath, reasonOf } from "@/store/data_folder.ts";
import { MessageLog } from "@/store/message_log.ts";
import { exists, removeIfThere, syncFolder, writeDurably } from "@/store/files.ts";
import { forgetPageOne, keepPageOne } from "@/store/page_one.ts";
import { finishRestore } from "@/store/restore.ts";
import { salvage, type SalvageReport } from "@/store/salvage.ts";
import { fileTime, migrate } from "@/store/schema.ts";
import { SourceDeadLetters } from "@/store/source_dead_letters.ts";
import type { Salvaged, StoreNotice } from "@/store/store_types.ts";
import { scanWal } from "@/store/wal_scan.ts";

export interface OpenOptions {
  dataDir: string;
  fullSync: boolean;
  bootId: string;
  wallMs: number;
  /** Why a full check is due, null without a reason. */
  suspect: string | null;
  notice(notice: StoreNotice): void;
  /** Gives the reserve back where there is no space even to open; false when there is none. */
  releaseBallast(): boolean;
}

export interface OpenedDatabase {
  database: Database;
  /** Row of this boot in `boots`. */
  boot: number;
  salvaged: Salvaged | null;
}

interface SalvageNote {
  movedTo: string;
  damage: string;
}

/** @throws ConfigError when the database cannot be opened, or is none of ours */
export async function openDatabase(options: OpenOptions): Promise<OpenedDatabase> {
  const path = databasePath(options.dataDir);
  try {
    finishRestore(options.dataDir);
    const salvaged = await repair(path, options);
    return await openSound(path, { options, salvaged });
  } catch (error) {
    throw openFailure(path, error);
  }
}

async function openSound(
  path: string,
  { options, salvaged }: { options: OpenOptions; salvaged: Salvaged | null },
): Promise<OpenedDatabase> {
  const database = new Database(path, { fullSync: options.fullSync });
  try {
    const copy = await migrate(database, { now: new Date(options.wallMs) });
    if (copy !== null) notifyMigrated(options, copy);
    const boot = beginRun(database, { options, salvaged });
    keepPageOne(database);
    return { database, boot, salvaged };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** What SQLite or the system says becomes an error with a hint; the rest is as it is. */
function openFailure(path: string, error: unknown): unknown {
  const isSystems = error instanceof Error && "code" in error;
  if (!isSystems || error instanceof SluiceError) return error;
  return new ConfigError(`Cannot open the database "${path}": ${reasonOf(error)}`, {
    code: "STO-0106",
    hint: "Check that the disk has space and that the user of the gateway may write there",
    cause: error,
  });
}

function notifyMigrated({ notice }: OpenOptions, copy: string): void {
  notice({
    level: "info",
    code: "STO-0107",
    message: `The database was brought to a new schema, a copy of the old one is "${copy}"`,
    hint: "Delete the copy when you are content with the new version",
  });
}

// --- the run ------------------------------------------------------------------------------------

interface RunMarks {
  clean: boolean;
  boot: string;
  durability: string;
}

/** Notes that a run has begun, and begins an epoch where the last one may have lost numbers. */
function beginRun(
  db: Database,
  { options, salvaged }: { options: OpenOptions; salvaged: Salvaged | null },
): number {
  const work = () => {
    const reason = epochReason(db, { options, salvaged });
    if (reason !== null) new MessageLog(db).startEpoch(reason, Math.floor(options.wallMs));
    return markRun(db, options);
  };
  try {
    return db.transaction(work);
  } catch (error) {
    if (sqliteFailure(error) !== "full" || !options.releaseBallast()) throw error;
    return db.transaction(work);
  }
}

/**
 * An unclean end may have lost commits after power loss (relaxed durability, or a disk that lies about
 * fsync), and their numbers may have been seen outside. A kill within one boot loses nothing.
 */
function epochReason(
  db: Database,
  { options, salvaged }: { options: OpenOptions; salvaged: Salvaged | null },
): string | null {
  if (db.number("SELECT count(*) FROM epochs") === 0) return "created";
  if (salvaged !== null && !hasBegunSalvaged(db)) return "salvaged";
  const marks = readMarks(db);
  return !marks.clean && marks.boot !== options.bootId ? "power_loss" : null;
}

/** A salvaged database brings its epoch along; one that lost the end of its log does not. */
function hasBegunSalvaged(db: Database): boolean {
  const sql = "SELECT count(*) FROM epochs WHERE reason = 'salvaged' AND from_number > ?";
  return db.number(sql, new MessageLog(db).lastNumber) > 0;
}

function readMarks(db: Database): RunMarks {
  const value = (key: string) =>
    db.get<{ value: string }>("SELECT value FROM meta WHERE key = ?", key)?.value ?? "";
  return {
    clean: value("run_clean") === "1",
    boot: value("run_boot"),
    durability: value("run_durability"),
  };
}

function markRun(db: Database, { bootId, fullSync }: OpenOptions): number {
  const mark = (key: string, value: string) =>
    db.run("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, value);
  mark("run_clean", "0");
  mark("run_boot", bootId);
  mark("run_durability", fullSync ? "full" : "relaxed");
  db.run("INSERT OR IGNORE INTO boots (boot_id) VALUES (?)", bootId);
  return db.number("SELECT boot FROM boots WHERE boot_id = ?", bootId);
}

// --- repair -------------------------------------------------------------------------------------

/** Moves a damaged database aside and salvages it; null when there was nothing to repair. */
async function repair(path: string, options: OpenOptions): Promise<Salvaged | null> {
  const unfinished = readNote(path);
  if (unfinished !== null) return await salvageInto(path, unfinished, options);
  if (!exists(path)) return null;
  const wal = setWalAside(path, options);
  const damage = findDamage(path, { full: options.suspect !== null || wal !== null });
  if (damage === null) return wal === null ? null : walReport(path, wal, options);
  const note = { movedTo: `${path}.corrupt-${fileTime(new Date(options.wallMs))}`, damage };
  writeDurably(notePath(path), JSON.stringify(note));
  return await salvageInto(path, note, options);
}

interface WalDamage {
  movedTo: string;
  damage: string;
}

/** Keeps a copy of a write-ahead log of which SQLite would forget a part. */
function setWalAside(path: string, { wallMs }: OpenOptions): WalDamage | null {
  const scan = scanWal(`${path}-wal`);
  if (scan === null || (!scan.headerDamaged && scan.unreachable === 0)) return null;
  const movedTo = `${path}.corrupt-${fileTime(new Date(wallMs))}-wal`;
  Deno.copyFileSync(`${path}-wal`, movedTo);
  const damage = scan.headerDamaged
    ? "the write-ahead log cannot be read"
    : `${scan.unreachable} pages at the end of the write-ahead log cannot be read`;
  return { movedTo, damage };
}

function walReport(path: string, wal: WalDamage, options: OpenOptions): Salvaged {
  const database = new Database(path, { readOnly: true });
  try {
    const recovered = database.number("SELECT count(*) FROM messages");
    return report({ ...wal, recovered, lost: null }, options);
  } finally {
    database.close();
  }
}

async function salvageInto(
  path: string,
  note: SalvageNote,
  options: OpenOptions,
): Promise<Salvaged | null> {
  if (exists(note.movedTo) && exists(path)) {
    // all was done but this
    removeIfThere(notePath(path));
    return null;
  }
  moveAside(path, note.movedTo);
  const fresh = `${path}.salvaging`;
  for (const suffix of ["", "-wal", "-shm"]) removeIfThere(fresh + suffix);
  const found = await fillFrom(note.movedTo, { fresh, path, options });
  removeTraces(note.movedTo);
  Deno.renameSync(fresh, path);
  forgetPageOne(path);
  syncFolder(options.dataDir);
  removeIfThere(notePath(path));
  return report({ ...note, ...found }, options);
}

/** Reading the moved file made files of its own; an empty log beside it says nothing. */
function removeTraces(movedTo: string): void {
  removeIfThere(`${movedTo}-shm`);
  const wal = `${movedTo}-wal`;
  if (exists(wal) && Deno.statSync(wal).size === 0) removeIfThere(wal);
}

async function fillFrom(
  damaged: string,
  { fresh, path, options: { fullSync, wallMs } }: {
    fresh: string;
    path: string;
    options: OpenOptions;
  },
): Promise<SalvageReport> {
  // closing writes the write-ahead log back and removes it: one file is left to be renamed
  using database = new Database(fresh, { fullSync });
  await migrate(database, { now: new Date(wallMs) });
  const found = salvage(damaged, { into: database, database: path });
  database.transaction(() => {
    new SourceDeadLetters(database).recount();
    new MessageLog(database).startEpoch("salvaged", Math.floor(wallMs));
  });
  return found;
}

function report(salvaged: Salvaged, { notice }: OpenOptions): Salvaged {
  const lost = salvaged.lost === null ? "an unknown number" : String(salvaged.lost);
  notice({
    level: "error",
    code: "STO-0108",
    message: `The database was damaged (${salvaged.damage}): it was moved to ` +
      `"${salvaged.movedTo}", ${salvaged.recovered} messages were recovered, ${lost} were lost`,
    hint: "Check the storage device; keep the moved file until you know that nothing is missing",
  });
  return salvaged;
}

/** The write-ahead log first: as long as the database is in its place, the move is not done. */
function moveAside(path: string, movedTo: string): void {
  if (!exists(path)) return;
  if (exists(`${path}-wal`)) Deno.renameSync(`${path}-wal`, `${movedTo}-wal`);
  removeIfThere(`${path}-shm`);
  Deno.renameSync(path, movedTo);
}

function notePath(path: string): string {
  return `${path}.salvage.json`;
}

function readNote(path: string): SalvageNote | null {
  try {
    const { movedTo, damage } = JSON.parse(Deno.readTextFileSync(notePath(path)));
    return typeof movedTo === "string" ? { movedTo, damage: String(damage) } : null;
  } catch {
    // none, or cut off while it was written: then nothing was moved yet
    return null;
  }
}
