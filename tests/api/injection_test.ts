/** Texts that mean something to a database, a log, a spreadsheet or JavaScript are only texts. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import mqtt from "mqtt";
import { GatewayBed, PASSWORD } from "@/tests/api/gateway_bed.ts";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
import { until } from "@/tests/helpers/until.ts";
import { VictoriaMetrics } from "@/tests/helpers/victoria_metrics.ts";

const UNIT = "c,node=evil value=9";
const LABEL = "person,node=evil score=1 \\\"'; DROP TABLE predictions; --";
const MODEL = "m,x=1 y=2";
const NOTE = "'); DELETE FROM readings; --";

function destinations(postgres: PostgresServer, metrics: VictoriaMetrics): string {
  return `
[[destination]]
name = "pg"
type = "postgres"
url = "${postgres.url()}"
tls = "off"

[[destination]]
name = "influx"
type = "influxdb"
url = "${metrics.url}"
org = "o"
bucket = "b"
token = "t"
`;
}

Deno.test("SQL and line protocol in ids, topics, units, labels and texts reach no database", async () => {
  await using postgres = await PostgresServer.start();
  await using metrics = await VictoriaMetrics.start();
  await using gateway = await GatewayProcess.start({ config: destinations(postgres, metrics) });
  const client = await mqtt.connectAsync(gateway.mqttUrl, { reconnectPeriod: 0 });
  const send = (topic: string, payload: unknown) =>
    client.publishAsync(topic, JSON.stringify(payload), { qos: 1 });
  const values = { "t'; DROP TABLE readings; --": 1, "a,b=c d": 2, t: { value: 3, unit: UNIT } };
  await send("devices/oven-1/telemetry", { values, note: NOTE, tags: { "a b": "x,y=z 1" } });
  await send("devices/oven-1/prediction", { label: LABEL, score: 0.5, model: MODEL });
  for (const id of ["x' OR 1=1 --", "a,node=evil value=1", 'é"\\', '"; DROP TABLE x']) {
    await send(`devices/${id}/telemetry`, { t: 666 });
  }
  await gateway.untilMetric('sluice_forward_messages_total{destination="pg",outcome="acked"}', 2);
  await gateway.untilMetric(
    'sluice_forward_messages_total{destination="influx",outcome="acked"}',
    2,
  );
  await gateway.untilMetric("sluice_source_dead_letters", 4);

  const readings = await postgres.query<
    { device: string; measurement: string; unit: string | null }
  >(
    "SELECT device, measurement, value, unit, tags FROM readings ORDER BY value",
  );
  assert.deepEqual(new Set(readings.map(({ device }) => device)), new Set(["oven-1"]));
  assert.equal(readings.length, 3);
  assert.equal(readings[2]?.unit, UNIT);
  for (const { measurement } of readings) assert.match(measurement, /^[A-Za-z0-9_.-]{1,64}$/);
  const [prediction] = await postgres.query("SELECT label, model FROM predictions");
  assert.deepEqual(prediction, { label: LABEL, model: MODEL });
  const [attribute] = await postgres.query("SELECT value FROM attributes");
  assert.deepEqual(attribute, { value: NOTE });

  // What was acknowledged is found a little later: three values and a score.
  const series = await until(async () => {
    const found = await metrics.export('{__name__=~".+"}');
    return found.length >= 4 ? found : null;
  }, { what: "all series are found" });
  assert.equal(series.length, 4);
  assert(series.every(({ labels }) => labels.node === "oven-1"), JSON.stringify(series));
  const units = series.map(({ labels }) => labels.unit).filter((unit) => unit !== undefined);
  assert(units.includes(UNIT));
  assert(series.some(({ labels }) => labels.label === LABEL && labels.model === MODEL));
  assert(series.every(({ values }) => values.every((value) => value !== 9 && value !== 666)));
  await client.endAsync();
});

const EVIL = 'a\r\n{"level":"error","forged":1}\u001b[2J\u009b31m\u2028\u2029\u202e\u0085b';

Deno.test("no device, topic, name or address forges a line of the log or moves a terminal", async () => {
  for (const format of ["json", "text"]) {
    await using gateway = await GatewayProcess.start({
      config: `[log]\nlevel = "debug"\nformat = "${format}"\n`,
    });
    const options = { reconnectPeriod: 0, protocolVersion: 5 } as const;
    await assert.rejects(mqtt.connectAsync(gateway.mqttUrl, { ...options, clientId: EVIL }));
    const client = await mqtt.connectAsync(gateway.mqttUrl, options);
    await client.publishAsync("devices/oven-1/telemetry", EVIL, { qos: 1 });
    await client.publishAsync("devices/oven-1/telemetry", JSON.stringify({ [EVIL]: EVIL }), {
      qos: 1,
    });
    await client.endAsync();
    const login = { ...options, username: EVIL, password: EVIL };
    await assert.rejects(mqtt.connectAsync(gateway.mqttUrl, login));
    const json = { username: EVIL, password: EVIL };
    const post = (path: string, headers: Record<string, string>) =>
      fetch(gateway.httpUrl + path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(json),
      });
    const basic = `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(`${EVIL}:x`)))}`;
    const asked: [string, Record<string, string>][] = [
      ["/api/auth/login", {}],
      [`/api/${encodeURIComponent(EVIL)}`, {}],
      [`/v1/ingest/${encodeURIComponent(EVIL)}`, {}],
      ["/v1/ingest/oven-1", { authorization: basic }],
      ["/api/claim", { "user-agent": "a\u009b31m" }],
    ];
    for (const [path, headers] of asked) await (await post(path, headers)).body?.cancel();
    await until(() => /refused/i.test(gateway.stderr), { what: "a refusal is logged" });
    assert.equal(await gateway.stop(), 0);
    const own = format === "json" ? /^\{"time"/ : /^\d{4}-\d\d-\d\dT/;
    const all = gateway.stderr.split("\n").filter((line) => line !== "");
    // Before the program's first line the runtime may speak, about a lock that it waits for.
    const lines = all.slice(all.findIndex((line) => own.test(line)));
    assert(lines.length > 3);
    for (const line of lines) {
      assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, JSON.stringify(line));
      assert.match(line, own);
      if (format === "json") assert.equal(JSON.parse(line).forged, undefined);
    }
  }
});

Deno.test("what a spreadsheet would run is a text in every file of the API", async () => {
  await using bed = await GatewayBed.start();
  const { gateway } = bed;
  const formula = '=HYPERLINK("http://evil.example","x")';
  const take = (topic: string, payload: unknown) =>
    new Promise<void>((resolve) =>
      gateway.intake.take({
        ...{ source: "mqtt", sourceName: "broker", topic } as const,
        payload: new TextEncoder().encode(JSON.stringify(payload)),
      }, () => resolve())
    );
  const values = { t: { value: -1, unit: "@SUM(1)" }, "-h": 2 };
  await take("devices/-2-3/telemetry", { values });
  await take("devices/-2-3/prediction", { label: formula, score: 0.5, model: "+1" });
  const filter = { destination: formula, all: true };
  await bed.json("/api/dead/replay", { as: "admin", json: filter });
  for (const path of ["/api/readings", "/api/predictions", "/api/audit"]) {
    const csv = await until(async () => {
      const text = await (await bed.fetch(`${path}?format=csv`, { as: "admin" })).text();
      return text.split("\r\n").length > 2 ? text : null;
    }, { what: `${path} has lines` });
    for (const cell of cells(csv)) assert.doesNotMatch(cell, /^\s*[=+@]/, `${path}: ${cell}`);
    for (const cell of cells(csv)) assert.match(cell, /^(?!-)|^-\d+(\.\d+)?$/, `${path}: ${cell}`);
  }
});

/** The values of a CSV file as a spreadsheet sees them. */
function cells(csv: string): string[] {
  return [...csv.matchAll(/(?:^|,|\r\n)(?:"((?:[^"]|"")*)"|([^",\r\n]*))/g)]
    .map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "");
}

Deno.test("__proto__ and its kin are keys like any other, at every door", async () => {
  await using bed = await GatewayBed.start();
  const words = ["__proto__", "constructor", "prototype", "hasOwnProperty", "toString"];
  const as = "admin";
  const headers = { "content-type": "application/json" };
  for (const word of words) {
    const evil = `{"${word}":{"polluted":1,"role":"admin","isAdmin":true}}`;
    for (const path of ["/api/auth/login", "/api/users", "/api/devices", "/api/dead/replay"]) {
      const response = await bed.fetch(path, { as, headers, body: evil });
      await response.body?.cancel();
      assert.equal(response.status, 400, `${path} ${word}`);
    }
    const bodies = [`{"metrics":{"${word}":1}}`, `{"metrics":{"t":1},"payload":${evil}}`];
    bodies.push(`{"metrics":{"t":1},"tags":{"${word}":"x"}}`);
    for (const body of bodies) {
      const response = await bed.fetch("/v1/ingest/oven-1", { headers, body });
      await response.body?.cancel();
      assert([202, 400].includes(response.status), `${body}: ${response.status}`);
    }
    const client = await mqtt.connectAsync(`mqtt://${bed.gateway.addresses.mqtt}`, {
      reconnectPeriod: 0,
    });
    for (const body of [evil, `{"values":${evil}}`, `{"t":1,"tags":{"${word}":"x"}}`]) {
      await client.publishAsync(`devices/${word.replaceAll("_", "")}/telemetry`, body, { qos: 1 });
    }
    await client.endAsync();
    for (const query of [`device=${word}`, `measurement=${word}`, `${word}=1`]) {
      await bed.json(`/api/readings?${query}`, { as });
    }
    await bed.json(`/api/users/${word}`, { as, status: 404, method: "DELETE" });
  }
  const login = { username: "__proto__", password: PASSWORD };
  await bed.json("/api/auth/login", { json: login, status: 401 });
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
  assert.equal(({} as Record<string, unknown>).isAdmin, undefined);
  assert.equal((await bed.json("/api/auth/profile", { as: "viewer" })).role, "viewer");
});

/** One raw request: `fetch` would tidy the path up. Answers with status and body. */
async function raw(bed: GatewayBed, path: string, token?: string): Promise<[number, string]> {
  const socket = connect(Number(new URL(bed.url).port), "127.0.0.1");
  const authorization = token === undefined ? "" : `Authorization: Bearer ${token}\r\n`;
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${authorization}\r\n`);
  let text = "";
  socket.on("data", (data: Uint8Array) => text += new TextDecoder().decode(data));
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.once("close", () => resolve());
  });
  return [Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), text];
}

/** Ways to write "../" that something on the way might read as one. */
const UPS = [
  ...["../", "..%2f", "..%2F", "%2e%2e/", "%2e%2e%2f", "%2E%2E%5C", "..%5c", "..\\", "....//"],
  ...["%252e%252e%252f", "..%252f", "%c0%ae%c0%ae/", "..%c0%af", "..%u2215", "%uff0e%uff0e/"],
  ...["..;/", "..%00/", "%00../", ".%2e/", "%2e./", "/", "//", "/%2f", "file:///", "~/"],
];
const TARGETS = ["etc/passwd", "sluice.toml", "data/sluice.db", "deno.json", "gateway.ts"];
const SECRETS = /root:[^:]*:0:0|SQLite format 3|"imports"|composition root/;

Deno.test("path traversal in every encoding: static files, documents, exports", async () => {
  await using bed = await GatewayBed.start();
  const token = bed.tokens.admin;
  const below = ["/static/", "/_assets/", "/docs/", "/legal/", "/api/readings/", "/api/audit/"];
  for (const folder of below) {
    for (const up of UPS) {
      for (const target of TARGETS) {
        const path = folder + up.repeat(6) + target;
        const [status, text] = await raw(bed, path, token);
        assert.doesNotMatch(text, SECRETS, path);
        assert([400, 404].includes(status), `${path}: ${status}`);
      }
    }
  }
  const named = ["../../etc/passwd", "..\\..\\x", 'x"; filename="evil.exe', "a\r\nSet-Cookie: x=1"];
  for (const device of named) {
    const query = `device=${encodeURIComponent(device)}&format=csv`;
    const response = await bed.fetch(`/api/readings?${query}`, { as: "admin" });
    await response.body?.cancel();
    const name = response.headers.get("content-disposition") ?? "";
    assert.match(name, /^(|attachment; filename="[a-z0-9_.-]+")$/);
    assert.equal(response.headers.get("set-cookie"), null);
  }
});

Deno.test("path traversal: a backup is one file, and what is none is not restored", async () => {
  await using gateway = await GatewayProcess.start();
  await gateway.command(["backup", "create", gateway.folder.join("good.sluice")]);
  assert.equal(await gateway.stop(), 0);
  const inside = [...Deno.readDirSync(gateway.folder.path)].map(({ name }) => name).sort();
  const tar = new Uint8Array(1024);
  tar.set(new TextEncoder().encode("../../../../../../tmp/evil"));
  await Deno.writeFile(gateway.folder.join("evil.tar"), tar);
  for (const file of [gateway.folder.join("evil.tar"), "/etc/passwd", gateway.folder.path]) {
    await assert.rejects(gateway.command(["backup", "restore", file]));
  }
  await gateway.command(["backup", "restore", gateway.folder.join("good.sluice")]);
  const after = [...Deno.readDirSync(gateway.folder.path)].map(({ name }) => name).sort();
  assert.deepEqual(after, [...inside, "evil.tar"].sort());
});
