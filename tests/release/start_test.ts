/** docs/start.md up to its chart, as a reader goes: its commands, then the page in a browser. */
import assert from "node:assert/strict";
import { freePort } from "@/tests/helpers/free_port.ts";
import { run, ServerProcess } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";
import { blocksOf } from "@/tests/release/document_blocks.ts";
import { ReleaseBuild } from "@/tests/release/release_build.ts";
import { PageBrowser } from "@/tests/web/page_bed.ts";
import { hostTarget } from "@/tools/executable/target.ts";
import { REPOSITORY } from "@/tools/product.ts";

/** What a reader's shell would have; only the ports are those of this run. */
function prelude(executable: string, ports: { http: number; mqtt: number }): string {
  return `set -euo pipefail
sluice() {
  [ "$1" = simulate ] && set -- "$@" --url mqtt://127.0.0.1:${ports.mqtt}
  "${executable}" "$@"
}
mosquitto_pub() { command mosquitto_pub -p ${ports.mqtt} "$@"; }
mosquitto_sub() { command mosquitto_sub -p ${ports.mqtt} "$@"; }
curl() { command curl --fail-with-body "\${@//127.0.0.1:8000/127.0.0.1:${ports.http}}"; }
`;
}

Deno.test("five minutes to a live chart, by the words of the document", async () => {
  await using build = await ReleaseBuild.create([hostTarget()!]);
  await using folder = await TempDir.create();
  const ports = { http: freePort(), mqtt: freePort() };
  const environment = {
    SLUICE_HTTP__LISTEN: `127.0.0.1:${ports.http}`,
    SLUICE_MQTT__LISTEN: `127.0.0.1:${ports.mqtt}`,
  };
  const shell = (text: string) => ({
    args: ["-c", prelude(build.executable(hostTarget()!), ports) + text],
    cwd: folder.path,
    env: environment,
  });
  const text = await Deno.readTextFile(`${REPOSITORY}docs/start.md`);
  const [toTheChart = ""] = text.split("## 4.");
  const [serve, ...rest] = blocksOf(toTheChart);
  assert.equal(serve!.how, "in the background");
  // In the place of its shell, so that it is the gateway that is stopped at the end.
  const start = serve!.text.replace("sluice", `exec "${build.executable(hostTarget()!)}"`);
  await using gateway = new ServerProcess("bash", shell(start));
  await gateway.untilOutput(/^listening /m);
  for (const block of rest) await run("bash", shell(block.text));

  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(`http://127.0.0.1:${ports.http}`);
  const { page } = visitor;
  await visitor.signIn();
  // History follows the log within a second or so.
  await until(async () => {
    await visitor.open("/devices");
    await page.getByRole("link", { name: "kitchen", exact: true }).click({ timeout: 1_000 });
    await page.waitForURL((url) => url.pathname === "/devices/kitchen");
    await visitor.settle();
    return await page.locator(".time-chart").first().isVisible();
  }, { what: "kitchen has a chart" });
  const temperature = page.locator('[data-live="kitchen/temperature"]').first();
  assert.equal(await temperature.innerText(), "21.5");
  await run("bash", shell(`mosquitto_pub -t devices/kitchen/telemetry -m '{"temperature":23.4}'`));
  await until(async () => await temperature.innerText() === "23.4", {
    what: "the number follows the message",
  });
  assert.deepEqual(visitor.complaints, []);
  assert.equal((await gateway.stop()).code, 0);
});
