/** Who may send, by the real program: credentials made on the command line, used over MQTT and HTTP. */
import assert from "node:assert/strict";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { freePort } from "@/tests/helpers/free_port.ts";
import { mosquittoPub, mosquittoSub } from "@/tests/helpers/mosquitto_clients.ts";
import { run, ServerProcess } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { sluiceCommand } from "@/tools/product.ts";

interface Credential {
  device: string;
  username: string;
  password: string;
}

async function addDevice(gateway: GatewayProcess, id: string): Promise<Credential> {
  return JSON.parse(await gateway.command(["device", "add", id, "--json"]));
}

function login({ username, password }: Credential): string[] {
  return ["-u", username, "-P", password];
}

function send(gateway: GatewayProcess, device: string, authorization?: string): Promise<Response> {
  return fetch(`${gateway.httpUrl}/v1/ingest/${device}`, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      ...authorization === undefined ? {} : { Authorization: authorization },
    },
    body: '{"metrics":{"temperature":21.5}}',
  });
}

async function statusOf(response: Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}

function basic({ username, password }: Credential): string {
  return `Basic ${btoa(`${username}:${password}`)}`;
}

Deno.test("the first credential closes the door to anonymous senders, for good", async () => {
  await using gateway = await GatewayProcess.start();
  const topic = "devices/press-4/telemetry";
  await mosquittoPub(gateway.mqttPort, { topic, payload: '{"t":1}' });
  assert.equal(await statusOf(send(gateway, "press-4")), 202);

  const credential = await addDevice(gateway, "press-4");
  assert.deepEqual(Object.keys(credential), ["device", "username", "password"]);
  await assert.rejects(mosquittoPub(gateway.mqttPort, { topic, payload: '{"t":1}' }));
  assert.equal(await statusOf(send(gateway, "press-4")), 401);

  await gateway.command(["device", "remove", "press-4"]);
  assert.equal(await statusOf(send(gateway, "press-4")), 401);
});

Deno.test("a device sends with its credential, and nothing in another one's name", async () => {
  await using gateway = await GatewayProcess.start();
  const mine = await addDevice(gateway, "press-4");
  const other = await addDevice(gateway, "press-5");
  const topic = "devices/press-4/telemetry";
  const message = { topic, payload: '{"t":1}' };
  const options = { args: login(mine) };
  await mosquittoPub(gateway.mqttPort, message, options);
  await assert.rejects(
    mosquittoPub(gateway.mqttPort, message, { args: login({ ...mine, password: "x" }) }),
  );
  await assert.rejects(
    mosquittoPub(gateway.mqttPort, message, { args: login(other), version: "mqttv311" }),
  );
  const will = ["--will-topic", topic, "--will-payload", "gone", ...login(other)];
  const own = { topic: "devices/press-5/telemetry", payload: '{"t":1}' };
  await assert.rejects(mosquittoPub(gateway.mqttPort, own, { args: will }));

  assert.equal(await statusOf(send(gateway, "press-4", basic(mine))), 202);
  const bearer = `Bearer ${mine.username}.${mine.password}`;
  assert.equal(await statusOf(send(gateway, "press-4", bearer)), 202);
  assert.equal(await statusOf(send(gateway, "press-5", basic(mine))), 403);
  assert.equal(await statusOf(send(gateway, "press-4", basic({ ...mine, password: "x" }))), 401);

  await gateway.command(["device", "grant", "press-5", "subscribe:devices/press-4/#"]);
  await using live = await mosquittoSub(gateway.mqttPort, "devices/press-4/#", {
    args: login(other),
  });
  await mosquittoPub(gateway.mqttPort, message, options);
  await live.atLeast(1);
});

Deno.test("what is revoked is cut while it is live, and stays out over a restart", async () => {
  await using folder = await TempDir.create("sluice-gateway-");
  let gateway = await GatewayProcess.start({ folder });
  const first = await addDevice(gateway, "press-4");
  {
    await using live = subscriber(gateway, first);
    await live.untilOutput(/Subscribed/);
    await gateway.command(["device", "rotate", "press-4", "--json"]);
    await live.untilOutput(
      /Received DISCONNECT|disconnected|Connection Refused|not authori[sz]ed/i,
    );
  }
  await gateway.stop();
  await gateway[Symbol.asyncDispose]();
  gateway = await GatewayProcess.start({ folder });
  await using _running = gateway;
  assert.equal(await statusOf(send(gateway, "press-4", basic(first))), 401);
  const { password } = JSON.parse(await gateway.command(["device", "rotate", "press-4", "--json"]));
  const second = { ...first, password };
  assert.equal(await statusOf(send(gateway, "press-4", basic(second))), 202);
  await gateway.command(["device", "disable", "press-4"]);
  assert.equal(await statusOf(send(gateway, "press-4", basic(second))), 401);
  await gateway.command(["device", "enable", "press-4"]);
  assert.equal(await statusOf(send(gateway, "press-4", basic(second))), 202);
});

function subscriber(gateway: GatewayProcess, credential: Credential): ServerProcess {
  return new ServerProcess("stdbuf", {
    args: [
      ...["-oL", "-eL", "mosquitto_sub", "-d", "-V", "5", "-h", "127.0.0.1"],
      ...["-p", String(gateway.mqttPort), "-t", "devices/press-4/#", ...login(credential)],
    ],
  });
}

Deno.test("the snippets that a new device is shown with work as they are", async () => {
  const httpPort = freePort();
  const config = `[http]\npublic_url = "http://127.0.0.1:${httpPort}"\n`;
  await using gateway = await GatewayProcess.start({ config, httpPort });
  const text = await gateway.command(["device", "add", "press-4", "--label", "Press, hall 3"]);
  const snippets = new Map(
    text.split("\n== ").slice(1).map((part) => {
      const [title = "", ...lines] = part.split("\n");
      return [title.replace(/ ==$/, ""), lines.join("\n")];
    }),
  );
  assert.deepEqual([...snippets.keys()], [
    "mosquitto_pub",
    "Python (paho-mqtt)",
    "Arduino (ESP32)",
    "ESP-IDF",
    "curl (HTTP)",
  ]);
  await run("sh", { args: ["-c", snippets.get("mosquitto_pub") ?? ""] });
  const answer = await run("sh", { args: ["-c", snippets.get("curl (HTTP)") ?? ""] });
  assert.equal(JSON.parse(answer).status, "accepted");
  await gateway.untilMetric(
    'sluice_ingest_messages_total{source="mqtt",outcome="accepted"}',
    1,
  );
});

Deno.test("auto-registration: asking, being let in, by the command line", async () => {
  const config = `[auth]\nauto_registration = "ask"\n[mqtt]\nanonymous = "never"\n`;
  await using gateway = await GatewayProcess.start({ config });
  const brought = { device: "press-4", username: "press-4", password: "it came with this one" };
  assert.equal(await statusOf(send(gateway, "press-4", basic(brought))), 401);
  const [request] = JSON.parse(await gateway.command(["device", "pending", "--json"]));
  assert.equal(request.deviceId, "press-4");
  await gateway.command(["device", "approve", request.requestId]);
  assert.equal(await statusOf(send(gateway, "press-4", basic(brought))), 202);
});

Deno.test("people: before the first start, while stopped and while running", async () => {
  await using folder = await TempDir.create("sluice-gateway-");
  const places = ["--config", folder.join("sluice.toml"), "--data", folder.join("data")];
  const sluice = (args: string[], input?: string) => {
    const { command, args: all } = sluiceCommand([...args, ...places]);
    return run(command, { args: all, input });
  };
  await Deno.writeTextFile(folder.join("sluice.toml"), "");
  const made = await sluice(["user", "add", "ada", "--role", "admin"]);
  assert.match(made, /shown this once: [a-z2-9]{4}(-[a-z2-9]{4}){4}\n/);
  assert.equal(((await Deno.stat(folder.join("data"))).mode ?? 0) & 0o777, 0o700);
  await using gateway = await GatewayProcess.start({ folder });
  const secret = "correct horse battery";
  const input = `${secret}\n`;
  const added = await gateway.command(
    ["user", "add", "bob", "--role", "viewer", "--password-stdin"],
    { input },
  );
  assert.equal(added.includes(secret), false);
  await gateway.command(["user", "role", "bob", "operator"]);
  await assert.rejects(gateway.command(["user", "remove", "ada"]), /last admin[\s\S]*hint:/);
  await assert.rejects(gateway.command(["user", "add", "ada", "--role", "viewer"]), /already/);
  await assert.rejects(gateway.command(["user", "add", "eve", "--role", "root"]), /Unknown role/);
  const people = JSON.parse(await gateway.command(["user", "list", "--json"]));
  assert.deepEqual(people.map((each: { name: string; role: string }) => [each.name, each.role]), [
    ["ada", "admin"],
    ["bob", "operator"],
  ]);
  await gateway.stop();
  await sluice(["user", "remove", "bob"]);
  assert.match(
    await sluice(["user", "password", "ada", "--password-stdin"], input),
    /new password/,
  );
  assert.equal(JSON.parse(await sluice(["user", "list", "--json"])).length, 1);
  assert.equal(gateway.stderr.includes(secret), false, "no secret in the log");
});

Deno.test("certificates: authority, server, device, checked by openssl", async () => {
  await using folder = await TempDir.create("sluice-gateway-");
  await using gateway = await GatewayProcess.start({ folder });
  await assert.rejects(gateway.command(["cert", "server"]), /sluice cert ca/);
  await gateway.command(["cert", "ca", "--name", "Hall 3"]);
  await assert.rejects(gateway.command(["cert", "ca"]), /already/);
  const server = await gateway.command(["cert", "server", "gate.local", "192.168.1.20"]);
  assert.match(server, /gate\.local, 192\.168\.1\.20/);
  await gateway.command(["cert", "device", "press-4", "--output", folder.path, "--days", "30"]);
  const again = gateway.command(["cert", "device", "press-4", "--output", folder.path]);
  await assert.rejects(again, /it exists/);
  const authority = folder.join("ca.pem");
  assert.equal(
    await Deno.readTextFile(authority),
    await Deno.readTextFile(folder.join("data", "tls", "ca.pem")),
  );
  assert.equal(((await Deno.stat(folder.join("press-4.key"))).mode ?? 0) & 0o777, 0o600);
  const verify = (purpose: string, file: string) =>
    run("openssl", { args: ["verify", "-purpose", purpose, "-CAfile", authority, file] });
  await verify("sslclient", folder.join("press-4.pem"));
  await verify("sslserver", folder.join("data", "tls", "server.pem"));
  await assert.rejects(verify("sslserver", folder.join("press-4.pem")));
  const devices = JSON.parse(await gateway.command(["device", "list", "--json"]));
  assert.equal(devices[0].certificates.length, 1);
  assert.equal(devices[0].secretSetAtMs, null);
});

Deno.test("a lot of wrong passwords: the device itself still gets in", async () => {
  await using gateway = await GatewayProcess.start();
  const credential = await addDevice(gateway, "press-4");
  const wrong = basic({ ...credential, password: "x" });
  const statuses = await Promise.all(
    Array.from({ length: 200 }, () => statusOf(send(gateway, "press-4", wrong))),
  );
  assert.equal(statuses.every((status) => status === 401 || status === 429), true);
  assert.equal(statuses.includes(429), true);
  assert.equal(await statusOf(send(gateway, "press-4", basic(credential))), 202);
  const topic = "devices/press-4/telemetry";
  const args = login(credential);
  await mosquittoPub(gateway.mqttPort, { topic, payload: '{"t":1}' }, { args });
});
