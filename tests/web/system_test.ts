/** The system page: numbers with units, kept up to date, the same for every role. */
import assert from "node:assert/strict";
import { connectAsync } from "mqtt";
import { NARROW, PageBrowser, startGateway, type VisitorOptions } from "@/tests/web/page_bed.ts";

const LOOKS: readonly VisitorOptions[] = [
  { colorScheme: "light" },
  { colorScheme: "dark" },
  { colorScheme: "light", viewport: NARROW },
];

Deno.test("the system page shows the process and the machine, well in every look", async () => {
  await using gateway = await startGateway();
  await gateway.command(["cert", "ca"]);
  await using browser = await PageBrowser.launch();
  for (const look of LOOKS) {
    await using visitor = await browser.visitor(gateway.httpUrl, look);
    const { page } = visitor;
    await visitor.signIn();
    await visitor.open("/system");
    await page.getByText(/GB of .* used|MB of .* used|TB of .* used/).first().waitFor();
    await page.getByText("worst delay in the last minute").waitFor();
    await page.getByText("full: acknowledged after fsync").waitFor();
    await page.getByText(`127.0.0.1:${gateway.mqttPort}`).waitFor();
    await page.getByText(`deno ${Deno.version.deno}`, { exact: false }).waitFor();
    await page.getByText(String(gateway.pid), { exact: true }).waitFor();
    await page.getByRole("row", { name: /Own authority/ }).getByText("valid").waitFor();
    assert.equal(await page.getByRole("meter", { name: "Disk" }).count(), 1);
    await visitor.assertWell();
  }
});

Deno.test("its numbers move without a reload, and a viewer may look", async () => {
  await using gateway = await startGateway();
  const add = ["user", "add", "vera", "--role", "viewer", "--password-stdin"];
  await gateway.command(add, { input: "correct horse battery\n" });
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn({ name: "vera", password: "correct horse battery" });
  await visitor.open("/system");
  await page.getByText("0 MQTT clients").waitFor();
  const clients = [await connectAsync(gateway.mqttUrl), await connectAsync(gateway.mqttUrl)];
  await page.getByText("2 MQTT clients").waitFor();
  await Promise.all(clients.map((client) => client.endAsync()));
  await page.getByText("0 MQTT clients").waitFor();
  assert.deepEqual(visitor.complaints, []);
});
