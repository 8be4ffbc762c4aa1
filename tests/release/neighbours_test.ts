/** nginx before the gateway and a Prometheus beside it, with the files of deploy/, for real. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { TestAuthority } from "@/tests/helpers/certificates.ts";
import { freePort } from "@/tests/helpers/free_port.ts";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { ServerProcess } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";
import { readYaml } from "@/tests/release/deploy_files.ts";
import { REPOSITORY } from "@/tools/product.ts";

const TOKEN = "scrape-token-of-the-test";

interface Proxy {
  port: number;
  ca: string;
  process: ServerProcess;
}

/** deploy/proxy/nginx.conf with the container's names and ports replaced. */
async function startProxy(folder: TempDir, gateway: GatewayProcess): Promise<Proxy> {
  const authority = await TestAuthority.create();
  const { certificate, key } = await authority.issue("localhost");
  await Deno.mkdir(folder.join("tls"));
  await Deno.writeTextFile(folder.join("tls/fullchain.pem"), certificate);
  await Deno.writeTextFile(folder.join("tls/privkey.pem"), key);
  const [port, plain] = [freePort(), freePort()];
  const text = await Deno.readTextFile(`${REPOSITORY}deploy/proxy/nginx.conf`);
  await Deno.writeTextFile(
    folder.join("nginx.conf"),
    `pid ${folder.join("pid")};\n` + text
      .replace("gateway:8000", `127.0.0.1:${gateway.httpPort}`)
      .replace("listen 443", `listen 127.0.0.1:${port}`)
      .replace("listen 80", `listen 127.0.0.1:${plain}`),
  );
  const process = new ServerProcess("nginx", {
    args: ["-p", folder.path, "-c", folder.join("nginx.conf"), "-g", "daemon off;"],
    stopSignal: "SIGQUIT",
  });
  await until(async () => (await Deno.connect({ hostname: "127.0.0.1", port })).close() ?? true, {
    what: "nginx listens",
  });
  return { port, ca: authority.certificate, process };
}

interface Asked {
  path: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

async function ask({ port, ca }: Proxy, asked: Asked): Promise<{ status: number; text: string }> {
  const { path, method = "GET", headers, body } = asked;
  const options = { host: "127.0.0.1", port, ca, servername: "localhost", path, method, headers };
  const sent = request({ ...options, agent: false });
  sent.end(body);
  const [response] = await once(sent, "response") as [IncomingMessage];
  let text = "";
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode ?? 0, text };
}

Deno.test("behind the proxy: pages with TLS, and nobody counts as this machine", async () => {
  await using folder = await TempDir.create();
  await using gateway = await GatewayProcess.start();
  const proxy = await startProxy(folder, gateway);
  await using _nginx = proxy.process;
  assert.equal((await ask(proxy, { path: "/healthz" })).status, 200);

  const message: Asked = {
    path: "/v1/ingest/d",
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"metrics":{"t":1}}',
  };
  // Without the proxy this machine needs no credentials yet.
  const { path, ...init } = message;
  const direct = await fetch(gateway.httpUrl + path, init);
  assert.equal(direct.status, 202, await direct.text());
  assert.equal((await ask(proxy, message)).status, 401);
  const lie = { ...message.headers, "x-forwarded-for": "127.0.0.1", forwarded: "for=127.0.0.1" };
  assert.equal((await ask(proxy, { ...message, headers: lie })).status, 401);
});

Deno.test("through the proxy: MQTT over WebSocket", async () => {
  await using folder = await TempDir.create();
  await using gateway = await GatewayProcess.start({ config: '[mqtt]\nanonymous = "always"\n' });
  const proxy = await startProxy(folder, gateway);
  await using _nginx = proxy.process;
  const options = { host: "127.0.0.1", port: proxy.port, ca: proxy.ca, servername: "localhost" };
  const upgrade = request({
    ...{ ...options, path: "/mqtt", agent: false },
    headers: {
      ...{ connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" },
      ...{ "sec-websocket-key": btoa("0123456789abcdef"), "sec-websocket-protocol": "mqtt" },
    },
  });
  upgrade.end();
  const [response, socket] = await once(upgrade, "upgrade");
  assert.equal(response.statusCode, 101);
  // A masked binary frame with the mask 0: CONNECT, MQTT 3.1.1, clean session, client id "x".
  const connect = [16, 13, 0, 4, 77, 81, 84, 84, 4, 2, 0, 60, 0, 1, 120];
  socket.write(new Uint8Array([0x82, 0x80 | connect.length, 0, 0, 0, 0, ...connect]));
  const [frame] = await once(socket, "data");
  assert.deepEqual([...frame], [0x82, 4, 0x20, 2, 0, 0], "CONNACK, accepted");
  socket.destroy();
});

/** The scrape configuration with the test's target and token, run by VictoriaMetrics. */
async function startScraper(
  folder: TempDir,
  { gateway, port }: { gateway: GatewayProcess; port: number },
): Promise<ServerProcess> {
  const text = await Deno.readTextFile(`${REPOSITORY}deploy/prometheus/prometheus.yml`);
  await Deno.writeTextFile(folder.join("token"), TOKEN);
  await Deno.writeTextFile(
    folder.join("prometheus.yml"),
    // VictoriaMetrics leaves the rules to a program of its own.
    text.replace(/rule_files:\n.*\n/, "").replace(/evaluation_interval:.*\n/, "")
      .replace("/run/secrets/metrics_token", folder.join("token"))
      .replace("gateway:8000", `127.0.0.1:${gateway.httpPort}`).replace("15s", "1s"),
  );
  return new ServerProcess("victoria-metrics", {
    args: [
      `-promscrape.config=${folder.join("prometheus.yml")}`,
      `-storageDataPath=${folder.join("vm")}`,
      `-httpListenAddr=127.0.0.1:${port}`,
    ],
  });
}

Deno.test("Prometheus: the scrape works with the token, every alert has its numbers", async () => {
  await using folder = await TempDir.create();
  await using gateway = await GatewayProcess.start({
    config: `[http]\nmetrics = "token"\nmetrics_token = "${TOKEN}"\n` +
      '[[destination]]\nname = "away"\ntype = "postgres"\nurl = "postgres://u@127.0.0.1:1/d"\n',
  });
  const port = freePort();
  await using _scraper = await startScraper(folder, { gateway, port });
  const query = async (expression: string) => {
    const url = `http://127.0.0.1:${port}/api/v1/query?nocache=1&query=`;
    const response = await fetch(url + encodeURIComponent(expression));
    const { status, error, data } = await response.json();
    assert.equal(status, "success", error);
    return data.result as { value: [number, string] }[];
  };
  await until(async () => (await query('up{job="sluice"} == 1')).length === 1, {
    what: "the gateway is scraped",
    everyMs: 200,
  });
  const { groups } = await readYaml<{ groups: { rules: { alert: string; expr: string }[] }[] }>(
    "deploy/prometheus/alerts.yml",
  );
  const rules = groups.flatMap((group) => group.rules);
  for (const { alert, expr } of rules) {
    await query(expr);
    for (const [name] of expr.matchAll(/sluice_\w+/g)) {
      await until(async () => (await query(name)).length > 0, {
        what: `${name} of ${alert} is scraped`,
        everyMs: 200,
      });
    }
  }
  const ledger = rules.find(({ alert }) => alert === "SluiceLedgerBroken")!;
  assert.deepEqual(await query(ledger.expr), [], "the ledger adds up");
  assert.equal((await query(ledger.expr.replace("!=", "=="))).length, 1, "and is compared");
});
