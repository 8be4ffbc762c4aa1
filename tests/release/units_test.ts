/** The service's units, judged by systemd's own tools. */
import assert from "node:assert/strict";
import { run } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { REPOSITORY } from "@/tools/product.ts";

const UNITS = ["sluice.service", "sluice-feed@.service"];
const DEPLOY = `${REPOSITORY}deploy/`;

/** A system as the installer leaves it, as far as systemd looks at it. */
async function makeRoot(): Promise<TempDir> {
  const root = await TempDir.create();
  for (const folder of ["etc/systemd/system", "usr/local/bin", "usr/lib/systemd", "bin"]) {
    await Deno.mkdir(root.join(folder), { recursive: true });
  }
  await run("cp", { args: ["-a", "/usr/lib/systemd/system", root.join("usr/lib/systemd/")] });
  for (const unit of UNITS) {
    await Deno.copyFile(DEPLOY + unit, root.join("etc/systemd/system", unit));
  }
  for (const file of ["usr/local/bin/sluice", "bin/sh", "bin/kill"]) {
    await Deno.writeFile(root.join(file), new Uint8Array(), { mode: 0o755 });
  }
  return root;
}

async function verify(root: TempDir, unit: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("systemd-analyze", {
    args: [`--root=${root.path}`, "--man=no", "--recursive-errors=no", "verify", unit],
  }).output();
  return `${success ? "" : "failed\n"}${new TextDecoder().decode(stdout)}${
    new TextDecoder().decode(stderr)
  }`;
}

Deno.test("systemd finds nothing to say about the units", async () => {
  await using root = await makeRoot();
  assert.equal(await verify(root, "sluice.service"), "");
  assert.equal(await verify(root, "sluice-feed@N2.service"), "");
});

Deno.test("the check sees a unit that is wrong", async () => {
  await using root = await makeRoot();
  const path = root.join("etc/systemd/system/sluice.service");
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replace("ProtectHome=", "ProtectHom="));
  assert.match(await verify(root, "sluice.service"), /ProtectHom/);
});

Deno.test("only what V8 and serial ports need is left open", async () => {
  const json = await run("systemd-analyze", {
    args: ["--offline=true", "--json=short", "security", `${DEPLOY}sluice.service`],
  });
  const checks = JSON.parse(json) as { name: string; exposure: string | null }[];
  const open = checks.filter(({ exposure }) => Number(exposure ?? 0) > 0).map(({ name }) => name);
  assert.deepEqual(open.sort(), [
    ...["DeviceAllow=", "IPAddressDeny=", "MemoryDenyWriteExecute=", "PrivateDevices="],
    ...["PrivateNetwork=", "PrivateUsers=", "ProcSubset="],
    "RestrictAddressFamilies=~AF_(INET|INET6)",
    "RestrictAddressFamilies=~AF_NETLINK",
    "RestrictAddressFamilies=~AF_UNIX",
    ...["RootDirectory=/RootImage=", "SupplementaryGroups=", "SystemCallFilter=~@resources"],
  ]);
});
