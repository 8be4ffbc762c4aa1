/**
 * What joins the broker to access control: judging a CONNECT, and ending what is open when the right
 * to it ends. A connection that goes on after its credential was revoked is cut in the same turn.
 */
import type { Auth } from "@/auth/auth.ts";
import { plainFingerprint, type PresentedCertificate } from "@/auth/device_registry.ts";
import type { Revoked } from "@/auth/revocations.ts";
import type { MqttPrincipal } from "@/ingest/mqtt_hooks.ts";
import type { Broker } from "@/mqtt/broker.ts";
import type { ClientCertificate, ConnectionInfo, ConnectRequest } from "@/mqtt/broker_types.ts";
import { ReasonCode } from "@/mqtt/codec/reason_code.ts";

/** A connection by certificate has one; what a password opened has none. */
type OpenConnection = Pick<ConnectionInfo<MqttPrincipal>, "principal" | "certificate">;

/** The device that connects, or null. */
export async function admitDevice(
  auth: Auth,
  request: ConnectRequest,
): Promise<MqttPrincipal | null> {
  const { username, password, remoteAddress, forwarded, fromPage } = request;
  const certificate = request.certificate === null ? null : presented(request.certificate);
  const verdict = await auth.doors.connect({
    ...{ username, password, certificate },
    ...{ remoteAddress, forwarded, fromPage },
  });
  return "refused" in verdict ? null : { id: verdict.deviceId };
}

/** Cuts connections, and forgets sessions of devices that are gone, from now on. */
export function cutRevoked(auth: Auth, broker: Broker<MqttPrincipal>): () => void {
  return auth.revocations.onRevoked((revoked) => {
    broker.disconnect((info) => isEnded(revoked, info), ReasonCode.administrativeAction);
    if (revoked.kind === "device" && auth.devices.find(revoked.deviceId) === null) {
      broker.discardSessions((id) => id === revoked.deviceId);
    }
  });
}

function isEnded(revoked: Revoked, { principal, certificate }: OpenConnection): boolean {
  if (!("deviceId" in revoked) || principal.id !== revoked.deviceId) return false;
  if (revoked.kind === "device") return true;
  if (revoked.kind === "device_secret") return certificate === null;
  return certificate !== null && plainFingerprint(certificate.fingerprint256) ===
      revoked.fingerprint;
}

function presented(certificate: ClientCertificate): PresentedCertificate {
  const { commonName, fingerprint256, validFromMs, validToMs } = certificate;
  return {
    ...{ commonName, fingerprint: fingerprint256 },
    ...{ notBeforeMs: validFromMs, notAfterMs: validToMs },
  };
}

/** Ends connections whose client certificate is over: it was good when they were opened. */
export function cutExpired(broker: Broker<MqttPrincipal>, nowMs: number): void {
  broker.disconnect(
    ({ certificate }) => certificate !== null && certificate.validToMs <= nowMs,
    ReasonCode.administrativeAction,
  );
}
