/**
 * Finds damage of a database file at the start. A full `quick_check` reads every page, so it is bounded
 * by size; a larger file is probed at its ends now and checked in full by the query Worker later.
 */
import { Database, sqliteFailure } from "@/store/database.ts";
import { reasonOf } from "@/store/data_folder.ts";

/** 128 MiB: 0.07 s from memory, about 3 s from an SD card at 40 MB/s. */
export const FULL_CHECK_BYTES = 128 * 1_048_576;

const MAGIC = "SQLite format 3\0";

/** What is wrong, in words; null when nothing was found. Does not change the file. */
export function findDamage(path: string, { full }: { full: boolean }): string | null {
  const header = headerDamage(path);
  if (header !== null) return header;
  let database: Database | null = null;
  try {
    database = new Database(path, { readOnly: true });
    const isSmall = Deno.statSync(path).size <= FULL_CHECK_BYTES;
    return full || isSmall ? checkAll(database) : probeTables(database);
  } catch (error) {
    if (sqliteFailure(error) === "damaged") return reasonOf(error);
    throw error;
  } finally {
    database?.close();
  }
}

/** `quick_check` in words; null when it is content. */
export function checkAll(database: Database): string | null {
  const [first] = database.all<{ quick_check: string }>("PRAGMA quick_check(1)");
  return first?.quick_check === "ok" ? null : first?.quick_check ?? "quick_check gave no answer";
}

/** An empty file is a database that was never written to. */
function headerDamage(path: string): string | null {
  using file = Deno.openSync(path, { read: true });
  const header = new Uint8Array(100);
  const length = file.readSync(header) ?? 0;
  if (length === 0) return null;
  if (new TextDecoder("latin1").decode(header.subarray(0, 16)) !== MAGIC) {
    return "file is not a database";
  }
  const view = new DataView(header.buffer);
  const stored = view.getUint16(16);
  const pageBytes = stored === 1 ? 65_536 : stored;
  const pages = view.getUint32(28);
  const isCountValid = view.getUint32(24) === view.getUint32(92);
  const missing = pages * pageBytes - file.statSync().size;
  return isCountValid && missing > 0
    ? `file is ${missing} bytes shorter than its header says`
    : null;
}

/** Reads both ends of every table: finds damaged schemas, roots and most truncations. */
function probeTables(database: Database): string | null {
  const tables = database.all<{ name: string }>(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  );
  for (const { name } of tables) {
    const key = primaryKey(database, name);
    const order = (direction: string) => key.map((column) => `"${column}" ${direction}`).join(", ");
    database.all(`SELECT * FROM "${name}" ORDER BY ${order("ASC")} LIMIT 3`);
    database.all(`SELECT * FROM "${name}" ORDER BY ${order("DESC")} LIMIT 3`);
  }
  return null;
}

/** Columns of the primary key in their order; `rowid` for a table without one. */
export function primaryKey(database: Database, table: string): string[] {
  const columns = database.all<{ name: string; pk: number }>(`PRAGMA table_info("${table}")`)
    .filter((column) => column.pk > 0)
    .sort((a, b) => a.pk - b.pk)
    .map((column) => column.name);
  return columns.length === 0 ? ["rowid"] : columns;
}
