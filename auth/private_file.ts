/** Files with secrets: mode 0600 from their first byte, in a folder 0700, replaced whole or not at all. */

/** Makes the folder with mode 0700 where it does not exist. */
export async function makePrivateFolder(path: string): Promise<void> {
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
}

/**
 * Writes the text so that a crash leaves the old file or the new one: a temporary file beside it,
 * fsync, rename, fsync of the folder. `mode` is 0600 unless the file is public (a certificate).
 */
export async function writeWhole(
  path: string,
  text: string,
  options: { mode?: number } = {},
): Promise<void> {
  const temporary = `${path}.${crypto.randomUUID()}.new`;
  const file = await Deno.open(temporary, {
    write: true,
    createNew: true,
    mode: options.mode ?? 0o600,
  });
  try {
    await writeAndSync(file, text);
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary);
    throw error;
  }
  await syncFolder(path.slice(0, path.lastIndexOf("/")) || "/");
}

/** The text, or null when there is no such file. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** True when somebody besides the owner may read or write the file. */
export async function isExposed(path: string): Promise<boolean> {
  const { mode } = await Deno.stat(path);
  return mode !== null && (mode & 0o077) !== 0;
}

async function writeAndSync(file: Deno.FsFile, text: string): Promise<void> {
  using open = file;
  let rest = new TextEncoder().encode(text);
  while (rest.length > 0) rest = rest.subarray(await open.write(rest));
  await open.sync();
}

async function syncFolder(path: string): Promise<void> {
  using folder = await Deno.open(path);
  await folder.sync();
}
