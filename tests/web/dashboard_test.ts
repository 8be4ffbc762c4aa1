/** Dashboards as people use them: live, thresholds, ranges, gaps, descriptions, budgets. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { mosquittoPub } from "@/tests/helpers/mosquitto_clients.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";
import {
  ADMIN,
  NARROW,
  PageBrowser,
  startGateway,
  type Visitor,
  WIDE,
} from "@/tests/web/page_bed.ts";

interface PacketValues {
  n1?: { t: number; h: number; g: number };
  n2?: { t: number; h: number };
  rssi?: number;
  snr?: number;
  rx?: number;
  err?: number;
}

/** One packet of a LoRa receiver. */
async function sendPacket(gateway: GatewayProcess, values: PacketValues = {}): Promise<void> {
  const { n1 = { t: 27.6, h: 54.1, g: 101169 }, n2 = { t: 26.8, h: 48.8 } } = values;
  const { rssi = -33, snr = 13, rx = 42, err = 0 } = values;
  const packet = { ts: 194500, id: "N2", n1, n2, sig: { rssi, snr }, sts: { rx, err } };
  const message = { topic: "gateways/N2/packet", payload: JSON.stringify(packet) };
  await mosquittoPub(gateway.mqttPort, message);
}

async function sendTelemetry(
  gateway: GatewayProcess,
  device: string,
  messages: object[],
): Promise<void> {
  const message = { topic: `devices/${device}/telemetry`, payload: JSON.stringify(messages) };
  await mosquittoPub(gateway.mqttPort, message);
}

/** History follows the log a moment later. */
async function untilShown(visitor: Visitor, path: string, text: string): Promise<void> {
  await until(async () => {
    const answer = await visitor.page.request.get(path);
    return (await answer.text()).includes(text);
  }, { what: `${path} shows ${text}`, timeoutMs: 30_000, everyMs: 100 });
}

function card(page: Page, title: string) {
  return page.getByRole("region", { name: title, exact: true });
}

/** Waits until the number of a panel is this one, without its unit. */
async function untilNumber(page: Page, title: string, number: string): Promise<void> {
  const exact = new RegExp(`^${number.replace(".", "\\.")}[^0-9.]*$`);
  await card(page, title).locator(".num").filter({ hasText: exact }).waitFor();
}

Deno.test("values, tags and charts move by themselves when a device sends", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open("/");
  await page.getByText("Waiting for the first values").waitFor();
  await visitor.assertWell();
  await page.getByText("live", { exact: true }).first().waitFor();
  await sendPacket(gateway);
  const temperature = card(page, "Node 1 temperature");
  await untilNumber(page, "Node 1 temperature", "27.6");
  await temperature.getByText("ok", { exact: true }).waitFor();
  await page.getByText("Waiting for the first values").waitFor({ state: "hidden" });
  for (const [t, tag, tone] of [[31.5, "≥ 30", "warn"], [36, "≥ 35", "bad"]] as const) {
    await sendPacket(gateway, { n1: { t, h: 54, g: 100_000 } });
    await untilNumber(page, "Node 1 temperature", String(t));
    const shown = temperature.locator(".tag");
    assert.equal((await shown.innerText()).replace("\u202f", " "), tag);
    assert.match(await shown.getAttribute("class") ?? "", new RegExp(tone));
  }
  const chart = card(page, "Temperature");
  await page.waitForFunction(() => document.querySelectorAll(".plot canvas").length === 3);
  assert.match(await chart.getByRole("img").getAttribute("aria-label") ?? "", /node1 36/);
  await hoverEnd(page, "Temperature");
  await chart.locator(".readout").filter({ hasText: /node1 .*node2 26\.8/ }).waitFor();
  const other = card(page, "Humidity").locator(".readout");
  await other.filter({ hasText: /node1 5\d/ }).waitFor();
  await visitor.assertWell();
});

/** The mouse over the newest values of a chart. */
async function hoverEnd(page: Page, title: string): Promise<void> {
  const box = await card(page, title).locator(".u-over").boundingBox();
  assert(box !== null);
  await page.mouse.move(box.x + box.width - 2, box.y + box.height / 2);
}

Deno.test("signal and statistics: gauge by its limits, error rate over a restart", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  await sendPacket(gateway, { rx: 100, err: 2 });
  await sendPacket(gateway, { rx: 110, err: 3, rssi: -85 });
  // The board restarts: both counters begin at zero.
  await sendPacket(gateway, { rx: 10, err: 1, rssi: -85 });
  await untilShown(visitor, "/dashboards/signal", "-85");
  await visitor.open("/dashboards/signal");
  const gauge = card(page, "RSSI");
  await gauge.getByRole("img", { name: /RSSI −85.*< −80/ }).waitFor();
  await untilNumber(page, "Error rate", "10");
  await card(page, "Error rate").getByText("≥ 5").waitFor();
  await card(page, "Packets received").locator(".legend").getByText("20\u202fpackets").waitFor();
  for (const [rssi, name] of [[-70, /< −60/], [-60, /RSSI −60.*ok/]] as const) {
    await sendPacket(gateway, { rssi, rx: 11, err: 1 });
    await gauge.getByRole("img", { name }).waitFor();
  }
  await visitor.assertWell();
});

Deno.test("ranges and refreshes are links that keep each other", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  const hoursAgo = (hours: number) => Date.now() - hours * 3_600_000;
  await sendTelemetry(gateway, "boiler", [
    { ts: hoursAgo(3), values: { temperature: 61.5 } },
    { ts: hoursAgo(30), values: { temperature: 21.5 } },
  ]);
  await untilShown(visitor, "/dashboards/all-devices", "61.5");
  await visitor.open("/");
  await page.getByRole("heading", { level: 1, name: "All devices" }).waitFor();
  const numbers = async () => {
    await card(page, "Temperature").getByText("Numbers").click();
    return await card(page, "Temperature").getByRole("row").nth(1).innerText();
  };
  assert.match(await numbers(), /61\.5.*–/s, "nothing in the last hour");
  await page.getByRole("link", { name: "5 s", exact: true }).click();
  await page.getByRole("link", { name: "6 h" }).click();
  await page.waitForURL(/range=6h&refresh=5s/);
  assert.match(await numbers(), /61\.5\s+61\.5\s+61\.5/);
  await page.getByRole("link", { name: "7 d" }).click();
  await page.waitForURL(/range=7d&refresh=5s/);
  assert.match(await numbers(), /21\.5\s+41\.5\s+61\.5/);
  await sendTelemetry(gateway, "boiler", [{ values: { temperature: 70.25 } }]);
  await card(page, "Temperature").getByText("70.25").first().waitFor();
  await visitor.assertWell();
});

Deno.test("a gap is a gap, without script too", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl, { javaScriptEnabled: false });
  await visitor.signIn();
  const now = Date.now();
  const messages = Array.from({ length: 60 }, (_, i) => ({
    ts: now - (60 - i) * 30_000,
    values: { temperature: 20 + i / 10 },
  })).filter((_, i) => i < 20 || i >= 40);
  await sendTelemetry(gateway, "boiler", messages);
  await untilShown(visitor, "/", "25.9");
  await visitor.page.goto("/");
  const line = visitor.page.locator(".chart-plot path.line");
  assert.equal((await line.getAttribute("d"))?.match(/M/g)?.length, 2, "two pieces");
  assert.equal(await visitor.overflow(), 0);
});

const MISTAKEN = `{
  "title": "Boiler room",
  "panels": [
    { "kind": "stats", "title": "Now", "series": [{ "device": "boilr", "measurement": "temperature" }] },
    { "kind": "table", "title": "All", "serie": [], "series": [] }
  ]
}`;

Deno.test("copy, edit with mistakes, preview, save, export, import, delete", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  await sendTelemetry(gateway, "boiler", [{ values: { temperature: 61.5 } }]);
  await untilShown(visitor, "/dashboards/all-devices", "61.5");
  await visitor.open("/dashboards/environment");
  await page.getByRole("button", { name: "Copy" }).click();
  await page.waitForURL(/environmental-sensors-copy\/edit/);
  const text = page.getByLabel("Description as JSON");
  await text.fill(MISTAKEN);
  await page.getByRole("button", { name: "Save" }).click();
  const alert = page.getByRole("alert");
  await alert.getByText('did you mean "stat"?').waitFor();
  await alert.getByText('did you mean "series"?').waitFor();
  assert.equal(await text.inputValue(), MISTAKEN, "the input is kept");
  visitor.complaints.length = 0; // the console names the 400
  await visitor.assertWell();
  await text.fill(MISTAKEN.replace("stats", "stat").replace(/,\n.*"serie".*/, ""));
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByText('did you mean "boiler"?').waitFor();
  await text.fill((await text.inputValue()).replace("boilr", "boiler"));
  await page.getByRole("button", { name: "Preview" }).click();
  await untilNumber(page, "Now", "61.5");
  await visitor.assertWell();
  await page.getByRole("button", { name: "Save" }).click();
  await page.waitForURL(/environmental-sensors-copy\?done=saved/);
  await page.getByRole("heading", { level: 1, name: "Boiler room" }).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Export" }).click(),
  ]);
  const exported = await Deno.readTextFile(await download.path());
  assert.equal(JSON.parse(exported).panels[0].series[0].device, "boiler");
  await visitor.open("/dashboards");
  await page.getByLabel("Dashboard as JSON").fill(exported);
  await page.getByRole("button", { name: "Import" }).click();
  await page.waitForURL(/boiler-room\?done=imported/);
  const again = await page.request.get("/dashboards/boiler-room/export");
  assert.equal(await again.text(), exported);
  await visitor.open("/dashboards");
  const row = page.getByRole("listitem").filter({
    has: page.locator('a[href="/dashboards/boiler-room"]'),
  });
  await row.getByText("Delete…").click();
  await row.getByRole("button", { name: 'Delete "Boiler room"' }).click();
  await page.waitForURL(/done=deleted/);
  assert.equal((await page.request.get("/dashboards/boiler-room")).status(), 404);
  await visitor.assertWell();
});

Deno.test("a changed built-in one can be reset; a stale change is refused", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  await using second = await browser.visitor(gateway.httpUrl);
  for (const each of [visitor, second]) {
    await each.signIn();
    await each.open("/dashboards/signal/edit");
  }
  const change = async ({ page }: Visitor, title: string) => {
    const text = page.getByLabel("Description as JSON");
    await text.fill((await text.inputValue()).replace("Signal quality and statistics", title));
    await page.getByRole("button", { name: "Save" }).click();
  };
  await change(visitor, "Radio");
  await visitor.page.getByRole("heading", { level: 1, name: "Radio" }).waitFor();
  await change(second, "Wireless");
  await second.page.getByText("it was changed meanwhile").waitFor();
  await visitor.open("/dashboards");
  await visitor.page.getByRole("listitem").filter({ hasText: "Radio" })
    .getByRole("button", { name: "Show first" })
    .click();
  await visitor.page.waitForURL(/done=first/);
  await visitor.open("/");
  await visitor.page.getByRole("heading", { level: 1, name: "Radio" }).waitFor();
  await visitor.open("/dashboards");
  const row = visitor.page.getByRole("listitem").filter({ hasText: "Radio" });
  await row.getByText("Reset…").click();
  await row.getByRole("button", { name: 'Reset "Radio"' }).click();
  await visitor.page.waitForURL(/done=reset/);
  await visitor.page.getByRole("link", { name: "Signal quality and statistics" }).waitFor();
});

Deno.test("a viewer sees and exports, and changes nothing", async () => {
  await using gateway = await startGateway();
  const add = ["user", "add", "vera", "--role", "viewer", "--password-stdin"];
  await gateway.command(add, { input: `${ADMIN.password}\n` });
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn({ name: "vera", password: ADMIN.password });
  for (const path of ["/", "/dashboards"]) {
    await visitor.open(path);
    assert.equal(await page.getByRole("link", { name: "Edit" }).count(), 0);
    assert.equal(await page.getByRole("button", { name: /Copy|Import|first/ }).count(), 0);
    await visitor.assertWell();
  }
  assert.equal((await page.request.get("/dashboards/signal/edit")).status(), 403);
  assert.equal((await page.request.get("/dashboards/signal/export")).status(), 200);
});

Deno.test("dashboards in both themes, on a phone, within their budgets", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await sendPacket(gateway);
  for (const colorScheme of ["light", "dark"] as const) {
    for (const viewport of [undefined, NARROW]) {
      const options = viewport === undefined ? { colorScheme } : { colorScheme, viewport };
      await using visitor = await browser.visitor(gateway.httpUrl, options);
      await visitor.signIn();
      await untilShown(visitor, "/dashboards/signal", "-33");
      for (const path of ["/", "/dashboards/signal", "/dashboards", "/dashboards/signal/edit"]) {
        // By URL: what the page after the sign-in still loads is the same, and counts once.
        const scripts = new Map<string, number>();
        const record = (response: { url(): string; headers(): Record<string, string> }) => {
          const { headers } = { headers: response.headers() };
          const isScript = headers["content-type"]?.includes("javascript");
          if (isScript) scripts.set(response.url(), Number(headers["content-length"]));
        };
        visitor.page.on("response", record);
        const html = await (await visitor.page.request.get(path)).text();
        await visitor.open(path);
        visitor.page.off("response", record);
        await visitor.assertWell();
        assert(html.length <= 60_000, `${path}: ${html.length} bytes of HTML`);
        const bytes = [...scripts.values()].reduce((sum, each) => sum + each, 0);
        assert(bytes <= 60_000, `${path}: ${bytes} bytes of script`);
      }
    }
  }
});

const EVERY_KIND = {
  title: "Every kind <b>of</b> panel",
  note: "With a note",
  panels: [
    { kind: "stat", title: "Now", series: [{ device: "boiler", measurement: "temperature" }] },
    {
      ...{ kind: "gauge", title: "Gauge", min: 0, max: 100, aggregation: "max" },
      series: [{ device: "boiler", measurement: "temperature" }],
      thresholds: [{ tone: "ok" }, { from: 60, tone: "bad", label: "too hot" }],
    },
    {
      ...{ kind: "bar", title: "Bars", aggregation: "count" },
      series: [{ device: "boiler", measurement: "temperature" }],
    },
    {
      ...{ kind: "table", title: "Table" },
      series: ["temperature", "humidity"].map((measurement) => ({ device: "boiler", measurement })),
    },
    {
      ...{ kind: "state_timeline", title: "States" },
      series: [{ device: "boiler", measurement: "temperature" }],
      thresholds: [{ tone: "ok" }, { from: 30, tone: "warn" }, { from: 60, tone: "bad" }],
    },
    {
      ...{ kind: "time_series", title: "Lines" },
      series: ["temperature", "humidity"].map((measurement) => ({ device: "boiler", measurement })),
    },
  ],
};

/** An hour of values, the last of them ten minutes old. */
function oldMessages() {
  const begin = Date.now() - 3_500_000;
  return Array.from({ length: 96 }, (_, i) => ({
    ts: begin + i * 30_000,
    values: { temperature: 20 + i / 2, humidity: 50 + i % 7 },
  }));
}

async function importDashboard({ page }: Visitor, dashboard: object): Promise<void> {
  await page.goto("/dashboards");
  await page.getByLabel("Dashboard as JSON").fill(JSON.stringify(dashboard));
  await page.getByRole("button", { name: "Import" }).click();
  await page.waitForURL(/done=imported/);
}

Deno.test("every kind of panel; what is late says so, and comes back by itself", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  await sendTelemetry(gateway, "boiler", oldMessages());
  await untilShown(visitor, "/dashboards/all-devices", "67.5");
  await importDashboard(visitor, EVERY_KIND);
  await visitor.settle();
  await page.getByRole("heading", { level: 1, name: "Every kind <b>of</b> panel" }).waitFor();
  await card(page, "Now").getByText("late", { exact: true }).waitFor();
  await card(page, "Now").getByText(/no data for 10.*min/).waitFor();
  assert.match(await card(page, "Now").locator(".num").getAttribute("class") ?? "", /late/);
  await untilNumber(page, "Gauge", "67.5");
  assert.equal(await card(page, "Table").getByRole("row").count(), 3);
  const tones = await card(page, "States").locator("rect").evaluateAll((rects) =>
    rects.map((rect) => rect.getAttribute("class"))
  );
  assert.deepEqual(tones, ["ok", "warn", "bad"]);
  await visitor.assertWell();
  await sendTelemetry(gateway, "boiler", [{ values: { temperature: 80.5, humidity: 40 } }]);
  await untilNumber(page, "Now", "80.5");
  await card(page, "Now").getByText("late").waitFor({ state: "detached" });
  await card(page, "Gauge").getByRole("img", { name: /80\.5.*too hot ≥ 60/ }).waitFor();
  await visitor.assertWell();
  const narrow = { colorScheme: "dark", viewport: NARROW } as const;
  await using phone = await browser.visitor(gateway.httpUrl, narrow);
  await phone.signIn();
  await phone.open(new URL(page.url()).pathname);
  await phone.assertWell();
});

Deno.test("a zoom is of all charts, stays while data come, and goes with a double click", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  await sendTelemetry(gateway, "boiler", oldMessages());
  await untilShown(visitor, "/", "67.5");
  await visitor.open("/");
  await page.waitForFunction(() => document.querySelectorAll(".u-over").length === 2);
  const over = card(page, "Temperature").locator(".u-over");
  await over.scrollIntoViewIfNeeded();
  const box = await over.boundingBox();
  assert(box !== null);
  const moveTo = (part: number) =>
    page.mouse.move(box.x + box.width * part, box.y + box.height / 2, { steps: 4 });
  /** Minutes since midnight at the left end, as both charts read it. */
  const leftEnd = async () => {
    await moveTo(0.3);
    await moveTo(0.03);
    const texts = await Promise.all(
      ["Temperature", "Humidity"].map((title) => card(page, title).locator(".readout").innerText()),
    );
    const moments = texts.map((text) => /^(\d\d):(\d\d):\d\d/.exec(text)?.slice(1).map(Number));
    assert.deepEqual(moments[0], moments[1], "one cross-hair");
    const [hour = NaN, minute = NaN] = moments[0] ?? [];
    return hour * 60 + minute;
  };
  const later = (a: number, b: number) => (b - a + 1440) % 1440;
  const before = await leftEnd();
  await moveTo(0.5);
  await page.mouse.down();
  await moveTo(0.8);
  await page.mouse.up();
  await page.getByText("Zoomed to").waitFor();
  const zoomed = await leftEnd();
  assert(later(before, zoomed) >= 20, `${before} → ${zoomed}`);
  await sendTelemetry(gateway, "boiler", [{ values: { temperature: 70.5, humidity: 40 } }]);
  await card(page, "Temperature").locator(".legend").getByText("70.5").waitFor();
  assert(Math.abs(later(zoomed, await leftEnd())) <= 1, "new data leave the zoom");
  await page.mouse.dblclick(box.x + box.width / 2, box.y + box.height / 2);
  await page.getByText("Zoomed to").waitFor({ state: "detached" });
  assert(later(before, await leftEnd()) <= 3, "all is shown again");
  await moveTo(0.5);
  await page.mouse.down();
  await moveTo(0.7);
  await page.mouse.up();
  await visitor.assertWell();
  await page.getByRole("button", { name: "Show all" }).click();
  await page.getByText("Zoomed to").waitFor({ state: "detached" });
  await visitor.assertWell();
});

Deno.test("after a restart of the gateway the page reads again what it missed", async () => {
  await using folder = await TempDir.create("sluice-dashboard-");
  const first = await startGateway({ folder });
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(first.httpUrl);
  const { page } = visitor;
  await sendPacket(first);
  await visitor.signIn();
  await untilShown(visitor, "/", "27.6");
  await visitor.open("/");
  await untilNumber(page, "Node 1 temperature", "27.6");
  await page.getByText("live", { exact: true }).first().waitFor();
  const { httpPort } = first;
  await first.kill();
  await page.getByText("The gateway does not answer.").waitFor();
  await using second = await GatewayProcess.start({ folder, httpPort });
  await sendPacket(second, { n1: { t: 33.3, h: 50, g: 99_000 } });
  await untilNumber(page, "Node 1 temperature", "33.3");
  await card(page, "Node 1 temperature").getByText("≥ 30").waitFor();
});

const NASTY = [
  `"><img src=x onerror=alert(1)>`,
  "</script><script>alert(1)</script>",
  "a,b%2Cc?d=e&f",
  "\u202eright to left",
  "__proto__",
  "x".repeat(60),
  "</textarea></title>${alert(1)}{{1}}",
];

Deno.test("titles, labels and notes may be anything, on a desk and on a phone", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await sendTelemetry(gateway, "boiler", [{ values: { temperature: 21.5 } }]);
  const panels = NASTY.flatMap((text) =>
    ["stat", "time_series", "state_timeline"].map((kind) => ({
      ...{ kind, title: text, note: text, unit: text },
      series: [{ device: "boiler", measurement: "temperature", label: text }],
      thresholds: [{ tone: "ok", label: text }],
    }))
  );
  for (const viewport of [WIDE, NARROW]) {
    await using visitor = await browser.visitor(gateway.httpUrl, { viewport });
    const { page } = visitor;
    page.on("dialog", () => visitor.complaints.push("a script ran"));
    await visitor.signIn();
    await untilShown(visitor, "/dashboards/all-devices", "21.5");
    await importDashboard(visitor, { title: NASTY[1], note: NASTY[0], panels });
    await visitor.settle();
    await page.getByRole("heading", { level: 1, name: NASTY[1], exact: true }).waitFor();
    for (const text of NASTY) {
      assert.equal(await page.getByRole("heading", { level: 2, name: text }).count(), 3, text);
    }
    await visitor.assertWell();
    const path = new URL(page.url()).pathname;
    const exported = await (await page.request.get(`${path}/export`)).json();
    assert.deepEqual(exported.panels.length, panels.length);
    await visitor.open(`${path}/edit`);
    await page.getByRole("button", { name: "Preview" }).click();
    await page.getByRole("heading", { name: "Preview" }).waitFor();
    await visitor.assertWell();
  }
});
