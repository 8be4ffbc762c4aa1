/** What the access part of a device's page shows; secrets only right after they were made. */

export interface CertificateView {
  fingerprint: string;
  notBeforeMs: number;
  notAfterMs: number;
}

export interface GrantView {
  action: "publish" | "subscribe";
  filter: string;
}

/** A device's entry among those that may come in. */
export interface EntryView {
  label: string;
  disabled: boolean;
  secretSetAtMs: number | null;
  certificates: readonly CertificateView[];
  grants: readonly GrantView[];
  createdAtMs: number;
}

export interface NewCredentialView {
  device: string;
  username: string;
  password: string;
  snippets: readonly { title: string; text: string }[];
}
