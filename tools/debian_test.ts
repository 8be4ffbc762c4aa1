import assert from "node:assert/strict";
import { ensurePackages, PACKAGES, type RunCommand } from "@/tools/debian.ts";

/** A Debian system with some packages; apt-get installs what it knows. */
function debian(installed: string[], options: { apt: boolean }) {
  const calls: string[][] = [];
  const present = new Set(installed);
  const run: RunCommand = (command, args) => {
    calls.push([command, ...args]);
    if (command === "dpkg-query") {
      const lines = [...present].map((name) => `${name} installed`);
      return Promise.resolve({ success: false, output: lines.join("\n") });
    }
    if (args[0] === "install" && options.apt) {
      for (const name of args.filter((arg) => arg in PACKAGES)) present.add(name);
    }
    return Promise.resolve({ success: options.apt, output: "apt's own words" });
  };
  return { run, calls };
}

const ALL = Object.keys(PACKAGES);

Deno.test("with everything installed nothing is run but the query", async () => {
  const { run, calls } = debian(ALL, { apt: true });
  assert.ok((await ensurePackages({ run, isRoot: true })).ok);
  assert.deepEqual(calls.map(([command]) => command), ["dpkg-query"]);
});

Deno.test("root installs exactly what is missing", async () => {
  const { run, calls } = debian(ALL.filter((name) => !["socat", "make"].includes(name)), {
    apt: true,
  });
  const result = await ensurePackages({ run, isRoot: true });
  assert.deepEqual(result, { ok: true, text: "installed make socat" });
  const install = calls.find((call) => call.includes("install"))!;
  assert.deepEqual(install.slice(-2), ["make", "socat"]);
});

Deno.test("without root the missing ones are named with the command", async () => {
  const { run, calls } = debian(ALL.filter((name) => name !== "socat"), { apt: true });
  const result = await ensurePackages({ run, isRoot: false });
  assert.ok(!result.ok);
  assert.match(result.text, /apt-get install -y --no-install-recommends socat$/);
  assert.ok(calls.every(([command]) => command === "dpkg-query"));
});

Deno.test("a failed installation says what apt-get said", async () => {
  const { run } = debian([], { apt: false });
  const result = await ensurePackages({ run, isRoot: true });
  assert.ok(!result.ok);
  assert.match(result.text, /apt's own words/);
});

Deno.test("a system without dpkg is told what is needed", async () => {
  const run: RunCommand = () => Promise.reject(new Deno.errors.NotFound("dpkg-query"));
  const result = await ensurePackages({ run, isRoot: true });
  assert.ok(!result.ok);
  assert.match(result.text, /not a Debian system/);
  assert.match(result.text, /victoria-metrics/);
});
