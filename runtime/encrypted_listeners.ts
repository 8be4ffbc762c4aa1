/**
 * HTTPS and MQTT over TLS: on as soon as there is a certificate, the configured one or the own one
 * in the data folder, and always on the newest set of files.
 *
 * Every five seconds, and at once when asked, the files are looked at:
 *
 *     none yet            nothing listens; "sluice cert ca" and "sluice cert server" turn it on
 *     the same, changed   new connections get the new certificate, open ones go on
 *     other files         the same; where client certificates come or go, the ports are bound anew
 *     not usable          what is in use stays, and the reason is logged once
 */
import type { CertificateFiles } from "@/auth/certificate_files.ts";
import { TlsFiles, type TlsMaterial, type TlsPaths } from "@/auth/tls_material.ts";
import type { Config } from "@/config/schema.ts";
import { SluiceError } from "@/model/errors.ts";
import type { ListenAddress, TlsListener } from "@/mqtt/listener.ts";
import type { Logger } from "@/observe/log.ts";
import { boundAddresses, BoundPort } from "@/runtime/bound_port.ts";
import type { HttpsListener } from "@/runtime/https_listener.ts";

const LOOK_EVERY_MS = 5_000;

export interface EncryptedParts {
  config: () => Config;
  certificates: CertificateFiles;
  https: (at: ListenAddress, material: TlsMaterial) => Promise<HttpsListener>;
  mqtts: (at: ListenAddress, material: TlsMaterial) => Promise<TlsListener>;
  log: Logger;
}

export class EncryptedListeners {
  readonly #parts: EncryptedParts;
  /** Listeners that run requests of theirs to the end, after others took their port. */
  readonly #former = new Set<HttpsListener>();
  #files: TlsFiles | null = null;
  #paths: TlsPaths | null = null;
  #https: BoundPort<HttpsListener> | null = null;
  #mqtts: BoundPort<TlsListener> | null = null;
  #problem: string | null = null;
  #looking: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setInterval> | undefined;
  #stopped = false;

  constructor(parts: EncryptedParts) {
    this.#parts = parts;
  }

  /** `{ https, mqtts }` as bound; what is off or taken is absent. */
  get addresses(): Record<string, string> {
    return boundAddresses({
      https: this.#https?.address ?? null,
      mqtts: this.#mqtts?.address ?? null,
    });
  }

  /** The files in use, null while there are none. */
  get files(): TlsFiles | null {
    return this.#files;
  }

  /** Why newer or configured files are not in use; null when they are, or when there are none. */
  get problem(): string | null {
    return this.#problem ?? this.#files?.problem ?? null;
  }

  /** Listens where there is a certificate, and looks out for one from now on. */
  async start(): Promise<void> {
    await this.look();
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  /** Takes up new files; `force` (SIGHUP) also ones that look unchanged. Never rejects. */
  look(options: { force?: boolean } = {}): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look(options.force ?? false));
    return this.#looking;
  }

  /** Accepts no more, and cuts what is still open after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    this.#stopped = true;
    const open = [...this.#former, this.#https?.listener ?? null].filter((each) => each !== null);
    await Promise.all([this.#https?.stop(), this.#mqtts?.stop()]);
    await Promise.all(open.map((listener) => listener.end(graceMs)));
    await this.#files?.[Symbol.asyncDispose]();
  }

  async #look(force: boolean): Promise<void> {
    if (this.#stopped) return;
    try {
      const paths = await this.#wanted();
      if (paths === null) return;
      if (samePaths(paths, this.#paths)) await this.#files?.look({ force });
      else await this.#takeUp(paths);
      this.#problem = null;
    } catch (error) {
      this.#keep(error);
    }
  }

  /** The files to use; null while there are none. What is in use stays wanted when it vanishes. */
  async #wanted(): Promise<TlsPaths | null> {
    const { mode, certificate, key, client_authority: given } = this.#parts.config().tls;
    if (mode === "off") return this.#paths;
    const { serverPaths, authorityPaths } = this.#parts.certificates;
    const server = certificate !== null && key !== null ? { certificate, key } : serverPaths;
    if (server === serverPaths && !await isThere(serverPaths.certificate)) return this.#paths;
    const own = authorityPaths.certificate;
    const hasOwn = this.#paths?.clientAuthority === own || await isThere(own);
    return { ...server, clientAuthority: given ?? (hasOwn ? own : null) };
  }

  async #takeUp(paths: TlsPaths): Promise<void> {
    const files = await TlsFiles.open(paths);
    const before = this.#files;
    this.#files = files;
    this.#paths = paths;
    files.onChange((material) => this.#use(material));
    await before?.[Symbol.asyncDispose]();
    if (before?.material.requestCert === files.material.requestCert) {
      return this.#use(files.material);
    }
    await this.#bind();
  }

  #use(material: TlsMaterial): void {
    this.#https?.listener?.use(material);
    this.#mqtts?.listener?.reload(material);
  }

  async #bind(): Promise<void> {
    const { https_listen: https, mqtts_listen: mqtts } = this.#parts.config().tls;
    const httpsAt = this.#https?.at ?? https;
    const mqttsAt = this.#mqtts?.at ?? mqtts;
    this.#retire(this.#https?.listener ?? null);
    await Promise.all([this.#https?.stop(), this.#mqtts?.stop()]);
    const { log } = this.#parts;
    this.#https = httpsAt === null
      ? null
      : new BoundPort({ ...{ protocol: "HTTPS", at: httpsAt, log }, listen: this.#listenHttps });
    this.#mqtts = mqttsAt === null ? null : new BoundPort({
      ...{ protocol: "MQTT over TLS", at: mqttsAt, log },
      listen: this.#listenMqtts,
    });
    await Promise.all([this.#https?.start(), this.#mqtts?.start()]);
    log.info("Encrypted ports are open", this.addresses);
  }

  // A port that is taken for a while is bound with what is then the newest certificate.
  readonly #listenHttps = (at: ListenAddress): Promise<HttpsListener> =>
    this.#parts.https(at, this.#files!.material);
  readonly #listenMqtts = (at: ListenAddress): Promise<TlsListener> =>
    this.#parts.mqtts(at, this.#files!.material);

  #retire(listener: HttpsListener | null): void {
    if (listener === null) return;
    this.#former.add(listener);
    listener.whenClosed(() => this.#former.delete(listener));
  }

  #keep(error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error);
    if (problem === this.#problem) return;
    this.#problem = problem;
    const hint = error instanceof SluiceError ? error.hint : "";
    const text = this.#files === null
      ? "HTTPS and MQTT over TLS are off, next try in 5 s: {problem}"
      : "New certificate files are not used, the old ones stay: {problem}";
    this.#parts.log.error(text, { problem, hint });
  }
}

function samePaths(one: TlsPaths, other: TlsPaths | null): boolean {
  return one.certificate === other?.certificate && one.key === other.key &&
    one.clientAuthority === other.clientAuthority;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
