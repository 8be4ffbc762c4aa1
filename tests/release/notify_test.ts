/** The gateway's word to systemd, received by socat. */
import assert from "node:assert/strict";
import { run, ServerProcess } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";
import { productFlags, REPOSITORY } from "@/tools/product.ts";

const PROGRAM = `${REPOSITORY}tests/release/notify_program.ts`;

/** The service manager's socket; every datagram's lines are printed as they come. */
async function startManager(folder: TempDir): Promise<ServerProcess> {
  const path = folder.join("manager.sock");
  const socat = new ServerProcess("socat", { args: ["-u", `UNIX-RECV:${path}`, "STDOUT"] });
  await until(() => Deno.lstat(path), { what: "socat listens" });
  return socat;
}

async function notify(what: string, folder: string, env: Record<string, string>): Promise<string> {
  return await run(Deno.execPath(), {
    args: ["run", ...productFlags(), PROGRAM, what, folder],
    env,
  });
}

Deno.test("start, reload, status and stop arrive in their order", async () => {
  await using folder = await TempDir.create();
  await using manager = await startManager(folder);
  await notify("life", folder.path, { NOTIFY_SOCKET: folder.join("manager.sock") });
  await manager.untilOutput(/STOPPING=1\nSTATUS=stopping\n/);
  assert.deepEqual(manager.stdout.trimEnd().split("\n"), [
    ...["READY=1", "STATUS=http 8000, mqtt 1883"],
    ...["RELOADING=1", "STATUS=reloading the configuration"],
    ...["READY=1", "STATUS=reloaded"],
    `STATUS=${"x".repeat(200)}`,
    ...["STOPPING=1", "STATUS=stopping"],
  ]);
  const left = await Array.fromAsync(Deno.readDir(folder.path), ({ name }) => name);
  assert.deepEqual(left, ["manager.sock"]);
});

Deno.test("signs of life come while the gateway is alive, and only then", async () => {
  await using folder = await TempDir.create();
  await using manager = await startManager(folder);
  const env = { NOTIFY_SOCKET: folder.join("manager.sock"), WATCHDOG_USEC: "20000" };
  await notify("watchdog", folder.path, env);
  await manager.untilOutput(/STATUS=end\n/);
  assert.equal(manager.stdout, "WATCHDOG=1\nWATCHDOG=1\nSTATUS=end\n");
});

Deno.test("without a service manager nothing is sent", async () => {
  await using folder = await TempDir.create();
  assert.equal(await notify("life", folder.path, {}), "nobody to notify\n");
  assert.equal(await notify("life", folder.path, { NOTIFY_SOCKET: "" }), "nobody to notify\n");
});

Deno.test("a service manager that cannot be reached is said, and nothing stops", async () => {
  await using folder = await TempDir.create();
  await assert.rejects(
    notify("life", folder.path, { NOTIFY_SOCKET: "@abstract" }),
    /"@abstract": only sockets with a path/,
  );
  const env = { NOTIFY_SOCKET: folder.join("nobody.sock") };
  await assert.rejects(notify("life", folder.join("f".repeat(120)), env), /shorter path/);
  assert.equal(await notify("life", folder.path, env), "done\n");
});
