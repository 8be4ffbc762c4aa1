/** The program as an operator runs it: real processes with the real permissions. */
import assert from "node:assert/strict";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { mosquittoPub } from "@/tests/helpers/mosquitto_clients.ts";
import { ServerProcess } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";
import { sluiceCommand } from "@/tools/product.ts";

/** Runs `sluice` in a folder; never throws. */
async function sluice(
  args: string[],
  options: { cwd: string; env?: Record<string, string> },
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { command, args: all } = sluiceCommand(args);
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args: all,
    cwd: options.cwd,
    env: { NO_COLOR: "1", ...options.env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map((entry) => entry.name).sort();
}

function packet(number: number): string {
  const sts = { rx: number, err: 0 };
  return JSON.stringify({ ts: number * 500, id: "N2", n1: { t: 20.5, h: 50.1, g: 1000 }, sts });
}

interface StatusJson {
  running: boolean;
  last_number: number;
  source_dead: number;
  destinations: { destination: string; conserved: boolean; enqueued: number; accepted: number }[];
}

async function statusOf(gateway: GatewayProcess): Promise<StatusJson> {
  return JSON.parse(await gateway.command(["queue", "status", "--json"]));
}

Deno.test("in an empty folder looking changes nothing and mistakes exit with 2", async () => {
  await using folder = await TempDir.create();
  const cwd = folder.path;
  const version = await sluice(["version"], { cwd });
  assert.deepEqual([version.code, version.stderr], [0, ""]);
  assert.match(version.stdout, /^sluice \d/);
  const help = await sluice(["--help"], { cwd });
  assert.deepEqual([help.code, help.stderr], [0, ""]);
  const check = await sluice(["config", "check"], { cwd });
  assert.deepEqual([check.code, check.stderr], [0, ""]);
  const status = await sluice(["queue", "status"], { cwd });
  assert.equal(status.code, 1);
  assert.match(status.stderr, /^error: Cannot find the data folder "\.\/data"\nhint: /);
  const typo = await sluice(["queeu", "status"], { cwd });
  assert.equal(typo.code, 2);
  assert.match(typo.stderr, /did you mean: sluice queue\?/);
  assert.deepEqual(await names(cwd), []);
});

Deno.test("the real environment: values, secrets from files, mistyped names", async () => {
  await using folder = await TempDir.create();
  const cwd = folder.path;
  await Deno.writeTextFile(folder.join("token"), "from-the-file\n");
  const env = {
    SLUICE_LOG__LEVEL: "warning",
    SLUICE_HTTP__METRICS: "token",
    SLUICE_HTTP__METRICS_TOKEN_FILE: folder.join("token"),
    SLUICE_SERVICE_PORT: "tcp://10.0.0.1:80",
  };
  const shown = await sluice(["config", "show", "--origin"], { cwd, env });
  assert.equal(shown.code, 0, shown.stderr);
  assert.match(shown.stdout, /level = "warning" +# SLUICE_LOG__LEVEL/);
  assert.match(shown.stdout, /metrics_token = "\*\*\*" +# SLUICE_HTTP__METRICS_TOKEN_FILE/);
  assert.ok(!shown.stdout.includes("from-the-file"));
  const wrong = await sluice(["config", "check"], { cwd, env: { SLUICE_LOG__LEVLE: "info" } });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /did you mean SLUICE_LOG__LEVEL\?/);
  // A loader's variable must not keep the environment from being read.
  const preload = { ...env, LD_LIBRARY_PATH: cwd };
  assert.equal(
    (await sluice(["config", "show"], { cwd, env: preload })).stdout,
    (await sluice(
      ["config", "show"],
      { cwd, env },
    )).stdout,
  );
});

Deno.test("config init writes a file that serve and check take", async () => {
  await using folder = await TempDir.create();
  const cwd = folder.path;
  assert.equal((await sluice(["config", "init"], { cwd })).code, 0);
  assert.deepEqual(await names(cwd), ["sluice.toml"]);
  const check = await sluice(["config", "check"], { cwd });
  assert.match(check.stdout, /is valid/);
  await Deno.writeTextFile(folder.join("sluice.toml"), "[mqtt]\nlisen = 1\n[fanuot]\nx = 1\n");
  const serve = await sluice(["serve"], { cwd });
  assert.equal(serve.code, 1);
  assert.match(serve.stderr, /2 problems in the configuration/);
  assert.equal(serve.stdout, "");
  assert.deepEqual(await names(cwd), ["sluice.toml"]);
});

Deno.test("the same answers from a running and from a stopped gateway", async () => {
  const url = "http://127.0.0.1:9";
  const config = `[[destination]]
name = "away"
type = "influxdb"
url = "${url}"
org = "o"
bucket = "b"
token = "t"
`;
  await using gateway = await GatewayProcess.start({ config });
  await mosquittoPub(gateway.mqttPort, { topic: "devices/a/telemetry", payload: '{"t":1}' });
  await mosquittoPub(gateway.mqttPort, { topic: "devices/a/telemetry", payload: "{broken" });
  const running = await statusOf(gateway);
  assert.deepEqual([running.running, running.last_number, running.source_dead], [true, 1, 1]);
  assert.equal(running.destinations[0]!.conserved, true);
  const second = await sluice(
    ["serve", "--data", gateway.dataDir, "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"],
    { cwd: gateway.folder.path },
  );
  assert.equal(second.code, 1);
  assert.match(second.stderr, /^error: .*(use|runs|lock)/m);
  const test = await gateway.command(["destination", "test", "away"]).catch(String);
  assert.match(test, /failed after/);
  await gateway.command(["destination", "pause", "away"]);
  assert.match(await gateway.command(["destination", "list"]), /away +influxdb +paused +1/);
  assert.match(await gateway.command(["dead", "list", "--source"]), /devices\/a\/telemetry/);
  await gateway.command(["stop"]);
  assert.equal(await gateway.untilExit(), 0);
  const stopped = await statusOf(gateway);
  assert.deepEqual([stopped.running, stopped.last_number, stopped.source_dead], [false, 1, 1]);
  assert.equal(stopped.destinations[0]!.enqueued, 1);
  assert.match(await gateway.command(["destination", "list"]), /away +influxdb +paused +1/);
  await gateway.command(["destination", "resume", "away"]);
  const exported = JSON.parse(await gateway.command(["dead", "export", "--source", "--all"]));
  assert.equal(exported.payload, "{broken");
  assert.match(await gateway.command(["dead", "purge", "--source", "--all"]), /purged 1/);
  const unknown = await gateway.command(["destination", "forget", "awya"]).catch(String);
  assert.match(unknown, /did you mean "away"\?/);
});

Deno.test("tap shows messages as they come", async () => {
  await using gateway = await GatewayProcess.start();
  const { command, args } = sluiceCommand([
    ...["tap", "devices/+/telemetry", "--json"],
    ...["--data", gateway.dataDir],
  ]);
  await using tap = new ServerProcess(command, { args });
  // The tap prints nothing until a message comes: publish until it does.
  await until(async () => {
    await mosquittoPub(gateway.mqttPort, { topic: "devices/a/telemetry", payload: '{"t":1}' });
    return tap.stdout.includes("\n");
  }, { what: "the tap has printed a line" });
  const line = JSON.parse(tap.stdout.split("\n")[0]!);
  assert.deepEqual([line.device_id, line.source, line.payload], ["a", "mqtt", { t: 1 }]);
  assert.equal((await tap.stop("SIGINT")).code, 0);
});

Deno.test("feed loses and doubles nothing while the gateway is killed again and again", async () => {
  await using folder = await TempDir.create();
  let gateway = await GatewayProcess.start({ folder });
  const { command, args } = sluiceCommand(["feed", "N2", "--data", gateway.dataDir]);
  await using feed = new ServerProcess(command, { args, stdin: "piped", stopTimeoutMs: 30_000 });
  const writer = feed.stdin.getWriter();
  let lines = 0;
  const write = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const log = `INFO line ${lines}\n`;
      await writer.write(new TextEncoder().encode(`${packet(++lines)}\n${log}`));
    }
  };
  for (let round = 0; round < 3; round++) {
    await write(40);
    const before = lines;
    await until(async () => (await statusOf(gateway)).last_number >= before - 30, {
      what: "some of the lines are committed",
      everyMs: 50,
    });
    await gateway.kill();
    await write(40);
    gateway = await GatewayProcess.start({ folder });
  }
  await writer.close();
  const { code } = await feed.exited;
  await using last = gateway;
  assert.equal(code, 0, feed.stderr);
  assert.match(feed.stderr, /waiting, nothing is lost/);
  assert.equal((await statusOf(last)).last_number, lines);
});

Deno.test("a backup taken from the running gateway is verified and restored", async () => {
  await using gateway = await GatewayProcess.start();
  const publish = () =>
    mosquittoPub(gateway.mqttPort, { topic: "devices/a/telemetry", payload: '{"t":1}' });
  await publish();
  const file = gateway.folder.join("backup");
  assert.match(await gateway.command(["backup", "create", file]), /^wrote .*backup, /);
  assert.match(await gateway.command(["backup", "verify", file]), /is good: 1 messages/);
  await publish();
  const refused = await gateway.command(["backup", "restore", file]).catch(String);
  assert.match(refused, /a gateway runs on this data folder/);
  await gateway.command(["stop"]);
  await gateway.untilExit();
  assert.equal((await statusOf(gateway)).last_number, 2);
  assert.match(await gateway.command(["backup", "restore", file]), /restored .*: 1 messages/);
  assert.ok((await statusOf(gateway)).last_number >= 1);
  const bytes = await Deno.readFile(file);
  bytes.fill(0x55, bytes.length / 2, bytes.length / 2 + 4096);
  await Deno.writeFile(file, bytes);
  const damaged = await gateway.command(["backup", "verify", file]).catch(String);
  assert.match(damaged, /Cannot use the backup/);
});

Deno.test("reload by command and by SIGHUP: what applies, what waits, what is wrong", async () => {
  await using gateway = await GatewayProcess.start({ config: '[log]\nlevel = "info"\n' });
  const file = gateway.folder.join("sluice.toml");
  assert.equal(await gateway.command(["reload"]), "nothing has changed\n");
  await Deno.writeTextFile(file, '[log]\nlevel = "debug"\n[mqtt]\nreceive_max = 99\n');
  const changes = await gateway.command(["reload"]);
  assert.equal(changes, "applied log.level\nwaits for a restart: mqtt.receive_max\n");
  await Deno.writeTextFile(file, '[log]\nlevel = "loud"\n');
  const refused = await gateway.command(["reload"]).catch(String);
  assert.match(refused, /log.level = "loud"/);
  gateway.signal("SIGHUP");
  await until(() => gateway.stderr.includes("old one stays"), { what: "the refusal is logged" });
  assert.equal((await statusOf(gateway)).running, true);
});

Deno.test("serve --demo brings messages of every kind without any device", async () => {
  await using gateway = await GatewayProcess.start({ args: ["--demo"] });
  await until(async () => (await statusOf(gateway)).last_number >= 8, {
    what: "simulated devices have published",
    everyMs: 100,
  });
});
