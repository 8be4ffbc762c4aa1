/** People, devices and certificates as the command line asks for them, on a running gateway or not. */
import { randomInt } from "node:crypto";
import type {
  AccessOperations,
  CertificateView,
  DeviceCertificateFiles,
  DeviceCredentialView,
  DeviceView,
  PendingView,
  UserRole,
  UserView,
} from "@/cli/access_operations.ts";
import { LOCAL_ACTOR } from "@/auth/audit.ts";
import type { Auth } from "@/auth/auth.ts";
import { bindDeviceCertificate, issueDeviceCertificate } from "@/auth/device_certificates.ts";
import type { DeviceCredential } from "@/auth/device_registry.ts";
import { deviceSnippets, type SnippetInput } from "@/auth/device_snippets.ts";
import { ownHosts } from "@/auth/own_hosts.ts";
import { readIfThere } from "@/auth/private_file.ts";
import type { Config } from "@/config/schema.ts";

const by = LOCAL_ACTOR;
/** Without i, l, o, 0 and 1, which are taken for each other: 31 characters, 4.95 bits each. */
const ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789";
const GROUPS = 5;
const GROUP_CHARS = 4;

export class AccessCalls implements AccessOperations {
  readonly #auth: Auth;
  readonly #config: () => Config;
  readonly #listening: () => Record<string, string>;
  readonly #certificatesChanged: () => Promise<void>;

  /**
   * `listening`: bound addresses by protocol; empty while the gateway is stopped.
   * `certificatesChanged`: a running gateway takes up what was issued.
   */
  constructor(
    options: {
      auth: Auth;
      config: () => Config;
      listening: () => Record<string, string>;
      certificatesChanged?: () => Promise<void>;
    },
  ) {
    this.#auth = options.auth;
    this.#config = options.config;
    this.#listening = options.listening;
    this.#certificatesChanged = options.certificatesChanged ?? (() => Promise.resolve());
  }

  async userAdd(
    { name, role, password }: { name: string; role: UserRole; password: string | null },
  ): Promise<string | null> {
    const made = password === null ? newPassword() : null;
    await this.#auth.people.add({ name, role, password: password ?? made ?? "" }, by);
    return made;
  }

  async userList(): Promise<UserView[]> {
    return this.#auth.people.list().map(({ id: _id, ...shown }) => shown);
  }

  async userPassword(name: string, password: string | null): Promise<string | null> {
    const made = password === null ? newPassword() : null;
    await this.#auth.people.setPassword(name, { password: password ?? made ?? "", by });
    return made;
  }

  userRole(name: string, role: UserRole): Promise<void> {
    return this.#auth.people.setRole(name, { role, by });
  }

  userRemove(name: string): Promise<void> {
    return this.#auth.people.remove(name, by);
  }

  async deviceAdd(id: string, { label }: { label?: string }): Promise<DeviceCredentialView> {
    return await this.withSnippets(await this.#auth.devices.add(id, { by, label }));
  }

  async deviceList(): Promise<DeviceView[]> {
    return this.#auth.devices.list().map((device) => ({
      ...device,
      certificates: device.certificates.map(({ fingerprint, notAfterMs }) => ({
        fingerprint,
        notAfterMs,
      })),
    }));
  }

  async deviceRotate(id: string): Promise<DeviceCredentialView> {
    return await this.withSnippets(await this.#auth.devices.rotate(id, by));
  }

  deviceDisable(id: string, disabled: boolean): Promise<void> {
    return this.#auth.devices.setDisabled(id, { disabled, by });
  }

  deviceRemove(id: string): Promise<void> {
    return this.#auth.devices.remove(id, by);
  }

  deviceGrant(id: string, grants: DeviceView["grants"]): Promise<void> {
    return this.#auth.devices.setGrants(id, { grants, by });
  }

  async devicePending(): Promise<PendingView[]> {
    return this.#auth.devices.pending;
  }

  async deviceApprove(requestId: string): Promise<string> {
    return (await this.#auth.devices.approve(requestId, by)).id;
  }

  deviceDismiss(requestId: string): Promise<void> {
    return this.#auth.devices.dismiss(requestId, by);
  }

  async certAuthority(options: { name?: string; replace: boolean }): Promise<CertificateView> {
    const info = await this.#auth.certificates.createAuthority(options);
    await this.#note("cert_ca", info);
    await this.#certificatesChanged();
    return info;
  }

  async certServer(
    { names, days }: { names: string[]; days?: number },
  ): Promise<CertificateView> {
    const wanted = names.length > 0 ? names : ["localhost", "127.0.0.1", ...await ownHosts()];
    const info = await this.#auth.certificates.issueServer({ names: wanted, days });
    await this.#note("cert_server", info);
    await this.#certificatesChanged();
    return info;
  }

  async certDevice(id: string, options: { days?: number }): Promise<DeviceCertificateFiles> {
    return await issueDeviceCertificate(this.#auth, id, { ...options, by });
  }

  certBind(id: string, pem: string): Promise<CertificateView> {
    return bindDeviceCertificate(this.#auth, id, { pem, by });
  }

  certRevoke(id: string, fingerprint: string): Promise<void> {
    return this.#auth.devices.removeCertificate(id, { fingerprint, by });
  }

  async #note(action: string, { names, commonName, fingerprint }: CertificateView): Promise<void> {
    const subject = names.join(" ") || commonName;
    await this.#auth.audit.note({ by, action, subject, detail: fingerprint });
  }

  /** The credential with first messages to paste. */
  async withSnippets(credential: DeviceCredential | null): Promise<DeviceCredentialView> {
    if (credential === null) throw new TypeError("A device without a secret has nothing to show");
    const { device, password } = credential;
    const snippets = deviceSnippets({ device, password, ...await this.#reach() });
    return { ...credential, snippets: snippets.map(({ title, text }) => ({ title, text })) };
  }

  /** Where devices find this gateway: over TLS where it has a certificate of its own. */
  async #reach(): Promise<Omit<SnippetInput, "device" | "password">> {
    const { http, mqtt, tls } = this.#config();
    const authorityPem = await this.#authorityInUse();
    const port = (protocol: string, configured: { port: number } | null): number | null =>
      portOf(this.#listening()[protocol]) ?? configured?.port ?? null;
    const https = authorityPem === null ? null : port("https", tls.https_listen);
    const mqtts = authorityPem === null ? null : port("mqtts", tls.mqtts_listen);
    const host = await this.#host();
    const origin = https === null
      ? `http://${bracketed(host)}:${port("http", http.listen)}`
      : `https://${bracketed(host)}:${https}`;
    return {
      host,
      authorityPem: mqtts === null ? null : authorityPem,
      mqttPort: mqtts ?? port("mqtt", mqtt.listen) ?? 1883,
      httpOrigin: http.public_url?.replace(/\/+$/, "") ?? origin,
    };
  }

  async #host(): Promise<string> {
    const { public_url: url } = this.#config().http;
    if (url !== null) return new URL(url).hostname.replace(/^\[|\]$/g, "");
    const [first = "localhost"] = await ownHosts();
    return first;
  }

  /** PEM of our authority while the server certificate is ours; null without TLS or with others'. */
  async #authorityInUse(): Promise<string | null> {
    const { mode, certificate } = this.#config().tls;
    if (mode === "off" || certificate !== null) return null;
    const { serverPaths, authorityPaths } = this.#auth.certificates;
    if (await readIfThere(serverPaths.certificate) === null) return null;
    return await readIfThere(authorityPaths.certificate);
  }
}

/** 99 bits in groups that can be read out and typed: `k3fm-…`. */
function newPassword(): string {
  const characters = Array.from(
    { length: GROUPS * GROUP_CHARS },
    () => ALPHABET[randomInt(ALPHABET.length)] ?? "",
  ).join("");
  return characters.replace(/.{4}(?=.)/g, "$&-");
}

/** 8000 of `127.0.0.1:8000`; null for what is not bound. */
function portOf(address: string | undefined): number | null {
  const port = Number(/:(\d+)$/.exec(address ?? "")?.[1] ?? 0);
  return port === 0 ? null : port;
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
