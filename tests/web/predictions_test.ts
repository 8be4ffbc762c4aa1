/** Predictions in the browser: as they come, by label, and the presence of a day. */
import assert from "node:assert/strict";
import type { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { run } from "@/tests/helpers/server_process.ts";
import { until } from "@/tests/helpers/until.ts";
import { NARROW, PageBrowser, startGateway, type Visitor } from "@/tests/web/page_bed.ts";

/** Texts that break what does not treat them as text. */
const NASTY = [
  "<script>document.title='owned'</script>",
  '"><img src=x onerror=alert(1)>',
  "\u202egnp.exe\u202c мир שלום 🌡️🔥",
  "x".repeat(128),
  "a&b=c#d?e/f%2F..\\",
];

interface Sent {
  seq: number;
  ts?: number;
  label: string;
  score: number;
  avg?: number;
  window?: number;
  model?: string;
}

async function send(gateway: GatewayProcess, device: string, results: readonly Sent[]) {
  const topic = `devices/${device}/prediction`;
  const args = ["-h", "127.0.0.1", "-p", String(gateway.mqttPort), "-q", "1", "-t", topic, "-l"];
  await run("mosquitto_pub", {
    args,
    input: results.map((each) => JSON.stringify(each)).join("\n") + "\n",
  });
}

/** History follows the log: a page that is loaded right away may not have it yet. */
async function openUntil(visitor: Visitor, path: string, text: string | RegExp): Promise<void> {
  await until(async () => {
    await visitor.open(path);
    const main = await visitor.page.locator("main").innerText();
    return typeof text === "string" ? main.includes(text) : text.test(main);
  }, { what: `${path} shows ${text}` });
}

Deno.test("predictions published over MQTT appear live, also the very first one", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open("/predictions");
  assert.equal(await page.getByText("No predictions yet").isVisible(), true);
  await visitor.assertWell();
  await page.getByText("live", { exact: true }).waitFor();
  await send(gateway, "cam", [{ seq: 1, label: "person", score: 0.93, avg: 0.9, window: 5 }]);
  const results = page.getByRole("table", { name: "Results" });
  await results.getByRole("row", { name: /cam person 0\.93 0\.9/ }).waitFor();
  await visitor.assertWell();
  await send(gateway, "cam", [{ seq: 2, label: "nobody", score: 0.71 }]);
  await results.getByRole("row", { name: /cam nobody 0\.71/ }).waitFor();
  const first = results.getByRole("row").nth(1);
  assert.match(await first.innerText(), /nobody/, "the newest is on top");
  const latest = page.getByRole("table", { name: "Newest of each device" });
  await latest.getByRole("row", { name: /cam nobody 0\.71/ }).waitFor();
  await results.getByRole("link", { name: "cam" }).first().click();
  await page.waitForURL((url) => url.pathname === "/predictions/cam");
  await visitor.settle();
  await send(gateway, "cam", [{ seq: 3, label: "person", score: 0.555 }]);
  await page.locator("[data-latest=cam]", { hasText: "0.555" }).waitFor();
  await visitor.assertWell();
});

Deno.test("the list is bounded, filtered by device and label, and paged", async () => {
  await using gateway = await startGateway();
  const results = (label: string, count: number, from = 1) =>
    Array.from({ length: count }, (_, i) => ({ seq: from + i, label, score: (i + 1) / 200 }));
  await send(gateway, "cam-a", results("person", 40));
  await send(gateway, "cam-b", results("cat", 25));
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  await openUntil(visitor, "/predictions", /62 % 40[\s\S]*38 % 25/);
  const rows = page.locator("[data-feed] tbody tr");
  assert.equal(await rows.count(), 30);
  await page.getByRole("link", { name: "Next page" }).click();
  await page.waitForURL(/cursor=/);
  await visitor.settle();
  await send(gateway, "cam-b", results("cat", 1, 100));
  await page.getByRole("link", { name: "Next page" }).click();
  await page.waitForURL(/cursor=/);
  await until(async () => await rows.count() === 5, { what: "the last page has the rest" });
  await visitor.open("/predictions");
  await page.getByLabel("Device", { exact: true }).fill("cam-b");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.waitForURL(/device=cam-b/);
  await visitor.settle();
  await page.getByText("live", { exact: true }).waitFor();
  assert.equal(await rows.filter({ hasText: "cam-a" }).count(), 0);
  await send(gateway, "cam-a", results("person", 1, 500));
  await send(gateway, "cam-b", [{ seq: 900, label: "cat", score: 0.875 }]);
  await rows.filter({ hasText: "0.875" }).waitFor();
  assert.equal(await rows.filter({ hasText: "cam-a" }).count(), 0);
  await send(gateway, "cam-b", results("dog", 40, 1000));
  await rows.first().filter({ hasText: "dog" }).waitFor();
  assert.equal(await rows.count() <= 30, true, "old rows go");
  await visitor.open("/predictions?label=person");
  assert.equal(await rows.filter({ hasText: "cat" }).count(), 0);
  await visitor.open("/predictions?device=nobody");
  assert.equal(await page.getByText("Nothing matches").isVisible(), true);
});

Deno.test("a device whose score does not move is named", async () => {
  await using gateway = await startGateway();
  await send(
    gateway,
    "frozen",
    Array.from({ length: 23 }, (_, i) => ({ seq: i + 1, label: "person", score: 0.97 })),
  );
  await send(gateway, "alive", [{ seq: 1, label: "person", score: 0.97 }]);
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  await visitor.signIn();
  await openUntil(visitor, "/predictions", "bit-identical for 23 results");
  const { page } = visitor;
  const latest = page.getByRole("table", { name: "Newest of each device" });
  assert.match(await latest.getByRole("row").nth(1).innerText(), /frozen\s+stuck/);
  assert.equal(await page.getByText("alive: its score").count(), 0);
  await visitor.assertWell();
});

/** Berlin, winter time: one hour ahead of UTC. */
const berlin = (date: string, time: string) => Date.parse(`${date}T${time}:00+01:00`);

Deno.test("presence of a known day in Europe/Berlin, and what comes late", async () => {
  await using gateway = await startGateway();
  const minutely = (date: string, { from, count, label, seq }: {
    from: string;
    count: number;
    label: string;
    seq: number;
  }): Sent[] =>
    Array.from({ length: count }, (_, i) => ({
      ...{ seq: seq + i, label, score: 0.9 },
      ts: berlin(date, from) + i * 60_000,
    }));
  // 00:10–01:10 local time lies on the day before in UTC.
  await send(gateway, "hall", [
    ...minutely("2026-02-10", { from: "00:10", count: 60, label: "person", seq: 1 }),
    ...minutely("2026-02-10", { from: "14:00", count: 120, label: "none", seq: 100 }),
    ...minutely("2026-02-10", { from: "16:00", count: 30, label: "person", seq: 300 }),
  ]);
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  const path = "/predictions/hall?date=2026-02-10";
  await openUntil(visitor, path, /Probability of presence\s+210 results/);
  const fact = (title: string) =>
    page.locator(".card").filter({ has: page.getByRole("heading", { name: title, exact: true }) });
  const plain = async (title: string) =>
    (await fact(title).innerText()).replaceAll("\u202f", " ").replaceAll(/\s+/g, " ");
  // The last result of each run holds for five minutes, or until the next one.
  assert.match(await plain("Presence"), /Presence 1 h 38 min day before: –/);
  assert.match(await plain("Absence"), /Absence 2 h day before: –/);
  assert.match(await plain("Presence rate"), /45 %/);
  assert.match(await plain("Most active hour"), /00:00 – 01:00|01:00 – 02:00/);
  await page.getByText("As a table").click();
  const hours = page.getByRole("table", { name: "Presence by the hour" });
  assert.equal(await hours.getByRole("row").count(), 25);
  const hour = async (name: RegExp) =>
    (await hours.getByRole("row", { name }).innerText()).replaceAll("\u202f", " ");
  assert.match(await hour(/^00:00/), /50 min\s+0 min\s+0\.9/);
  assert.match(await hour(/^14:00/), /0 min\s+1 h\s+0\.1/);
  await visitor.assertWell();

  await page.getByRole("link", { name: "Day before" }).click();
  await page.waitForURL(/date=2026-02-09/);
  assert.match(await page.locator("main").innerText(), /Nothing was observed on this day/);
  await page.getByRole("link", { name: "Day after" }).click();
  await page.waitForURL(/date=2026-02-10/);

  await send(gateway, "hall", [
    ...minutely("2026-02-09", { from: "20:00", count: 30, label: "person", seq: 2000 }),
    ...minutely("2026-02-10", { from: "20:00", count: 60, label: "person", seq: 3000 }),
  ]);
  await openUntil(visitor, path, /Probability of presence\s+270 results/);
  assert.match(await plain("Presence"), /2 h 42 min 2 h 8 min more than the day before/);

  await page.getByLabel("Time zone").selectOption("UTC");
  await page.getByRole("button", { name: "Use" }).click();
  await page.waitForURL(/date=2026-02-10/);
  assert.match(
    await page.locator("main").innerText(),
    /presence\s+220 results/,
    "the day of another zone",
  );
  await page.getByLabel("Day", { exact: true }).fill("2026-02-11");
  await page.getByRole("button", { name: "Show" }).click();
  await page.waitForURL(/date=2026-02-11/);
  await visitor.open("/predictions/hall?date=2026-02-31");
  assert.match(await page.locator("main").innerText(), /There is no such day/);
});

Deno.test("days on which clocks change have 23 and 25 hours", async () => {
  await using gateway = await startGateway();
  const days = [["2026-03-29", 23, "02:00"], ["2025-10-26", 25, "02:00"]] as const;
  await send(
    gateway,
    "hall",
    days.map(([date], i) => ({
      ...{ seq: i + 1, label: "person", score: 0.9 },
      ts: Date.parse(`${date}T05:00:00Z`),
    })),
  );
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl, { javaScriptEnabled: false });
  const { page } = visitor;
  await visitor.signIn();
  await page.goto("/predictions/hall");
  await until(async () => {
    await page.goto(`/predictions/hall?date=${days[0][0]}`);
    return (await page.locator("main").innerText()).includes("Time zone");
  }, { what: "the device is known" });
  await page.getByLabel("Time zone").selectOption("Europe/Berlin");
  await page.getByRole("button", { name: "Use" }).click();
  for (const [date, hours, doubled] of days) {
    await until(async () => {
      await page.goto(`/predictions/hall?date=${date}`);
      return await page.locator("svg.hours g").count() === hours;
    }, { what: `${date} has ${hours} hours` });
    const rows = page.locator("details tbody tr");
    assert.equal(await rows.count(), hours);
    const firsts = await rows.locator("td:first-child").allTextContents();
    const times = firsts.filter((text) => text.startsWith(doubled)).length;
    assert.equal(times, hours === 25 ? 2 : 0, `${date}: ${doubled}`);
  }
});

Deno.test("nasty labels are text, in both themes and on a phone", async () => {
  await using gateway = await startGateway();
  await send(gateway, "cam", NASTY.map((label, i) => ({ seq: i + 1, label, score: 0.5 + i / 10 })));
  await using browser = await PageBrowser.launch();
  const looks = [{ colorScheme: "light" }, { colorScheme: "dark" }, { viewport: NARROW }] as const;
  for (const [turn, look] of looks.entries()) {
    await using visitor = await browser.visitor(gateway.httpUrl, look);
    const { page } = visitor;
    await visitor.signIn();
    await openUntil(visitor, "/predictions", "<script>");
    for (const path of ["/predictions", "/predictions/cam"]) {
      await visitor.open(path);
      await visitor.assertWell();
      assert.notEqual(await page.title(), "owned");
    }
    await visitor.open("/predictions");
    await page.getByText("live", { exact: true }).waitFor();
    const results = NASTY.map((label, i) => ({ seq: 100 * (turn + 1) + i, label, score: 0.321 }));
    await send(gateway, "cam", results);
    await page.locator("[data-feed] tr", { hasText: "0.321" }).nth(NASTY.length - 1).waitFor();
    await visitor.assertWell();
    for (const label of NASTY) {
      await visitor.open(`/predictions?label=${encodeURIComponent(label)}`);
      const labels = await page.locator("[data-feed] tbody [data-cell=label]").allTextContents();
      assert(labels.length > 0 && labels.every((text) => text === labels[0]), label);
      await visitor.assertWell();
    }
    await visitor.open(`/predictions/cam?label=${encodeURIComponent(NASTY[0]!)}`);
    await visitor.assertWell();
  }
});

Deno.test("a device without predictions says how to send some; an unknown one is not there", async () => {
  await using gateway = await startGateway();
  await gateway.command(["device", "add", "silent"]);
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  await visitor.signIn();
  await visitor.open("/predictions/silent");
  assert.equal(await visitor.page.getByText("No predictions of this device").isVisible(), true);
  await visitor.assertWell();
  const response = await visitor.page.goto("/predictions/nobody");
  assert.equal(response?.status(), 404);
});

Deno.test("pages of predictions stay small", async () => {
  await using gateway = await startGateway();
  const [nowMs, label] = [Date.now(), "somebody-with-a-long-name"];
  await send(
    gateway,
    "cam",
    Array.from({ length: 1440 }, (_, i) => ({
      ...{ seq: i + 1, label, score: (i % 97) / 97, avg: 0.5, window: 5, model: "silhouette-v1" },
      ts: nowMs - i * 60_000,
    })),
  );
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  await visitor.signIn();
  await openUntil(visitor, "/predictions/cam", /results/);
  for (const path of ["/predictions", "/predictions/cam"]) {
    await visitor.open(path);
    const { html, names } = await visitor.page.evaluate(async () => {
      const names = performance.getEntriesByType("resource").map(({ name }) => name)
        .filter((name) => name.endsWith(".js"));
      const response = await fetch(location.href);
      return { html: (await response.arrayBuffer()).byteLength, names };
    });
    assert(html <= 60_000, `${path}: ${html} bytes of HTML`);
    const sizes = await Promise.all(names.map(sentBytes));
    const script = sizes.reduce((sum, size) => sum + size, 0);
    assert(script <= 15 * 1024, `${path}: ${script} bytes of script`);
  }
});

async function sentBytes(url: string): Promise<number> {
  const how = ["-s", "-o", "/dev/null", "-H", "Accept-Encoding: gzip", "-w", "%{size_download}"];
  return Number(await run("curl", { args: [...how, url] }));
}
