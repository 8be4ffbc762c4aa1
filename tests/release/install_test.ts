/** install.sh on a system of its own, with the real program: fresh, again, upgrade, uninstall. */
import assert from "node:assert/strict";
import { mosquittoPub } from "@/tests/helpers/mosquitto_clients.ts";
import { run, ServerProcess } from "@/tests/helpers/server_process.ts";
import { ReleaseBuild } from "@/tests/release/release_build.ts";
import { TestSystem } from "@/tests/release/test_system.ts";
import { runtimeElf } from "@/tools/executable/runtime.ts";
import { hostTarget, TARGETS } from "@/tools/executable/target.ts";
import { REPOSITORY } from "@/tools/product.ts";

const target = hostTarget()!;
const SERVICE = "/etc/systemd/system/sluice.service";

/** Unpacks an archive of the release into the system; returns install.sh's path inside. */
async function bring(system: TestSystem, commit: string): Promise<string> {
  await using build = await ReleaseBuild.create([target], commit);
  const folder = await build.unpackedArchive(target, system.root.join(commit));
  return `${folder.slice(system.root.path.length)}/install.sh`;
}

/** Runs the service as its unit says, on free ports. */
async function startService(system: TestSystem): Promise<ServerProcess> {
  const unit = await system.read(SERVICE);
  const command = /^ExecStart=(.*)$/m.exec(unit)![1]!.split(" ");
  const user = /^User=(.*)$/m.exec(unit)![1]!;
  const as = ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--init-groups"];
  const ports = ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"];
  const service = system.start([...as, ...command, ...ports]);
  await service.untilOutput(/^listening /m);
  return service;
}

function mqttPort(service: ServerProcess): number {
  return Number(/mqtt=\S*:(\d+)/.exec(service.stdout)![1]);
}

/** How many messages the log has, asked while the gateway is stopped. */
async function fileDigests(folder: string): Promise<string> {
  const script = "find . -type f -exec sha256sum {} + | sort -k 2";
  return await run("sh", { args: ["-c", script], cwd: folder });
}

async function mode(path: string): Promise<string> {
  return (await run("stat", { args: ["-c", "%a %u:%g", path] })).trim();
}

Deno.test("install, run, upgrade and uninstall keep configuration and queued data", async () => {
  await using system = await TestSystem.create();
  const first = await bring(system, "111111111111");

  const fresh = await system.run(["sh", first, "--yes"]);
  assert.equal(fresh.code, 0, fresh.text);
  assert.match(fresh.text, /^Installs sluice .*: \/usr\/local\/bin\/sluice,\n/);
  const account = /^sluice:x:(\d+):(\d+)::\/var\/lib\/sluice:\/usr\/sbin\/nologin$/m
    .exec(await system.read("/etc/passwd"));
  const owner = `${account![1]}:${account![2]}`;
  assert.match(await system.read("/etc/group"), /^dialout:x:20:sluice$/m);
  assert.equal(await mode(system.path("/usr/local/bin/sluice")), "755 0:0");
  assert.equal(await mode(system.path("/etc/sluice/sluice.toml")), `640 0:${account![2]}`);
  assert.equal(await mode(system.path("/etc/sluice/credentials")), "700 0:0");
  assert.equal(await mode(system.path("/var/lib/sluice")), `700 ${owner}`);
  assert.match(await system.read("/usr/local/share/doc/sluice/licences.txt"), /MIT/);
  const started = ["daemon-reload", "enable sluice.service", "restart sluice.service"];
  assert.deepEqual(await system.systemctl(), started);

  await Deno.writeTextFile(
    system.path("/etc/sluice/sluice.toml"),
    '[[destination]]\nname = "away"\ntype = "postgres"\nurl = "postgres://u@127.0.0.1:1/d"\n',
  );
  {
    await using service = await startService(system);
    await mosquittoPub(mqttPort(service), { topic: "devices/d/t", payload: "1.5" });
    assert.equal((await service.stop()).code, 0);
  }
  const queued = await fileDigests(system.path("/var/lib/sluice"));

  const again = await system.run(["sh", first, "--yes"]);
  assert.equal(again.code, 0, again.text);
  assert.match(again.text, /same {7}\/usr\/local\/bin\/sluice\n/);
  assert.match(again.text, /kept {7}\/etc\/sluice\/sluice.toml\n/);
  assert.match(again.text, new RegExp(`same {7}${SERVICE}\n`));

  const second = await bring(system, "222222222222");
  const upgrade = await system.run(["sh", second, "--yes"]);
  assert.equal(upgrade.code, 0, upgrade.text);
  assert.match(upgrade.text, /^Upgrades .*111111111111.* to .*222222222222/);
  assert.match(upgrade.text, /wrote {6}\/usr\/local\/bin\/sluice\n/);
  assert.match((await system.run(["sluice", "version"])).text, /222222222222/);
  assert.match((await system.run(["sluice.previous", "version"])).text, /111111111111/);
  assert.match(await system.read("/etc/sluice/sluice.toml"), /away/);
  assert.equal(await fileDigests(system.path("/var/lib/sluice")), queued);
  {
    await using service = await startService(system);
    const flags = ["--config", "/etc/sluice/sluice.toml", "--data", "/var/lib/sluice"];
    const status = await system.run(["sluice", "queue", "status", "--json", ...flags]);
    assert.match(status.text, /"enqueued": ?1\b/, status.text);
    await service.stop();
  }

  await system.systemctl();
  const before = await fileDigests(system.path("/var/lib/sluice"));
  const removed = await system.run(["sh", second, "uninstall", "--yes"]);
  assert.equal(removed.code, 0, removed.text);
  assert.equal((await system.systemctl())[0], "disable --now sluice.service");
  for (const path of ["/usr/local/bin/sluice", "/usr/local/bin/sluice.previous", SERVICE]) {
    assert.equal(await system.exists(path), false, path);
  }
  assert.equal(await fileDigests(system.path("/var/lib/sluice")), before);
  assert.match(await system.read("/etc/sluice/sluice.toml"), /away/);
});

Deno.test("what cannot work is refused before anything is changed", async (t) => {
  await using system = await TestSystem.create();
  const installer = await bring(system, "333333333333");
  const folder = installer.slice(0, -"/install.sh".length);
  const untouched = await system.read("/etc/passwd");

  async function refused(pattern: RegExp, args = ["sh", installer, "--yes"]): Promise<void> {
    const { code, text } = await system.run(args);
    assert.equal(code, 1, text);
    assert.match(text, pattern);
    assert.equal(await system.read("/etc/passwd"), untouched);
    assert.equal(await system.exists("/usr/local/bin/sluice"), false);
  }

  async function withFake(name: string, text: string, pattern: RegExp): Promise<void> {
    await system.writeProgram(`fakes/${name}`, `#!/bin/sh\n${text}\n`);
    await refused(pattern);
    await Deno.remove(system.root.join("fakes", name));
  }

  await t.step("32-bit systems", async () => {
    const uname = (machine: string) => `[ "$1" = -m ] && echo ${machine} || echo Linux`;
    await withFake("uname", uname("armv7l"), /armv7l: a 32-bit system \(armhf\)\n.*64-bit Rasp/);
    await withFake("uname", uname("riscv64"), /riscv64: only x86_64 and aarch64/);
    const half = '[ "$1" = LONG_BIT ] && echo 32 || echo "glibc 2.36"';
    await withFake("getconf", half, /32-bit system \(armhf\), although its kernel has 64 bits/);
  });

  await t.step("another C library", async () => {
    const getconf = (version: string) => `[ "$1" = LONG_BIT ] && echo 64 || ${version}`;
    await withFake("getconf", getconf("exit 1"), /the C library is not glibc/);
    await withFake("getconf", getconf("echo glibc 2.17"), /glibc is 2.17, 2.27 or later/);
  });

  await t.step("nobody to ask, nobody allowed, a word it does not know", async () => {
    await refused(/no terminal\n.*--yes/, ["sh", installer]);
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    await refused(/Cannot install: root is needed/, [...nobody, "sh", installer, "--yes"]);
    await refused(/Unknown argument "--force"/, ["sh", installer, "--force"]);
  });

  await t.step("an archive for the other machine, a damaged archive", async () => {
    const path = system.root.join(folder, "TARGET");
    await Deno.writeTextFile(path, `${TARGETS.find((other) => other !== target)}\n`);
    await refused(/files of the archive are damaged/);
    const inside = [
      "sh",
      "-c",
      `cd ${folder} && sha256sum $(cut -c67- SHA256SUMS) >s && mv s SHA256SUMS`,
    ];
    assert.equal((await system.run(inside)).code, 0);
    await refused(/this archive is for linux-.*, the machine is linux-/);
  });
});

Deno.test("a taken port is named with what to do, and does not stop the installation", async () => {
  await using system = await TestSystem.create();
  const installer = await bring(system, "444444444444");
  const script = `socat TCP-LISTEN:1883,reuseaddr /dev/null & listener=$!
    until grep -q ":075B " /proc/net/tcp; do :; done
    sh ${installer} check; kill $listener`;
  const { text } = await system.run(["sh", "-c", script], { ownNetwork: true });
  assert.match(text, /note: port 1883 is taken, probably by another MQTT broker/);
  assert.match(text, /Sluice runs on this machine/);
  assert.doesNotMatch(text, /port 8000/);
});

Deno.test("an upgrade that the configuration does not fit is refused", async () => {
  await using system = await TestSystem.create();
  const installer = await bring(system, "555555555555");
  assert.equal((await system.run(["sh", installer, "--yes"])).code, 0);
  await Deno.writeTextFile(system.path("/etc/sluice/sluice.toml"), "[mqtt]\nlissten = 1\n");
  const { code, text } = await system.run(["sh", installer, "--yes"]);
  assert.equal(code, 1, text);
  assert.match(text, /lissten/);
  assert.match(text, /Cannot upgrade: the new version does not accept/);
});

Deno.test("the installer asks for the C library that the program asks for", async () => {
  const installer = await Deno.readTextFile(`${REPOSITORY}deploy/install.sh`);
  const minimum = /^GLIBC_MIN=(.*)$/m.exec(installer)![1];
  for (const machine of TARGETS) {
    const text = new TextDecoder("latin1").decode(await runtimeElf(machine));
    const needed = [...text.matchAll(/\0GLIBC_2\.(\d+)(?=\0)/g)].map((match) => Number(match[1]));
    assert.equal(`2.${Math.max(...needed)}`, minimum, machine);
  }
});

Deno.test("the scripts say what they do without a shell's surprises", async () => {
  const scripts = ["install.sh", "make_secrets.sh", "mosquitto/start.sh", "postgres/grafana.sh"];
  const args = [...scripts, "container/healthcheck.sh"].map((name) =>
    `${REPOSITORY}deploy/${name}`
  );
  await run("shellcheck", { args });
});
