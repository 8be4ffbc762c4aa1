/** What the settings pages ask of the gateway. */
import type { Actor } from "@/auth/audit.ts";
import type { CertificateInfo } from "@/auth/certificate_info.ts";
import type { Problem } from "@/config/problems.ts";
import type { EntryPut, SettingsChange } from "@/config/settings_change.ts";
import type { EntryView, SectionView } from "@/config/settings_view.ts";
import type { ConfigChanges } from "@/config/show.ts";
import type { DraftSecrets } from "@/routes/settings/draft_secrets.ts";

export interface SettingsPort {
  /** What was typed and not saved yet. */
  readonly drafts: DraftSecrets;
  describe(): Promise<SettingsView>;
  /** What would be wrong with these changes. */
  check(changes: SettingsChange[]): Promise<Problem[]>;
  /** All of the changes or none, applied before it resolves. */
  save(request: SettingsSave): Promise<SettingsOutcome>;
  /** Connects as this destination would, and writes nothing there. */
  testDestination(draft: EntryPut): Promise<SettingsTrial>;
  /** Opens the line, or connects and subscribes; takes nothing in. */
  testSource(draft: EntryPut): Promise<SettingsTrial>;
  /** What is in use or ready; those of devices stand with the devices. */
  certificates(): Promise<CertificateShown[]>;
  /** Why newer or configured files are not in use; null when they are, or when there are none. */
  tlsProblem(): string | null;
}

export interface CertificateShown extends CertificateInfo {
  use: "server" | "authority" | "client_authority";
  /** Path of its PEM file. */
  file: string;
}

export interface SettingsView {
  /** Of settings.toml; a form brings it back, so that nobody overwrites what they have not seen. */
  version: string;
  sections: SectionView[];
  destinations: EntryView[];
  sources: EntryView[];
  /** What each running source does now: name → mode. */
  sourceModes: Map<string, string>;
  /** Paths of what is set and takes effect with the next start. */
  restartNeeded: string[];
}

export interface SettingsSave {
  version: string;
  changes: SettingsChange[];
  by: Actor;
}

export type SettingsOutcome =
  | { kind: "saved"; changes: ConfigChanges }
  /** Everything that is wrong, nothing was saved. */
  | { kind: "invalid"; problems: Problem[] }
  /** Somebody else saved in between, nothing was saved. */
  | { kind: "conflict" };

export type SettingsTrial =
  | { kind: "invalid"; problems: Problem[] }
  | { kind: "tried"; ok: boolean; message: string; hint: string; tookMs: number };
