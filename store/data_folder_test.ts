import assert from "node:assert/strict";
import { ConfigError } from "@/model/errors.ts";
import { DataLock, makeDataDir } from "@/store/data_folder.ts";
import { TempDir } from "@/store/fixture.ts";

Deno.test("data folder: made for its owner alone", () => {
  using dir = new TempDir();
  const path = `${dir.path}/deep/data`;
  makeDataDir(path);
  assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o700);
  makeDataDir(path);
});

Deno.test("data folder: a path that is a file is told", () => {
  using dir = new TempDir();
  Deno.writeTextFileSync(`${dir.path}/file`, "");
  assert.throws(() => makeDataDir(`${dir.path}/file/data`), ConfigError);
});

/** Another process that takes the lock, says so, and waits. */
function holder(dataDir: string): Deno.ChildProcess {
  const module = new URL("./data_folder.ts", import.meta.url).href;
  const code = `import { DataLock } from "${module}";
    DataLock.take(${JSON.stringify(dataDir)});
    console.log("taken");
    setInterval(() => undefined, 1000);`;
  return new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", code],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

Deno.test("data lock: held by another process, and free again when that is killed", async () => {
  using dir = new TempDir();
  const child = holder(dir.path);
  const reader = child.stdout.getReader();
  assert.match(new TextDecoder().decode((await reader.read()).value), /taken/);
  assert.throws(() => DataLock.take(dir.path), (error) => {
    assert(error instanceof ConfigError);
    assert.match(error.message, /another gateway is using it/);
    return true;
  });
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  DataLock.take(dir.path)[Symbol.dispose]();
});
