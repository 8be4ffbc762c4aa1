/** The data folder: where what lies, who may read it, and that only one program uses it. */
import { join } from "node:path";
import { ConfigError } from "@/model/errors.ts";

export function databasePath(dataDir: string): string {
  return join(dataDir, "sluice.db");
}

export function ballastPath(dataDir: string): string {
  return join(dataDir, "ballast");
}

/** Makes the folder, for its owner alone. */
export function makeDataDir(dataDir: string): void {
  try {
    Deno.mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new ConfigError(`Cannot make the data folder "${dataDir}": ${reasonOf(error)}`, {
      code: "STO-0103",
      hint: "Make it by hand for the user that runs the gateway, or name another with --data",
      cause: error,
    });
  }
}

/**
 * The exclusive lock of a data folder. The system takes it back when the process ends, however it ends.
 */
export class DataLock implements Disposable {
  readonly #file: Deno.FsFile;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /** @throws ConfigError when another program holds it, or the folder cannot be written. */
  static take(dataDir: string): DataLock {
    const file = openLockFile(join(dataDir, "lock"));
    if (file.tryLockSync(true)) return new DataLock(file);
    file.close();
    throw new ConfigError(`Cannot use the data folder "${dataDir}": another gateway is using it`, {
      code: "STO-0104",
      hint: "Stop the other one first, or give this one a folder of its own with --data",
    });
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}

function openLockFile(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { read: true, write: true, create: true, mode: 0o600 });
  } catch (error) {
    throw new ConfigError(`Cannot write to the data folder: "${path}": ${reasonOf(error)}`, {
      code: "STO-0105",
      hint: "Give the folder to the user that runs the gateway, or name another with --data",
      cause: error,
    });
  }
}

/** An error's own words, on one line. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\s+/g, " ").trim() : String(error);
}
