/**
 * What access control keeps, and what it asks of whoever keeps it.
 *
 * The gateway holds all of this in memory as well (`AuthMirror`): a login, a CONNECT and a request
 * are decided without a query, and the store is asked only to load once and to commit changes. The
 * tables are small by their limits: 1 000 people, 40 sessions each, 10 000 devices.
 *
 * Nothing here can be turned back into a secret: passwords are scrypt hashes, session and device
 * secrets are random and kept as hashes.
 */
import type { StoreAdmin } from "@/store/store_types.ts";

/** What a person may do; each role may do what the ones after it may. */
export type Role = "admin" | "operator" | "viewer";

export const ROLES: readonly Role[] = ["admin", "operator", "viewer"];

export interface UserRecord {
  /** 32 hex digits, never reused: a new person of the same name is not the old one. */
  id: string;
  /** As typed when added; unique without regard to case. */
  name: string;
  role: Role;
  /** PHC text with its parameters: `$scrypt$ln=14,r=8,p=5$salt$hash`. */
  passwordHash: string;
  /** Access tokens carry it; raising it ends all of them. */
  tokenVersion: number;
  createdAtMs: number;
  passwordSetAtMs: number;
}

/** A browser's cookie or a family of refresh tokens. */
export interface SessionRecord {
  /** 32 hex digits; the `sid` of access tokens. */
  id: string;
  userId: string;
  kind: "browser" | "token";
  /** The public half of the cookie or refresh token, by which it is found. */
  selector: string;
  /** SHA-256 of the secret half (256 random bits), hex. */
  secretHash: string;
  createdAtMs: number;
  usedAtMs: number;
  expiresAtMs: number;
  /** From where it was started. */
  address: string;
  /** The `User-Agent` that started it, made printable and cut to 200 characters. */
  agent: string;
}

/** A right beyond the device's own subtrees. */
export interface TopicGrant {
  action: "publish" | "subscribe";
  /** Topic filter, `+` and `#` as in MQTT. */
  filter: string;
}

export interface CertificateRecord {
  /** SHA-256 of the DER form, 64 hex digits. */
  fingerprint: string;
  notBeforeMs: number;
  notAfterMs: number;
  addedAtMs: number;
  /** `issued` by this gateway's authority, `given` by an admin, `auto` on first sight. */
  origin: "issued" | "given" | "auto";
}

export interface DeviceSecret {
  /** 32 hex digits. */
  salt: string;
  /** HMAC-SHA-256 of the secret under the salt, hex. */
  hash: string;
  setAtMs: number;
}

export interface DeviceRecord {
  /** The device id is the id of its credential: MQTT user name, certificate CN. */
  id: string;
  label: string;
  disabled: boolean;
  /** Null for a device that has certificates only. */
  secret: DeviceSecret | null;
  certificates: CertificateRecord[];
  grants: TopicGrant[];
  origin: "added" | "auto";
  createdAtMs: number;
}

/** One line of the audit trail. All texts are printable: see `AuditTrail`. */
export interface AuditEntry {
  atMs: number;
  /** Name of the person, `device <id>`, `local` for the command line, `gateway` for itself. */
  actor: string;
  /** `login`, `device_add`, `destination_pause`, … */
  action: string;
  /** What it was done to: a name, an id. */
  subject: string;
  /** Remote address; `local` for the control socket and the command line. */
  address: string;
  outcome: "ok" | "refused";
  detail: string;
}

export interface AuditRecord extends AuditEntry {
  /** Strictly increasing. */
  id: number;
}

/** Facts that stay true once they are: `device_credential`. */
export type AuthFact = "device_credential";

export type AuthChange =
  | { type: "put_user"; user: UserRecord }
  /** Takes the person's sessions along. */
  | { type: "delete_user"; id: string }
  | { type: "put_session"; session: SessionRecord }
  | { type: "delete_session"; id: string }
  | { type: "put_device"; device: DeviceRecord }
  | { type: "delete_device"; id: string }
  | { type: "put_fact"; fact: AuthFact; atMs: number }
  | { type: "audit"; entry: AuditEntry };

export interface AuthState {
  users: UserRecord[];
  sessions: SessionRecord[];
  devices: DeviceRecord[];
  facts: { fact: AuthFact; atMs: number }[];
}

export interface AuditFilter {
  actor?: string;
  action?: string;
  fromMs?: number;
  toMs?: number;
}

export interface AuditPage {
  /** Newest first. */
  items: AuditRecord[];
  /** Pass it on to get the older ones; null at the end. */
  cursor: string | null;
}

export interface AuthStore {
  load(): Promise<AuthState>;
  /** All of the changes, in order, in one durable transaction, or none and a rejection. */
  commit(changes: AuthChange[]): Promise<void>;
  listAudit(filter: AuditFilter, page: { limit: number; cursor?: string }): Promise<AuditPage>;
}

/** The gateway's own store as an `AuthStore`; also one that was opened while the gateway is stopped. */
export function authStoreOf(store: Pick<StoreAdmin, "query" | "commitAccess">): AuthStore {
  return {
    load: () => store.query("access.state", {}),
    commit: (changes) => store.commitAccess(changes),
    listAudit: (filter, page) => store.query("audit.list", { filter, ...page }),
  };
}
