/** The executable itself, with a small program inside; the gateway in it is `smoke_test.ts`. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect } from "node:net";
import { once } from "node:events";
import { runOn } from "@/tests/release/machine.ts";
import { sampleExecutable } from "@/tests/release/sample_program.ts";
import { run, ServerProcess } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { makeExecutable, PROGRAM_PATH } from "@/tools/executable/inject.ts";
import { compilerVersion, compileStub, sourceDigest } from "@/tools/executable/build_stub.ts";
import { runtimeElf } from "@/tools/executable/runtime.ts";
import { STUB_CODE, STUB_COMPILER, STUB_SOURCE_DIGEST } from "@/tools/executable/stub_code.ts";
import { hostTarget, type Target, TARGETS } from "@/tools/executable/target.ts";

/** An emulated machine is slow, and slower where others work as well. */
const PATIENCE_MS = 600_000;

async function install(folder: TempDir, target: Target): Promise<string> {
  const file = folder.join(target);
  await Deno.writeFile(file, await sampleExecutable(target), { mode: 0o755 });
  return file;
}

/** The result of a run, whatever its exit code. */
async function outcome(command: string, options: Deno.CommandOptions) {
  const { code, stdout, stderr } = await new Deno.Command(command, options).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, err };
}

/** Sends a line to the sample server and returns how many it has stored. */
async function store(port: string, line: string): Promise<number> {
  const socket = connect(Number(port), "127.0.0.1");
  await once(socket, "connect");
  socket.write(line + "\n");
  const [bytes] = await once(socket, "data");
  socket.destroy();
  return Number(String(bytes));
}

for (const target of TARGETS) {
  Deno.test(`${target}: arguments and variables reach the program`, async () => {
    await using folder = await TempDir.create();
    const { command, args } = runOn(target, await install(folder, target));
    const names = ["SAMPLE_GIVEN", "SAMPLE_FIXED", "DENO_DIR", "DENO_V8_FLAGS", "NODE_OPTIONS"];
    const given = ["facts", ...names, "--allow-run", "ä b"];
    const text = await run(command, {
      args: [...args, ...given],
      env: {
        ...{ SAMPLE_GIVEN: "a=b", SAMPLE_FIXED: "from outside", DENO_DIR: folder.path },
        ...{ DENO_V8_FLAGS: "--no-such-flag", NODE_OPTIONS: "--no-such-option" },
      },
    });
    const facts = JSON.parse(text);
    assert.deepEqual(facts.args, given);
    assert.equal(facts.main, true);
    assert.deepEqual(
      names.map((name) => facts.variables[name]),
      ["a=b", "from the file", "/dev/null/none", null, null],
    );
  });

  Deno.test(`${target}: the rights are those of the file, whatever is asked for`, async () => {
    await using folder = await TempDir.create();
    const { command, args } = runOn(target, await install(folder, target));
    const text = await run(command, { args: [...args, "permissions", "--allow-all"] });
    const states = Object.entries(JSON.parse(text));
    assert.deepEqual(
      states.filter(([, state]) => state === "granted").map(([name]) => name).sort(),
      ["env", "net", "read", "write"],
    );
  });

  Deno.test(`${target}: Worker, SQLite and sockets work, data survives SIGKILL`, async () => {
    await using folder = await TempDir.create();
    const { command, args } = runOn(target, await install(folder, target));
    const serve = [...args, "serve", folder.join("lines.db")];
    {
      await using first = new ServerProcess(command, { args: serve });
      const [, port] = await first.untilOutput(/listening (\d+)/, { timeoutMs: PATIENCE_MS });
      assert.equal(await store(port!, "one"), 1);
      await first.stop("SIGKILL");
    }
    await using second = new ServerProcess(command, { args: serve, stopTimeoutMs: PATIENCE_MS });
    const [, port] = await second.untilOutput(/listening (\d+)/, { timeoutMs: PATIENCE_MS });
    assert.equal(await store(port!, "two"), 2);
    assert.equal((await second.stop()).code, 0);
    assert.equal(second.stderr, "");
  });

  Deno.test(`${target}: two builds are identical`, async () => {
    const [first, second] = [await sampleExecutable(target), await sampleExecutable(target)];
    assert.equal(Buffer.compare(first, second), 0);
  });
}

Deno.test("it runs from an empty read-only folder without network and leaves nothing behind", async () => {
  await using folder = await TempDir.create();
  await using empty = await TempDir.create();
  const file = await install(folder, hostTarget()!);
  await Deno.chmod(empty.path, 0o555);
  // A mount and network name space of its own, all file systems read-only.
  const script = 'mount -o remount,bind,ro / && ! touch "$1/file" 2>/dev/null && cd "$1" && ' +
    'exec "$2" facts HOME';
  const { code, out, err } = await outcome("unshare", {
    args: ["--mount", "--net", "--map-root-user", "sh", "-c", script, "sh", empty.path, file],
    env: { HOME: empty.path },
  });
  assert.deepEqual({ code, err }, { code: 0, err: "" });
  assert.equal(JSON.parse(out!).variables.HOME, empty.path);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(empty.path)), []);
});

Deno.test("what the kernel shows is what the caller gave", async () => {
  await using folder = await TempDir.create();
  const file = await install(folder, hostTarget()!);
  await using server = new ServerProcess(file, { args: ["serve", folder.join("lines.db")] });
  await server.untilOutput(/listening/);
  const shown = await run("cat", { args: [`/proc/${server.pid}/cmdline`] });
  assert.deepEqual(shown.split("\0").slice(0, -1), [file, "serve", folder.join("lines.db")]);
});

Deno.test("a start that cannot work says why", async () => {
  await using folder = await TempDir.create();
  const file = await install(folder, hostTarget()!);
  const limited = await outcome("sh", { args: ["-c", 'ulimit -n 100; exec "$0" facts', file] });
  assert.equal(limited.code, 126);
  assert.match(limited.err!, /^sluice: cannot start: .*raise "ulimit -n" to 1024\n$/);

  const script = 'mount -t tmpfs none /proc && exec "$0" facts';
  const blind = await outcome("unshare", {
    args: ["--mount", "--map-root-user", "--propagation", "private", "sh", "-c", script, file],
  });
  assert.equal(blind.code, 126, String(blind.err));
  assert.equal(blind.err, "sluice: cannot start: /proc is not mounted\n");
});

Deno.test("no argument at all still starts the program", async () => {
  await using folder = await TempDir.create();
  const source = "console.log(JSON.stringify(Deno.args))";
  const file = folder.join("bare");
  await Deno.writeFile(file, await sampleExecutable(hostTarget()!, source), { mode: 0o755 });
  // The shells give argv[0] always; an empty argv needs a program of its own.
  const caller = folder.join("caller.c");
  await Deno.writeTextFile(
    caller,
    "#include <unistd.h>\nint main(int c, char **v) { (void)c; char *none[] = {0}; " +
      "return execv(v[1], none), 1; }\n",
  );
  await run("gcc", { args: ["-o", folder.join("caller"), caller] });
  assert.equal(await run(folder.join("caller"), { args: [file] }), "[]\n");
});

Deno.test("what is no runtime for the target is refused", async () => {
  const options = {
    ...{ target: "linux-arm64" as const, program: new Uint8Array(), variables: {} },
    ...{ args: [PROGRAM_PATH], droppedPrefixes: [] },
  };
  const runtime = await runtimeElf("linux-x64");
  assert.throws(() => makeExecutable({ ...options, runtime }), /for machine 62, not 183/);
  const text = new TextEncoder().encode("#!/bin/sh\n".repeat(10));
  assert.throws(() => makeExecutable({ ...options, runtime: text }), /not a 64-bit/);
  assert.throws(() => makeExecutable({ ...options, runtime, args: [] }), /no argument is/);
  assert.throws(
    () => makeExecutable({ ...options, target: "linux-x64", runtime, args: ["", PROGRAM_PATH] }),
    /argument or variable ""/,
  );
});

Deno.test("the committed code is what the sources compile to", async () => {
  assert.equal(await sourceDigest(), STUB_SOURCE_DIGEST, "run tools/executable/build_stub.ts");
  for (const target of TARGETS) {
    const code = await compileStub(target);
    // Another compiler may choose other instructions; that it compiles without a warning counts.
    if (await compilerVersion(target) === STUB_COMPILER) assert.equal(code, STUB_CODE[target]);
    else console.error(`compiler differs from ${STUB_COMPILER}: code not compared`);
  }
});
