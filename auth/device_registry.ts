/**
 * Devices and their credentials: registering, proving, changing, and what happens to strangers.
 *
 * Proving a device is a look into memory and one HMAC (9 µs), so a thousand devices may reconnect at
 * once; there is no cache to bound or to invalidate. A right credential is always admitted: budgets
 * for failures only decide how a wrong one is answered, so nobody can lock a device out.
 */
import { type Actor, auditText, type AuditTrail, GATEWAY_ACTOR } from "@/auth/audit.ts";
import type { AuthMirror, Plan } from "@/auth/auth_mirror.ts";
import type {
  AuthChange,
  CertificateRecord,
  DeviceRecord,
  DeviceSecret,
  TopicGrant,
} from "@/auth/auth_store.ts";
import { isGrantFilter, type Principal } from "@/auth/device_access.ts";
import {
  broughtSecretProblem,
  hashDeviceSecret,
  looksLikeSecret,
  matchesDeviceSecret,
  newDeviceSecret,
} from "@/auth/device_secret.ts";
import { type PendingDevice, PendingDevices } from "@/auth/pending_devices.ts";
import { RateLimit } from "@/auth/rate_limit.ts";
import {
  alreadyThere,
  invalid,
  limitReached,
  noSuchCertificate,
  notThere,
} from "@/auth/refusals.ts";
import { addressKey } from "@/auth/remote_address.ts";
import type { Revocations } from "@/auth/revocations.ts";
import { logger } from "@/observe/log.ts";

/** What becomes of an id that nobody registered: refused, shown to an operator, or taken in. */
export type AutoRegistration = "off" | "ask" | "on";

export const DEVICES_MAX = 10_000;
const CERTIFICATES_MAX = 8;
const GRANTS_MAX = 32;
const LABEL_MAX = 100;
const DEVICE_ID = /^[A-Za-z0-9_-]{1,64}$/;
/** Names of the readings of a LoRa packet and of the gateway itself (CONTRACT §0). */
const RESERVED = new Set(["node1", "node2", "signal", "stats", "gateway"]);

/** What may be shown of a device; secrets never. */
export type DeviceView = Omit<DeviceRecord, "secret"> & {
  /** ms since 1970; null without a secret. */
  secretSetAtMs: number | null;
};

/** A credential in the clear: shown once, never kept. */
export interface DeviceCredential {
  device: string;
  username: string;
  password: string;
}

export type DeviceRefusal =
  | "unknown"
  | "bad_secret"
  | "disabled"
  | "bad_certificate"
  | "pending"
  /** Too many failures from that address: answer nothing, close. */
  | "throttled";

export type DeviceVerdict =
  | { admitted: true; principal: Principal & { deviceId: string } }
  | { admitted: false; reason: DeviceRefusal };

/** A client certificate that a TLS connection proved, checked against the authority already. */
export interface PresentedCertificate {
  commonName: string;
  /** SHA-256, hex in any case, with or without colons. */
  fingerprint: string;
  /** Null where only the TLS layer knows them; it has checked them then. */
  notBeforeMs: number | null;
  notAfterMs: number | null;
}

export interface DevicePresents {
  /** MQTT user name, HTTP Basic user; null with a certificate alone. */
  id: string | null;
  secret: string | null;
  certificate: PresentedCertificate | null;
  address: string;
}

export class DeviceRegistry {
  readonly #mirror: AuthMirror;
  readonly #revocations: Revocations;
  readonly #audit: AuditTrail;
  readonly #now: () => number;
  readonly #autoRegistration: () => AutoRegistration;
  readonly #failures: RateLimit;
  readonly #newcomers: RateLimit;
  readonly #pending: PendingDevices;

  constructor(
    options: {
      mirror: AuthMirror;
      revocations: Revocations;
      audit: AuditTrail;
      now: () => number;
      /** Budgets run on a clock that is never set. */
      monotonicNow: () => number;
      autoRegistration: () => AutoRegistration;
    },
  ) {
    this.#mirror = options.mirror;
    this.#revocations = options.revocations;
    this.#audit = options.audit;
    this.#now = options.now;
    this.#autoRegistration = options.autoRegistration;
    const now = options.monotonicNow;
    this.#failures = new RateLimit({ burst: 30, perSecond: 0.5, keysMax: 10_000, now });
    this.#newcomers = new RateLimit({ burst: 50, perSecond: 10, keysMax: 1, now });
    this.#pending = new PendingDevices({ now: options.now });
  }

  /** By id. */
  list(): DeviceView[] {
    return [...this.#mirror.devices.values()].map(show).sort((a, b) => a.id.localeCompare(b.id));
  }

  find(id: string): DeviceView | null {
    const device = this.#mirror.devices.get(id);
    return device === undefined ? null : show(device);
  }

  /** True from the first credential on, also after the last one was removed: CONTRACT §2. */
  get credentialsExist(): boolean {
    return this.#mirror.hasFact("device_credential");
  }

  grantsOf(id: string): readonly TopicGrant[] {
    return this.#mirror.devices.get(id)?.grants ?? [];
  }

  /** Strangers that wait for an operator's word (`ask`), the newest first. */
  get pending(): PendingDevice[] {
    return this.#pending.list();
  }

  /**
   * Judges what a device presents. With a certificate its CN is the id, and a user name beside it
   * must be the same. Unknown devices are taken in, kept for an operator or refused, as configured.
   */
  async admit(presents: DevicePresents): Promise<DeviceVerdict> {
    const verdict = presents.certificate === null
      ? this.#judgeSecret(presents.id ?? "", presents.secret ?? "")
      : this.#judgeCertificate(presents.certificate, presents.id);
    if (verdict.admitted) return verdict;
    if (verdict.reason === "unknown") return await this.#meetStranger(presents);
    return this.#failed(presents, verdict.reason);
  }

  /** Registers a device with a new secret. Throws HttpError 400 (id), 409 (taken, too many). */
  async add(
    id: string,
    options: { by: Actor; label?: string; withoutSecret?: boolean },
  ): Promise<DeviceCredential | null> {
    assertDeviceId(id);
    const password = options.withoutSecret === true ? null : newDeviceSecret();
    const secret = password === null ? null : hashDeviceSecret(password, this.#now());
    const label = auditText(options.label ?? "", LABEL_MAX);
    await this.#mirror.change(() =>
      this.#planNew({ ...this.#blank(id), label, secret }, { by: options.by, action: "device_add" })
    );
    return password === null ? null : { device: id, username: id, password };
  }

  /** A new secret; the old one ends at once, with the connections that it opened. Throws 404. */
  async rotate(id: string, by: Actor): Promise<DeviceCredential> {
    const password = newDeviceSecret();
    const secret = hashDeviceSecret(password, this.#now());
    await this.#alter(id, { by, action: "device_rotate", alter: (it) => ({ ...it, secret }) });
    this.#revocations.revoke({ kind: "device_secret", deviceId: id });
    return { device: id, username: id, password };
  }

  /** A disabled device keeps its credentials and gets in with none. Throws 404. */
  async setDisabled(id: string, change: { disabled: boolean; by: Actor }): Promise<void> {
    const { disabled, by } = change;
    const action = disabled ? "device_disable" : "device_enable";
    await this.#alter(id, { by, action, alter: (device) => ({ ...device, disabled }) });
    if (disabled) this.#revocations.revoke({ kind: "device", deviceId: id });
  }

  async setLabel(id: string, change: { label: string; by: Actor }): Promise<void> {
    const label = auditText(change.label, LABEL_MAX);
    const alter = (device: DeviceRecord) => ({ ...device, label });
    await this.#alter(id, { by: change.by, action: "device_label", detail: label, alter });
  }

  /** Removes the device with all its credentials and cuts its connections. Throws 404. */
  async remove(id: string, by: Actor): Promise<void> {
    await this.#mirror.change((): Plan<void> => {
      this.#need(id);
      const entry = this.#audit.entry({ by, action: "device_remove", subject: id });
      return { changes: [{ type: "delete_device", id }, entry], result: undefined };
    });
    this.#revocations.revoke({ kind: "device", deviceId: id });
  }

  /** Rights beyond the device's own subtrees, all of them anew; they hold at once. Throws 400, 404. */
  async setGrants(id: string, change: { grants: TopicGrant[]; by: Actor }): Promise<void> {
    const { grants, by } = change;
    if (grants.length > GRANTS_MAX) throw limitReached("grants of one device", GRANTS_MAX);
    for (const { filter } of grants) assertGrantFilter(filter);
    const detail = grants.map(({ action, filter }) => `${action} ${filter}`).join(", ");
    const alter = (device: DeviceRecord) => ({ ...device, grants });
    await this.#alter(id, { by, action: "device_grants", detail, alter });
  }

  /** Binds a certificate to a registered device. Throws 404, 409 (bound already, too many). */
  async addCertificate(
    id: string,
    change: {
      certificate: PresentedCertificate;
      origin: CertificateRecord["origin"];
      by: Actor;
    },
  ): Promise<void> {
    const record = this.#recordOf(change.certificate, change.origin);
    await this.#alter(id, {
      by: change.by,
      action: "certificate_add",
      detail: record.fingerprint,
      alter: (device) => {
        this.#assertUnbound(record.fingerprint);
        const certificates = [...device.certificates, record];
        if (certificates.length > CERTIFICATES_MAX) {
          throw limitReached("certificates of one device", CERTIFICATES_MAX);
        }
        return { ...device, certificates };
      },
    });
  }

  /** Revokes one certificate and cuts the connections that it opened. Throws 404. */
  async removeCertificate(
    id: string,
    change: { fingerprint: string; by: Actor },
  ): Promise<void> {
    const fingerprint = plainFingerprint(change.fingerprint);
    await this.#alter(id, {
      by: change.by,
      action: "certificate_remove",
      detail: fingerprint,
      alter: (device) => {
        const certificates = device.certificates.filter((it) => it.fingerprint !== fingerprint);
        if (certificates.length === device.certificates.length) throw noSuchCertificate(id);
        return { ...device, certificates };
      },
    });
    this.#revocations.revoke({ kind: "certificate", deviceId: id, fingerprint });
  }

  /** Takes a waiting stranger in, with the credential that it presented. Throws 404, 409. */
  async approve(requestId: string, by: Actor): Promise<DeviceView> {
    const request = this.#pending.need(requestId);
    const { deviceId, secret, certificate } = request;
    const device = { ...this.#blank(deviceId), origin: "auto" as const, secret };
    if (certificate !== null) device.certificates = [this.#recordOf(certificate, "auto")];
    await this.#mirror.change(() => this.#planNew(device, { by, action: "device_approve" }));
    this.#pending.dropDevice(deviceId);
    return show(device);
  }

  /** Forgets a waiting stranger; it may ask again. Throws 404. */
  async dismiss(requestId: string, by: Actor): Promise<void> {
    const { deviceId } = this.#pending.need(requestId);
    this.#pending.drop(requestId);
    await this.#audit.note({ by, action: "device_dismiss", subject: deviceId });
  }

  #judgeSecret(id: string, secret: string): DeviceVerdict {
    const device = this.#mirror.devices.get(id);
    const matches = matchesDeviceSecret(secret, device?.secret ?? null);
    if (device === undefined) return { admitted: false, reason: "unknown" };
    if (!matches) return { admitted: false, reason: "bad_secret" };
    if (device.disabled) return { admitted: false, reason: "disabled" };
    return { admitted: true, principal: { deviceId: id } };
  }

  #judgeCertificate(presented: PresentedCertificate, username: string | null): DeviceVerdict {
    const { commonName, notAfterMs, notBeforeMs } = presented;
    const fingerprint = plainFingerprint(presented.fingerprint);
    const nowMs = this.#now();
    const expired = (notAfterMs ?? Infinity) <= nowMs || (notBeforeMs ?? 0) > nowMs;
    const mismatched = username !== null && username !== "" && username !== commonName;
    const bound = this.#mirror.deviceByFingerprint(fingerprint);
    if (expired || mismatched) return { admitted: false, reason: "bad_certificate" };
    if (bound === undefined) {
      const known = this.#mirror.devices.has(commonName);
      return { admitted: false, reason: known ? "bad_certificate" : "unknown" };
    }
    if (bound.id !== commonName) return { admitted: false, reason: "bad_certificate" };
    if (bound.disabled) return { admitted: false, reason: "disabled" };
    return { admitted: true, principal: { deviceId: bound.id, fingerprint } };
  }

  #failed({ address, id, certificate }: DevicePresents, reason: DeviceRefusal): DeviceVerdict {
    const wait = this.#failures.take(addressKey(address));
    const named = certificate?.commonName ?? id ?? "";
    const device = looksLikeSecret(named) ? "a secret where the id belongs" : named.slice(0, 64);
    logger("auth").warn("Device refused", { device, reason, address });
    return { admitted: false, reason: wait > 0 ? "throttled" : reason };
  }

  /** What a stranger brings is kept only as a hash, and only if it could stand as a credential. */
  async #meetStranger(presents: DevicePresents): Promise<DeviceVerdict> {
    const deviceId = presents.certificate?.commonName ?? presents.id ?? "";
    const choice = this.#autoRegistration();
    const fit = isFreeId(deviceId) && !looksLikeSecret(deviceId) && isKeepable(presents);
    if (choice === "off" || !fit) return this.#failed(presents, "unknown");
    if (choice === "ask") return this.#keepWaiting(deviceId, presents);
    return await this.#takeIn(deviceId, presents);
  }

  #keepWaiting(deviceId: string, presents: DevicePresents): DeviceVerdict {
    const { certificate, address } = presents;
    const secret = certificate === null ? presents.secret : null;
    this.#pending.note({ deviceId, secret, certificate, address });
    return this.#failed(presents, "pending");
  }

  async #takeIn(deviceId: string, presents: DevicePresents): Promise<DeviceVerdict> {
    const room = this.#mirror.devices.size < DEVICES_MAX;
    if (!room || this.#newcomers.take("all") > 0) return this.#failed(presents, "unknown");
    const device = this.#newcomer(deviceId, presents);
    const by = { ...GATEWAY_ACTOR, address: presents.address };
    await this.#mirror.change(() =>
      // Two connections of one newcomer may come at once: the second finds the first one's record.
      this.#mirror.devices.has(deviceId)
        ? { changes: [], result: undefined }
        : this.#planNew(device, { by, action: "device_auto" })
    );
    return presents.certificate === null
      ? this.#judgeSecret(deviceId, presents.secret ?? "")
      : this.#judgeCertificate(presents.certificate, presents.id);
  }

  #newcomer(deviceId: string, { certificate, secret }: DevicePresents): DeviceRecord {
    const blank = { ...this.#blank(deviceId), origin: "auto" as const };
    if (certificate !== null) {
      return { ...blank, certificates: [this.#recordOf(certificate, "auto")] };
    }
    return { ...blank, secret: hashDeviceSecret(secret ?? "", this.#now()) };
  }

  #planNew(device: DeviceRecord, { by, action }: { by: Actor; action: string }): Plan<void> {
    if (this.#mirror.devices.has(device.id)) {
      const hint = `give it a new secret with: sluice device rotate ${device.id}`;
      throw alreadyThere(`There is a device "${device.id}" already`, hint);
    }
    if (this.#mirror.devices.size >= DEVICES_MAX) throw limitReached("devices", DEVICES_MAX);
    for (const { fingerprint } of device.certificates) this.#assertUnbound(fingerprint);
    const changes: AuthChange[] = [
      { type: "put_device", device },
      { type: "put_fact", fact: "device_credential", atMs: this.#now() },
      this.#audit.entry({ by, action, subject: device.id }),
    ];
    return { changes, result: undefined };
  }

  async #alter(
    id: string,
    change: {
      by: Actor;
      action: string;
      detail?: string;
      alter: (device: DeviceRecord) => DeviceRecord;
    },
  ): Promise<void> {
    const { by, action, detail } = change;
    await this.#mirror.change((): Plan<void> => {
      const device = change.alter(this.#need(id));
      const entry = this.#audit.entry({ by, action, subject: id, detail });
      return { changes: [{ type: "put_device", device }, entry], result: undefined };
    });
  }

  #need(id: string): DeviceRecord {
    const device = this.#mirror.devices.get(id);
    if (device === undefined) throw notThere("device", id);
    return device;
  }

  #blank(id: string): DeviceRecord {
    const secret: DeviceSecret | null = null;
    const state = { label: "", disabled: false, secret, certificates: [], grants: [] };
    return { id, ...state, origin: "added", createdAtMs: this.#now() };
  }

  #recordOf(
    certificate: PresentedCertificate,
    origin: CertificateRecord["origin"],
  ): CertificateRecord {
    const { notBeforeMs, notAfterMs } = certificate;
    if (notBeforeMs === null || notAfterMs === null) {
      throw new TypeError("A certificate of unknown validity cannot be kept");
    }
    const fingerprint = plainFingerprint(certificate.fingerprint);
    return { fingerprint, notBeforeMs, notAfterMs, addedAtMs: this.#now(), origin };
  }

  #assertUnbound(fingerprint: string): void {
    const bound = this.#mirror.deviceByFingerprint(fingerprint);
    if (bound === undefined) return;
    throw alreadyThere(
      `The certificate belongs to the device "${bound.id}"`,
      "remove it there first, or issue another one",
    );
  }
}

/** Lower-case hex without colons. */
export function plainFingerprint(fingerprint: string): string {
  return fingerprint.replaceAll(":", "").toLowerCase();
}

function show({ secret, ...device }: DeviceRecord): DeviceView {
  return { ...device, secretSetAtMs: secret?.setAtMs ?? null };
}

export function isDeviceId(id: string): boolean {
  return DEVICE_ID.test(id);
}

/** What a stranger brings must be able to stand as a credential. */
function isKeepable({ certificate, secret }: DevicePresents): boolean {
  if (certificate === null) return broughtSecretProblem(secret ?? "") === null;
  return certificate.notBeforeMs !== null && certificate.notAfterMs !== null;
}

function isFreeId(id: string): boolean {
  return isDeviceId(id) && !RESERVED.has(id);
}

/** Throws HttpError 400 for an id that no device may have. */
export function assertDeviceId(id: string): void {
  if (isFreeId(id)) return;
  const reserved = RESERVED.has(id);
  throw invalid(
    `${reserved ? "Reserved" : "Invalid"} device id "${id.slice(0, 80)}"`,
    reserved ? "choose another id, the gateway uses this one" : "use 1 to 64 of A-Z a-z 0-9 _ -",
  );
}

function assertGrantFilter(filter: string): void {
  if (isGrantFilter(filter)) return;
  throw invalid(
    `Invalid topic filter "${filter.slice(0, 80)}"`,
    'write it as in MQTT: "factory/+/orders/#", without $share',
  );
}
