/** The released gateway on both machines: take, keep, die, come back. */
import assert from "node:assert/strict";
import { mosquittoPub } from "@/tests/helpers/mosquitto_clients.ts";
import { run } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { runOn } from "@/tests/release/machine.ts";
import { ReleaseBuild } from "@/tests/release/release_build.ts";
import { type Program, ReleasedGateway } from "@/tests/release/released_gateway.ts";
import { hostTarget, type Target, TARGETS } from "@/tools/executable/target.ts";
import { productFlags } from "@/tools/product.ts";

const EXECUTABLE_BYTES_MAX = 100e6;

/** A destination that is away: what is taken has to wait in the log. */
const CONFIG = `
[[destination]]
name = "away"
type = "postgres"
url = "postgres://sluice@127.0.0.1:1/sluice"
tls = "off"
`;

const ACCEPTED = 'sluice_ledger_accepted_total{destination="away"}';
const ENQUEUED = 'sluice_queue_messages{destination="away",state="enqueued"}';

async function smoke(program: Program): Promise<void> {
  await using folder = await TempDir.create();
  await Deno.writeTextFile(folder.join("sluice.toml"), CONFIG);
  {
    await using gateway = await ReleasedGateway.start(program, folder);
    await mosquittoPub(gateway.mqttPort, { topic: "devices/d1/temperature", payload: "21.5" });
    const posted = await fetch(`${gateway.http}/v1/ingest/d2`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"seq":1,"metrics":{"t":1}}',
    });
    assert.equal(posted.status, 202, await posted.text());
    const ready = await fetch(`${gateway.http}/readyz`);
    assert.equal(ready.status, 200, await ready.text());
    assert.match(await gateway.command("queue", "status"), /away/);
    assert.equal(await gateway.stop(), 0);
  }
  {
    await using gateway = await ReleasedGateway.start(program, folder);
    await gateway.untilMetric(ACCEPTED, 2);
    await mosquittoPub(gateway.mqttPort, { topic: "devices/d1/temperature", payload: "22" });
    await gateway.kill();
  }
  await using gateway = await ReleasedGateway.start(program, folder);
  await gateway.untilMetric(ACCEPTED, 3);
  await gateway.untilMetric(ENQUEUED, 3);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(folder.join("empty"))), []);
}

for (const target of TARGETS) {
  Deno.test(`${target}: start, take, SIGTERM, kill -9, and everything is still there`, async () => {
    await using build = await ReleaseBuild.create([target]);
    const file = build.executable(target);
    const { size } = await Deno.stat(file);
    assert.ok(size <= EXECUTABLE_BYTES_MAX, `${size} bytes`);
    const program = runOn(target, file);
    const version = await run(program.command, { args: [...program.args, "version"] });
    assert.match(version, /^sluice 0\.1\.0 \(0123456789ab, 2026-01-01T00:00:00\.000Z\)\n/);
    await smoke(program);
  });
}

Deno.test("the bundle alone behaves the same in plain Deno", async () => {
  await using build = await ReleaseBuild.create([]);
  const alone = ["--no-config", "--no-lock", "--no-remote", "--no-npm", "--cached-only"];
  await smoke({
    command: Deno.execPath(),
    args: ["run", ...alone, ...productFlags(), build.bundle],
  });
});

Deno.test("two builds are identical", async () => {
  const digests = async (commit: string): Promise<string> => {
    await using build = await ReleaseBuild.create([...TARGETS], commit);
    return await run("sh", { args: ["-c", "sha256sum *"], cwd: build.folder.path });
  };
  const first = await digests("0123456789ab");
  assert.equal(await digests("0123456789ab"), first);
  assert.notEqual(await digests("ba9876543210"), first);
});

Deno.test("it runs on a read-only system without network, but for its data folder", async () => {
  const target: Target = hostTarget()!;
  await using build = await ReleaseBuild.create([target]);
  await using data = await TempDir.create();
  // Its own mounts and network; loopback is up, because that is where it listens.
  const script = `
    mount --bind "$1" "$1" && mount -o remount,bind,ro / && ! touch /file 2>/dev/null || exit 3
    cd / && "$2" serve --http 127.0.0.1:0 --mqtt 127.0.0.1:0 --data "$1/data" >"$1/out" & gateway=$!
    until grep -q listening "$1/out"; do kill -0 $gateway || exit 4; done
    port=$(sed 's/.*mqtt=.*://' "$1/out")
    mosquitto_pub -h 127.0.0.1 -p "$port" -q 1 -t devices/d/t -m 1 || exit 5
    kill $gateway; wait $gateway`;
  const inside = ["--mount", "--net", "sh", "-c", `ip link set lo up; ${script}`, "sh"];
  await run("unshare", { args: [...inside, data.path, build.executable(target)] });
});
