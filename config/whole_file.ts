/**
 * A file that is replaced whole or not at all.
 *
 *     remove NAME.new → create it (0600) → write → fsync → rename over NAME → fsync of the folder
 *
 * A crash before the rename leaves the old file, one after it the new one; what a crash leaves of
 * `NAME.new` is removed by the next call. After the last step power loss cannot bring the old one
 * back either. One call at a time for each file: the caller sees to it.
 */

/** The steps that touch the disk; tests end the process between them. */
export interface FileSteps {
  remove(path: string): Promise<void>;
  /** Makes the file, readable by its owner alone, and returns when its bytes are on the disk. */
  writeNew(path: string, bytes: Uint8Array): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  syncFolder(path: string): Promise<void>;
}

/** Replaces the file by this text; throws what the disk says, the old file then stays. */
export async function writeWhole(
  path: string,
  text: string,
  steps: FileSteps = DISK,
): Promise<void> {
  const temporary = `${path}.new`;
  await steps.remove(temporary);
  try {
    await steps.writeNew(temporary, new TextEncoder().encode(text));
    await steps.rename(temporary, path);
  } catch (error) {
    await steps.remove(temporary);
    throw error;
  }
  await steps.syncFolder(path.slice(0, path.lastIndexOf("/")) || "/");
}

export const DISK: FileSteps = {
  async remove(path) {
    try {
      await Deno.remove(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  },

  async writeNew(path, bytes) {
    using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await file.write(rest));
    await file.sync();
  },

  rename: (from, to) => Deno.rename(from, to),

  async syncFolder(path) {
    using folder = await Deno.open(path);
    await folder.sync();
  },
};
