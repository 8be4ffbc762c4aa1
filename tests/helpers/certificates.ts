import "reflect-metadata";
import * as x509 from "@peculiar/x509";

/** A certificate with its private key, both PEM. */
export interface IssuedCertificate {
  certificate: string;
  key: string;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 24 * 3600 * 1000;

/** A certificate authority of a test's own. */
export class TestAuthority {
  readonly certificate: string;
  readonly #issuer: x509.X509Certificate;
  readonly #keys: CryptoKeyPair;

  private constructor(issuer: x509.X509Certificate, keys: CryptoKeyPair) {
    this.#issuer = issuer;
    this.#keys = keys;
    this.certificate = issuer.toString("pem");
  }

  static async create(name = "Test CA"): Promise<TestAuthority> {
    const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const issuer = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: serial(),
      name: `CN=${name}`,
      ...validity(),
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign),
      ],
    });
    return new TestAuthority(issuer, keys);
  }

  /** A server certificate; by default for 127.0.0.1 and localhost. */
  async issue(
    name: string,
    names: x509.JsonGeneralNames = [
      { type: "ip", value: "127.0.0.1" },
      { type: "dns", value: "localhost" },
    ],
  ): Promise<IssuedCertificate> {
    const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      subject: `CN=${name}`,
      issuer: this.#issuer.subject,
      ...validity(),
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false),
        new x509.SubjectAlternativeNameExtension(names),
      ],
    });
    const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
    return {
      certificate: certificate.toString("pem"),
      key: x509.PemConverter.encode(key, x509.PemConverter.PrivateKeyTag),
    };
  }
}

function serial(): string {
  return "01" + crypto.getRandomValues(new Uint8Array(15)).toHex();
}

function validity(): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + 30 * DAY_MS) };
}
