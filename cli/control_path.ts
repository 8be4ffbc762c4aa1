import { ConfigError } from "@/model/errors.ts";

/** Linux: 108 bytes with the closing zero. */
const SOCKET_PATH_BYTES_MAX = 107;

/** Where to put the socket of a data folder whose own path is too long. */
const SHORT_PARENT = "/tmp";

/**
 * Path of the control socket of a data folder: `control.sock` inside it. A path that is too long for
 * a socket gets a folder of its own under /tmp instead, named after a hash of the data folder.
 * The data folder must exist.
 */
export async function controlSocketPath(dataDir: string): Promise<string> {
  const folder = await Deno.realPath(dataDir);
  const inside = `${folder}/control.sock`;
  const encoder = new TextEncoder();
  if (encoder.encode(inside).length <= SOCKET_PATH_BYTES_MAX) return inside;
  // Not by node:crypto, which takes longer to load than `sluice version` may last.
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(folder)));
  return `${SHORT_PARENT}/sluice-${hash.toHex().slice(0, 16)}/control.sock`;
}

/**
 * Makes the folder of the socket where it is not the data folder. Everybody may write to /tmp, so the
 * folder counts only if it belongs to the data folder's owner and nobody else can enter it.
 */
export async function prepareSocketFolder(socketPath: string, dataDir: string): Promise<void> {
  const folder = socketPath.slice(0, socketPath.lastIndexOf("/"));
  if (!folder.startsWith(`${SHORT_PARENT}/sluice-`)) return;
  await Deno.mkdir(folder, { mode: 0o700 }).catch((error) => {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  });
  await checkSocketFolder(socketPath, dataDir);
}

/** Refuses a folder under /tmp that somebody else made. */
export async function checkSocketFolder(socketPath: string, dataDir: string): Promise<void> {
  const folder = socketPath.slice(0, socketPath.lastIndexOf("/"));
  if (!folder.startsWith(`${SHORT_PARENT}/sluice-`)) return;
  const [made, owner] = [await Deno.lstat(folder), await Deno.stat(dataDir)];
  if (made.isDirectory && made.uid === owner.uid && ((made.mode ?? 0) & 0o077) === 0) return;
  throw new ConfigError(`Cannot use the socket folder "${folder}": it is not ours alone`, {
    code: "CTL-0002",
    hint: "remove it, or choose a data folder with a path of at most 94 bytes",
  });
}
