/** The client certificate of a TLS connection, in the three states that matter to access. */
import type { TLSSocket } from "node:tls";
import type { PresentedCertificate } from "@/auth/device_registry.ts";

export type PeerCertificate =
  /** None was presented: a password may do. */
  | { kind: "none" }
  /** Presented, but of another authority, expired, or not for a client: refuse the connection. */
  | { kind: "refused"; why: string }
  | { kind: "proven"; certificate: PresentedCertificate };

/**
 * Judges what the TLS layer checked: `rejectUnauthorized` is off on our listeners, so that clients
 * without a certificate get as far as their password; this is where a bad one ends.
 */
export function peerCertificate(socket: TLSSocket): PeerCertificate {
  const peer = socket.getPeerCertificate();
  if (peer === null || peer === undefined || peer.raw === undefined) return { kind: "none" };
  if (!socket.authorized) {
    return { kind: "refused", why: String(socket.authorizationError ?? "not authorized") };
  }
  const commonName = typeof peer.subject?.CN === "string" ? peer.subject.CN : "";
  return {
    kind: "proven",
    certificate: {
      commonName,
      fingerprint: peer.fingerprint256,
      notBeforeMs: Date.parse(peer.valid_from),
      notAfterMs: Date.parse(peer.valid_to),
    },
  };
}
