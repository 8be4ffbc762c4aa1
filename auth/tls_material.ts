/**
 * The files that TLS listeners use, read anew whenever they change.
 *
 * Polled, not watched: certificate tools replace whole folders behind symbolic links, which a watch on
 * a file does not see. A new set is used only when it can be: it parses and the key belongs to the
 * certificate. Otherwise the old one stays in use and the reason is logged once.
 */
import type { Server } from "node:tls";
import { assertKeyPair, type CertificateInfo, certificateInfo } from "@/auth/certificate_info.ts";
import { ConfigError } from "@/model/errors.ts";
import { logger } from "@/observe/log.ts";

/** TLS 1.2 is the oldest that microcontrollers in the field still need; 1.0 and 1.1 are broken. */
export const TLS_VERSION_MIN = "TLSv1.2";
const HANDSHAKE_MS = 10_000;
const LOOK_EVERY_MS = 5_000;

export interface TlsPaths {
  /** PEM: the server's certificate, then any intermediate ones. */
  certificate: string;
  key: string;
  /** PEM: authorities of client certificates; null when none are asked for. */
  clientAuthority: string | null;
}

/** Options for `tls.createServer`, `https.createServer` and `setSecureContext`. */
export interface TlsMaterial {
  cert: string;
  key: string;
  ca?: string;
  minVersion: typeof TLS_VERSION_MIN;
  /** A client without a certificate may still prove itself by a password: judged per connection. */
  requestCert: boolean;
  rejectUnauthorized: false;
  /** ms for the handshake; a peer that never finishes it holds a socket no longer than this. */
  handshakeTimeout: number;
}

export type TlsListener = (material: TlsMaterial) => void;

export class TlsFiles implements AsyncDisposable {
  readonly #paths: TlsPaths;
  readonly #listeners = new Set<TlsListener>();
  #stamp: string;
  #material: TlsMaterial;
  #info: CertificateInfo;
  #problem: string | null = null;
  #looking: Promise<boolean> = Promise.resolve(false);
  #timer: ReturnType<typeof setInterval> | undefined;

  private constructor(
    options: { paths: TlsPaths; stamp: string; material: TlsMaterial },
  ) {
    this.#paths = options.paths;
    this.#stamp = options.stamp;
    this.#material = options.material;
    this.#info = certificateInfo(options.material.cert);
  }

  /** Throws ConfigError when the files cannot be used. */
  static async open(paths: TlsPaths): Promise<TlsFiles> {
    const stamp = await stampOf(paths);
    return new TlsFiles({ paths, stamp, material: await read(paths) });
  }

  get material(): TlsMaterial {
    return this.#material;
  }

  /** The server certificate in use, for its names and expiry. */
  get info(): CertificateInfo {
    return this.#info;
  }

  /** Why newer files are not in use; null when they are. */
  get problem(): string | null {
    return this.#problem;
  }

  /** Hears each new set; returns the way to stop listening. */
  onChange(listener: TlsListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Keeps a server on the newest set; open connections stay as they are. */
  serve(server: Pick<Server, "setSecureContext">): () => void {
    return this.onChange((material) => server.setSecureContext(material));
  }

  /** Looks at the files now and every five seconds. */
  start(): void {
    this.#timer ??= setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  /** Takes up changed files; `force` (SIGHUP) also unchanged ones. True when a new set is in use. */
  look(options: { force?: boolean } = {}): Promise<boolean> {
    this.#looking = this.#looking.then(() => this.#look(options.force ?? false));
    return this.#looking;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#listeners.clear();
    await this.#looking;
  }

  async #look(force: boolean): Promise<boolean> {
    try {
      const stamp = await stampOf(this.#paths);
      if (stamp === this.#stamp && !force) return false;
      // Also a set that cannot be used is looked at once per change, not every five seconds.
      this.#stamp = stamp;
      this.#use(await read(this.#paths));
      return true;
    } catch (error) {
      this.#keepOld(error);
      return false;
    }
  }

  #use(material: TlsMaterial): void {
    this.#material = material;
    this.#info = certificateInfo(material.cert);
    this.#problem = null;
    for (const listener of this.#listeners) listener(material);
    const { names, notAfterMs } = this.#info;
    const until = new Date(notAfterMs).toISOString();
    logger("tls").info("Certificate taken up", { names: names.join(" "), until });
  }

  #keepOld(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error);
    if (problem === this.#problem) return;
    this.#problem = problem;
    logger("tls").error("New certificate files are not used, the old ones stay", { problem });
  }
}

async function read(paths: TlsPaths): Promise<TlsMaterial> {
  const cert = await readPem(paths.certificate);
  const key = await readPem(paths.key);
  assertKeyPair({ certificate: cert, key });
  const base = {
    cert,
    key,
    minVersion: TLS_VERSION_MIN,
    rejectUnauthorized: false,
    handshakeTimeout: HANDSHAKE_MS,
  } as const;
  if (paths.clientAuthority === null) return { ...base, requestCert: false };
  const ca = await readPem(paths.clientAuthority);
  certificateInfo(ca, "client authority");
  return { ...base, ca, requestCert: true };
}

async function readPem(path: string): Promise<string> {
  return await orUnreadable(path, Deno.readTextFile(path));
}

async function orUnreadable<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`Cannot read "${path}": ${reason}`, {
      code: "TLS-0103",
      hint: "check the path and that the gateway's user may read the file",
      cause,
    });
  }
}

/** Changes when any file is written, replaced, or reached through another link. */
async function stampOf({ certificate, key, clientAuthority }: TlsPaths): Promise<string> {
  const paths = [certificate, key, ...clientAuthority === null ? [] : [clientAuthority]];
  const stamps: string[] = [];
  // One after the other: of several missing files the first is always the one that is named.
  for (const path of paths) {
    const { ino, size, mtime, ctime } = await orUnreadable(path, Deno.stat(path));
    stamps.push([ino, size, mtime?.getTime(), ctime?.getTime()].join(":"));
  }
  return stamps.join(" ");
}
