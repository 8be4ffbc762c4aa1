/**
 * The two doors that devices come through, MQTT CONNECT and HTTP, in front of one registry.
 * Without any credential the rules for anonymous senders decide; with one, nothing else does.
 */
import { Buffer } from "node:buffer";
import type { Approach, DeviceAccess, Principal, TopicAction } from "@/auth/device_access.ts";
import {
  type DeviceRefusal,
  type DeviceRegistry,
  type DeviceVerdict,
  isDeviceId,
  type PresentedCertificate,
} from "@/auth/device_registry.ts";
import { HttpError } from "@/model/errors.ts";

/** A CONNECT as far as access goes. */
export interface ConnectApproach extends Approach {
  username: string | null;
  password: Uint8Array | null;
  certificate: PresentedCertificate | null;
}

/** A request as far as access goes; `authorization` as sent. */
export interface HttpApproach extends Approach {
  authorization: string | null;
  certificate?: PresentedCertificate | null;
}

export class DeviceDoors {
  readonly #registry: DeviceRegistry;
  readonly #access: DeviceAccess;

  constructor(options: { registry: DeviceRegistry; access: DeviceAccess }) {
    this.#registry = options.registry;
    this.#access = options.access;
  }

  /** A principal or why not; `anonymous` when nothing was shown and nothing is not enough. */
  async connect(
    approach: ConnectApproach,
  ): Promise<Principal | { refused: DeviceRefusal | "anonymous" }> {
    const { username, password } = approach;
    const certificate = certificateOf(approach);
    const shown = username !== null || password !== null || certificate !== null;
    if (!shown) return this.#access.admitAnonymous(approach) ?? { refused: "anonymous" };
    const verdict = await this.#registry.admit({
      id: username,
      secret: password === null ? null : textOf(password),
      certificate,
      address: approach.remoteAddress,
    });
    return verdict.admitted ? verdict.principal : { refused: verdict.reason };
  }

  /** Basic `id:secret`, bearer `id.secret`, or a client certificate. Throws HttpError 401, 429. */
  async request(approach: HttpApproach): Promise<Principal> {
    const certificate = certificateOf(approach);
    if (approach.authorization === null && certificate === null) {
      const principal = this.#access.admitAnonymous(approach);
      if (principal === null) throw refusedDevice("anonymous");
      return principal;
    }
    const verdict = await this.#judge(approach, certificate);
    if (!verdict.admitted) throw refusedDevice(verdict.reason);
    return verdict.principal;
  }

  allows(principal: Principal, action: TopicAction, topic: string): boolean {
    return this.#access.allows(principal, action, topic);
  }

  /** True when this sender may write readings of `device` over HTTP. */
  mayWrite(principal: Principal, device: string): boolean {
    return isDeviceId(device) &&
      this.#access.allows(principal, "publish", `devices/${device}/telemetry`);
  }

  async #judge(
    approach: HttpApproach,
    certificate: PresentedCertificate | null,
  ): Promise<DeviceVerdict> {
    const shown = approach.authorization === null
      ? { id: null, secret: null }
      : credentialOf(approach.authorization);
    if (shown === null) return { admitted: false, reason: "bad_secret" };
    // A secret that was sent is judged as one: beside a certificate it must not be ignored.
    const proof = approach.authorization === null ? certificate : null;
    return await this.#registry.admit({
      ...shown,
      certificate: proof,
      address: approach.remoteAddress,
    });
  }
}

/** The device's id and secret from `Authorization`; null when it has neither form. */
export function credentialOf(authorization: string): { id: string; secret: string } | null {
  const [, scheme, value] = /^(Basic|Bearer) ([\x21-\x7e]{1,1000})$/i.exec(authorization) ?? [];
  if (scheme === undefined || value === undefined) return null;
  const basic = scheme.toLowerCase() === "basic";
  const text = basic ? Buffer.from(value, "base64").toString() : value;
  const end = text.indexOf(basic ? ":" : ".");
  return end < 0 ? null : { id: text.slice(0, end), secret: text.slice(end + 1) };
}

/**
 * Of a web page none counts: a browser adds the certificate by itself, like a cookie, whichever site
 * the page is from.
 */
function certificateOf(
  { certificate, fromPage }: { certificate?: PresentedCertificate | null; fromPage?: boolean },
): PresentedCertificate | null {
  return fromPage === true ? null : certificate ?? null;
}

function textOf(password: Uint8Array): string {
  return new TextDecoder().decode(password);
}

/** The same words whether the device is unknown, disabled or its secret wrong. */
function refusedDevice(reason: DeviceRefusal | "anonymous"): HttpError {
  if (reason === "throttled") {
    return new HttpError(429, "Too many failed attempts from this address", {
      code: "AUTH-0430",
      hint: "correct the device's credential; a right one is let in at once",
      headers: { "Retry-After": "2" },
    });
  }
  return new HttpError(401, "The device's credential is missing or not valid", {
    code: "AUTH-0420",
    hint: 'send "Authorization: Basic" with the device id and its secret; ' +
      '"sluice device add ID" makes one',
    headers: { "WWW-Authenticate": 'Basic realm="devices"' },
  });
}
