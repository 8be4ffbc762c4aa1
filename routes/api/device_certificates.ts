/** Client certificates of devices over the API. */
import { z } from "@hono/zod-openapi";
import type { Auth } from "@/auth/auth.ts";
import { bindDeviceCertificate, issueDeviceCertificate } from "@/auth/device_certificates.ts";
import { actorOf } from "@/routes/access.ts";
import type { Api } from "@/routes/api/operation.ts";
import { DeviceId, Time, timeOfMs } from "@/routes/api/schemas.ts";

const TAG = "Devices";
const PEM_CHARS_MAX = 20_000;

const Certificate = z.object({
  fingerprint: z.string().openapi({ description: "SHA-256, 64 hex digits" }),
  not_before: Time,
  not_after: Time,
  certificate: z.string().openapi({ description: "PEM" }),
  key: z.string().nullable().openapi({ description: "PEM, this once; null for a given one" }),
  authority: z.string().nullable().openapi({ description: "PEM, to know the gateway by" }),
}).openapi("DeviceCertificate");

export function deviceCertificateOperations(api: Api, auth: Auth): void {
  addCertificate(api, auth);
  addRevoke(api, auth);
}

function addCertificate(api: Api, auth: Auth): void {
  api.add({
    method: "post",
    path: "/api/devices/{id}/certificates",
    tag: TAG,
    summary: "Give a device a client certificate, or bind one that it has",
    text: "Without `certificate` the gateway's own authority issues one. A device that is not " +
      "registered is registered without a secret.",
    params: z.object({ id: DeviceId }),
    body: z.strictObject({
      certificate: z.string().max(PEM_CHARS_MAX).optional().openapi({ description: "PEM" }),
      days: z.number().int().min(1).max(3650).optional(),
    }),
    answer: { status: 201, text: "Bound", schema: Certificate },
  }, async ({ c, params: { id }, body: { certificate: pem, days } }) => {
    const by = actorOf(c);
    const { info, ...files } = pem === undefined
      ? await issueDeviceCertificate(auth, id, { days, by })
      : {
        ...{ certificate: pem, key: null, authority: null },
        info: await bindDeviceCertificate(auth, id, { pem, by }),
      };
    return {
      fingerprint: info.fingerprint,
      not_before: timeOfMs(info.notBeforeMs),
      not_after: timeOfMs(info.notAfterMs),
      ...files,
    };
  });
}

function addRevoke(api: Api, { devices }: Auth): void {
  api.add({
    method: "delete",
    path: "/api/devices/{id}/certificates/{fingerprint}",
    tag: TAG,
    summary: "Revoke one certificate of a device",
    text: "Cuts the connections that it opened.",
    params: z.object({ id: DeviceId, fingerprint: z.string().regex(/^[0-9a-f]{64}$/) }),
    answer: { status: 204, text: "Revoked" },
  }, async ({ c, params: { id, fingerprint } }) => {
    await devices.removeCertificate(id, { fingerprint, by: actorOf(c) });
    return c.body(null, 204);
  });
}
