import assert from "node:assert/strict";
import { readEnvironment } from "@/config/environment.ts";
import { ConfigError } from "@/model/errors.ts";

Deno.test("an environment that cannot be listed is an error, not an empty one", async () => {
  await assert.rejects(
    readEnvironment("/proc/none/environ"),
    (error) =>
      error instanceof ConfigError && error.code === "CFG-0002" &&
      /No such file/.test(error.message),
  );
});

Deno.test("only SLUICE_ variables are taken, values with = and line feeds as they are", async () => {
  const variables = { SLUICE_A__B: "x=y\nz", SLUICE_EMPTY__X: "", OTHER: "no" };
  const child = new Deno.Command("sleep", {
    args: ["60"],
    clearEnv: true,
    env: variables,
  }).spawn();
  try {
    const found = await readEnvironment(`/proc/${child.pid}/environ`);
    assert.deepEqual(found, { SLUICE_A__B: "x=y\nz", SLUICE_EMPTY__X: "" });
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
});
