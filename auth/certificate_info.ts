/** What a certificate says, for pages, metrics and `doctor`; and whether a key belongs to it. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { ConfigError } from "@/model/errors.ts";

export interface CertificateInfo {
  /** Common name of the subject, "" without one. */
  commonName: string;
  issuer: string;
  /** Host names and addresses it is for. */
  names: string[];
  notBeforeMs: number;
  notAfterMs: number;
  /** SHA-256 of the DER form, 64 hex digits. */
  fingerprint: string;
  isAuthority: boolean;
}

/** Reads the first certificate of a PEM text. Throws ConfigError when there is none. */
export function certificateInfo(pem: string, what = "certificate"): CertificateInfo {
  const certificate = parse(pem, what);
  return {
    commonName: fieldOf(certificate.subject, "CN"),
    issuer: fieldOf(certificate.issuer, "CN") || certificate.issuer.replaceAll("\n", ", "),
    names: namesOf(certificate.subjectAltName),
    notBeforeMs: Date.parse(certificate.validFrom),
    notAfterMs: Date.parse(certificate.validTo),
    fingerprint: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
    isAuthority: certificate.ca,
  };
}

/**
 * Throws ConfigError unless `key` is the private key of the first certificate in `certificate`.
 * The TLS layer takes any two files and then fails each handshake without a word, so this is checked
 * before a pair is used.
 */
export function assertKeyPair(pair: { certificate: string; key: string }): void {
  const certificate = parse(pair.certificate, "certificate");
  if (certificate.checkPrivateKey(privateKey(pair.key))) return;
  throw new ConfigError("Cannot use the TLS key: it does not belong to the certificate", {
    code: "TLS-0102",
    hint: "give the certificate and the key that were issued together",
  });
}

function privateKey(pem: string): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new ConfigError(`Cannot read the TLS key: ${reasonOf(cause)}`, {
      code: "TLS-0101",
      hint: "give a PEM file with an unencrypted private key",
      cause,
    });
  }
}

function parse(pem: string, what: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new ConfigError(`Cannot read the ${what}: ${reasonOf(cause)}`, {
      code: "TLS-0100",
      hint: "give a PEM file that starts with -----BEGIN CERTIFICATE-----",
      cause,
    });
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** `CN` out of `O=Sluice\nCN=press-4`. */
function fieldOf(distinguishedName: string, field: string): string {
  const line = distinguishedName.split("\n").find((each) => each.startsWith(`${field}=`));
  return line?.slice(field.length + 1) ?? "";
}

function namesOf(subjectAltName: string | undefined): string[] {
  return (subjectAltName ?? "").split(", ").flatMap((entry) => {
    const [, kind, value] = /^(DNS|IP Address):(.+)$/.exec(entry) ?? [];
    return kind === undefined || value === undefined ? [] : [value];
  });
}

/** True when the certificate is good for this host name or address (wildcards: one label). */
export function coversHost(info: CertificateInfo, host: string): boolean {
  const wanted = host.toLowerCase();
  const names = info.names.map((name) => name.toLowerCase());
  if (names.includes(wanted)) return true;
  const parent = wanted.slice(wanted.indexOf("."));
  return isIP(wanted) === 0 && wanted.includes(".") && names.includes(`*${parent}`);
}
