/**
 * Puts a verified backup in the place of the database while the gateway is stopped. The old database is
 * moved aside, never deleted. `restore.json` is written once the new file is ready and removed when it
 * is in its place: a start that finds the note finishes the move.
 */
import { exists, removeIfThere } from "@/store/files.ts";
import { forgetPageOne } from "@/store/page_one.ts";
import { databasePath } from "@/store/data_folder.ts";

export interface RestoreNote {
  /** The new database, complete. */
  ready: string;
  /** Where the old one goes. */
  aside: string;
}

export function restoreNotePath(dataDir: string): string {
  return `${databasePath(dataDir)}.restore.json`;
}

/** Finishes a restore that was cut off; does nothing when there is none. */
export function finishRestore(dataDir: string): void {
  const note = readNote(restoreNotePath(dataDir));
  if (note === null) return;
  const path = databasePath(dataDir);
  if (exists(note.ready)) {
    if (exists(`${path}-wal`)) Deno.renameSync(`${path}-wal`, `${note.aside}-wal`);
    removeIfThere(`${path}-shm`);
    if (exists(path)) Deno.renameSync(path, note.aside);
    Deno.renameSync(note.ready, path);
    forgetPageOne(path);
  }
  removeIfThere(restoreNotePath(dataDir));
}

function readNote(path: string): RestoreNote | null {
  try {
    const { ready, aside } = JSON.parse(Deno.readTextFileSync(path));
    return typeof ready === "string" && typeof aside === "string" ? { ready, aside } : null;
  } catch {
    // none, or cut off while it was written: then nothing was moved yet
    return null;
  }
}
