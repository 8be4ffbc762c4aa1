/** Certificates that our own authority would never issue. */
import "@/auth/reflect_metadata.ts";
import * as x509 from "@peculiar/x509";
import type { CertificatePair } from "@/auth/certificate_authority.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 24 * 3600 * 1000;

/** A device certificate of this authority that ended yesterday. */
export async function expiredPair(
  authority: CertificatePair,
  id: string,
): Promise<CertificatePair> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const der = x509.PemConverter.decodeFirst(authority.key);
  const signingKey = await crypto.subtle.importKey("pkcs8", der, ALGORITHM, false, ["sign"]);
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: "40" + "1".repeat(16),
    subject: [{ CN: [id] }],
    issuer: issuer.subjectName,
    notBefore: new Date(Date.now() - 30 * DAY_MS),
    notAfter: new Date(Date.now() - DAY_MS),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.ExtendedKeyUsageExtension(["1.3.6.1.5.5.7.3.2"])],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    certificate: certificate.toString("pem"),
    key: x509.PemConverter.encode(key, x509.PemConverter.PrivateKeyTag),
  };
}
