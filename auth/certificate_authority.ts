/**
 * The gateway's own certificate authority, P-256: for its server certificate and for devices.
 *
 * Certificates of devices carry the device id as CN and are good for nothing but being a TLS client;
 * the server's carry its names and are good for nothing but being a TLS server. Revoking is not a
 * list that somebody has to read: a device's certificate opens nothing unless its fingerprint stands
 * in the device table.
 */
// The order matters: the library's container looks for what the first import provides.
import "@/auth/reflect_metadata.ts";
import * as x509 from "@peculiar/x509";
import { randomBytes } from "node:crypto";
import { isIP } from "node:net";
import { assertKeyPair, certificateInfo } from "@/auth/certificate_info.ts";
import { assertDeviceId } from "@/auth/device_registry.ts";
import { invalid } from "@/auth/refusals.ts";
import { BUILD_TIME_MS } from "@/model/build.ts";
import { ConfigError } from "@/model/errors.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 24 * 3600 * 1000;
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

const AUTHORITY_DAYS = 3650;
/** Browsers and phones refuse server certificates that live longer than 398 days. */
export const SERVER_DAYS = 397;
export const DEVICE_DAYS = 825;
const DAYS_MAX = 3650;
const NAMES_MAX = 50;

/** A certificate with its private key, both PEM. */
export interface CertificatePair {
  certificate: string;
  key: string;
}

export class CertificateAuthority {
  readonly #certificate: x509.X509Certificate;
  readonly #privateKey: CryptoKey;
  readonly #now: () => number;

  private constructor(
    options: { certificate: x509.X509Certificate; privateKey: CryptoKey; now: () => number },
  ) {
    this.#certificate = options.certificate;
    this.#privateKey = options.privateKey;
    this.#now = options.now;
  }

  /** A new authority; `pair` is what must be kept. Throws ConfigError while the clock is wrong. */
  static async create(
    options: { name: string; now: () => number; days?: number },
  ): Promise<{ authority: CertificateAuthority; pair: CertificatePair }> {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: newSerial(),
      name: [{ CN: [options.name] }],
      ...validity(options.now(), options.days ?? AUTHORITY_DAYS),
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
          true,
        ),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    const pair = { certificate: pemOf(certificate), key: await keyPem(keys.privateKey) };
    const { privateKey } = keys;
    const authority = new CertificateAuthority({ certificate, privateKey, now: options.now });
    return { authority, pair };
  }

  /** Throws ConfigError when the two do not belong together or are not an authority's. */
  static async load(pair: CertificatePair, now: () => number): Promise<CertificateAuthority> {
    assertKeyPair(pair);
    if (!certificateInfo(pair.certificate).isAuthority) throw notAuthority();
    const certificate = new x509.X509Certificate(pair.certificate);
    const der = x509.PemConverter.decodeFirst(pair.key);
    const privateKey = await crypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]);
    return new CertificateAuthority({ certificate, privateKey, now });
  }

  /** PEM of the authority itself, for clients to trust. */
  get certificate(): string {
    return pemOf(this.#certificate);
  }

  /** For host names and addresses. Throws HttpError 400 for what is neither. */
  async issueServer(options: { names: string[]; days?: number }): Promise<CertificatePair> {
    const names = [...new Set(options.names.map((name) => name.trim().toLowerCase()))];
    if (names.length === 0 || names.length > NAMES_MAX) {
      throw invalid(`${names.length} names for a certificate`, `give 1 to ${NAMES_MAX} names`);
    }
    return await this.#issue({
      commonName: (names[0] ?? "").slice(0, 64),
      purpose: SERVER_AUTH,
      names: names.map(generalName),
      days: options.days ?? SERVER_DAYS,
    });
  }

  /** For one device: CN is its id. Throws HttpError 400. */
  async issueDevice(id: string, options: { days?: number } = {}): Promise<CertificatePair> {
    assertDeviceId(id);
    return await this.#issue({
      commonName: id,
      purpose: CLIENT_AUTH,
      names: [{ type: "url", value: `urn:sluice:device:${id}` }],
      days: options.days ?? DEVICE_DAYS,
    });
  }

  async #issue(
    leaf: {
      commonName: string;
      purpose: string;
      names: x509.JsonGeneralName[];
      days: number;
    },
  ): Promise<CertificatePair> {
    const keys = await newKeys();
    const lifetime = validity(this.#now(), leaf.days);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: newSerial(),
      subject: [{ CN: [leaf.commonName] }],
      issuer: this.#certificate.subjectName,
      ...lifetime,
      notAfter: earlier(lifetime.notAfter, this.#certificate.notAfter),
      publicKey: keys.publicKey,
      signingKey: this.#privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([leaf.purpose]),
        new x509.SubjectAlternativeNameExtension(leaf.names),
        await x509.AuthorityKeyIdentifierExtension.create(this.#certificate.publicKey),
      ],
    });
    return { certificate: pemOf(certificate), key: await keyPem(keys.privateKey) };
  }
}

function generalName(name: string): x509.JsonGeneralName {
  if (isIP(name) !== 0) return { type: "ip", value: name };
  const label = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
  const isHostName = new RegExp(`^(?:\\*\\.)?${label}(?:\\.${label})*$`).test(name);
  if (isHostName && name.length <= 253) return { type: "dns", value: name };
  throw invalid(
    `Invalid name "${name.slice(0, 80)}" for a certificate`,
    'give host names and addresses: "gateway.local", "192.168.1.20"',
  );
}

function newKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

/** 127 random bits, positive, never empty [RFC 5280 §4.1.2.2]. */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString("hex");
}

/** From a day ago (clocks of devices differ) for `days`. A wrong clock would make useless ones. */
function validity(nowMs: number, days: number): { notBefore: Date; notAfter: Date } {
  if (!Number.isInteger(days) || days < 1 || days > DAYS_MAX) {
    throw invalid(`A certificate cannot live ${days} days`, `give 1 to ${DAYS_MAX} days`);
  }
  if (nowMs < BUILD_TIME_MS) {
    throw new ConfigError(
      `Cannot issue a certificate: the clock says ${new Date(nowMs).toISOString()}`,
      { code: "TLS-0110", hint: "set the clock, or wait until it has been set by the network" },
    );
  }
  return { notBefore: new Date(nowMs - DAY_MS), notAfter: new Date(nowMs + days * DAY_MS) };
}

function earlier(one: Date, other: Date): Date {
  return one < other ? one : other;
}

function pemOf(certificate: x509.X509Certificate): string {
  return certificate.toString("pem") + "\n";
}

async function keyPem(key: CryptoKey): Promise<string> {
  const der = await crypto.subtle.exportKey("pkcs8", key);
  return x509.PemConverter.encode(der, x509.PemConverter.PrivateKeyTag) + "\n";
}

function notAuthority(): ConfigError {
  return new ConfigError("Cannot issue certificates: the certificate is not an authority's", {
    code: "TLS-0111",
    hint: 'make one with "sluice cert ca"',
  });
}
