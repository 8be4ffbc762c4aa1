/**
 * The configuration of a running gateway: read again on request, changed by the settings page.
 *
 * A save checks the whole configuration as it would be, writes settings.toml whole, then takes the
 * same path as a reload. What a reload refuses although the check let it through is taken back, so
 * that the file on the disk is one with which the gateway runs. One after the other: saves and
 * reloads never overlap.
 */
import type { Actor } from "@/auth/audit.ts";
import {
  checkConfig,
  type ConfigResult,
  type ConfigSources,
  loadConfig,
  type LoadedConfig,
  tomlValues,
} from "@/config/load.ts";
import type { Problem } from "@/config/problems.ts";
import type { Config, SourceConfig } from "@/config/schema.ts";
import {
  applyChanges,
  entryIn,
  type EntryPut,
  refusals,
  type SettingsChange,
  withKeptSecrets,
} from "@/config/settings_change.ts";
import { type FileValues, settingsText } from "@/config/settings_text.ts";
import { viewEntries, viewSections } from "@/config/settings_view.ts";
import { type ConfigChanges, diffConfig } from "@/config/show.ts";
import { DISK, type FileSteps, writeWhole } from "@/config/whole_file.ts";
import type { DestinationOptions, TestReport } from "@/forward/forward_types.ts";
import { type SourceTrial, trySerial, trySubscriber } from "@/ingest/source_trial.ts";
import { ConfigError } from "@/model/errors.ts";
import { logger } from "@/observe/log.ts";
import { destinationOptions, serialOptions, subscriberOptions } from "@/runtime/options.ts";
import { DraftSecrets } from "@/routes/settings/draft_secrets.ts";
import { unusableFiles } from "@/runtime/settings_files.ts";
import type {
  CertificateShown,
  SettingsOutcome,
  SettingsPort,
  SettingsSave,
  SettingsTrial,
  SettingsView,
} from "@/routes/settings/settings_port.ts";

/** A person waits for the answer: a trial does not use the whole time limit of a write. */
const TRIAL_MS = 10_000;

export interface SettingsDeskParts {
  /** What the gateway was started with. */
  loaded: LoadedConfig;
  sources: ConfigSources;
  /** Makes a configuration the one in effect. */
  apply: (config: Config) => Promise<void>;
  testDestination: (options: DestinationOptions) => Promise<TestReport>;
  /** Lines that running sources read: path → name of the source. */
  linesInUse: () => Map<string, string>;
  /** Name → mode of each running source. */
  sourceModes: () => Map<string, string>;
  audit: (entry: { by: Actor; action: string; subject: string; detail: string }) => Promise<void>;
  certificates: () => Promise<CertificateShown[]>;
  tlsProblem: () => string | null;
  readTextFile?: (path: string) => string;
  steps?: FileSteps;
}

export class SettingsDesk implements SettingsPort {
  readonly drafts = new DraftSecrets(() => performance.now());
  readonly #parts: SettingsDeskParts;
  readonly #started: LoadedConfig;
  readonly #readTextFile: (path: string) => string;
  #loaded: LoadedConfig;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: SettingsDeskParts) {
    this.#parts = parts;
    this.#started = parts.loaded;
    this.#loaded = parts.loaded;
    this.#readTextFile = parts.readTextFile ?? Deno.readTextFileSync;
  }

  get loaded(): LoadedConfig {
    return this.#loaded;
  }

  /** Reads everything again and applies it; throws ConfigError with all problems. */
  reload(): Promise<ConfigChanges> {
    return this.#alone(async () => await this.#takeUp(await loadConfig(this.#parts.sources)));
  }

  async describe(): Promise<SettingsView> {
    return {
      version: await versionOf(await this.#text()),
      sections: viewSections(this.#loaded),
      destinations: viewEntries(this.#loaded, "destination"),
      sources: viewEntries(this.#loaded, "source"),
      sourceModes: this.#parts.sourceModes(),
      restartNeeded: diffConfig(this.#started, this.#loaded).restart,
    };
  }

  async check(changes: SettingsChange[]): Promise<Problem[]> {
    const planned = await this.#plan(await this.#text(), changes);
    return "problems" in planned ? planned.problems : [];
  }

  save(request: SettingsSave): Promise<SettingsOutcome> {
    return this.#alone(() => this.#save(request));
  }

  async testDestination(draft: EntryPut): Promise<SettingsTrial> {
    const checked = await this.#drafted(draft);
    if ("problems" in checked) return { kind: "invalid", problems: checked.problems };
    const options = destinationOptions(checked.config, this.#readTextFile)
      .find(({ name }) => name === draft.name)!;
    const timeoutMs = Math.min(options.timeoutMs, TRIAL_MS);
    const { ok, detail, failure, tookMs } = await this.#parts.testDestination({
      ...options,
      timeoutMs,
    });
    const { message = detail, hint = "" } = failure ?? {};
    return { kind: "tried", ok, message, hint, tookMs };
  }

  async testSource(draft: EntryPut): Promise<SettingsTrial> {
    const checked = await this.#drafted(draft);
    if ("problems" in checked) return { kind: "invalid", problems: checked.problems };
    const source = checked.config.source.find(({ name }) => name === draft.name)!;
    const startedMs = performance.now();
    const outcome = await this.#trySource(source, checked.config);
    return { kind: "tried", ...outcome, tookMs: performance.now() - startedMs };
  }

  certificates(): Promise<CertificateShown[]> {
    return this.#parts.certificates();
  }

  tlsProblem(): string | null {
    return this.#parts.tlsProblem();
  }

  #trySource(source: SourceConfig, config: Config): Promise<SourceTrial> {
    if (source.type === "serial") {
      const reader = this.#parts.linesInUse().get(source.path) ?? null;
      return trySerial(serialOptions(source), { reader });
    }
    return trySubscriber(subscriberOptions(source, {
      gatewayId: config.gateway.id,
      packetBytesMax: config.mqtt.packet_bytes_max,
      readTextFile: this.#readTextFile,
    }));
  }

  async #save({ version, changes, by }: SettingsSave): Promise<SettingsOutcome> {
    const before = await this.#text();
    if (await versionOf(before) !== version) return { kind: "conflict" };
    const planned = await this.#plan(before, changes);
    if ("problems" in planned) return { kind: "invalid", problems: planned.problems };
    const running = this.#loaded;
    await this.#write(planned.text);
    try {
      const made = await this.#takeUp(planned.loaded);
      await this.#note(changes, by);
      return { kind: "saved", changes: made };
    } catch (error) {
      await this.#takeBack(before, running);
      throw error;
    }
  }

  /** The text to save and what it means together with the other sources; or what is wrong. */
  async #plan(
    before: string | null,
    changes: readonly SettingsChange[],
  ): Promise<{ text: string; loaded: LoadedConfig } | { problems: Problem[] }> {
    const values = valuesOf(before);
    const kept = changes.map((change) => withSecrets(change, values));
    const text = settingsText(applyChanges(values, kept.map(({ change }) => change)));
    const result = await this.#check(text);
    const problems = [
      ...refusals(kept.map(({ change }) => change), this.#loaded.tree),
      ...kept.flatMap((each) => each.problems),
      ...result.ok ? unusableFiles(result.loaded, this.#readTextFile) : result.problems,
    ];
    if (problems.length > 0 || !result.ok) return { problems: onePerPath(problems) };
    return { text, loaded: result.loaded };
  }

  /** The configuration in which the draft stands. */
  async #drafted(draft: EntryPut): Promise<{ config: Config } | { problems: Problem[] }> {
    const planned = await this.#plan(await this.#text(), [draft]);
    return "problems" in planned ? planned : { config: planned.loaded.config };
  }

  /** As the loader would find it with this text in settings.toml. */
  #check(text: string): Promise<ConfigResult> {
    const { sources } = this.#parts;
    const read = sources.readTextFile ?? Deno.readTextFile;
    return checkConfig({
      ...sources,
      readTextFile: async (path) => path === sources.settingsFile ? text : await read(path),
    });
  }

  async #takeUp(loaded: LoadedConfig): Promise<ConfigChanges> {
    const changes = diffConfig(this.#loaded, loaded);
    await this.#parts.apply(loaded.config);
    this.#loaded = loaded;
    return changes;
  }

  async #takeBack(text: string | null, running: LoadedConfig): Promise<void> {
    if (text === null) await Deno.remove(this.#file);
    else await this.#write(text);
    this.#loaded = running;
    await this.#parts.apply(running.config);
    logger("config").error("Settings could not be applied and were taken back");
  }

  #write(text: string): Promise<void> {
    return writeWhole(this.#file, text, this.#parts.steps ?? DISK);
  }

  /** Which keys, by whom; never a value. */
  async #note(changes: readonly SettingsChange[], by: Actor): Promise<void> {
    const plain = changes.filter((change) => change.kind === "set");
    if (plain.length > 0) {
      const detail = plain.map(({ path }) => path.join(".")).join(" ");
      await this.#parts.audit({ by, action: "settings_change", subject: "settings", detail });
    }
    for (const change of changes) {
      if (change.kind === "set") continue;
      const act = change.kind === "remove" ? "remove" : change.isNew ? "add" : "change";
      const detail = change.kind === "put" ? Object.keys(change.entry).join(" ") : "";
      const action = `${change.section}_${act}`;
      await this.#parts.audit({ by, action, subject: change.name, detail });
    }
  }

  get #file(): string {
    const { settingsFile } = this.#parts.sources;
    if (settingsFile !== null) return settingsFile;
    throw new ConfigError(
      "Cannot keep settings: the gateway was started without a place for them",
      {
        code: "CFG-0301",
        hint: "start it with a data folder",
      },
    );
  }

  async #text(): Promise<string | null> {
    try {
      return await (this.#parts.sources.readTextFile ?? Deno.readTextFile)(this.#file);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  }

  /** Runs one act after the others have ended, however they ended. */
  #alone<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(act, act);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

function withSecrets(
  change: SettingsChange,
  values: FileValues,
): { change: SettingsChange; problems: Problem[] } {
  if (change.kind !== "put") return { change, problems: [] };
  const { entry, problems } = withKeptSecrets(change, entryIn(values, change));
  return { change: { ...change, entry }, problems };
}

/** A file that somebody damaged by hand: it has to be mended before anything is added to it. */
function valuesOf(text: string | null): FileValues {
  const read = tomlValues(text ?? "");
  if ("value" in read) return read.value;
  throw new ConfigError(`Cannot change settings.toml: it ${read.message}`, {
    code: "CFG-0302",
    hint: "mend it by hand, or move it away to begin anew",
  });
}

/** What is refused is not also called wrong. */
function onePerPath(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ path }) => !seen.has(path) && seen.add(path));
}

/** 16 hex digits of the text's digest; of no file, that of none. */
async function versionOf(text: string | null): Promise<string> {
  const bytes = new TextEncoder().encode(text === null ? "none" : `file ${text}`);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
