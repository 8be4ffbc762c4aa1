/**
 * The duplicate windows of all devices. They are committed with the log by being derived from it: what
 * is saved says up to which number it counts, and the rest is read from the log at the start. So a
 * commit writes no window at all; every 65 536 messages the changed blocks are saved together.
 */
import type { Database } from "@/store/database.ts";
import { BLOCKS, DuplicateWindow } from "@/store/duplicate_window.ts";

/** Messages between two saves: bounds what a start reads again (about 0.1 s). */
const SAVE_EVERY_MESSAGES = 65_536;
/** Blocks in memory: 16 384 × 1 KiB = 16 MiB. */
const BLOCKS_MAX = 16_384;
/** Windows in memory, each with its newest block: about 12 MiB. */
const WINDOWS_MAX = 10_000;

interface Entry {
  /** null until the window is saved for the first time. */
  id: number | null;
  window: DuplicateWindow;
}

interface WindowRow {
  window: number;
  position: number;
  highest: number;
}

export class DuplicateWindows {
  readonly #db: Database;
  /** In the order of use: the first was used longest ago. */
  readonly #entries: Map<string, Entry> = new Map();
  #savedThrough = 0;
  #sinceSave = 0;
  #blocks = 0;

  constructor(db: Database) {
    this.#db = db;
    this.reload();
  }

  /** Log rows above this number are still needed to find the windows again. */
  get savedThrough(): number {
    return this.#savedThrough;
  }

  get needsSave(): boolean {
    return this.#sinceSave >= SAVE_EVERY_MESSAGES || this.#blocks > BLOCKS_MAX ||
      this.#entries.size > WINDOWS_MAX;
  }

  reload(): void {
    this.#entries.clear();
    this.#blocks = 0;
    this.#sinceSave = 0;
    this.#savedThrough = this.#db.number("SELECT value FROM meta WHERE key = 'windows_through'");
    let after = this.#savedThrough;
    for (;;) {
      const rows = this.#db.all<{ number: number; device: string; seq: number; hash: number }>(
        `SELECT number, device, seq, hash FROM messages WHERE number > ? AND seq IS NOT NULL
         ORDER BY number LIMIT 1000`,
        after,
      );
      for (const { device, seq, hash } of rows) this.#record(device, seq, hash);
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.number;
    }
  }

  #record(device: string, seq: number, hash: number): void {
    this.#tracked(device, (window) => window.record(seq, hash));
  }

  /** True for a message that the device sent before; otherwise enters it. */
  isDuplicate(device: string, seq: number, hash: number): boolean {
    return this.#tracked(device, (window) => window.enter(seq, hash));
  }

  #tracked<T>(device: string, use: (window: DuplicateWindow) => T): T {
    const { window } = this.#entry(device);
    const before = window.blocksInMemory;
    const result = use(window);
    this.#blocks += window.blocksInMemory - before;
    this.#sinceSave++;
    return result;
  }

  #entry(device: string): Entry {
    const known = this.#entries.get(device);
    if (known !== undefined) {
      if (this.#entries.size > WINDOWS_MAX / 2) this.#touch(device, known);
      return known;
    }
    const row = this.#db.get<WindowRow>(
      "SELECT window, position, highest FROM windows WHERE device = ?",
      device,
    );
    const entry = this.#open(row);
    this.#entries.set(device, entry);
    return entry;
  }

  #touch(device: string, entry: Entry): void {
    this.#entries.delete(device);
    this.#entries.set(device, entry);
  }

  #open(row: WindowRow | undefined): Entry {
    const load = (block: number) => entry.id === null ? null : this.#block(entry.id, block);
    const window = new DuplicateWindow(row ?? { position: 0, highest: -Infinity }, load);
    const entry: Entry = { id: row?.window ?? null, window };
    return entry;
  }

  #block(window: number, block: number): Uint8Array | null {
    const key = window * BLOCKS + block;
    const sql = "SELECT entries FROM window_blocks WHERE block = ?";
    return this.#db.get<{ entries: Uint8Array }>(sql, key)?.entries ?? null;
  }

  /** Writes what has changed; part of a transaction in which the log reaches `lastNumber`. */
  save(lastNumber: number): void {
    for (const [device, entry] of this.#entries) {
      if (entry.window.isDirty) this.#save(device, entry);
    }
    this.#db.run(
      "INSERT OR REPLACE INTO meta (key, value) VALUES ('windows_through', ?)",
      String(lastNumber),
    );
  }

  #save(device: string, entry: Entry): void {
    const { window } = entry;
    const row = this.#db.get<{ window: number }>(
      `INSERT INTO windows (device, position, highest) VALUES (?, ?, ?)
       ON CONFLICT (device) DO UPDATE SET position = excluded.position, highest = excluded.highest
       RETURNING window`,
      device,
      window.position,
      window.highest,
    );
    if (row === undefined) throw new Error(`Cannot save the duplicate window of "${device}"`);
    entry.id = row.window;
    for (const { block, entries } of window.dirtyBlocks()) {
      this.#db.run(
        "INSERT OR REPLACE INTO window_blocks (block, entries) VALUES (?, ?)",
        row.window * BLOCKS + block,
        entries,
      );
    }
  }

  /** The transaction of `save` is committed: what is not in use any more leaves the memory. */
  saved(lastNumber: number): void {
    this.#savedThrough = lastNumber;
    this.#sinceSave = 0;
    let surplus = this.#entries.size - WINDOWS_MAX / 2;
    for (const [device, entry] of this.#entries) {
      if (surplus-- > 0) this.#entries.delete(device);
      else entry.window.saved();
    }
    this.#blocks = this.#entries.size;
  }
}
