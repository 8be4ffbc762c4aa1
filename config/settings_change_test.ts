import assert from "node:assert/strict";
import fc from "fast-check";
import { checkConfig, type LoadedConfig, tomlValues } from "@/config/load.ts";
import {
  applyChanges,
  entryIn,
  type EntryPut,
  refusals,
  restoredUrl,
  splitLogin,
  withKeptSecrets,
} from "@/config/settings_change.ts";
import { settingsText } from "@/config/settings_text.ts";

const CLOUD = { name: "cloud", type: "mqtt", url: "mqtt://broker.example" };

function put(entry: Record<string, unknown>, rest: Partial<EntryPut> = {}): EntryPut {
  const name = String(entry.name);
  return { kind: "put", section: "destination", name, entry, keep: [], isNew: true, ...rest };
}

async function loaded(
  { file = "", settings = "", environment = {} }: {
    file?: string;
    settings?: string;
    environment?: Record<string, string>;
  },
): Promise<LoadedConfig> {
  const result = await checkConfig({
    configFile: "sluice.toml",
    configFileRequired: false,
    settingsFile: "settings.toml",
    environment,
    flags: [{ path: ["http", "listen"], value: "127.0.0.1:0", flag: "--http" }],
    readTextFile: (path) => Promise.resolve(path === "sluice.toml" ? file : settings),
  });
  assert.ok(result.ok, JSON.stringify(result));
  return result.loaded;
}

Deno.test("changes merge into what is there and leave the rest alone", () => {
  const before = { http: { metrics: "open" }, destination: [CLOUD], unknown: { stays: 1 } };
  const after = applyChanges(before, [
    { kind: "set", path: ["log", "level"], value: "debug" },
    { kind: "set", path: ["http", "metrics"], value: undefined },
    put({ ...CLOUD, name: "second", filter: { devices: undefined }, password: undefined }),
    put({ ...CLOUD, qos: 2 }, { isNew: false }),
  ]);
  assert.deepEqual(after, {
    log: { level: "debug" },
    unknown: { stays: 1 },
    destination: [{ ...CLOUD, qos: 2 }, { ...CLOUD, name: "second" }],
  });
  const remove = { kind: "remove", section: "destination" } as const;
  assert.deepEqual(
    applyChanges(after, [{ ...remove, name: "second" }, { ...remove, name: "cloud" }]),
    { log: { level: "debug" }, unknown: { stays: 1 } },
  );
  assert.deepEqual(before.destination, [CLOUD], "what was given is untouched");
});

Deno.test("the written text is read as what was meant, whatever the values are", () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]! | 0;
  const text = fc.string({ unit: "binary", maxLength: 20 }).filter((each) => each.isWellFormed());
  const key = fc.string({ minLength: 1, maxLength: 8 }).filter((each) => each !== "__proto__");
  const leaf = fc.oneof(text, fc.integer(), fc.boolean(), fc.array(text, { maxLength: 3 }));
  const table = fc.dictionary(key, leaf, { minKeys: 1, maxKeys: 4, noNullPrototype: true });
  const values = fc.record({
    http: table,
    normalize: fc.dictionary(key, table, { minKeys: 1, noNullPrototype: true }),
    destination: fc.array(table, { minLength: 1, maxLength: 3 }),
  });
  fc.assert(
    fc.property(values, (each) => {
      const read = tomlValues(settingsText(each));
      assert.ok("value" in read, JSON.stringify(read));
      assert.deepEqual(JSON.parse(JSON.stringify(read.value)), JSON.parse(JSON.stringify(each)));
    }),
    { seed },
  );
});

Deno.test("what a file, the environment or a flag sets is refused with its place", async () => {
  const { tree } = await loaded({
    file: `[log]\nlevel = "error"\n[[destination]]\nname = "admins"\ntype = "mqtt"\n` +
      `url = "mqtt://broker.example"`,
    settings: `[[destination]]\nname = "pages"\ntype = "mqtt"\nurl = "mqtt://broker.example"`,
    environment: {
      SLUICE_HTTP__METRICS: "open",
      SLUICE_DESTINATION__PAGES__PASSWORD: "secret",
    },
  });
  const found = refusals([
    { kind: "set", path: ["log", "level"], value: "debug" },
    { kind: "set", path: ["log", "format"], value: "text" },
    { kind: "set", path: ["http", "metrics"], value: "token" },
    { kind: "set", path: ["http", "listen"], value: "127.0.0.1:1" },
    put({ ...CLOUD, name: "admins" }, { isNew: false }),
    { kind: "remove", section: "destination", name: "admins" },
    put({ ...CLOUD, name: "pages" }),
    put({ ...CLOUD, name: "pages", password: "mine" }, { isNew: false }),
    put({ ...CLOUD, name: "pages", qos: 2 }, { isNew: false }),
    { kind: "remove", section: "source", name: "nobody" },
  ], tree);
  assert.deepEqual(found.map(({ path, message }) => `${path} ${message}`), [
    "log.level is set by sluice.toml, line 2 and cannot be changed here",
    "http.metrics is set by SLUICE_HTTP__METRICS and cannot be changed here",
    "http.listen is set by the flag --http and cannot be changed here",
    "destination.admins.name is set by sluice.toml, line 4 and cannot be changed here",
    "destination.admins.name is set by sluice.toml, line 4 and cannot be changed here",
    "destination.pages.name is the name of another destination",
    "destination.pages.password is set by SLUICE_DESTINATION__PAGES__PASSWORD and cannot be " +
    "changed here",
    "source.nobody.name is no source any more",
  ]);
});

Deno.test("a kept secret goes to its own server only", () => {
  const before = { ...CLOUD, password: "secret" };
  const kept = put({ ...CLOUD, qos: 2 }, { keep: ["password"], isNew: false });
  assert.deepEqual(withKeptSecrets(kept, before), {
    entry: { ...CLOUD, qos: 2, password: "secret" },
    problems: [],
  });
  for (
    const url of ["mqtt://evil.example", "mqtt://broker.example:1884", "mqtts://broker.example"]
  ) {
    const { problems } = withKeptSecrets({ ...kept, entry: { ...CLOUD, url } }, before);
    assert.deepEqual(problems.map(({ path }) => path), ["destination.cloud.password"], url);
    assert.ok(!JSON.stringify(problems).includes('secret"'));
  }
  const without = withKeptSecrets({ ...kept, entry: { ...CLOUD, url: "mqtt://new" } }, CLOUD);
  assert.deepEqual(without.problems, [], "there is nothing to keep");
});

Deno.test("a secret of the environment is not led to another server either", async () => {
  const { tree } = await loaded({
    settings: `[[destination]]\nname = "pages"\ntype = "mqtt"\nurl = "mqtt://h"`,
    environment: { SLUICE_DESTINATION__PAGES__PASSWORD: "secret" },
  });
  const moved = (url: string) =>
    refusals([put({ name: "pages", type: "mqtt", url }, { isNew: false })], tree);
  assert.deepEqual(moved("mqtt://h"), []);
  assert.deepEqual(moved("mqtt://evil").map(({ path, message }) => `${path} ${message}`), [
    "destination.pages.url leads to another server, for which " +
    "SLUICE_DESTINATION__PAGES__PASSWORD was not given",
  ]);
});

Deno.test("a masked URL that comes back keeps its password, a changed one does not", () => {
  const url = "postgres://a:secret@h/db";
  assert.equal(restoredUrl("postgres://a:***@h/db", url), url);
  assert.equal(restoredUrl("postgres://a:***@h/other", url), null);
  assert.equal(restoredUrl("postgres://a:new@h/db", url), "postgres://a:new@h/db");
  assert.equal(restoredUrl("postgres://a:***@h/db", undefined), null);
});

Deno.test("a login in a URL is taken out of it", () => {
  assert.deepEqual(splitLogin("mqtt://ada:p%40ss@host:1884/x"), {
    url: "mqtt://host:1884/x",
    username: "ada",
    password: "p@ss",
  });
  assert.deepEqual(splitLogin("no url"), { url: "no url", username: "", password: "" });
});

Deno.test("an entry is found by its name", () => {
  const at = { section: "destination", name: "cloud" } as const;
  assert.deepEqual(entryIn({ destination: [CLOUD] }, at), CLOUD);
  assert.equal(entryIn({ destination: "damaged" }, at), null);
});
