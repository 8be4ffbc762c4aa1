/**
 * A file that does nothing but occupy space. On a full disk even SQLite's DELETE and checkpoint fail:
 * giving the ballast back lets them work, so that the queue can drain. Filled with random bytes,
 * because a file system may store zeros without space.
 */
const CHUNK_BYTES = 65_536;

export class Ballast {
  readonly #path: string;
  readonly #bytes: number;

  constructor(path: string, bytes: number) {
    this.#path = path;
    this.#bytes = bytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** True when the whole ballast lies on the disk. */
  get isThere(): boolean {
    try {
      return Deno.statSync(this.#path).size === this.#bytes;
    } catch {
      return false;
    }
  }

  /** Writes it where it is missing; false when there is no space for it. */
  ensure(): boolean {
    if (this.isThere) return true;
    try {
      this.#write();
      return true;
    } catch {
      this.release();
      return false;
    }
  }

  #write(): void {
    using file = Deno.openSync(this.#path, { write: true, create: true, truncate: true });
    const chunk = crypto.getRandomValues(new Uint8Array(CHUNK_BYTES));
    for (let written = 0; written < this.#bytes;) {
      written += file.writeSync(chunk.subarray(0, Math.min(CHUNK_BYTES, this.#bytes - written)));
    }
    file.syncSync();
  }

  /** Gives the space back; false when there was none to give. */
  release(): boolean {
    try {
      Deno.removeSync(this.#path);
      return true;
    } catch {
      return false;
    }
  }
}
