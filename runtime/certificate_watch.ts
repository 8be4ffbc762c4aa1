/** The certificates that this gateway depends on, for pages and metrics, and a warning before they end. */
import type { CertificateFiles } from "@/auth/certificate_files.ts";
import { type CertificateInfo, certificateInfo } from "@/auth/certificate_info.ts";
import { readIfThere } from "@/auth/private_file.ts";
import type { Config } from "@/config/schema.ts";
import type { Logger } from "@/observe/log.ts";
import type { EncryptedListeners } from "@/runtime/encrypted_listeners.ts";

const DAY_MS = 24 * 3600 * 1000;
const WARN_LEFT_MS = 21 * DAY_MS;

export type CertificateUse =
  /** Shown by HTTPS and MQTT over TLS. */
  | "server"
  /** Our own authority. */
  | "authority"
  /** Another authority that signs client certificates. */
  | "client_authority";

export interface CertificateStatus extends CertificateInfo {
  use: CertificateUse;
  /** Where it rests; several may be in the file, this is the first. */
  file: string;
}

export interface CertificateWatchParts {
  config: () => Config;
  certificates: CertificateFiles;
  listeners: EncryptedListeners;
  /** ms since 1970. */
  now: () => number;
  log: Logger;
}

export class CertificateWatch {
  readonly #parts: CertificateWatchParts;
  #warnedAtMs = -Infinity;

  constructor(parts: CertificateWatchParts) {
    this.#parts = parts;
  }

  /** What is in use or ready; certificates of devices stand with the devices. */
  async list(): Promise<CertificateStatus[]> {
    const { config, certificates, listeners } = this.#parts;
    const { tls } = config();
    const server = listeners.files?.info ?? null;
    const file = tls.certificate ?? certificates.serverPaths.certificate;
    const found = [
      server === null ? null : { ...server, use: "server" as const, file },
      await read("authority", certificates.authorityPaths.certificate),
      tls.client_authority === null ? null : await read("client_authority", tls.client_authority),
    ];
    return found.filter((each) => each !== null);
  }

  /** Logs what ends within 21 days, at most once a day; called more often. */
  async warn(): Promise<void> {
    const nowMs = this.#parts.now();
    if (nowMs - this.#warnedAtMs < DAY_MS) return;
    for (const { use, commonName, notAfterMs, file } of await this.list()) {
      if (notAfterMs - nowMs >= WARN_LEFT_MS) continue;
      this.#warnedAtMs = nowMs;
      const until = new Date(notAfterMs).toISOString();
      const text = notAfterMs <= nowMs
        ? "The certificate has expired: {use} {file}"
        : "The certificate expires soon: {use} {file}";
      this.#parts.log.warn(text, { use, file, commonName, until, hint: HINTS[use] });
    }
  }
}

const HINTS: Record<CertificateUse, string> = {
  server: 'renew the files; an own one: "sluice cert server"',
  authority: '"sluice cert ca --replace" makes a new one, then every client needs it',
  client_authority: "get the authority's new certificate and put it into the file",
};

/** Null for what is not there or is no certificate: who uses it names that already. */
async function read(use: CertificateUse, file: string): Promise<CertificateStatus | null> {
  try {
    const pem = await readIfThere(file);
    return pem === null ? null : { ...certificateInfo(pem), use, file };
  } catch {
    return null;
  }
}
