/**
 * The first page of a database file holds its header and the root of its schema: without it not a
 * single row can be found. It changes only with the schema, so a copy of it lies beside the database,
 * and a file whose beginning is damaged is read through a copy that was mended with it.
 */
import type { Database } from "@/store/database.ts";
import { removeIfThere } from "@/store/files.ts";

const HEADER_BYTES = 100;
/** Places in the header (SQLite file format, section 1.3). */
const PAGE_BYTES_AT = 16;
const CHANGES_AT = 24;
const PAGE_COUNT_AT = 28;
const FREELIST_AT = 32;
const FREELIST_COUNT_AT = 36;
const SCHEMA_AT = 40;
const VALID_FOR_AT = 92;

function pageOnePath(path: string): string {
  return `${path}.page1`;
}

/** Keeps the first page of an open, sound database, where the kept one is of another schema. */
export function keepPageOne(db: Database): void {
  const schema = db.number("PRAGMA schema_version");
  const kept = readKept(db.path);
  if (kept !== null && kept.getUint32(SCHEMA_AT) === schema) return;
  db.get("PRAGMA wal_checkpoint(TRUNCATE)");
  const bytes = db.number("PRAGMA page_size");
  const page = new Uint8Array(bytes);
  using file = Deno.openSync(db.path, { read: true });
  if (file.readSync(page) !== bytes) return;
  // a reader kept the checkpoint from finishing: the next start tries again
  if (new DataView(page.buffer).getUint32(SCHEMA_AT) !== schema) return;
  Deno.writeFileSync(pageOnePath(db.path), page, { mode: 0o600 });
}

/** The database was replaced by another one: its first page is not the kept one's. */
export function forgetPageOne(path: string): void {
  removeIfThere(pageOnePath(path));
}

function readKept(path: string): DataView<ArrayBuffer> | null {
  try {
    const page = Deno.readFileSync(pageOnePath(path));
    return page.length > HEADER_BYTES ? new DataView(page.buffer) : null;
  } catch {
    return null;
  }
}

/**
 * Copies a damaged file to `mended`, with the kept first page in the place of its own.
 * False when no page was kept.
 */
export function mendedCopy(
  damaged: string,
  { mended, database }: { mended: string; database: string },
): boolean {
  const page = readKept(database);
  if (page === null) return false;
  Deno.copyFileSync(damaged, mended);
  for (const suffix of ["-wal", "-shm"]) removeIfThere(mended + suffix);
  using file = Deno.openSync(mended, { read: true, write: true });
  page.setUint32(PAGE_COUNT_AT, Math.floor(file.statSync().size / page.getUint16(PAGE_BYTES_AT)));
  page.setUint32(VALID_FOR_AT, page.getUint32(CHANGES_AT));
  page.setUint32(FREELIST_AT, 0);
  page.setUint32(FREELIST_COUNT_AT, 0);
  file.seekSync(0, Deno.SeekMode.Start);
  file.writeSync(new Uint8Array(page.buffer));
  try {
    Deno.copyFileSync(`${damaged}-wal`, `${mended}-wal`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return true;
}
