/** The released gateway on both machines: take, keep, die, come back. */
import assert from "node:assert/strict";
import { VERSION } from "@/model/build.ts";
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

/** Emulated starts take half a minute of processor time each: there are two, and all is in them. */
async function smoke(program: Program, native: Program): Promise<void> {
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
    await gateway.kill();
  }
  await using gateway = await ReleasedGateway.start(program, folder);
  await gateway.untilMetric(ACCEPTED, 2);
  await mosquittoPub(gateway.mqttPort, { topic: "devices/d1/temperature", payload: "22" });
  const seen = JSON.parse(await gateway.command(native, "queue", "status", "--json"));
  assert.equal(seen.running, true);
  assert.equal(await gateway.stop(), 0);
  const kept = JSON.parse(await gateway.command(native, "queue", "status", "--json"));
  assert.equal(kept.running, false);
  const { destination, accepted, enqueued } = kept.destinations[0];
  assert.deepEqual([destination, accepted, enqueued], ["away", 3, 3]);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(folder.join("empty"))), []);
}

for (const target of TARGETS) {
  Deno.test(`${target}: start, take, kill -9, take, SIGTERM, and everything is there`, async () => {
    await using build = await ReleaseBuild.create([target, hostTarget()!]);
    const { size } = await Deno.stat(build.executable(target));
    assert.ok(size <= EXECUTABLE_BYTES_MAX, `${size} bytes`);
    const native = runOn(hostTarget()!, build.executable(hostTarget()!));
    await smoke(runOn(target, build.executable(target)), native);
  });
}

Deno.test("version names what was built", async () => {
  await using build = await ReleaseBuild.create([hostTarget()!]);
  const text = await run(build.executable(hostTarget()!), { args: ["version"] });
  const [first] = text.split("\n");
  assert.equal(first, `sluice ${VERSION} (0123456789ab, 2026-01-01T00:00:00.000Z)`);
});

Deno.test("the bundle alone behaves the same in plain Deno", async () => {
  await using build = await ReleaseBuild.create([]);
  const alone = ["--no-config", "--no-lock", "--no-remote", "--no-npm", "--cached-only"];
  const program: Program = {
    command: Deno.execPath(),
    args: ["run", ...alone, ...productFlags(), build.bundle],
  };
  await smoke(program, program);
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
