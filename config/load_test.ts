import assert from "node:assert/strict";
import { checkConfig, type ConfigSources, loadConfig } from "@/config/load.ts";
import type { Problem } from "@/config/problems.ts";
import { diffConfig, listSettings, showConfig } from "@/config/show.ts";
import { normalizeRules } from "@/config/rules.ts";
import { ConfigError } from "@/model/errors.ts";

const DESTINATION = `[[destination]]
name = "cloud"
type = "influxdb"
url = "https://influx.example:8086"
org = "home"
bucket = "sensors"
token = "top-secret"
`;

/** Sources over files that exist only here. */
function sources(
  files: { file?: string; settings?: string; secrets?: Record<string, string> },
  rest: Partial<ConfigSources> = {},
): ConfigSources {
  const texts: Record<string, string> = { ...files.secrets };
  if (files.file !== undefined) texts["sluice.toml"] = files.file;
  if (files.settings !== undefined) texts["settings.toml"] = files.settings;
  return {
    configFile: "sluice.toml",
    configFileRequired: false,
    settingsFile: "settings.toml",
    environment: {},
    flags: [],
    readTextFile: (path) => {
      const text = texts[path];
      return text === undefined
        ? Promise.reject(new Deno.errors.NotFound("No such file"))
        : Promise.resolve(text);
    },
    ...rest,
  };
}

async function problemsIn(file: string, rest: Partial<ConfigSources> = {}): Promise<Problem[]> {
  const result = await checkConfig(sources({ file }, rest));
  assert.ok(!result.ok, "the configuration was taken as valid");
  return result.problems;
}

async function onlyProblem(file: string, rest: Partial<ConfigSources> = {}): Promise<Problem> {
  const problems = await problemsIn(file, rest);
  assert.equal(problems.length, 1, JSON.stringify(problems));
  return problems[0]!;
}

Deno.test("without any file the defaults of the contract hold", async () => {
  const { config } = await loadConfig(sources({}));
  assert.deepEqual(config.http.listen, { hostname: "0.0.0.0", port: 8000 });
  assert.deepEqual(config.mqtt.listen, { hostname: "0.0.0.0", port: 1883 });
  assert.equal(config.mqtt.anonymous, "auto");
  assert.equal(config.http.body_bytes_max, 65_536);
  assert.equal(config.fanout.prefix, "iiot");
  assert.equal(config.storage.durability, "full");
  assert.ok(config.storage.linger_ms <= 5);
  assert.equal(config.storage.keep, 7 * 86_400_000);
  assert.deepEqual(config.destination, []);
  assert.deepEqual(config.normalize.plausible.pressure, [300, 1100]);
});

Deno.test("flag beats environment beats file beats settings beats default", async () => {
  const file = '[gateway]\nid = "file"\n[log]\nlevel = "error"\n[fanout]\nprefix = "f"';
  const settings = '[gateway]\nid = "settings"\n[log]\nlevel = "debug"\n[storage]\nlinger_ms = 5';
  const loaded = await loadConfig(sources({ file, settings }, {
    environment: { SLUICE_GATEWAY__ID: "environment", SLUICE_FANOUT__PREFIX: "e" },
    flags: [{ path: ["gateway", "id"], value: "flag", flag: "--id" }],
  }));
  assert.equal(loaded.config.gateway.id, "flag");
  assert.equal(loaded.config.fanout.prefix, "e");
  assert.equal(loaded.config.log.level, "error");
  assert.equal(loaded.config.storage.linger_ms, 5);
  const origins = new Map(listSettings(loaded).map((item) => [item.path, item.origin]));
  assert.deepEqual(origins.get("gateway.id"), { kind: "flag", name: "--id" });
  assert.deepEqual(origins.get("fanout.prefix")?.name, "SLUICE_FANOUT__PREFIX");
  assert.deepEqual(origins.get("log.level"), { kind: "file", name: "sluice.toml", line: 4 });
  assert.deepEqual(origins.get("storage.linger_ms"), {
    kind: "settings",
    name: "settings.toml",
    line: 6,
  });
  assert.equal(origins.get("http.listen")?.kind, "default");
});

Deno.test("every problem is reported at once with path, value, hint and origin", async () => {
  const problems = await problemsIn(
    `stray = 1
[mqt]
listen = "x"
[mqtt]
lisen = "x"
anonymous = "alway"
packet_bytes_max = "1"
[http]
listen = 8000
[[destination]]
name = "a b"
type = "postgres"
[[source]]
type = "serail"
`,
    { environment: { SLUICE_LOG__LEVL: "info" } },
  );
  const byPath = new Map(problems.map((problem) => [problem.path, problem]));
  assert.deepEqual([...byPath.keys()].sort(), [
    "SLUICE_LOG__LEVL",
    "destination.a b.name",
    "destination.a b.url",
    "http.listen",
    "mqt",
    "mqtt.anonymous",
    "mqtt.lisen",
    "mqtt.packet_bytes_max",
    "source.1.type",
    "stray",
  ]);
  assert.match(byPath.get("mqt")!.hint, /mqtt/);
  assert.match(byPath.get("mqtt.lisen")!.hint, /"listen"/);
  assert.match(byPath.get("mqtt.anonymous")!.hint, /"always"/);
  assert.equal(byPath.get("mqtt.anonymous")!.shown, '"alway"');
  assert.match(byPath.get("mqtt.packet_bytes_max")!.hint, /from 1KiB to 256MiB/);
  assert.match(byPath.get("source.1.type")!.hint, /"serial"/);
  assert.match(byPath.get("SLUICE_LOG__LEVL")!.hint, /SLUICE_LOG__LEVEL/);
  assert.equal(byPath.get("http.listen")!.origin.name, "sluice.toml");
});

Deno.test("an invalid start throws one ConfigError with all problems", async () => {
  await assert.rejects(
    loadConfig(sources({ file: '[log]\nlevel = "loud"\nformat = "xml"' })),
    (error) =>
      error instanceof ConfigError && error.message.includes("log.level") &&
      error.message.includes("log.format") && error.message.startsWith("2 problems"),
  );
});

Deno.test("each kind of field refuses what it cannot be", async () => {
  const cases: [string, RegExp][] = [
    ['[mqtt]\nconnections_max = "many"', /not a whole number/],
    ["[mqtt]\nconnections_max = 0", /below 1/],
    ["[mqtt]\nconnections_max = 1.5", /not a whole number/],
    ["[storage]\nkeep = 7", /has no unit/],
    ['[storage]\nkeep = "7 days"', /not a duration/],
    ['[storage]\nqueue_bytes_max = "lots"', /not a size/],
    ['[fanout]\nenabled = "yes"', /not true or false/],
    ['[fanout]\nprefix = "a/+/b"', /not allowed/],
    ['[fanout]\nprefix = "devices"', /publish their telemetry/],
    ["[gateway]\nid = 5", /not a text/],
    ['[gateway]\nid = "a/b"', /not allowed/],
    ['[gateway]\nlocation = "a\\u0007"', /control character/],
    ["mqtt = 5", /stands outside|not a table/],
    ["destination = 5", /not a list of entries/],
    ['[http]\nmetrics = "token"', /is missing/],
    ['[http]\nlisten = ":1883"', /same port/],
    ['[tls]\nmqtts_listen = ":8443"', /same port as tls\.https_listen/],
    ['[tls]\nhttps_listen = ":8000"', /same port as http\.listen/],
    ['[tls]\ncertificate = "a.pem"', /is missing while tls\.certificate is set/],
    ['[tls]\nkey = "a.key"', /is missing while tls\.key is set/],
    ['[tls]\nmode = "on"', /not allowed|not one of|is not/],
    ['[auth]\nauto_registration = "maybe"', /not allowed|not one of|is not/],
    ['[http]\npublic_url = "iot.example.com"', /not allowed/],
    ["[normalize.plausible]\nx = [2, 1]", /not a range/],
    ["[normalize.receivers.N3]\nnode9 = 'x'", /not a node/],
    ["[normalize]\nunits = [1]", /not a table/],
  ];
  for (const [file, message] of cases) {
    const problem = await onlyProblem(file);
    assert.match(problem.message, message, file);
    assert.notEqual(problem.hint, "", file);
  }
});

Deno.test("a file that is not TOML names line and column; the rest is still checked", async () => {
  const problems = await problemsIn("[mqtt]\nlisten = 'x\n", {
    environment: { SLUICE_LOG__LEVEL: "loud" },
  });
  assert.equal(problems.length, 2);
  assert.match(problems[0]!.message, /line 2, column/);
});

Deno.test("a named file must exist, the usual one need not", async () => {
  const missing = await checkConfig(sources({}, { configFileRequired: true }));
  assert.ok(!missing.ok);
  assert.match(missing.problems[0]!.message, /cannot be read/);
  assert.ok((await checkConfig(sources({}))).ok);
});

Deno.test("an oversized file is refused", async () => {
  const problem = await onlyProblem("#".repeat(1024 * 1024 + 1));
  assert.match(problem.message, /1 MiB/);
});

Deno.test("the environment writes lists, tables, numbers and words", async () => {
  const { config } = await loadConfig(sources({ file: DESTINATION }, {
    environment: {
      SLUICE_FANOUT__ENABLED: "false",
      SLUICE_STORAGE__LINGER_MS: "4",
      SLUICE_STORAGE__KEEP: "2d",
      SLUICE_NORMALIZE__UNITS: '{"moisture":"percent"}',
      SLUICE_DESTINATION__CLOUD__FILTER__DEVICES: "a, b",
      SLUICE_DESTINATION__CLOUD__TAGS: '["gateway"]',
      SLUICE_PORT: "tcp://10.0.0.1:80",
      SLUICE_SERVICE_HOST: "10.0.0.1",
    },
  }));
  assert.equal(config.fanout.enabled, false);
  assert.equal(config.storage.linger_ms, 4);
  assert.equal(config.storage.keep, 172_800_000);
  assert.deepEqual({ ...config.normalize.units }, { moisture: "percent" });
  const [cloud] = config.destination;
  assert.ok(cloud?.type === "influxdb");
  assert.deepEqual(cloud.filter.devices, ["a", "b"]);
  assert.deepEqual(cloud.tags, ["gateway"]);
});

Deno.test("the environment alone can define an entry", async () => {
  const { config } = await loadConfig(sources({}, {
    environment: {
      SLUICE_DESTINATION__OUT__TYPE: "mqtt",
      SLUICE_DESTINATION__OUT__URL: "mqtt://broker.example",
      SLUICE_DESTINATION__OUT__QOS: "2",
    },
  }));
  const [out] = config.destination;
  assert.ok(out?.type === "mqtt");
  assert.deepEqual([out.name, out.qos, out.prefix], ["out", 2, "iiot"]);
});

Deno.test("a secret is read from the file that …_FILE names", async () => {
  const environment = { SLUICE_DESTINATION__CLOUD__TOKEN_FILE: "/run/secrets/token" };
  const loaded = await loadConfig(sources(
    { file: DESTINATION, secrets: { "/run/secrets/token": "from-file\n" } },
    { environment },
  ));
  const [cloud] = loaded.config.destination;
  assert.ok(cloud?.type === "influxdb");
  assert.equal(cloud.token, "from-file");
  const unreadable = await onlyProblem(DESTINATION, { environment });
  assert.match(unreadable.message, /cannot be read/);
  const twice = await onlyProblem(DESTINATION, {
    environment: { SLUICE_HTTP__METRICS_TOKEN: "x", SLUICE_HTTP__METRICS_TOKEN_FILE: "/y" },
  });
  assert.match(twice.message, /together with SLUICE_HTTP__METRICS_TOKEN/);
});

Deno.test("secrets and passwords in URLs are never shown", async () => {
  const file = `${DESTINATION}
[[destination]]
name = "pg"
type = "postgres"
url = "postgres://me:hidden-one@db.example/x?password=hidden-two"
password = "hidden-three"
[http]
metrics_token = "hidden-four"
`;
  const shown = showConfig(await loadConfig(sources({ file })), { origin: true });
  for (const secret of ["hidden-", "top-secret"]) assert.ok(!shown.includes(secret), shown);
  assert.ok(shown.includes("me:***@db.example"));
  assert.ok(shown.includes('metrics_token = "***"'));
  const bad = await problemsIn(`[[destination]]
name = "pg"
type = "influxdb"
url = "ftp://me:hidden-one@db"
token = ["hidden-two"]
pasword = "hidden-three"
`);
  assert.ok(bad.length >= 4);
  assert.ok(!JSON.stringify(bad).includes("hidden-"), JSON.stringify(bad));
});

Deno.test("an entry of the admin's file replaces the page's entry of the same name", async () => {
  const settings = DESTINATION.replace("top-secret", "old") + 'tags = ["gateway"]\n';
  const extra = DESTINATION.replace('"cloud"', '"page"');
  const { config } = await loadConfig(sources({
    file: DESTINATION,
    settings: settings + extra,
  }));
  assert.deepEqual(config.destination.map((item) => item.name), ["cloud", "page"]);
  const [cloud] = config.destination;
  assert.ok(cloud?.type === "influxdb");
  assert.deepEqual([cloud.token, cloud.tags], ["top-secret", []]);
});

Deno.test("names: twice, reserved, and too alike for the environment", async () => {
  assert.match((await onlyProblem(DESTINATION + DESTINATION)).message, /used twice/);
  const reserved = DESTINATION.replace('"cloud"', '"history"');
  assert.match((await onlyProblem(reserved)).message, /reserved/);
  const alike = DESTINATION.replace('"cloud"', '"a-b"') + DESTINATION.replace('"cloud"', '"A_B"');
  assert.match((await onlyProblem(alike)).message, /differs too little/);
});

/** A source and a destination on brokers; `topics` and `prefix` decide whether they meet. */
function brokers(from: string, to: string, { topics = '["devices/#"]', prefix = "iiot" } = {}) {
  return `[[destination]]
name = "out"
type = "mqtt"
url = "${to}"
prefix = "${prefix}"
[[source]]
name = "in"
type = "mqtt"
url = "${from}"
topics = ${topics}
`;
}

Deno.test("a source must not take in again what a destination writes", async () => {
  const loops = [
    brokers("mqtt://b.example", "mqtt://B.example:1883", { topics: '["#"]' }),
    brokers("mqtts://b.example", "mqtt://b.example", { topics: '["+/x/+"]' }),
    brokers("mqtt://localhost:99", "mqtt://127.0.0.1:99", { prefix: "devices" }),
  ];
  for (const file of loops) assert.match((await onlyProblem(file)).message, /takes in again/, file);
  const apart = [
    brokers("mqtt://b.example", "mqtt://b.example"),
    brokers("mqtt://a.example", "mqtt://b.example", { topics: '["#"]' }),
    brokers("mqtt://b.example:1884", "mqtt://b.example:1885", { topics: '["#"]' }),
  ];
  for (const file of apart) assert.ok((await checkConfig(sources({ file }))).ok, file);
});

Deno.test("a source at the gateway's own broker is refused", async () => {
  const file = brokers("mqtt://localhost:1883", "mqtt://b.example");
  assert.match((await onlyProblem(file)).message, /own broker/);
  const off = `[mqtt]\nlisten = "off"\n${file}`;
  assert.ok((await checkConfig(sources({ file: off }))).ok);
});

Deno.test("share needs MQTT 5, filters must be filters, a line has one reader", async () => {
  const source = brokers("mqtt://b.example", "mqtt://c.example");
  const shared = source + 'share = "g"\nprotocol = "3.1.1"\n';
  assert.match((await onlyProblem(shared)).message, /needs protocol 5.0/);
  const wrong = brokers("mqtt://b.example", "mqtt://c.example", { topics: '["a#"]' });
  assert.match((await onlyProblem(wrong)).message, /does not fill its level/);
  const group = brokers("mqtt://b.example", "mqtt://c.example", { topics: '["$share/g/a"]' });
  assert.match((await onlyProblem(group)).message, /key share/);
  const line = (name: string) =>
    `[[source]]\nname = "${name}"\ntype = "serial"\npath = "/dev/ttyACM0"\nreceiver = "N2"\n`;
  assert.match((await onlyProblem(line("a") + line("b"))).message, /read by source "a"/);
});

Deno.test("two nodes cannot share one device name; a source's nodes become rules", async () => {
  const twice = `[normalize.receivers]
N3 = { node1 = "barn" }
N4 = { node1 = "barn" }`;
  assert.match((await onlyProblem(twice)).message, /node node1 of receiver N3/);
  const { config } = await loadConfig(sources({
    file: `[normalize.receivers.N3]
node1 = "barn"
[normalize.plausible]
temperature = [-inf, inf]
[[source]]
name = "line"
type = "serial"
path = "/dev/ttyACM0"
receiver = "N2"
nodes = { node1 = "roof" }`,
  }));
  const rules = normalizeRules(config);
  assert.equal(rules.receivers.N2?.node1, "roof");
  assert.equal(rules.receivers.N3?.node1, "barn");
  assert.deepEqual(rules.plausible.temperature, [-Infinity, Infinity]);
  assert.deepEqual(rules.plausible.humidity, [0, 100]);
  assert.equal(rules.lateAfterMs, 600_000);
});

Deno.test("keys such as __proto__ are unknown keys and nothing else", async () => {
  const problems = await problemsIn("[mqtt]\n__proto__ = 5\nconstructor = 6\n");
  assert.deepEqual(problems.map((item) => item.path).sort(), [
    "mqtt.__proto__",
    "mqtt.constructor",
  ]);
  const { config } = await loadConfig(sources({ file: '[normalize.units]\n__proto__ = "x"' }));
  assert.equal(Object.getPrototypeOf(config.normalize.units), Object.prototype);
  assert.equal(({} as Record<string, unknown>).x, undefined);
});

Deno.test("a reload knows which changes wait for a restart", async () => {
  const before = await loadConfig(sources({ file: DESTINATION }));
  const after = await loadConfig(sources({
    file: `${DESTINATION.replace("top-secret", "new-secret")}
[mqtt]
listen = "0.0.0.0:1884"
[log]
level = "debug"
`,
  }));
  assert.deepEqual(diffConfig(before, after), {
    live: ["log.level", "destination.cloud.token"],
    restart: ["mqtt.listen"],
  });
  assert.deepEqual(diffConfig(before, before), { live: [], restart: [] });
});
