/** No secret shows in logs, errors, metrics, configuration output, answers or backup listings. */
import assert from "node:assert/strict";
import mqtt from "mqtt";
import { freePort } from "@/tests/helpers/free_port.ts";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { until } from "@/tests/helpers/until.ts";

const PASSWORD = "person-secret-7a1f words";
const CONFIGURED = {
  metrics: "metrics-secret-93bb",
  postgres: "postgres-secret-41cd",
  influx: "influx-secret-88e2",
  mqtt: "mqtt-secret-5d0c",
  source: "source-secret-c3a9",
};

function configOf(closedPort: number): string {
  return `
[log]
level = "debug"
[http]
metrics_token = "${CONFIGURED.metrics}"
[[destination]]
name = "pg"
type = "postgres"
url = "postgres://me:${CONFIGURED.postgres}@127.0.0.1:${closedPort}/x"
[[destination]]
name = "influx"
type = "influxdb"
url = "http://127.0.0.1:${closedPort}"
org = "o"
bucket = "b"
token = "${CONFIGURED.influx}"
[[destination]]
name = "mosquitto"
type = "mqtt"
url = "mqtt://127.0.0.1:${closedPort}"
username = "me"
password = "${CONFIGURED.mqtt}"
[[source]]
name = "outside"
type = "mqtt"
url = "mqtt://127.0.0.1:${closedPort}"
topics = ["devices/#"]
username = "me"
password = "${CONFIGURED.source}"
`;
}

interface Tokens {
  access_token: string;
  refresh_token: string;
}

/** Uses every kind of secret, rightly and wrongly; returns all of them. */
async function use(gateway: GatewayProcess): Promise<string[]> {
  await gateway.command(["user", "add", "ada", "--role", "admin", "--password-stdin"], {
    input: `${PASSWORD}\n`,
  });
  const credential = JSON.parse(await gateway.command(["device", "add", "oven-1", "--json"]));
  const post = (path: string, json: unknown, headers: Record<string, string> = {}) =>
    fetch(gateway.httpUrl + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(json),
    });
  const tokens: Tokens = await (await post("/api/auth/login", {
    username: "ada",
    password: PASSWORD,
  })).json();
  const secrets = [PASSWORD, credential.password, tokens.access_token, tokens.refresh_token];
  // Each where another one belongs, in a body, in a query, in a path, in a header.
  for (const secret of secrets) {
    const answers = await Promise.all([
      post("/api/auth/login", { username: "ada", password: `${secret}x` }),
      post("/api/auth/login", { username: secret.slice(0, 60), password: "x" }),
      post("/api/auth/refresh", { refresh_token: `${secret}x` }),
      post("/v1/ingest/oven-1", { metrics: { t: 1 } }, { authorization: `Bearer ${secret}x` }),
      fetch(`${gateway.httpUrl}/api/users`, { headers: { authorization: `Bearer ${secret}x` } }),
      fetch(`${gateway.httpUrl}/api/users`, { headers: { cookie: `sluice_session=${secret}` } }),
      fetch(`${gateway.httpUrl}/metrics?token=${encodeURIComponent(secret)}`),
    ]);
    for (const answer of answers) {
      const text = await answer.text();
      // The name of whoever tried stands in the trail, cut; nothing else comes back.
      assert(!text.includes(secret), `${answer.url}: ${text.slice(0, 200)}`);
    }
  }
  const { password, username } = credential;
  for (const wrong of [{ username, password: `${password}x` }, { username: "x", password }]) {
    const options = { ...wrong, reconnectPeriod: 0 };
    await assert.rejects(mqtt.connectAsync(gateway.mqttUrl, options));
  }
  const client = await mqtt.connectAsync(gateway.mqttUrl, {
    ...{ username, password, reconnectPeriod: 0 },
  });
  await client.publishAsync("devices/oven-1/telemetry", '{"t":1}', { qos: 1 });
  await client.endAsync();
  return [...secrets, ...Object.values(CONFIGURED)];
}

/** Everything that an operator may see or hand on. */
async function shown(gateway: GatewayProcess): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  const commands = [
    ["config", "show"],
    ["config", "show", "--origin"],
    ["config", "check"],
    ["destination", "list"],
    ["queue", "status"],
    ["queue", "status", "--json"],
    ["dead", "list"],
    ["dead", "list", "--source"],
    ["user", "list"],
    ["device", "list"],
    ["device", "list", "--json"],
    ["backup", "create", gateway.folder.join("copy.sluice")],
    ["backup", "verify", gateway.folder.join("copy.sluice")],
    ["version"],
  ];
  for (const args of commands) texts.set(args.join(" "), await gateway.command(args));
  for (const name of ["pg", "influx", "mosquitto"]) {
    const said = await gateway.command(["destination", "test", name]).catch(String);
    texts.set(`destination test ${name}`, said);
  }
  const login = await fetch(`${gateway.httpUrl}/api/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username: "ada", password: PASSWORD }),
  });
  const { access_token: token }: Tokens = await login.json();
  const headers = { authorization: `Bearer ${token}` };
  const paths = ["/api/destinations", "/api/queue", "/api/users", "/api/devices", "/api/dead"];
  for (const path of [...paths, "/api/audit?limit=1000", "/api/audit?format=csv", "/metrics"]) {
    texts.set(path, await (await fetch(gateway.httpUrl + path, { headers })).text());
  }
  for (const path of ["/api/openapi.json", "/docs/api", "/healthz", "/readyz"]) {
    texts.set(path, await (await fetch(gateway.httpUrl + path)).text());
  }
  return texts;
}

Deno.test("secrets show nowhere: log, errors, metrics, configuration, answers, backup listing", async () => {
  await using gateway = await GatewayProcess.start({ config: configOf(freePort()) });
  const secrets = await use(gateway);
  await until(() => gateway.stderr.includes("FWD-"), { what: "a destination has failed" });
  const texts = await shown(gateway);
  assert.equal(await gateway.stop(), 0);
  texts.set("log", gateway.stderr);
  texts.set("stdout", gateway.stdout);
  for (const [where, text] of texts) {
    for (const secret of secrets) {
      assert(!text.includes(secret), `${where} shows ${secret}`);
      assert(!text.includes(btoa(secret)), `${where} shows ${secret} in base 64`);
      assert(!text.includes(encodeURIComponent(secret)), `${where} shows ${secret} encoded`);
    }
  }
  assert(texts.get("config show")?.includes('"***"'));
  await rejectedConfig(gateway);
});

/** A wrong configuration is refused without its secrets; so is one from the environment. */
async function rejectedConfig(gateway: GatewayProcess): Promise<void> {
  const broken = configOf(1).replace('bucket = "b"', 'bucket = 5\ntokem = "influx-secret-88e2"')
    .replace("postgres://", "postgress://");
  await Deno.writeTextFile(gateway.folder.join("sluice.toml"), broken);
  const said = await gateway.command(["config", "check"]).catch(String);
  assert.match(said, /tokem/);
  for (const secret of Object.values(CONFIGURED)) {
    assert(!said.includes(secret), `config check shows ${secret}`);
  }
}
