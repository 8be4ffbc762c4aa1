/** The first day: from the printed link to a chart that moves, over a restart, in one browser. */
import assert from "node:assert/strict";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { mosquittoPub } from "@/tests/helpers/mosquitto_clients.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { ADMIN, PageBrowser, type Visitor } from "@/tests/web/page_bed.ts";

const OVEN = "oven-7";

async function claim(visitor: Visitor, log: string): Promise<void> {
  const { page } = visitor;
  await visitor.open(/claim\?token=[\w-]+/.exec(log)?.[0] ?? "/claim");
  await page.getByLabel("User name").fill(ADMIN.name);
  await page.getByLabel("Password").fill(ADMIN.password);
  await page.getByRole("button", { name: "Create the admin" }).click();
  await page.waitForURL((url) => url.pathname === "/");
}

/** Its password. */
async function addDevice(visitor: Visitor): Promise<string> {
  const { page } = visitor;
  await page.getByRole("link", { name: "Add a device" }).first().click();
  await page.getByLabel("Device id").fill(OVEN);
  await page.getByRole("button", { name: "Add the device" }).click();
  await page.getByText("Waiting for the first message").waitFor();
  await visitor.settle();
  return await page.locator("#new-password").innerText();
}

async function bake(gateway: GatewayProcess, temperature: number, password: string) {
  const message = { topic: `devices/${OVEN}/telemetry`, payload: JSON.stringify({ temperature }) };
  await mosquittoPub(gateway.mqttPort, message, { args: ["-u", OVEN, "-P", password] });
}

async function untilChartSays(visitor: Visitor, text: string): Promise<void> {
  const chart = visitor.page.getByRole("region", { name: "Temperature", exact: true });
  await chart.getByRole("img", { name: new RegExp(`${OVEN} ${text}`) }).waitFor();
}

Deno.test("claim, sign in, add a device, watch its chart, over a restart", async () => {
  await using folder = await TempDir.create("sluice-journey-");
  const first = await GatewayProcess.start({ folder });
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(first.httpUrl);
  const { page } = visitor;
  await claim(visitor, first.stderr);
  await page.getByRole("button", { name: "Sign out" }).click();
  await visitor.signIn();
  const password = await addDevice(visitor);
  await bake(first, 231.5, password);
  await page.getByText("The first message has arrived.").waitFor();

  await page.getByRole("link", { name: "Dashboard" }).first().click();
  await page.waitForURL((url) => url.pathname === "/");
  await visitor.settle();
  await untilChartSays(visitor, "231\\.5");
  await page.evaluate(() => document.body.dataset.same = "page");
  await bake(first, 228, password);
  await untilChartSays(visitor, "228");

  const ports = { httpPort: first.httpPort, mqttPort: first.mqttPort };
  await first.kill();
  await page.getByText("The gateway does not answer.").waitFor();
  await using second = await GatewayProcess.start({ folder, ...ports });
  await page.getByText("live", { exact: true }).first().waitFor();
  await bake(second, 225, password);
  await untilChartSays(visitor, "225");
  const marked = await page.evaluate(() => document.body.dataset.same);
  assert.equal(marked, "page", "nothing was loaded again");
});
