/** The released gateway as systemd would run it, with the texts of the units. */
import assert from "node:assert/strict";
import { mosquittoPub } from "@/tests/helpers/mosquitto_clients.ts";
import { run, ServerProcess } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";
import { ReleaseBuild } from "@/tests/release/release_build.ts";
import { ReleasedGateway } from "@/tests/release/released_gateway.ts";
import { hostTarget } from "@/tools/executable/target.ts";
import { REPOSITORY } from "@/tools/product.ts";

const target = hostTarget()!;
const PACKET = '{"ts":1000,"id":"N2","n1":{"t":28.3,"h":52.6,"g":461235}}';

async function folderWithConfig(): Promise<TempDir> {
  const folder = await TempDir.create();
  await Deno.writeTextFile(folder.join("sluice.toml"), "");
  return folder;
}

Deno.test("systemd is told of start, life, reload and stop", async () => {
  await using build = await ReleaseBuild.create([target]);
  await using folder = await folderWithConfig();
  const socket = folder.join("notify.sock");
  await using manager = new ServerProcess("socat", {
    args: ["-u", `UNIX-RECV:${socket}`, "STDOUT"],
  });
  await until(() => Deno.lstat(socket), { what: "socat listens" });
  await using gateway = await ReleasedGateway.start({
    command: build.executable(target),
    args: [],
    env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "100000" },
  }, folder);
  await manager.untilOutput(/READY=1\nSTATUS=http=\S+ mqtt=\S+\n/);
  await manager.untilOutput(/WATCHDOG=1\nWATCHDOG=1\n/);
  gateway.signal("SIGHUP");
  await manager.untilOutput(/RELOADING=1\n[^]*READY=1\n/);
  assert.equal(await gateway.stop(), 0);
  await manager.untilOutput(/STOPPING=1\nSTATUS=stopping\n/);
});

/** The names behind a group of systemd's filter, groups inside it resolved. */
async function systemCalls(group: string): Promise<Set<string>> {
  const text = await run("systemd-analyze", { args: ["--no-pager", "syscall-filter", group] });
  const names = new Set<string>();
  for (const line of text.split("\n").slice(1).map((item) => item.trim())) {
    if (line.startsWith("@")) (await systemCalls(line)).forEach((name) => names.add(name));
    else if (/^[a-z]/.test(line)) names.add(line);
  }
  return names;
}

/** What `SystemCallFilter=` lines let through. */
async function allowedBy(unit: string): Promise<Set<string>> {
  const allowed = new Set<string>();
  for (const [, not, groups] of unit.matchAll(/^SystemCallFilter=(~?)(.+)$/gm)) {
    for (const calls of await Promise.all(groups!.split(" ").map(systemCalls))) {
      calls.forEach((call) => not === "~" ? allowed.delete(call) : allowed.add(call));
    }
  }
  return allowed;
}

Deno.test("the unit's filter lets through every system call of a gateway's life", async () => {
  await using build = await ReleaseBuild.create([target]);
  await using folder = await folderWithConfig();
  const log = folder.join("calls");
  // Without rights, as the service: SQLite calls more when it runs as root.
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  await run("chmod", { args: ["-R", "a+rwX", folder.path, build.folder.path] });
  const strace = ["-f", "-c", "-qq", "-U", "name", "-o", log, ...nobody, build.executable(target)];
  const native = { command: nobody[0]!, args: [...nobody.slice(1), build.executable(target)] };
  {
    await using gateway = await ReleasedGateway.start({ command: "strace", args: strace }, folder);
    await mosquittoPub(gateway.mqttPort, { topic: "gateways/N2/packet", payload: PACKET });
    await gateway.metrics();
    await gateway.command(native, "backup", "create", folder.join("backup"));
    await gateway.command(native, "stop");
    assert.equal(await gateway.untilExit(), 0);
  }
  const allowed = await allowedBy(await Deno.readTextFile(`${REPOSITORY}deploy/sluice.service`));
  assert.ok(allowed.size > 200 && !allowed.has("reboot"));
  const lines = (await Deno.readTextFile(log)).split("\n");
  // setpriv's own, before it starts the gateway.
  const others = ["syscall", "total", "setresuid", "setresgid", "setgroups", "capset"];
  const used = lines.filter((line) => /^\w+$/.test(line) && !others.includes(line));
  assert.ok(used.includes("fsync") || used.includes("fdatasync"), "the trace is of the whole");
  assert.deepEqual(used.filter((name) => !allowed.has(name)), []);
});

Deno.test("the feed unit hands a program's lines over, and ends when the program ends", async () => {
  await using build = await ReleaseBuild.create([target]);
  await using folder = await folderWithConfig();
  const executable = build.executable(target);
  await using gateway = await ReleasedGateway.start({ command: executable, args: [] }, folder);
  await Deno.mkdir(folder.join("feed"));
  const lines =
    `[INFO] start\n${PACKET}\n[INFO] JSON sent via VCP: ${PACKET}\\n (src/main.rs:573)\n`;
  await Deno.writeTextFile(folder.join("feed/N2"), `#!/bin/sh\ncat <<'END'\n${lines}END\n`, {
    mode: 0o755,
  });
  const unit = await Deno.readTextFile(`${REPOSITORY}deploy/sluice-feed@.service`);
  const [, script] = /^ExecStart=\/bin\/sh -c '(.*)'$/m.exec(unit)!;
  const here = script!.replaceAll("%i", "N2").replaceAll("/usr/local/bin/sluice", executable)
    .replaceAll("/etc/sluice", folder.path).replaceAll("/var/lib/sluice", folder.join("data"));
  await run("/bin/sh", { args: ["-c", here] });
  await gateway.untilMetric('sluice_ingest_messages_total{source="feed",outcome="accepted"}', 2);
});
