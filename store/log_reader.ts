/**
 * Reads the log for the forward Worker, on a read-only connection of its own: no read waits for a
 * commit and no commit for a read. It sees what is committed at the moment of each call.
 */
import type { StoredMessage } from "@/model/message.ts";
import { Database } from "@/store/database.ts";
import {
  type Epoch,
  epochAt,
  LOG_COLUMNS,
  readEpochs,
  type StoredRow,
  toStored,
} from "@/store/message_log.ts";

export interface ReadRange {
  /** Not beyond what `head.stampedThrough` said. */
  throughNumber: number;
  limit: number;
  /** Payload and topic bytes after which no further row is added; the first row always comes. */
  bytesMax: number;
}

export interface ReadRetries {
  limit: number;
  bytesMax: number;
  /** Only those with a greater number. */
  afterNumber?: number;
  /** Only these. */
  numbers?: readonly number[];
}

/** Rows per step of a read that is bounded by bytes: small, so that little is read in vain. */
const STEP_ROWS = 500;

export class LogReader {
  readonly #path: string;
  #file: number | null;
  #db: Database;
  #epochs: Epoch[];

  /** @param path absolute path of the database, `databasePath(dataDir)` of store/data_folder.ts */
  constructor(path: string) {
    this.#path = path;
    this.#file = Deno.statSync(path).ino;
    this.#db = new Database(path, { readOnly: true });
    this.#epochs = readEpochs(this.#db);
  }

  /** A damaged database was moved aside while it was open here: the new one counts. */
  #followFile(): void {
    const file = Deno.statSync(this.#path).ino;
    if (file === this.#file) return;
    this.#db.close();
    this.#db = new Database(this.#path, { readOnly: true });
    this.#epochs = readEpochs(this.#db);
    this.#file = file;
  }

  /** The rows after a number, in order; numbers may be missing where the log has gaps. */
  read(afterNumber: number, { throughNumber, limit, bytesMax }: ReadRange): StoredMessage[] {
    this.#followFile();
    const messages: StoredMessage[] = [];
    let bytes = 0;
    for (let after = afterNumber; messages.length < limit;) {
      const rows = this.#db.all<StoredRow>(
        `SELECT ${LOG_COLUMNS} FROM messages WHERE number > ? AND number <= ?
         ORDER BY number LIMIT ?`,
        after,
        throughNumber,
        Math.min(STEP_ROWS, limit - messages.length),
      );
      for (const row of rows) {
        bytes += row.payload.length + row.topic.length;
        if (bytes > bytesMax && messages.length > 0) return messages;
        messages.push(toStored(row, this.#idOf(row.number)));
      }
      const last = rows.at(-1);
      if (last === undefined || last.number === throughNumber) return messages;
      after = last.number;
    }
    return messages;
  }

  /** Exceptions of a destination that wait to be sent again, in the order of their numbers. */
  readRetries(
    destination: string,
    { limit, bytesMax, afterNumber = 0, numbers }: ReadRetries,
  ): StoredMessage[] {
    this.#followFile();
    const among = numbers === undefined ? "" : "AND number IN (SELECT value FROM json_each(?4))";
    const rows = this.#db.all<StoredRow & { message_id: string }>(
      `SELECT ${LOG_COLUMNS}, message_id FROM exceptions
       WHERE destination = ?1 AND state = 1 AND number > ?2 ${among} ORDER BY number LIMIT ?3`,
      destination,
      afterNumber,
      limit,
      ...(numbers === undefined ? [] : [JSON.stringify(numbers)]),
    );
    let bytes = 0;
    const fitting = rows.findIndex((row) => (bytes += row.payload.length) > bytesMax);
    const taken = fitting === -1 ? rows : rows.slice(0, Math.max(1, fitting));
    return taken.map((row) => toStored(row, row.message_id));
  }

  #idOf(number: number): string {
    const epoch = epochAt(this.#epochs, number);
    return epoch + number.toString(16).padStart(16, "0");
  }

  close(): void {
    this.#db.close();
  }
}
