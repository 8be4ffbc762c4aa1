/** Client certificates of devices: issued by our authority or brought along, and bound to the device. */
import type { Actor } from "@/auth/audit.ts";
import type { CertificateFiles } from "@/auth/certificate_files.ts";
import { type CertificateInfo, certificateInfo } from "@/auth/certificate_info.ts";
import type { DeviceRegistry } from "@/auth/device_registry.ts";
import { invalid } from "@/auth/refusals.ts";

export interface IssuedDeviceCertificate {
  /** All PEM; the key is nowhere else. */
  certificate: string;
  key: string;
  /** Of our authority, for the device to know the gateway by. */
  authority: string;
  info: CertificateInfo;
}

interface Parts {
  certificates: CertificateFiles;
  devices: DeviceRegistry;
}

/**
 * Issues a certificate and binds it; a device that is not registered yet is, without a secret.
 * Throws HttpError 400 (id, days), 409 (too many), ConfigError (no authority).
 */
export async function issueDeviceCertificate(
  { certificates, devices }: Parts,
  id: string,
  { days, by }: { days?: number; by: Actor },
): Promise<IssuedDeviceCertificate> {
  const authority = await certificates.authority();
  const pair = await authority.issueDevice(id, { days });
  const info = certificateInfo(pair.certificate);
  await bind(devices, id, { info, origin: "issued", by });
  return { ...pair, authority: authority.certificate, info };
}

/**
 * Binds a certificate that somebody else issued. It opens the door while an authority that the
 * gateway trusts (`tls.client_authority`) vouches for it.
 * Throws HttpError 400 (another device's, an authority's), 409 (bound already), ConfigError (no PEM).
 */
export async function bindDeviceCertificate(
  { devices }: Pick<Parts, "devices">,
  id: string,
  { pem, by }: { pem: string; by: Actor },
): Promise<CertificateInfo> {
  const info = certificateInfo(pem);
  if (info.commonName !== id) {
    throw invalid(
      `The certificate is for "${info.commonName.slice(0, 80)}", not for "${id}"`,
      "its common name must be the device id: bind it to that device, or get another certificate",
    );
  }
  if (info.isAuthority) {
    throw invalid("The certificate is an authority's", "give the device's own certificate");
  }
  await bind(devices, id, { info, origin: "given", by });
  return info;
}

async function bind(
  devices: DeviceRegistry,
  id: string,
  { info, origin, by }: { info: CertificateInfo; origin: "issued" | "given"; by: Actor },
): Promise<void> {
  if (devices.find(id) === null) await devices.add(id, { by, withoutSecret: true });
  await devices.addCertificate(id, { certificate: info, origin, by });
}
