/**
 * Strangers that asked to be let in while auto-registration is `ask`, until an operator decides.
 *
 * In memory, bounded: a device asks again and again, so nothing is lost with a restart. A secret that
 * a stranger presents is hashed at once. Two strangers under one id with different credentials are two
 * requests, so that approving one never lets the other in.
 */
import { randomBytes } from "node:crypto";
import type { DeviceSecret } from "@/auth/auth_store.ts";
import type { PresentedCertificate } from "@/auth/device_registry.ts";
import { hashDeviceSecret, matchesDeviceSecret } from "@/auth/device_secret.ts";
import { notThere } from "@/auth/refusals.ts";

export interface PendingDevice {
  requestId: string;
  deviceId: string;
  proof: "secret" | "certificate";
  address: string;
  firstSeenAtMs: number;
  lastSeenAtMs: number;
  attempts: number;
}

interface Request extends PendingDevice {
  secret: DeviceSecret | null;
  certificate: PresentedCertificate | null;
}

const REQUESTS_MAX = 200;
/** Requests under one id: more would only make the choice harder. */
const PER_DEVICE_MAX = 4;
const FORGET_MS = 24 * 3600 * 1000;

export class PendingDevices {
  readonly #requests = new Map<string, Request>();
  readonly #now: () => number;

  constructor(options: { now: () => number }) {
    this.#now = options.now;
  }

  list(): PendingDevice[] {
    this.#forgetOld();
    return [...this.#requests.values()]
      .map(({ secret: _s, certificate: _c, ...shown }) => shown)
      .sort((a, b) => b.lastSeenAtMs - a.lastSeenAtMs);
  }

  /** Counts an attempt of a stranger; at the bound newcomers are not kept. */
  note(
    stranger: {
      deviceId: string;
      secret: string | null;
      certificate: PresentedCertificate | null;
      address: string;
    },
  ): void {
    this.#forgetOld();
    const same = [...this.#requests.values()].filter((it) => it.deviceId === stranger.deviceId);
    const before = same.find((request) => isSame(request, stranger));
    if (before !== undefined) {
      before.attempts++;
      before.lastSeenAtMs = this.#now();
      before.address = stranger.address;
      return;
    }
    if (this.#requests.size >= REQUESTS_MAX || same.length >= PER_DEVICE_MAX) return;
    const { deviceId, certificate, address } = stranger;
    const nowMs = this.#now();
    const requestId = randomBytes(8).toString("hex");
    this.#requests.set(requestId, {
      requestId,
      deviceId,
      proof: certificate === null ? "secret" : "certificate",
      address,
      firstSeenAtMs: nowMs,
      lastSeenAtMs: nowMs,
      attempts: 1,
      secret: certificate === null ? hashDeviceSecret(stranger.secret ?? "", nowMs) : null,
      certificate,
    });
  }

  /** Throws HttpError 404. */
  need(requestId: string): Request {
    const request = this.#requests.get(requestId);
    if (request === undefined) throw notThere("request", requestId);
    return request;
  }

  drop(requestId: string): void {
    this.#requests.delete(requestId);
  }

  /** Drops all requests under one id. */
  dropDevice(deviceId: string): void {
    for (const request of [...this.#requests.values()]) {
      if (request.deviceId === deviceId) this.#requests.delete(request.requestId);
    }
  }

  #forgetOld(): void {
    for (const { requestId, lastSeenAtMs } of [...this.#requests.values()]) {
      if (this.#now() - lastSeenAtMs > FORGET_MS) this.#requests.delete(requestId);
    }
  }
}

function isSame(
  request: Request,
  stranger: { secret: string | null; certificate: PresentedCertificate | null },
): boolean {
  if (stranger.certificate !== null) {
    return request.certificate?.fingerprint === stranger.certificate.fingerprint;
  }
  return matchesDeviceSecret(stranger.secret ?? "", request.secret);
}
