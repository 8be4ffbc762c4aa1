import assert from "node:assert/strict";
import { loadConfig } from "@/config/load.ts";
import type { Config } from "@/config/schema.ts";
import type { EntryPut, SettingsChange } from "@/config/settings_change.ts";
import { DISK, type FileSteps } from "@/config/whole_file.ts";
import type { DestinationOptions } from "@/forward/forward_types.ts";
import { SettingsDesk, type SettingsDeskParts } from "@/runtime/settings_desk.ts";
import { TestAuthority } from "@/tests/helpers/certificates.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";

const BY = { name: "ada", address: "127.0.0.1" };

/** A desk over real files, with a gateway that only notes what it is told. */
class DeskBed implements AsyncDisposable {
  readonly folder: TempDir;
  readonly desk: SettingsDesk;
  readonly applied: Config[];
  readonly tried: DestinationOptions[];
  readonly noted: string[];

  private constructor(
    parts: Pick<DeskBed, "folder" | "desk" | "applied" | "tried" | "noted">,
  ) {
    ({ folder: this.folder, desk: this.desk } = parts);
    ({ applied: this.applied, tried: this.tried, noted: this.noted } = parts);
  }

  static async open(
    { file = "", settings, ...rest }: Partial<SettingsDeskParts> & {
      file?: string;
      settings?: string;
    } = {},
  ): Promise<DeskBed> {
    const folder = await TempDir.create("sluice-desk-");
    const settingsFile = folder.join("settings.toml");
    await Deno.writeTextFile(folder.join("sluice.toml"), file);
    if (settings !== undefined) await Deno.writeTextFile(settingsFile, settings);
    const sources = {
      ...{ configFile: folder.join("sluice.toml"), configFileRequired: true, settingsFile },
      ...{ environment: {}, flags: [] },
    };
    const applied: Config[] = [];
    const tried: DestinationOptions[] = [];
    const noted: string[] = [];
    const desk = new SettingsDesk({
      loaded: await loadConfig(sources),
      sources,
      apply: (config) => Promise.resolve(void applied.push(config)),
      testDestination: (options) => {
        tried.push(options);
        return Promise.resolve({ ok: true, detail: "fine", failure: null, tookMs: 1 });
      },
      linesInUse: () => new Map(),
      sourceModes: () => new Map(),
      audit: ({ by, action, subject, detail }) =>
        Promise.resolve(void noted.push(`${by.name} ${action} ${subject}: ${detail}`)),
      certificates: () => Promise.resolve([]),
      tlsProblem: () => null,
      ...rest,
    });
    return new DeskBed({ folder, desk, applied, tried, noted });
  }

  async save(...changes: SettingsChange[]) {
    const { version } = await this.desk.describe();
    return await this.desk.save({ version, changes, by: BY });
  }

  get text(): string | null {
    try {
      return Deno.readTextFileSync(this.folder.join("settings.toml"));
    } catch {
      return null;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.folder[Symbol.asyncDispose]();
  }
}

function level(value: string): SettingsChange {
  return { kind: "set", path: ["log", "level"], value };
}

function cloud(entry: Record<string, unknown> = {}, rest: Partial<EntryPut> = {}): EntryPut {
  const whole = { name: "cloud", type: "mqtt", url: "mqtt://h", password: "hidden", ...entry };
  return {
    ...{ kind: "put", section: "destination", name: "cloud", entry: whole, keep: [] },
    ...{ isNew: true, ...rest },
  };
}

Deno.test("a save is written, applied, told and noted without its values", async () => {
  await using bed = await DeskBed.open();
  const outcome = await bed.save(level("debug"), cloud(), {
    kind: "set",
    path: ["gateway", "id"],
    value: "barn",
  });
  assert.ok(outcome.kind === "saved");
  assert.deepEqual(outcome.changes.restart, ["gateway.id"]);
  assert.ok(outcome.changes.live.includes("log.level"));
  assert.equal(bed.applied.at(-1)?.log.level, "debug");
  assert.match(bed.text ?? "", /\[\[destination\]\]\nname = "cloud"/);
  assert.deepEqual(bed.noted, [
    "ada settings_change settings: log.level gateway.id",
    "ada destination_add cloud: name type url password",
  ]);
  const view = await bed.desk.describe();
  assert.deepEqual(view.restartNeeded, ["gateway.id"]);
  assert.ok(!JSON.stringify(view).includes("hidden"), "a secret does not leave the desk");
});

Deno.test("who did not see the last save is told, and nothing is written", async () => {
  await using bed = await DeskBed.open();
  const { version } = await bed.desk.describe();
  const both = [level("debug"), level("error")].map((change) =>
    bed.desk.save({ version, changes: [change], by: BY })
  );
  const outcomes = (await Promise.all(both)).map(({ kind }) => kind);
  assert.deepEqual(outcomes, ["saved", "conflict"], "one after the other, however close");
  assert.match(bed.text ?? "", /level = "debug"/);
  assert.equal(bed.applied.length, 1);
});

Deno.test("what is wrong anywhere is told at once and changes nothing", async () => {
  await using bed = await DeskBed.open({ file: '[http]\nmetrics = "open"' });
  const outcome = await bed.save(
    level("loud"),
    cloud({ url: "ftp://h", tls_ca: "/nowhere.pem" }),
    { kind: "set", path: ["http", "metrics"], value: "token" },
  );
  assert.ok(outcome.kind === "invalid");
  const paths = outcome.problems.map(({ path }) => path);
  assert.deepEqual(paths, ["http.metrics", "log.level", "destination.cloud.url"]);
  const missing = await bed.save(cloud({ tls_ca: "/nowhere.pem" }));
  assert.ok(missing.kind === "invalid");
  assert.match(missing.problems[0]?.message ?? "", /^cannot be read/);
  assert.equal(missing.problems[0]?.path, "destination.cloud.tls_ca");
  assert.equal(bed.text, null);
  assert.deepEqual(bed.applied, []);
});

Deno.test("a certificate that cannot be used is refused before it is saved", async () => {
  await using bed = await DeskBed.open();
  const authority = await TestAuthority.create();
  const [one, other] = [await authority.issue("h"), await authority.issue("h")];
  const write = async (name: string, text: string) => {
    await Deno.writeTextFile(bed.folder.join(name), text);
    return bed.folder.join(name);
  };
  const certificate = await write("server.pem", one.certificate);
  const wrongKey = await write("other.key", other.key);
  const key = await write("server.key", one.key);
  const set = (key: string, value: string): SettingsChange => ({
    ...{ kind: "set", path: ["tls", key], value },
  });
  const wrong = await bed.save(set("certificate", certificate), set("key", wrongKey));
  assert.ok(wrong.kind === "invalid");
  assert.match(wrong.problems[0]?.message ?? "", /does not belong to the certificate/);
  const absent = await bed.save(set("client_authority", "/nowhere.pem"));
  assert.ok(absent.kind === "invalid");
  assert.equal(absent.problems[0]?.path, "tls.client_authority");
  assert.equal((await bed.save(set("certificate", certificate), set("key", key))).kind, "saved");
});

Deno.test("what cannot be applied is taken back, and the gateway goes on as it was", async () => {
  for (const settings of [undefined, '[log]\nlevel = "error"\n']) {
    const applied: string[] = [];
    await using bed = await DeskBed.open({
      settings,
      apply: (config) => {
        applied.push(config.log.level);
        return config.log.level === "debug" ? Promise.reject(new Error("no")) : Promise.resolve();
      },
    });
    await assert.rejects(bed.save(level("debug")), /no/);
    assert.equal(bed.text, settings ?? null);
    assert.deepEqual(applied, ["debug", settings === undefined ? "info" : "error"]);
    const { sections } = await bed.desk.describe();
    const shown = sections.flatMap(({ fields }) => fields).find(({ path }) => path === "log.level");
    assert.notEqual(shown?.text, "debug");
    assert.equal((await bed.save(level("warning"))).kind, "saved", "the next one is free to go");
  }
});

Deno.test("what cannot be noted in the audit trail is taken back too", async () => {
  await using bed = await DeskBed.open({ audit: () => Promise.reject(new Error("no trail")) });
  await assert.rejects(bed.save(level("debug")), /no trail/);
  assert.equal(bed.text, null);
  assert.deepEqual(bed.applied.map(({ log }) => log.level), ["debug", "info"]);
});

Deno.test("a disk that cannot write changes nothing", async () => {
  const steps: FileSteps = { ...DISK, writeNew: () => Promise.reject(new Error("disk full")) };
  await using bed = await DeskBed.open({ steps });
  await assert.rejects(bed.save(level("debug")), /disk full/);
  assert.equal(bed.text, null);
  assert.deepEqual(bed.applied, []);
});

Deno.test("a draft is tried with the secrets that are kept, and saved nowhere", async () => {
  await using bed = await DeskBed.open({
    settings: '[[destination]]\nname = "cloud"\ntype = "mqtt"\nurl = "mqtt://h"\npassword = "old"',
  });
  const before = bed.text;
  const draft = cloud({ password: undefined, qos: 2, timeout_ms: 60_000 }, {
    keep: ["password"],
    isNew: false,
  });
  const trial = await bed.desk.testDestination(draft);
  assert.deepEqual(trial, { kind: "tried", ok: true, message: "fine", hint: "", tookMs: 1 });
  const [options] = bed.tried;
  assert.ok(options?.type === "mqtt");
  assert.equal(options.password, "old");
  assert.equal(options.timeoutMs, 10_000, "a person does not wait for a minute");
  const stolen = await bed.desk.testDestination({
    ...draft,
    entry: { ...draft.entry, url: "mqtt://evil" },
  });
  assert.ok(stolen.kind === "invalid");
  assert.equal(stolen.problems[0]?.path, "destination.cloud.password");
  assert.equal(bed.tried.length, 1);
  assert.equal(bed.text, before);
});

Deno.test("a settings file that is no TOML is not written over", async () => {
  await using bed = await DeskBed.open();
  await Deno.writeTextFile(bed.folder.join("settings.toml"), "[log\n");
  await assert.rejects(bed.save(level("debug")), /Cannot change settings.toml: it is not TOML/);
  assert.equal(bed.text, "[log\n");
});

Deno.test("removing and adding again leaves the others as they are", async () => {
  await using bed = await DeskBed.open();
  await bed.save(cloud(), cloud({ name: "second" }, { name: "second" }));
  const gone = await bed.save({ kind: "remove", section: "destination", name: "cloud" });
  assert.equal(gone.kind, "saved");
  assert.deepEqual(bed.applied.at(-1)?.destination.map(({ name }) => name), ["second"]);
  const again = await bed.save({ kind: "remove", section: "destination", name: "cloud" });
  assert.ok(again.kind === "invalid");
  assert.match(again.problems[0]?.message ?? "", /is no destination any more/);
});
