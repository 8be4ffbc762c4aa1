/** The released gateway on both machines: take, keep, die, come back. */
import assert from "node:assert/strict";
import { VERSION } from "@/model/build.ts";
import { mosquittoPub } from "@/tests/helpers/mosquitto_clients.ts";
import { run } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { runOn } from "@/tests/release/machine.ts";
import { ReleaseBuild } from "@/tests/release/release_build.ts";
import { type Program, ReleasedGateway } from "@/tests/release/released_gateway.ts";
import { Checkout } from "@/tests/release/checkout.ts";
import { hostTarget, type Target, TARGETS } from "@/tools/executable/target.ts";
import { productFlags, REPOSITORY } from "@/tools/product.ts";

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

const ADMIN = { username: "admin", password: "a claim that nobody guesses" };

function postJson(url: string, body: unknown): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
}

/** The first page that an administrator sees, with what the browser loads for it. */
async function seePage(address: string): Promise<void> {
  const response = await fetch(address);
  const html = await response.text();
  assert.equal(response.status, 200, html);
  assert.match(response.headers.get("content-type")!, /^text\/html/);
  const [, style] = /<link [^>]*href="([^"]+\.css[^"]*)"/.exec(html)!;
  const asset = await fetch(new URL(style!, address));
  assert.equal(asset.status, 200, style!);
  assert.match(asset.headers.get("cache-control")!, /immutable/);
  assert.ok((await asset.text()).length > 100);
}

async function claim(gateway: ReleasedGateway): Promise<void> {
  const [, token] = /claim\?token=([\w-]+)/.exec(gateway.stderr)!;
  await seePage(`${gateway.http}/claim?token=${token}`);
  const claimed = await postJson(`${gateway.http}/api/claim`, { token, ...ADMIN });
  assert.equal(claimed.status, 201, await claimed.text());
}

/** Emulated starts take half a minute of processor time each: there are two, and all is in them. */
async function smoke(program: Program, native: Program): Promise<void> {
  await using folder = await TempDir.create();
  await Deno.writeTextFile(folder.join("sluice.toml"), CONFIG);
  {
    await using gateway = await ReleasedGateway.start(program, folder);
    await claim(gateway);
    await mosquittoPub(gateway.mqttPort, { topic: "devices/d1/temperature", payload: "21.5" });
    const posted = await postJson(`${gateway.http}/v1/ingest/d2`, { seq: 1, metrics: { t: 1 } });
    assert.equal(posted.status, 202, await posted.text());
    const ready = await fetch(`${gateway.http}/readyz`);
    assert.equal(ready.status, 200, await ready.text());
    await gateway.kill();
  }
  await using gateway = await ReleasedGateway.start(program, folder);
  await gateway.untilMetric(ACCEPTED, 2);
  await mosquittoPub(gateway.mqttPort, { topic: "devices/d1/temperature", payload: "22" });
  await seePage(`${gateway.http}/login`);
  const login = await postJson(`${gateway.http}/api/auth/login`, ADMIN);
  assert.equal(login.status, 200, await login.text());
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
  Deno.test(`${target}: start, claim, page, take, kill -9, take, SIGTERM, all there`, async () => {
    await using build = await ReleaseBuild.create([target, hostTarget()!]);
    const { size } = await Deno.stat(build.executable(target));
    assert.ok(size <= EXECUTABLE_BYTES_MAX, `${size} bytes`);
    const native = runOn(hostTarget()!, build.executable(hostTarget()!));
    await smoke(runOn(target, build.executable(target)), native);
  });
}

Deno.test("version names what was built, and what runs", async () => {
  await using build = await ReleaseBuild.create([hostTarget()!]);
  await using folder = await TempDir.create();
  await Deno.writeTextFile(folder.join("sluice.toml"), "");
  const command = build.executable(hostTarget()!);
  const ask = async (...args: string[]) => {
    const env = { SLUICE_DATA: folder.join("data") };
    return (await run(command, { args, env })).trimEnd().split("\n");
  };
  const alone = await ask("version");
  assert.equal(alone[0], `sluice ${VERSION} (0123456789ab, 2026-01-01T00:00:00.000Z)`);
  assert.match(alone[1]!, /^deno \S+ v8 \S+ \(\S+\)$/);
  assert.equal(alone.length, 2);
  assert.deepEqual(await ask("--version"), alone);

  await using gateway = await ReleasedGateway.start({ command, args: [] }, folder);
  const [, , running] = await ask("version");
  assert.match(running!, new RegExp(`^running: .* process ${gateway.pid}, ready since`));
  // With an option it is the program that answers, not what stands in front of it.
  const { version, commit, gateway: status } = JSON.parse((await ask("version", "--json"))[0]!);
  assert.deepEqual([version, commit, status.pid], [VERSION, "0123456789ab", gateway.pid]);
});

/** The bundle in a plain Deno, with nothing of a cache, a configuration or packages. */
function bundleProgramOf(build: ReleaseBuild): Program {
  const alone = ["--no-config", "--no-lock", "--no-remote", "--no-npm", "--cached-only"];
  return { command: Deno.execPath(), args: ["run", ...alone, ...productFlags(), build.bundle] };
}

Deno.test("the bundle alone behaves the same in plain Deno", async () => {
  await using build = await ReleaseBuild.create([]);
  const program = bundleProgramOf(build);
  await smoke(program, program);
});

const FACTS = { SLUICE_COMMIT: "0123456789ab", SOURCE_DATE_EPOCH: "1767225600" };

/** Names of the release's files and their digests, as the task leaves them. */
async function taskDigests(out: string, facts: Record<string, string>, name: string) {
  await using checkout = await Checkout.create(name);
  const { code, err } = await checkout.task(["compile", "--out", out], { env: facts });
  assert.equal(code, 0, err);
  const places = [checkout.root, REPOSITORY, `${Deno.env.get("HOME")}/`, `${out}/`];
  const text = await Deno.readTextFile(`${out}/sluice.js`);
  for (const place of places) assert.ok(!text.includes(place), `the release names ${place}`);
  return await run("sh", { args: ["-c", "sha256sum *"], cwd: out });
}

Deno.test("builds in different folders are identical, and do not name their folders", async () => {
  await using one = await TempDir.create();
  await using two = await TempDir.create();
  const first = await taskDigests(one.path, FACTS, "sluice");
  assert.equal(first.trim().split("\n").length, 2 + TARGETS.length);
  assert.equal(await taskDigests(two.path, FACTS, "another place"), first);
  const other = { ...FACTS, SLUICE_COMMIT: "ba9876543210" };
  assert.notEqual(await taskDigests(two.path, other, "sluice"), first);
});

/** Its own mounts and network; loopback is up, because that is where it listens. */
const CLOSED = `
  ip link set lo up
  mount --bind "$1" "$1" && mount -o remount,bind,ro / && ! touch /file 2>/dev/null || exit 3
  folder="$1"; shift
  cd / && "$@" serve --http 127.0.0.1:0 --mqtt 127.0.0.1:0 --data "$folder/data" >"$folder/out" &
  gateway=$!
  until grep -q listening "$folder/out"; do kill -0 $gateway || exit 4; done
  port=$(sed 's/.*mqtt=.*://' "$folder/out")
  mosquitto_pub -h 127.0.0.1 -p "$port" -q 1 -t devices/d/t -m 1 || exit 5
  kill $gateway; wait $gateway`;

Deno.test("it runs on a read-only system without network, but for its data folder", async (t) => {
  const target: Target = hostTarget()!;
  await using build = await ReleaseBuild.create([target]);
  const executable: Program = { command: build.executable(target), args: [] };
  for (const { command, args } of [executable, bundleProgramOf(build)]) {
    await t.step(command, async () => {
      await using data = await TempDir.create();
      const inside = ["--mount", "--net", "sh", "-c", CLOSED, "sh", data.path, command, ...args];
      await run("unshare", { args: inside });
      const names = await Array.fromAsync(Deno.readDir(data.join("data")), ({ name }) => name);
      assert.ok(names.includes("sluice.db"), names.join());
    });
  }
});
