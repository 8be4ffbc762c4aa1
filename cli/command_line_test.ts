import assert from "node:assert/strict";
import { CapturedTerminal, Folder, ledgerOf, RecordingOperations } from "@/cli/fixture.ts";
import { COMMANDS, runCommandLine } from "@/cli/command_line.ts";
import { ControlServer } from "@/cli/control_server.ts";
import type { Parts, ServeOptions } from "@/cli/surroundings.ts";
import type { DeadLetter } from "@/model/ledger.ts";

/** Runs one command line in this process. */
async function run(
  args: string[],
  options: { parts?: Partial<Parts>; environment?: Record<string, string> } = {},
) {
  const terminal = new CapturedTerminal(options);
  const code = await runCommandLine(args, terminal.surroundings);
  return { code, stdout: terminal.stdout, stderr: terminal.stderr };
}

/** A data folder with a gateway that is only its operations. */
async function gateway() {
  const folder = await Folder.create();
  const operations = new RecordingOperations();
  const server = new ControlServer(operations, { dataDir: folder.path, version: "9.9.9" });
  await server.start();
  return {
    operations,
    data: ["--data", folder.path, "--config", await emptyConfig(folder)],
    async [Symbol.asyncDispose]() {
      await server.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function emptyConfig(folder: Folder): Promise<string> {
  const path = `${folder.path}/empty.toml`;
  await Deno.writeTextFile(path, "");
  return path;
}

function letter(number: number): DeadLetter {
  return {
    messageId: number.toString(16).padStart(32, "0"),
    destination: "cloud",
    device: "a\u001b[31m",
    topic: "devices/a/telemetry",
    payload: "{}",
    error: "bad\nvalue",
    attempts: 1,
    deadAtMs: 1_767_225_600_000,
  };
}

Deno.test("every command has a help that names its options", async () => {
  for (const command of COMMANDS) {
    const { code, stdout, stderr } = await run([...command.path, "--help"]);
    assert.equal(code, 0, command.path.join(" "));
    assert.equal(stderr, "");
    assert.ok(stdout.startsWith(command.summary));
    assert.ok(stdout.includes(`Usage: sluice ${command.path.join(" ")}`));
    for (const { name } of command.options) assert.ok(stdout.includes(`--${name}`), name);
    assert.ok(stdout.includes("--config FILE") && stdout.includes("--data DIR"));
    assert.ok(stdout.split("\n").every((line) => line.length <= 100), command.path.join(" "));
  }
  const general = await run(["--help"]);
  for (const command of COMMANDS) assert.ok(general.stdout.includes(command.path.join(" ")));
  assert.match((await run(["queue", "--help"])).stdout, /queue show/);
});

Deno.test("mistakes in the command line exit with 2 and the nearest name", async () => {
  const cases: [string[], RegExp][] = [
    [["quue", "status"], /did you mean: sluice queue\?/],
    [["queue", "stauts"], /did you mean: sluice queue status\?/],
    [["queue"], /sluice queue status, sluice queue show/],
    [["queue", "status", "--jsno"], /did you mean --json\?/],
    [["--htpp", "x"], /did you mean --http\?/],
    [["-x"], /Unknown option -x/],
    [["queue", "show"], /Argument ID is missing/],
    [["queue", "show", "a", "b"], /Unexpected argument "b"/],
    [["queue", "status", "--json=1"], /takes no value/],
    [["serve", "--http"], /has no value/],
    [["xyzzy"], /see: sluice --help/],
    [["dead", "replay"], /Neither an id nor --all/],
    [["dead", "purge", "--all", "x"], /do not go together/],
    [["dead", "list", "--source", "--destination", "x"], /do not go with --source/],
    [["dead", "show", "--source", "x"], /not the number of an input/],
    [["dead", "replay", "a", "b", "--payload", "x"], /single dead letter/],
    [["dead", "list", "--limit", "many"], /whole number from 1/],
    [["feed", "a/b"], /is not an id/],
    [["tap", "a#"], /does not fill its level/],
    [["simulate", "--rate", "0"], /--rate/],
    [["simulate", "--url", "http://me:secret@x"], /mqtt:\/\/HOST/],
    [["simulate", "--duration", "5"], /not a duration/],
  ];
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = await run(args);
    assert.equal(code, 2, args.join(" "));
    assert.equal(stdout, "", args.join(" "));
    assert.match(stderr, expected, args.join(" "));
    assert.match(stderr, /^error: .*\nhint: /, args.join(" "));
    assert.ok(!stderr.includes("secret"));
  }
});

Deno.test("without a command, and with options first, it is serve", async () => {
  const served: ServeOptions[] = [];
  const parts = {
    serve: (options: ServeOptions) => {
      served.push(options);
      return Promise.resolve();
    },
  };
  await using folder = await Folder.create();
  const common = ["--config", await emptyConfig(folder), "--data", folder.path];
  assert.equal((await run(common, { parts })).code, 0);
  const flags = ["--http", "127.0.0.1:0", "--mqtt=[::1]:0", "--demo", ...common];
  assert.equal((await run(flags, { parts })).code, 0);
  assert.equal((await run(["serve", ...common], { parts })).code, 0);
  assert.equal(served[0]?.demo, false);
  assert.equal(served[0]?.dataDir, folder.path);
  assert.deepEqual(served[1]?.loaded.config.http.listen, { hostname: "127.0.0.1", port: 0 });
  assert.deepEqual(served[1]?.loaded.config.mqtt.listen, { hostname: "::1", port: 0 });
  assert.equal(served[1]?.demo, true);
  const wrong = await run(["--http", "nowhere", ...common], { parts });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /http.listen = "nowhere" \(--http\): is not an address/);
  assert.equal(served.length, 3);
});

Deno.test("config init, check and show; nothing is overwritten", async () => {
  await using folder = await Folder.create();
  const file = `${folder.path}/sluice.toml`;
  const common = ["--config", file, "--data", `${folder.path}/data`];
  assert.equal((await run(["config", "init", ...common])).code, 0);
  const written = await Deno.readTextFile(file);
  assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
  const again = await run(["config", "init", ...common]);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /exists already/);
  assert.equal((await run(["config", "init", "--print"])).stdout, written);
  assert.match((await run(["config", "check", ...common])).stdout, /is valid: 0 destinations/);
  const environment = { SLUICE_LOG__LEVEL: "debug", SLUICE_HTTP__METRICS_TOKEN: "hidden" };
  const shown = await run(["config", "show", "--origin", ...common], { environment });
  assert.match(shown.stdout, /level = "debug" +# SLUICE_LOG__LEVEL/);
  assert.ok(!shown.stdout.includes("hidden"));
  await Deno.writeTextFile(file, '[log]\nlevel = "loud"\n[mqtt]\nlisen = "x"\n');
  const bad = await run(["config", "check", ...common]);
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /2 problems/);
  assert.match(bad.stderr, /did you mean "listen"/);
  const missing = await run(["config", "check", "--config", `${folder.path}/none.toml`]);
  assert.match(missing.stderr, /cannot be read/);
});

Deno.test("queue status as text and as JSON, from a running gateway", async () => {
  await using running = await gateway();
  running.operations.ledgers = [
    ledgerOf("cloud", { accepted: 10, acked: 6, enqueued: 3, dead: 1, oldestUs: 1 }),
    ledgerOf("old", { removed: true, paused: true }),
  ];
  const text = await run(["queue", "status", ...running.data]);
  assert.equal(text.code, 0, text.stderr);
  assert.match(text.stdout, /^DESTINATION +ACCEPTED +ACKED/);
  assert.match(text.stdout, /cloud +10 +6 +3 +0 +1 .* 12\.5/);
  assert.match(text.stdout, /old .*paused, no longer configured/);
  const json = JSON.parse((await run(["queue", "status", "--json", ...running.data])).stdout);
  assert.equal(json.running, true);
  assert.deepEqual(json.destinations.map((item: { conserved: boolean }) => item.conserved), [
    true,
    true,
  ]);
  assert.equal(json.destinations[0].drain_per_second, 12.5);
  const none = await run(["queue", "show", "f".repeat(32), ...running.data]);
  assert.equal(none.code, 1);
  assert.match(none.stderr, /Cannot find the message/);
});

Deno.test("dead letters: filters, pages, terminal-safe texts, export", async () => {
  await using running = await gateway();
  const { operations, data } = running;
  operations.dead = Array.from({ length: 1200 }, (_, i) => letter(i));
  const list = await run(["dead", "list", "--destination", "cloud", "--reason", "bad", ...data]);
  assert.equal(list.stdout.trimEnd().split("\n").length, 51);
  assert.ok(!list.stdout.includes("\u001b"));
  assert.match(list.stdout, /bad\\u000avalue/);
  assert.match(list.stderr, /more than 50/);
  assert.deepEqual(operations.calls[0]![1], { destination: "cloud", reason: "bad" });
  const exported = await run(["dead", "export", "--all", ...data]);
  const lines = exported.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.equal(lines.length, 1200);
  assert.equal(lines[7].message_id, letter(7).messageId);
  const replay = await run(["dead", "replay", "abc", "--payload", '{"v":1}', ...data]);
  assert.match(replay.stdout, /enqueued 1200 again/);
  assert.deepEqual(operations.calls.at(-1), ["deadReplay", { ids: ["abc"] }, {
    payload: '{"v":1}',
  }]);
  await run(["dead", "purge", "--all", ...data]);
  assert.deepEqual(operations.calls.at(-1), ["deadPurge", {}, "command line"]);
  operations.dead = [];
  assert.equal((await run(["dead", "purge", "--all", ...data])).code, 1);
  assert.equal((await run(["dead", "list", ...data])).stdout, "no dead letters\n");
});

Deno.test("dead letters of sources keep bytes that are no text", async () => {
  await using running = await gateway();
  const { operations, data } = running;
  const base = { source: "mqtt", sourceName: "broker", device: null, topic: "t", detail: "d" };
  operations.sourceDead = [
    { ...base, id: 1, payload: new Uint8Array([0xff, 0]), reason: "not_utf8", atMs: 1 },
    { ...base, id: 2, payload: new TextEncoder().encode("{"), reason: "not_json", atMs: 1 },
  ];
  const { stdout } = await run(["dead", "export", "--source", "--all", ...data]);
  const [first, second] = stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.equal(first.payload_base64, "/wA=");
  assert.equal(second.payload, "{");
  const output = `${data[1]}/dead.ndjson`;
  assert.equal(
    (await run(["dead", "export", "--source", "--all", "--output", output, ...data])).code,
    0,
  );
  assert.equal(await Deno.readTextFile(output), stdout);
  const again = await run(["dead", "export", "--source", "--all", "--output", output, ...data]);
  assert.equal(again.code, 1);
  const replay = await run(["dead", "replay", "--source", "1", "2", ...data]);
  assert.match(replay.stdout, /took in 2, still undecodable 0/);
  assert.deepEqual(operations.calls.at(-1), ["sourceDeadReplay", { ids: [1, 2] }, {}]);
});

Deno.test("destinations: list, test, pause, resume, forget", async () => {
  await using running = await gateway();
  const { operations, data } = running;
  operations.ledgers = [ledgerOf("good", { enqueued: 4 })];
  assert.match(
    (await run(["destination", "list", ...data])).stdout,
    /good +influxdb +backing_off +4/,
  );
  assert.equal((await run(["destination", "test", "good", ...data])).code, 0);
  const bad = await run(["destination", "test", "bad", ...data]);
  assert.equal(bad.code, 1);
  assert.match(bad.stdout, /failed after 12 ms: Cannot log in\nhint: check the token/);
  await run(["destination", "pause", "good", ...data]);
  await run(["destination", "resume", "good", ...data]);
  assert.deepEqual(operations.calls.slice(-2), [
    ["destinationPause", "good", true],
    ["destinationPause", "good", false],
  ]);
  const forget = await run(["destination", "forget", "good", ...data]);
  assert.equal(forget.code, 1);
  assert.match(forget.stderr, /hint: remove it from the configuration first/);
});

Deno.test("tap prints messages and what was missed", async () => {
  await using running = await gateway();
  running.operations.tapItems = async function* () {
    const envelope = {
      schema: "sluice.message.v1" as const,
      source_topic: "devices/a/telemetry",
      device_id: "a",
      gateway_id: "sluice",
      seq: 1,
      trace_id: "0".repeat(32),
      received_at: "2026-01-01T00:00:00Z",
      payload: { t: "\u001b[2J" },
    };
    yield { id: "1", source: "mqtt" as const, envelope };
    yield { id: "2", source: "mqtt" as const, envelope: { ...envelope, payload: "x\ny" } };
  };
  const text = await run(["tap", "devices/#", ...running.data]);
  assert.equal(
    text.stdout,
    '2026-01-01T00:00:00Z  devices/a/telemetry  {"t":"\\u001b[2J"}\n' +
      "2026-01-01T00:00:00Z  devices/a/telemetry  x\\u000ay\n",
  );
  assert.deepEqual(running.operations.calls.at(-1), ["tap", "devices/#"]);
  const json = await run(["tap", "--json", ...running.data]);
  assert.equal(JSON.parse(json.stdout.split("\n")[0]!).device_id, "a");
});

Deno.test("reload, stop, version and backup reach the running gateway", async () => {
  await using running = await gateway();
  const { operations, data } = running;
  assert.equal(
    (await run(["reload", ...data])).stdout,
    "applied log.level\nwaits for a restart: mqtt.listen\n",
  );
  assert.equal((await run(["stop", ...data])).stdout, "stopping\n");
  const version = JSON.parse((await run(["version", "--json", ...data])).stdout);
  assert.equal(version.gateway.version, "9.9.9");
  assert.match((await run(["backup", "create", "/tmp/some-backup", ...data])).stdout, /1\.2 kB/);
  assert.deepEqual(operations.calls.at(-1), ["backupCreate", "/tmp/some-backup"]);
  const restore = await run(["backup", "restore", "/tmp/some-backup", ...data]);
  assert.equal(restore.code, 1);
  assert.match(restore.stderr, /a gateway runs on this data folder/);
});

Deno.test("without a gateway: what needs one says so, what does not opens the store", async () => {
  await using folder = await Folder.create();
  const common = ["--data", folder.path, "--config", await emptyConfig(folder)];
  for (const args of [["tap"], ["reload"], ["stop"]]) {
    const { code, stderr } = await run([...args, ...common]);
    assert.equal(code, 1);
    assert.match(stderr, /No gateway runs on the data folder/);
  }
  const absent = ["--data", `${folder.path}/none`, ...common.slice(2)];
  const status = await run(["queue", "status", ...absent]);
  assert.match(status.stderr, /Cannot find the data folder/);
  await assert.rejects(Deno.stat(`${folder.path}/none`), Deno.errors.NotFound);
  const plain = await run(["version", ...absent]);
  assert.match(plain.stdout, /^sluice \d+\.\d+\.\d+ /);
});

Deno.test("a reader that has seen enough ends the command without a word", async () => {
  const terminal = new CapturedTerminal();
  terminal.surroundings.print = () => Promise.reject(new Deno.errors.BrokenPipe("Broken pipe"));
  assert.equal(await runCommandLine(["version"], terminal.surroundings), 0);
  assert.equal(terminal.stderr, "");
});
