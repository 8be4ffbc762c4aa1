/**
 * The own authority and server certificate in the data folder:
 *
 *     tls/ca.pem  tls/ca.key  tls/server.pem  tls/server.key      keys with mode 0600
 *
 * A key is written before its certificate, each whole or not at all: after a crash in between the
 * old certificate no longer fits its key, which `assertKeyPair` finds and the next call repairs.
 */
import type { CertificateAuthority, CertificatePair } from "@/auth/certificate_authority.ts";
import { assertKeyPair, type CertificateInfo, certificateInfo } from "@/auth/certificate_info.ts";
import { makePrivateFolder, readIfThere, writeWhole } from "@/auth/private_file.ts";
import { alreadyThere } from "@/auth/refusals.ts";
import { ConfigError } from "@/model/errors.ts";

const DAY_MS = 24 * 3600 * 1000;
/** The server's own certificate (397 days) is issued anew when a third of its life is left. */
const RENEW_LEFT_MS = 397 / 3 * DAY_MS;

export interface CertificatePaths {
  certificate: string;
  key: string;
}

export class CertificateFiles {
  readonly #folder: string;
  readonly #now: () => number;

  /** `folder` is `<data>/tls`. */
  constructor(options: { folder: string; now: () => number }) {
    this.#folder = options.folder;
    this.#now = options.now;
  }

  get authorityPaths(): CertificatePaths {
    return { certificate: `${this.#folder}/ca.pem`, key: `${this.#folder}/ca.key` };
  }

  get serverPaths(): CertificatePaths {
    return { certificate: `${this.#folder}/server.pem`, key: `${this.#folder}/server.key` };
  }

  /**
   * Makes the authority. Throws HttpError 409 when there is one, unless `replace`: every certificate
   * that the old one issued is void then.
   */
  async createAuthority(
    options: { name?: string; replace?: boolean } = {},
  ): Promise<CertificateInfo> {
    if (options.replace !== true && await this.authorityInfo() !== null) throw authorityExists();
    const name = options.name ?? "Sluice CA";
    const { CertificateAuthority } = await issuing();
    const { pair } = await CertificateAuthority.create({ name, now: this.#now });
    await this.#write(this.authorityPaths, pair);
    return certificateInfo(pair.certificate);
  }

  /** Throws ConfigError when there is none or its files do not belong together. */
  async authority(): Promise<CertificateAuthority> {
    const pair = await this.#read(this.authorityPaths);
    if (pair === null) throw noAuthority(this.#folder);
    const { CertificateAuthority } = await issuing();
    return await CertificateAuthority.load(pair, this.#now);
  }

  /** Issues the server's certificate and puts it in place; a running gateway takes it up. */
  async issueServer(options: { names: string[]; days?: number }): Promise<CertificateInfo> {
    const pair = await (await this.authority()).issueServer(options);
    await this.#write(this.serverPaths, pair);
    return certificateInfo(pair.certificate);
  }

  /**
   * Renews the server certificate of our own authority for the same names when a third of its life
   * is left. Returns the new one, or null when nothing was to do.
   */
  async renewServer(): Promise<CertificateInfo | null> {
    const pair = await this.#read(this.serverPaths);
    if (pair === null || await this.authorityInfo() === null) return null;
    const { notAfterMs, names } = certificateInfo(pair.certificate);
    if (notAfterMs - this.#now() > RENEW_LEFT_MS) return null;
    return await this.issueServer({ names });
  }

  async authorityInfo(): Promise<CertificateInfo | null> {
    const pem = await readIfThere(this.authorityPaths.certificate);
    return pem === null ? null : certificateInfo(pem);
  }

  async #read(paths: CertificatePaths): Promise<CertificatePair | null> {
    const [certificate, key] = [await readIfThere(paths.certificate), await readIfThere(paths.key)];
    return certificate === null || key === null ? null : { certificate, key };
  }

  async #write(paths: CertificatePaths, pair: CertificatePair): Promise<void> {
    assertKeyPair(pair);
    await makePrivateFolder(this.#folder);
    await writeWhole(paths.key, pair.key);
    await writeWhole(paths.certificate, pair.certificate, { mode: 0o644 });
  }
}

/** Loaded when something is issued: the library costs time at the start and memory ever after. */
function issuing(): Promise<typeof import("@/auth/certificate_authority.ts")> {
  return import("@/auth/certificate_authority.ts");
}

function authorityExists(): Error {
  return alreadyThere(
    "There is a certificate authority already",
    "keep it; --replace makes a new one and voids every certificate of the old one",
  );
}

function noAuthority(folder: string): ConfigError {
  return new ConfigError(`Cannot issue a certificate: there is no authority in "${folder}"`, {
    code: "TLS-0112",
    hint: "make one first: sluice cert ca",
  });
}
