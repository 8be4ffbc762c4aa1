/** Dead letters: filter, edit, preview, replay, purge, export, with and without script. */
import assert from "node:assert/strict";
import { connectAsync } from "mqtt";
import type { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
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

const NASTY = '{"<img src=x onerror=alert(1)>": "</script><script>alert(1)</script>';

async function publish(
  gateway: GatewayProcess,
  messages: readonly { topic: string; payload: string | Uint8Array }[],
): Promise<void> {
  const client = await connectAsync(gateway.mqttUrl);
  await Promise.all(
    messages.map(({ topic, payload }) => client.publishAsync(topic, payload as string, { qos: 1 })),
  );
  await client.endAsync();
}

/** A gateway that writes to a table which refuses temperatures above 1000. */
class Bed implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  server!: PostgresServer;
  database = "";
  gateway!: GatewayProcess;
  browser!: PageBrowser;

  static async create(): Promise<Bed> {
    const bed = new Bed();
    bed.server = bed.#stack.use(await PostgresServer.start());
    bed.database = await bed.server.createDatabase();
    const url = bed.server.url({ database: bed.database });
    const config = `[[destination]]\nname = "main"\ntype = "postgres"\nurl = "${url}"\n`;
    bed.gateway = bed.#stack.use(await startGateway({ config }));
    bed.browser = bed.#stack.use(await PageBrowser.launch());
    await publish(bed.gateway, [{ topic: "devices/first/telemetry", payload: '{"a":1}' }]);
    await bed.untilRows(1);
    await bed.server.execute(
      "ALTER TABLE readings ADD CONSTRAINT sane CHECK (measurement <> 'temperature' OR value < 1000)",
      { database: bed.database },
    );
    return bed;
  }

  /** Publishes temperatures that PostgreSQL refuses, and waits until they are dead. */
  async poison(count: number): Promise<void> {
    await publish(
      this.gateway,
      Array.from({ length: count }, (_, i) => ({
        topic: `devices/press-${i % 3}/telemetry`,
        payload: `{"temperature":${2000 + i}}`,
      })),
    );
    await this.gateway.untilMetric(
      'sluice_queue_messages{destination="main",state="dead"}',
      count,
      60_000,
    );
  }

  async untilRows(count: number): Promise<void> {
    await until(async () => (await this.values()).length >= count, {
      what: `${count} rows in PostgreSQL`,
    });
  }

  async values(): Promise<number[]> {
    const sql = "SELECT value FROM readings ORDER BY value";
    const rows = await this.server.query<{ value: number }>(sql, { database: this.database });
    return rows.map(({ value }) => value);
  }

  async visitor(options: VisitorOptions = {}): Promise<Visitor> {
    const visitor = await this.browser.visitor(this.gateway.httpUrl, options);
    await visitor.signIn();
    return visitor;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

Deno.test("a refused message is edited, previewed, replayed, and its row is in PostgreSQL", async () => {
  await using bed = await Bed.create();
  await bed.poison(1);
  for (const javaScriptEnabled of [false, true]) {
    await using visitor = await bed.visitor({ javaScriptEnabled });
    const { page } = visitor;
    await page.goto("/dead-letters");
    await page.getByRole("row", { name: /press-0 main/ }).getByText(/sane/).waitFor();
    await page.getByRole("link", { name: /Edit or replay dead letter/ }).click();
    const payload = page.getByRole("textbox", { name: "Payload" });
    assert.equal(await payload.inputValue(), '{"temperature":2000}');
    await payload.fill('{"temperature":');
    await page.getByRole("button", { name: "Preview" }).click();
    await page.getByText("No decoder takes it").waitFor();
    assert.equal(await payload.inputValue(), '{"temperature":', "the input is kept");
    await page.getByRole("button", { name: "Replay to main" }).click();
    await page.getByRole("alert").getByText(/cannot be replayed/).waitFor();
    if (!javaScriptEnabled) continue;
    await payload.fill('{"temperature":21.5}');
    await page.getByRole("button", { name: "Preview" }).click();
    await page.getByRole("row", { name: /press-0 Temperature|press-0 temperature 21\.5 °C/ })
      .waitFor();
    await page.getByRole("button", { name: "Replay to main" }).click();
    await page.getByText("The dead letter is on its way again.").waitFor();
  }
  await bed.untilRows(2);
  assert.deepEqual(await bed.values(), [1, 21.5]);
  const ledger = (await bed.gateway.metrics()).ledger("main");
  assert.equal(ledger.dead, 0);
});

Deno.test("undecodable input is corrected and taken in as if it had just arrived", async () => {
  await using bed = await Bed.create();
  await publish(bed.gateway, [
    { topic: "devices/meter-9/telemetry", payload: '{"kwh":12.4,\n"v":' },
    { topic: "devices/meter-9/telemetry", payload: Uint8Array.of(0xff, 0xfe, 0x41) },
  ]);
  await using visitor = await bed.visitor();
  const { page } = visitor;
  await visitor.open("/dead-letters?kind=source");
  const row = page.getByRole("row", { name: /not json/ });
  await row.getByRole("link", { name: /Edit or replay/ }).click();
  const payload = page.getByRole("textbox", { name: "Payload" });
  assert.equal(await payload.inputValue(), '{"kwh":12.4,\n"v":');
  await payload.fill('[{"kwh":12.4},{"kwh":"x","v":{"value":230,"unit":"volts"}}]');
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByRole("heading", { name: "Element 2" }).waitFor();
  await page.getByRole("row", { name: /kwh 12\.4/ }).waitFor();
  await visitor.assertWell();
  await page.getByRole("button", { name: "Replay", exact: true }).click();
  await page.getByText("The dead letter is on its way again.").waitFor();
  await bed.untilRows(3);
  assert.deepEqual(await bed.values(), [1, 12.4, 230]);
  const bytes = page.getByRole("row", { name: /not utf8/ });
  await bytes.getByRole("link", { name: /Edit or replay/ }).click();
  await page.getByText("0000 ff fe 41").waitFor();
  await visitor.settle();
  await visitor.assertWell();
});

Deno.test("chosen letters are replayed, all that match are purged, and the count is named", async () => {
  await using bed = await Bed.create();
  await bed.poison(30);
  for (const javaScriptEnabled of [true, false]) {
    await using visitor = await bed.visitor({ javaScriptEnabled });
    const { page } = visitor;
    await page.goto("/dead-letters?device=press-1");
    await page.getByText("10 dead letters match").waitFor();
    await page.getByRole("button", { name: "Replay", exact: true }).click();
    await page.getByRole("alert").getByText("Nothing was chosen").waitFor();
    assert.equal(await page.getByLabel("Device").inputValue(), "press-1", "the filter is kept");
  }
  await using visitor = await bed.visitor({ javaScriptEnabled: false });
  const { page } = visitor;
  await bed.server.execute("ALTER TABLE readings DROP CONSTRAINT sane", { database: bed.database });
  await page.goto("/dead-letters?device=press-1");
  const boxes = page.getByRole("checkbox");
  await boxes.nth(0).check();
  await boxes.nth(1).check();
  await page.getByRole("button", { name: "Replay", exact: true }).click();
  await page.getByText("2 dead letters replayed.").waitFor();
  await bed.untilRows(3);
  await boxes.nth(0).check();
  await page.getByRole("button", { name: "Purge…", exact: true }).click();
  await page.getByRole("heading", { name: "Purge 1 dead letter" }).waitFor();
  await page.getByRole("button", { name: "Purge 1 dead letter" }).click();
  await page.getByText("1 dead letter purged.").waitFor();
  await page.getByText("7 dead letters match").waitFor();
  await page.locator("summary").filter({ hasText: "Purge all…" }).click();
  await page.getByRole("button", { name: "Purge 7 dead letters" }).click();
  await page.getByText("7 dead letters purged.").waitFor();
  const ledger = (await bed.gateway.metrics()).ledger("main");
  assert.equal(ledger.dead, 20);
  assert.equal(ledger.purged, 8);
  await page.goto("/dead-letters");
  await page.getByRole("button", { name: "Replay all" }).click();
  await page.getByText("20 dead letters replayed.").waitFor();
  await bed.untilRows(23);
});

Deno.test("what is seen is exported: CSV and NDJSON, payloads as they are", async () => {
  await using bed = await Bed.create();
  await publish(bed.gateway, [
    { topic: "devices/meter-9/telemetry", payload: '=cmd|"/c calc"!A1' },
    { topic: "devices/meter-9/telemetry", payload: Uint8Array.of(0xff, 0x00, 0x41) },
    { topic: "devices/other/telemetry", payload: "{" },
  ]);
  await using visitor = await bed.visitor();
  const { page } = visitor;
  await visitor.open("/dead-letters?kind=source&device=meter-9");
  const download = async (name: string) => {
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name }).click(),
    ]);
    return await Deno.readTextFile(await file.path());
  };
  const lines = (await download("Export NDJSON")).trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  assert.deepEqual(lines.map(({ payload }) => payload), [null, '=cmd|"/c calc"!A1']);
  assert.equal(lines[0].payload_base64, "/wBB");
  assert.equal(lines[1].reason, "not_json");
  const csv = await download("Export CSV");
  assert.match(csv, /^letter,at,device,where,topic,reason,/);
  assert.match(csv, /"'=cmd\|""\/c calc""!A1"/, "no formula for a spreadsheet");
  assert.equal(csv.trimEnd().split("\r\n").length, 3);
});

Deno.test("nasty payloads are text, the pages are well in both themes and on a phone", async () => {
  await using bed = await Bed.create();
  await bed.poison(2);
  await publish(bed.gateway, [
    { topic: "devices/meter-9/telemetry", payload: NASTY },
    { topic: "devices/meter-9/telemetry", payload: "\u202eevil\u0007" },
  ]);
  for (const look of LOOKS) {
    await using visitor = await bed.visitor(look);
    const { page } = visitor;
    for (
      const path of ["/dead-letters", "/dead-letters?kind=source", "/dead-letters?device=none"]
    ) {
      await visitor.open(path);
      await visitor.assertWell();
    }
    await visitor.open("/dead-letters?kind=source");
    await page.getByText(NASTY.slice(0, 40)).first().waitFor();
    await page.getByText("\\u{202e}evil\\u{7}").first().waitFor();
    assert.equal(await page.locator("main img").count(), 0);
    await page.getByRole("row").filter({ hasText: "img src" })
      .getByRole("link", { name: /Edit/ }).click();
    await visitor.settle();
    assert.equal(await page.getByRole("textbox", { name: "Payload" }).inputValue(), NASTY);
    await visitor.assertWell();
    await visitor.open("/dead-letters/destination/1");
    await visitor.assertWell();
  }
});

Deno.test("work that goes on shows how far it is, and what came of it", async () => {
  await using bed = await Bed.create();
  const large = "x".repeat(60_000);
  const letters = Array.from({ length: 400 }, () => ({
    topic: "devices/meter-9/telemetry",
    payload: `{"a":"${large}`,
  }));
  await publish(bed.gateway, letters);
  for (const javaScriptEnabled of [true, false]) {
    await using visitor = await bed.visitor({ javaScriptEnabled });
    const { page } = visitor;
    const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`);
    // Nobody reads: the export stands still in its middle.
    const url = `${bed.gateway.httpUrl}/dead-letters/export?kind=source&format=csv`;
    const answer = await fetch(url, { headers: { cookie: cookie.join("; ") } });
    await page.goto("/dead-letters?kind=source");
    await page.getByText(/Export: sources, .* of 400, started by ada/).waitFor();
    await page.getByRole("link", { name: "Show how far it is" }).click();
    const bar = page.getByRole("progressbar", { name: "Export: sources" });
    await bar.waitFor();
    assert.equal(await bar.getAttribute("max"), "400");
    if (javaScriptEnabled) await visitor.assertWell();
    await answer.body?.cancel();
    await page.getByText("The export was cut.").waitFor();
    await page.getByRole("link", { name: "To the dead letters" }).click();
    await page.getByText("400 dead letters match").waitFor();
  }
});

Deno.test("only operators see dead letters, and who did what is audited", async () => {
  await using bed = await Bed.create();
  await bed.poison(1);
  const add = ["user", "add", "vera", "--role", "viewer", "--password-stdin"];
  await bed.gateway.command(add, { input: "correct horse battery\n" });
  await using viewer = await bed.browser.visitor(bed.gateway.httpUrl);
  await viewer.signIn({ name: "vera", password: "correct horse battery" });
  for (const path of ["/dead-letters", "/dead-letters/destination/1", "/dead-letters/export"]) {
    assert.equal((await viewer.page.goto(path))?.status(), 403, path);
  }
  await using visitor = await bed.visitor();
  const { page } = visitor;
  await visitor.open("/dead-letters/destination/1");
  await page.locator("summary").filter({ hasText: "Purge…" }).click();
  await page.getByRole("button", { name: "Purge this dead letter" }).click();
  await page.getByText("The dead letter is purged.").waitFor();
  const audit = await page.request.get("/api/audit?action=dead_purge");
  const { items } = await audit.json();
  assert.equal(items[0].actor, "ada");
  assert.equal(items[0].address, "127.0.0.1");
  assert.equal((await page.goto("/dead-letters/destination/1"))?.status(), 404);
});
