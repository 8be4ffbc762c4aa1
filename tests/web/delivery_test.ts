/** Delivery and journeys: what a person sees while a destination goes away and comes back. */
import assert from "node:assert/strict";
import { connectAsync } from "mqtt";
import { FaultProxy } from "@/tests/helpers/fault_proxy.ts";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";
import {
  NARROW,
  PageBrowser,
  startGateway,
  type Visitor,
  type VisitorOptions,
} from "@/tests/web/page_bed.ts";

const LOOKS: readonly VisitorOptions[] = [
  { colorScheme: "light" },
  { colorScheme: "dark" },
  { colorScheme: "light", viewport: NARROW },
];

function postgres(name: string, url: string): string {
  return `[[destination]]\nname = "${name}"\ntype = "postgres"\nurl = "${url}"\n`;
}

/** Sends one message over HTTP, as a device on this machine; resolves with its id. */
async function send(gateway: GatewayProcess, body: unknown, device = "press-04"): Promise<string> {
  const response = await fetch(`${gateway.httpUrl}/v1/ingest/${device}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  assert.equal(response.status, 202, JSON.stringify(answer));
  return answer.id ?? answer.message_id;
}

async function publish(gateway: GatewayProcess, topic: string, payload: unknown): Promise<void> {
  const client = await connectAsync(gateway.mqttUrl);
  await client.publishAsync(topic, JSON.stringify(payload), { qos: 1 });
  await client.endAsync();
}

/** "accepted 1 204 = acked 1 203 + queued 1 + …" → [1204, [1203, 1, …]] */
function parseLedger(sentence: string): { accepted: number; parts: number[] } {
  const text = sentence.replaceAll(/(\d)\s+(?=\d)/g, "$1");
  const [left = "", right = ""] = text.split("=");
  const numbers = (side: string) => [...side.matchAll(/[a-z] (\d+)/g)].map(([, n]) => Number(n));
  return { accepted: numbers(left).at(-1) ?? NaN, parts: numbers(right) };
}

/** Sentences on the page that do not add up; "none" where there is no sentence. */
async function wrongLedgers({ page }: Visitor): Promise<string[]> {
  const sentences = await page.locator(".flow-sum").allInnerTexts();
  const wrong = sentences.filter((sentence) => {
    const { accepted, parts } = parseLedger(sentence);
    return accepted !== parts.reduce((sum, part) => sum + part, 0);
  });
  return sentences.length === 0 ? ["none"] : wrong;
}

/** Waits for a state in words, and looks at every ledger meanwhile. */
async function untilState(visitor: Visitor, name: string, states: readonly string[]) {
  const card = visitor.page.getByRole("region", { name, exact: true });
  const wrong: string[] = [];
  await until(async () => {
    wrong.push(...await wrongLedgers(visitor));
    return states.includes(await card.locator(".tag").first().innerText());
  }, { what: `${name} is ${states.join(" or ")}`, timeoutMs: 60_000, everyMs: 100 });
  assert.deepEqual(wrong, []);
}

Deno.test("a destination goes away and comes back before one's eyes, and every ledger adds up", async () => {
  await using server = await PostgresServer.start();
  const database = await server.createDatabase();
  await using proxy = await FaultProxy.start(server.port);
  const config = postgres("main", server.url({ database, port: proxy.port }));
  await using gateway = await startGateway({ config });
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  await visitor.signIn();
  await visitor.open("/delivery");
  await send(gateway, { values: { pressure: 1000 } });
  const card = visitor.page.getByRole("region", { name: "main", exact: true });
  await card.getByText(/= acked 1$/).waitFor();
  await untilState(visitor, "main", ["delivering", "up to date"]);
  await proxy.set("refuse");
  for (let i = 0; i < 5; i++) await send(gateway, { values: { pressure: 1001 + i } });
  await untilState(visitor, "main", ["backing off", "away"]);
  await card.getByText("Last error").waitFor();
  await card.getByText("ECONNREFUSED").waitFor();
  await card.getByText("5 messages").waitFor();
  await visitor.assertWell();
  await card.getByRole("button", { name: "Pause main" }).focus();
  await send(gateway, { values: { pressure: 1010 } });
  await card.getByText("6 messages").waitFor();
  const focused = () => visitor.page.evaluate(() => document.activeElement?.ariaLabel);
  assert.equal(await focused(), "Pause main", "an update takes nobody's place away");
  await proxy.set("pass");
  await card.getByRole("button", { name: "Test main" }).click();
  await visitor.page.getByText("main can be written to").waitFor();
  await visitor.settle();
  await untilState(visitor, "main", ["delivering", "up to date"]);
  await card.getByText("nothing waits").waitFor();
  const rows = await server.query<{ n: number }>("SELECT count(*) AS n FROM readings", {
    database,
  });
  assert.equal(rows[0]?.n, 7);
});

Deno.test("an operator pauses, resumes and tests; a viewer only looks", async () => {
  await using server = await PostgresServer.start();
  const database = await server.createDatabase();
  const config = postgres("main", server.url({ database })) +
    postgres("lost", "postgres://nobody@127.0.0.1:9/x");
  await using gateway = await startGateway({ config });
  for (const role of ["operator", "viewer"]) {
    const add = ["user", "add", `${role}1`, "--role", role, "--password-stdin"];
    await gateway.command(add, { input: "correct horse battery\n" });
  }
  await using browser = await PageBrowser.launch();
  for (const javaScriptEnabled of [true, false]) {
    await using visitor = await browser.visitor(gateway.httpUrl, { javaScriptEnabled });
    const { page } = visitor;
    await visitor.signIn({ name: "operator1", password: "correct horse battery" });
    await page.goto("/delivery");
    await page.getByRole("button", { name: "Pause main" }).click();
    await page.getByText("main is paused; messages keep queueing.").waitFor();
    await page.getByRole("button", { name: "Resume main" }).click();
    await page.getByText("main goes on.").waitFor();
    await page.getByRole("button", { name: "Test lost" }).click();
    await page.getByText("The test of lost failed.").waitFor();
    await page.getByRole("alert").getByText("ECONNREFUSED").waitFor();
  }
  const audit = await gateway.command(["queue", "status"]);
  assert.match(audit, /main/);
  await using viewer = await browser.visitor(gateway.httpUrl);
  await viewer.signIn({ name: "viewer1", password: "correct horse battery" });
  await viewer.open("/delivery");
  assert.equal(await viewer.page.getByRole("button", { name: "Pause main" }).count(), 0);
  const refused = await viewer.page.request.post(`${gateway.httpUrl}/delivery/main`, {
    form: { action: "pause" },
  });
  assert.equal(refused.status(), 403);
});

Deno.test("a destination that is taken out of the configuration keeps its ledger", async () => {
  await using folder = await TempDir.create("sluice-delivery-");
  await using browser = await PageBrowser.launch();
  const config = postgres("gone", "postgres://nobody@127.0.0.1:9/x");
  {
    await using gateway = await startGateway({ folder, config });
    await send(gateway, { values: { pressure: 1000 } });
  }
  await using gateway = await GatewayProcess.start({ folder });
  await using visitor = await browser.visitor(gateway.httpUrl);
  await visitor.signIn();
  await visitor.open("/delivery");
  const card = visitor.page.getByRole("region", { name: "gone", exact: true });
  await card.getByText("not configured", { exact: true }).waitFor();
  await card.getByText("sluice destination forget gone").waitFor();
  await card.getByText(/^1 message ·/).waitFor();
  assert.equal(await card.getByRole("button").count(), 0);
  assert.deepEqual(await wrongLedgers(visitor), []);
  await visitor.assertWell();
});

Deno.test("a full queue is told where it is, and goes away before one's eyes", async () => {
  await using server = await PostgresServer.start();
  const database = await server.createDatabase();
  await using proxy = await FaultProxy.start(server.port, "refuse");
  const config = '[storage]\nqueue_bytes_max = "1MiB"\n' +
    postgres("main", server.url({ database, port: proxy.port }));
  await using gateway = await startGateway({ config });
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  await visitor.signIn();
  await visitor.open("/delivery");
  const body = JSON.stringify({ metrics: { a: 1 }, payload: "x".repeat(50_000) });
  await until(async () => {
    const response = await fetch(`${gateway.httpUrl}/v1/ingest/press-04`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    await response.body?.cancel();
    return response.status === 503;
  }, { what: "the queue is full" });
  await visitor.page.getByText("refuses new data").waitFor();
  await visitor.page.getByText(/^is refused: /).waitFor();
  assert.deepEqual(await wrongLedgers(visitor), []);
  await visitor.assertWell();
  await proxy.set("pass");
  await visitor.page.getByRole("button", { name: "Test main" }).click();
  await visitor.page.getByText("main can be written to").waitFor();
  await visitor.page.getByText("is accepted", { exact: true }).waitFor({ timeout: 90_000 });
  assert.deepEqual(await wrongLedgers(visitor), []);
});

Deno.test("without a destination data rests here, and the page says how to add one", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  for (const look of LOOKS) {
    await using visitor = await browser.visitor(gateway.httpUrl, look);
    await visitor.signIn();
    await visitor.open("/delivery");
    await visitor.page.getByText("Data rests here").waitFor();
    assert.equal(await visitor.page.getByRole("link", { name: "Add a destination" }).count(), 1);
    await visitor.assertWell();
  }
});

Deno.test("a message's journey: where it came from, what it became, where it stands", async () => {
  await using server = await PostgresServer.start();
  const database = await server.createDatabase();
  const config = postgres("main", server.url({ database })) +
    postgres("lost", "postgres://nobody@127.0.0.1:9/x");
  await using gateway = await startGateway({ config });
  const state = '<img src=x onerror="alert(1)">';
  await publish(gateway, "devices/press-04/telemetry", { temperature: 21.5, state });
  const id = await until(async () => {
    const rows = await server.query<{ message_id: string }>("SELECT message_id FROM attributes", {
      database,
    });
    return rows[0]?.message_id;
  }, { what: "the message is in PostgreSQL" });
  await using browser = await PageBrowser.launch();
  for (const look of LOOKS) {
    await using visitor = await browser.visitor(gateway.httpUrl, look);
    const { page } = visitor;
    await visitor.signIn();
    await visitor.open("/delivery");
    await page.getByRole("searchbox", { name: "Message id" }).fill(id);
    await page.getByRole("button", { name: "Show its journey" }).click();
    await page.waitForURL((url) => url.pathname === `/messages/${id}`);
    await visitor.settle();
    await until(async () => {
      await visitor.open(`/messages/${id}`);
      return await page.getByRole("row", { name: /main/ }).getByText("acked").count() > 0;
    }, { what: "the message is acked" });
    await page.getByRole("row", { name: /lost/ }).getByText(/queued|in flight/).waitFor();
    await page.getByRole("row", { name: /temperature 21\.5 °C/ }).waitFor();
    await page.getByRole("cell", { name: state }).waitFor();
    assert.equal(await page.locator("main img").count(), 0);
    const link = page.getByRole("link", { name: "press-04" }).first();
    assert.equal(await link.getAttribute("href"), "/devices/press-04");
    await visitor.assertWell();
  }
});

Deno.test("an id that is not here is a friendly page with the reasons", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  await visitor.signIn();
  const cases = [
    ["0123456789abcdef0000000000000001", /Its epoch is another one/],
    ["<img src=x>", /is no message id/],
  ] as const;
  for (const [id, text] of cases) {
    const response = await visitor.page.goto(`/messages/${encodeURIComponent(id)}`);
    assert.equal(response?.status(), 404);
    await visitor.page.getByText(text).waitFor();
    visitor.complaints.length = 0; // the console names each 404
    await visitor.assertWell();
  }
});
