/** Devices in the browser: what they send, how they are, and how they get their credentials. */
import assert from "node:assert/strict";
import type { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { mosquittoPub } from "@/tests/helpers/mosquitto_clients.ts";
import { run } from "@/tests/helpers/server_process.ts";
import { until } from "@/tests/helpers/until.ts";
import { NARROW, PageBrowser, startGateway, type Visitor } from "@/tests/web/page_bed.ts";

const VIEWER = { name: "vera", password: "only looking around" };

/** Texts that break what does not treat them as text. */
const NASTY = [
  "<script>document.title='owned'</script>",
  '"><img src=x onerror=alert(1)>',
  "\u202egnp.exe\u202c мир שלום 🌡️🔥",
  "x".repeat(200),
  "' OR 1=1 -- ${7*7} {{7*7}} %3Cscript%3E \\u003cb>",
];

async function addViewer(gateway: GatewayProcess): Promise<void> {
  const add = ["user", "add", VIEWER.name, "--role", "viewer", "--password-stdin"];
  await gateway.command(add, { input: `${VIEWER.password}\n` });
}

async function publish(
  gateway: GatewayProcess,
  { device, payload, leaf = "telemetry", password }: {
    device: string;
    payload: unknown;
    leaf?: string;
    password?: string;
  },
): Promise<void> {
  const args = password === undefined ? [] : ["-u", device, "-P", password];
  const text = typeof payload === "string" ? payload : JSON.stringify(payload);
  await mosquittoPub(
    gateway.mqttPort,
    { topic: `devices/${device}/${leaf}`, payload: text },
    { args },
  );
}

/** One connection for many messages. */
async function publishLines(
  gateway: GatewayProcess,
  topic: string,
  payloads: readonly string[],
): Promise<void> {
  const args = ["-h", "127.0.0.1", "-p", String(gateway.mqttPort), "-q", "1", "-t", topic, "-l"];
  await run("mosquitto_pub", { args, input: payloads.join("\n") + "\n" });
}

async function untilListed(visitor: Visitor, device: string): Promise<void> {
  await until(async () => {
    await visitor.open("/devices");
    return await visitor.page.getByRole("link", { name: device, exact: true }).isVisible();
  }, { what: `${device} is listed` });
}

Deno.test("a device is added, sends with the shown credential, and its value appears", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open("/devices");
  assert.equal(await page.getByText("No device has sent anything yet").isVisible(), true);
  await visitor.assertWell();
  await page.getByRole("link", { name: "Add device" }).first().click();
  await visitor.settle();
  await visitor.assertWell();
  await page.getByLabel("Device id").fill("oven-7");
  await page.getByLabel("Label").fill("Bakery, left");
  const answered = page.waitForResponse((response) => response.request().method() === "POST");
  await page.getByRole("button", { name: "Add the device" }).click();
  assert.equal((await answered).headers()["cache-control"], "no-store", "nobody keeps the secret");
  await page.getByText("Waiting for the first message").waitFor();
  await visitor.settle();
  await visitor.assertWell();
  const password = await page.locator("#new-password").innerText();
  assert.equal(page.url().includes(password), false, "the secret is in no URL");
  const snippet = await page.locator("#snippet-0").innerText();
  assert(snippet.includes("mosquitto_pub") && snippet.includes(password));

  await publish(gateway, { device: "oven-7", payload: { temperature: 231.5 }, password });
  await page.getByText("The first message has arrived.").waitFor();
  assert.match(await page.getByRole("status").filter({ hasText: "arrived" }).innerText(), /231\.5/);
  await visitor.assertWell();
  await page.getByRole("link", { name: "Open the device" }).click();
  await page.waitForURL((url) => url.pathname === "/devices/oven-7");
  await visitor.settle();
  assert.equal((await page.content()).includes(password), false, "the secret is shown once");
  await page.locator(".num", { hasText: "231.5" }).waitFor();
  await publish(gateway, { device: "oven-7", payload: { temperature: 228, co2: 512 }, password });
  await page.locator(".num", { hasText: "228" }).waitFor();
  await page.locator(".num", { hasText: "512" }).waitFor();
  await visitor.assertWell();
});

Deno.test("ids that no device may have are refused in words, with the input kept", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl, { javaScriptEnabled: false });
  const { page } = visitor;
  await visitor.signIn();
  await page.goto("/add-device");
  const add = async (id: string) => {
    await page.getByLabel("Device id").fill(id);
    await page.getByLabel("Label").fill("kept");
    await page.getByRole("button", { name: "Add the device" }).click();
  };
  await add("node1");
  assert.match(await page.getByRole("alert").innerText(), /Reserved device id "node1"/);
  assert.equal(await page.getByLabel("Label").inputValue(), "kept");
  await add("lamp");
  assert.equal(await page.locator("#new-password").isVisible(), true, "works without script");
  await page.goto("/add-device");
  await add("lamp");
  assert.match(await page.getByRole("alert").innerText(), /already/);
  await page.goto("/add-device/lamp");
  await publish(gateway, {
    device: "lamp",
    payload: { illuminance: 300 },
    password: await rotated(visitor, "lamp"),
  });
  await page.goto("/add-device/lamp");
  await page.getByRole("link", { name: "Reload to look again" }).isVisible();
  await until(async () => {
    await page.goto("/add-device/lamp");
    return new URL(page.url()).pathname === "/devices/lamp";
  }, { what: "the waiting page leads to the device" });
});

/** Replaces a device's password on its page; the new one. */
async function rotated(visitor: Visitor, device: string): Promise<string> {
  const { page } = visitor;
  await page.goto(`/devices/${device}`);
  await page.getByText("New password…").click();
  await page.getByRole("button", { name: "Replace the password" }).click();
  return await page.locator("#new-password").innerText();
}

Deno.test("a new password is shown once and ends the old one", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  const added = JSON.parse(await gateway.command(["device", "add", "oven", "--json"]));
  await publish(gateway, { device: "oven", payload: { power: 1 }, password: added.password });
  const password = await rotated(visitor, "oven");
  assert.notEqual(password, added.password);
  await visitor.open("/devices/oven");
  assert.equal((await page.content()).includes(password), false);
  await publish(gateway, { device: "oven", payload: { power: 2 }, password });
  await assert.rejects(
    publish(gateway, { device: "oven", payload: { power: 3 }, password: added.password }),
  );
  await page.getByRole("button", { name: "Disable" }).click();
  await page.getByText("The device is disabled").waitFor();
  await assert.rejects(publish(gateway, { device: "oven", payload: { power: 4 }, password }));
  await page.getByRole("button", { name: "Enable" }).click();
  await page.getByText("may come in again").waitFor();
  await page.getByText("Change the rights").click();
  await page.getByLabel("One right a line").fill("read everything");
  await page.getByRole("button", { name: "Save the rights" }).click();
  assert.match(await page.getByRole("alert").innerText(), /Line 1 is not a right/);
  visitor.complaints.length = 0; // the console names the 400
  await page.getByLabel("One right a line").fill("subscribe factory/+/orders");
  await page.getByRole("button", { name: "Save the rights" }).click();
  await page.getByText("they hold at once").waitFor();
  await visitor.settle();
  assert.equal(await page.getByText("factory/+/orders").first().isVisible(), true);
  await visitor.assertWell();
  await page.getByText("Remove…").click();
  await page.getByRole("button", { name: "Remove oven" }).click();
  await page.waitForURL((url) => url.pathname === "/devices");
  await page.getByText("What it sent stays").waitFor();
});

Deno.test("a viewer sees values and no acts", async () => {
  await using gateway = await startGateway();
  await addViewer(gateway);
  await publish(gateway, { device: "oven", payload: { temperature: 20.5 } });
  await gateway.command(["device", "add", "oven"]);
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn(VIEWER);
  await untilListed(visitor, "oven");
  assert.equal(await page.getByRole("link", { name: "Add device" }).count(), 0);
  await visitor.open("/devices/oven");
  assert.equal(await page.getByRole("heading", { name: "Credential" }).isVisible(), true);
  for (const act of ["Disable", "Replace the password", "Save the rights", "Remove oven"]) {
    assert.equal(await page.getByRole("button", { name: act }).count(), 0, act);
  }
  await visitor.assertWell();
  const response = await page.goto("/add-device");
  assert.equal(response?.status(), 403);
});

Deno.test("statuses: online, stuck, waiting; search and filter find devices", async () => {
  await using gateway = await startGateway();
  await publishLines(
    gateway,
    "devices/frozen/telemetry",
    Array.from(
      { length: 21 },
      (_, i) => JSON.stringify({ seq: i + 1, values: { humidity: 41.5 } }),
    ),
  );
  await publish(gateway, { device: "fresh", payload: { temperature: 20.5, battery: 87 } });
  await gateway.command(["device", "add", "silent"]);
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  await untilListed(visitor, "frozen");
  const line = (id: string) => page.getByRole("listitem").filter({ hasText: id });
  await until(async () => {
    await visitor.open("/devices");
    return (await line("fresh").innerText()).includes("87");
  }, { what: "values are listed" });
  assert.match(await line("frozen").innerText(), /stuck[\s\S]*identical for 21 results/);
  assert.match(await line("fresh").innerText(), /online/);
  assert.match(await line("silent").innerText(), /waiting/);
  await visitor.assertWell();
  await page.getByRole("searchbox").fill("FRO");
  await page.getByRole("button", { name: "Search" }).click();
  await page.waitForURL(/q=FRO/);
  assert.equal(await line("fresh").count(), 0);
  assert.equal(await line("frozen").count(), 1);
  await page.goto("/devices?status=waiting");
  assert.deepEqual([await line("silent").count(), await line("fresh").count()], [1, 0]);
  await page.goto("/devices?q=nobody");
  assert.equal(await page.getByText("No device matches").isVisible(), true);
  const metrics = await gateway.metrics();
  assert.equal(metrics.value('sluice_devices{state="stuck"}'), 1);
  assert.equal(metrics.value('sluice_devices{state="online"}'), 1);
  await visitor.open("/devices/frozen");
  assert.match(await page.getByRole("status").filter({ hasText: "identical" }).innerText(), /21/);
});

Deno.test("a tag turns late and offline while the page is open and nothing comes", async () => {
  await using gateway = await startGateway();
  await publish(gateway, { device: "oven", payload: { temperature: 20.5 } });
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  await untilListed(visitor, "oven");
  await page.clock.install();
  await visitor.open("/devices/oven");
  const tag = page.locator("[data-status=oven]");
  assert.equal(await tag.innerText(), "online");
  await page.clock.fastForward(45_000);
  await tag.filter({ hasText: "late" }).waitFor();
  await page.clock.fastForward(120_000);
  await tag.filter({ hasText: "offline" }).waitFor();
});

Deno.test("certificates are listed with their end, and removed", async () => {
  await using gateway = await startGateway();
  const output = gateway.folder.join("certificate");
  await gateway.command(["cert", "ca"]);
  await Deno.mkdir(output);
  await gateway.command(["cert", "device", "oven", "--output", output]);
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open("/devices/oven");
  const table = page.getByRole("table", { name: "Certificates" });
  assert.match(await table.getByRole("row").nth(1).innerText(), /20\d\d-\d\d-\d\d .* valid/s);
  await visitor.assertWell();
  await table.getByText("Remove…").click();
  await visitor.assertWell();
  await table.getByRole("button", { name: /^Remove certificate/ }).click();
  await page.getByText("The certificate is removed").waitFor();
  assert.equal(await table.count(), 0);
});

Deno.test("many devices come by pages", async () => {
  await using gateway = await startGateway();
  const ids = Array.from({ length: 60 }, (_, i) => `d-${String(i).padStart(3, "0")}`);
  const lines = ids.map((device) => JSON.stringify({ device, metrics: { temperature: 20.5 } }));
  const response = await fetch(`${gateway.httpUrl}/v1/ingest`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: lines.join("\n"),
  });
  assert.equal(response.status, 202, await response.text());
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  await untilListed(visitor, "d-000");
  const listed: string[] = [];
  for (;;) {
    listed.push(...await page.locator(".device-name a").allInnerTexts());
    const next = page.getByRole("link", { name: "Next page" });
    if (await next.count() === 0) break;
    await next.click();
    await page.waitForURL(new RegExp(`cursor=${listed.at(-1)}`));
  }
  assert.deepEqual(listed, ids);
});

Deno.test("strangers that ask are approved or dismissed", async () => {
  await using gateway = await startGateway({ config: '[auth]\nauto_registration = "ask"\n' });
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  const password = "a-password-from-the-factory";
  for (const device of ["stranger-1", "stranger-2"]) {
    const sent = publish(gateway, { device, payload: { temperature: 20.5 }, password });
    await assert.rejects(sent, device);
  }
  await visitor.open("/devices");
  await visitor.assertWell();
  await page.getByRole("button", { name: "Dismiss stranger-2" }).click();
  await page.getByText("The request is forgotten").waitFor();
  await page.getByRole("button", { name: "Approve stranger-1" }).click();
  await page.getByText("registered with the credential").waitFor();
  await publish(gateway, { device: "stranger-1", payload: { temperature: 20.5 }, password });
});

Deno.test("nasty labels, attributes and payloads are text", async () => {
  await using gateway = await startGateway();
  const [label = ""] = NASTY;
  await publishLines(
    gateway,
    "devices/nasty/telemetry",
    NASTY.map((text, i) => JSON.stringify({ [`note${i}`]: text, temperature: 20.5 + i })),
  );
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl, { viewport: NARROW });
  const { page } = visitor;
  await visitor.signIn();
  await untilListed(visitor, "nasty");
  await visitor.open("/devices/nasty");
  await page.getByRole("button", { name: "Give it a credential" }).click();
  await page.locator("#new-password").waitFor();
  for (const text of [label, ...NASTY.slice(1).map((each) => each.slice(0, 100))]) {
    await visitor.open("/devices/nasty");
    await page.getByLabel("Label").fill(text);
    await page.getByRole("button", { name: "Save the label" }).click();
    await page.getByText("The label is saved").waitFor();
    for (const path of ["/devices", "/devices/nasty", "/devices/nasty/messages"]) {
      await visitor.open(path);
      await visitor.assertWell();
      assert.notEqual(await page.title(), "owned");
    }
  }
  await until(async () => {
    await visitor.open("/devices/nasty");
    const texts = await page.locator(".long-text").allInnerTexts();
    return NASTY.every((nasty) => texts.some((text) => text === nasty));
  }, { what: "all attributes are shown as they were sent" });
  await visitor.open("/devices/nasty/messages");
  const preview = await page.locator(".message-preview").allInnerTexts();
  assert(preview.some((text) => text.includes("<script>")));
  await page.locator("summary").filter({ hasText: "<script>" }).click();
  await visitor.assertWell();
});

Deno.test("a device's pages are well in both themes, on a phone, and at each range", async () => {
  await using gateway = await startGateway();
  const packet = { ts: 1000, id: "N2", n1: { t: 28.3, h: 52.6, g: 461235 }, sig: { rssi: -32 } };
  await mosquittoPub(gateway.mqttPort, {
    topic: "gateways/N2/packet",
    payload: JSON.stringify(packet),
  });
  for (let i = 0; i < 3; i++) {
    await publish(gateway, { device: "oven", payload: { temperature: 20 + i, mode: "bake" } });
  }
  await using browser = await PageBrowser.launch();
  const looks = [{ colorScheme: "light" }, { colorScheme: "dark" }, { viewport: NARROW }] as const;
  for (const look of looks) {
    await using visitor = await browser.visitor(gateway.httpUrl, look);
    await visitor.signIn();
    await untilListed(visitor, "node1");
    await visitor.assertWell();
    for (const path of ["/devices/oven", "/devices/node1", "/devices/oven/messages"]) {
      await visitor.open(path);
      await visitor.assertWell();
    }
    for (const range of ["1h", "6h", "7d", "30d"]) {
      await visitor.open(`/devices/oven?range=${range}`);
      assert.equal(await visitor.page.locator(".time-chart .line").count() > 0, true, range);
    }
    await visitor.open("/devices/node1/messages");
    assert.equal(await visitor.page.getByText("It comes through N2").isVisible(), true);
  }
});

Deno.test("pages of devices stay small", async () => {
  await using gateway = await startGateway();
  const values = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`m${i}`, i + 0.5]));
  for (let i = 0; i < 3; i++) await publish(gateway, { device: "wide", payload: values });
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  await visitor.signIn();
  await untilListed(visitor, "wide");
  for (const path of ["/devices", "/devices/wide", "/devices/wide/messages", "/add-device"]) {
    const { html, script } = await weigh(visitor, path);
    assert(html <= 60_000, `${path}: ${html} bytes of HTML`);
    assert(script <= 15 * 1024, `${path}: ${script} bytes of script`);
  }
});

/** Bytes of a page's markup, and of its scripts as gzip sends them. */
async function weigh(visitor: Visitor, path: string): Promise<{ html: number; script: number }> {
  await visitor.open(path);
  const { html, names } = await visitor.page.evaluate(async () => {
    const names = performance.getEntriesByType("resource").map(({ name }) => name)
      .filter((name) => name.endsWith(".js"));
    const response = await fetch(location.href);
    return { html: (await response.arrayBuffer()).byteLength, names };
  });
  const sizes = await Promise.all(names.map(sentBytes));
  return { html, script: sizes.reduce((sum, size) => sum + size, 0) };
}

async function sentBytes(url: string): Promise<number> {
  const how = ["-s", "-o", "/dev/null", "-H", "Accept-Encoding: gzip", "-w", "%{size_download}"];
  return Number(await run("curl", { args: [...how, url] }));
}
