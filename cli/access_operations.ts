/**
 * People, devices and certificates for the command line: over the control socket while the gateway
 * runs, on its data folder while it is stopped. Plain data throughout; times are ms since 1970.
 */

export type UserRole = "admin" | "operator" | "viewer";

export interface UserView {
  name: string;
  role: UserRole;
  createdAtMs: number;
  passwordSetAtMs: number;
  sessions: number;
}

export interface DeviceView {
  id: string;
  label: string;
  disabled: boolean;
  /** null without a secret. */
  secretSetAtMs: number | null;
  certificates: { fingerprint: string; notAfterMs: number }[];
  grants: { action: "publish" | "subscribe"; filter: string }[];
  origin: "added" | "auto";
  createdAtMs: number;
}

/** Shown once; the gateway keeps a hash. */
export interface DeviceCredentialView {
  device: string;
  username: string;
  password: string;
  /** Ready-to-paste first messages. */
  snippets: { title: string; text: string }[];
}

/** A device that asked to be let in (`auth.auto_registration = "ask"`). */
export interface PendingView {
  requestId: string;
  deviceId: string;
  proof: "secret" | "certificate";
  address: string;
  firstSeenAtMs: number;
  lastSeenAtMs: number;
  attempts: number;
}

export interface CertificateView {
  commonName: string;
  issuer: string;
  names: string[];
  notBeforeMs: number;
  notAfterMs: number;
  fingerprint: string;
  isAuthority: boolean;
}

/** All PEM. */
export interface DeviceCertificateFiles {
  certificate: string;
  key: string;
  authority: string;
  info: CertificateView;
}

export interface AccessOperations {
  /** `password` null: one is made. Resolves with the one that was made, else null. */
  userAdd(user: { name: string; role: UserRole; password: string | null }): Promise<string | null>;
  userList(): Promise<UserView[]>;
  /** As `userAdd`; ends all sessions of the person. */
  userPassword(name: string, password: string | null): Promise<string | null>;
  userRole(name: string, role: UserRole): Promise<void>;
  userRemove(name: string): Promise<void>;

  deviceAdd(id: string, options: { label?: string }): Promise<DeviceCredentialView>;
  deviceList(): Promise<DeviceView[]>;
  deviceRotate(id: string): Promise<DeviceCredentialView>;
  deviceDisable(id: string, disabled: boolean): Promise<void>;
  deviceRemove(id: string): Promise<void>;
  /** All rights beyond the device's own topics, anew. */
  deviceGrant(id: string, grants: DeviceView["grants"]): Promise<void>;
  devicePending(): Promise<PendingView[]>;
  /** Resolves with the id of the device that is let in. */
  deviceApprove(requestId: string): Promise<string>;
  deviceDismiss(requestId: string): Promise<void>;

  certAuthority(options: { name?: string; replace: boolean }): Promise<CertificateView>;
  /** Without names: those of this machine. */
  certServer(options: { names: string[]; days?: number }): Promise<CertificateView>;
  /** Registers the device where it is not, and binds the certificate to it. */
  certDevice(id: string, options: { days?: number }): Promise<DeviceCertificateFiles>;
  /** Binds a certificate that somebody else issued, PEM. */
  certBind(id: string, pem: string): Promise<CertificateView>;
  certRevoke(id: string, fingerprint: string): Promise<void>;
}
