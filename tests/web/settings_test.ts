/** The settings pages against real servers: what is saved there holds, what is not theirs stays. */
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { Mosquitto } from "@/tests/helpers/mosquitto.ts";
import { mosquittoPub } from "@/tests/helpers/mosquitto_clients.ts";
import { PostgresServer } from "@/tests/helpers/postgres_server.ts";
import { ServerProcess } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";
import { ADMIN, NARROW, PageBrowser, startGateway } from "@/tests/web/page_bed.ts";

/** The admin's own file: nothing of it may ever change. */
const ADMINS_FILE = `# kept by hand
[log]
level = "warning"   # fewer lines

[[destination]]
name = "archive"
type = "mqtt"
url = "mqtt://127.0.0.1:9"
password = "admins-secret"
`;

const PLACES = [
  "/settings",
  "/settings/destinations",
  "/settings/destinations/archive",
  "/settings/add/destination?type=influxdb",
  "/settings/sources",
  "/settings/add/source?type=mqtt",
  "/settings/retention",
  "/settings/access",
  "/settings/tls",
  "/settings/network",
  "/settings/broker",
  "/settings/readings",
  "/settings/log",
  "/settings/appearance",
  "/settings/all",
];

async function save(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Save", exact: true }).click();
}

/** A session for programs, which need no form token. */
async function bearer(gateway: GatewayProcess, { name, password } = ADMIN): Promise<string> {
  const answer = await fetch(`${gateway.httpUrl}/api/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username: name, password }),
  });
  return `Bearer ${(await answer.json()).access_token}`;
}

async function versionOn(gateway: GatewayProcess, authorization: string): Promise<string> {
  const page = await fetch(`${gateway.httpUrl}/settings/log`, { headers: { authorization } });
  return /name="version" value="(\w+)"/.exec(await page.text())?.[1] ?? "";
}

Deno.test("a destination is tried, saved and used without a restart, and is there after one", async () => {
  await using postgres = await PostgresServer.start();
  await using folder = await TempDir.create("sluice-settings-");
  const database = await postgres.createDatabase();
  await using browser = await PageBrowser.launch();
  const gateway = await startGateway({ folder, config: ADMINS_FILE });
  await using _gateway = gateway;
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open("/settings/destinations");
  await page.getByRole("link", { name: "PostgreSQL" }).click();
  await page.getByLabel("Name").fill("cloud");
  await page.getByLabel("Address").fill(
    `postgres://postgres@127.0.0.1:${postgres.port}/${database}`,
  );
  await page.getByLabel("Password").fill("wrong-password");
  await page.getByRole("button", { name: "Test" }).click();
  const failure = page.getByRole("alert").filter({ hasText: "The test failed" });
  assert.match(await failure.innerText(), /password authentication failed/);
  assert.match(await failure.innerText(), /Check user, password/, "the hint");
  assert.equal(await page.getByLabel("Name").inputValue(), "cloud", "the input is kept");
  await page.getByLabel("Password").fill(postgres.password);
  await page.getByRole("button", { name: "Test" }).click();
  await page.getByRole("status").filter({ hasText: "The test worked" }).waitFor();
  assert.ok(!(await page.content()).includes(postgres.password), "a typed secret is not shown");
  await visitor.assertWell();
  await page.getByRole("button", { name: "Save it" }).click();
  await page.getByText("Added and in effect.").waitFor();
  assert.ok(!(await page.content()).includes(postgres.password));

  const publish = (value: string) =>
    mosquittoPub(gateway.mqttPort, { topic: "devices/oven/temperature", payload: value });
  const arrived = (value: string) =>
    until(
      async () =>
        (await postgres.query(`SELECT value FROM readings WHERE value = ${value}`, { database }))
          .length === 1,
      { what: `${value} is in PostgreSQL`, everyMs: 100 },
    );
  await publish("21.5");
  await arrived("21.5");
  const file = folder.join("data", "settings.toml");
  assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
  assert.equal(await Deno.readTextFile(folder.join("sluice.toml")), ADMINS_FILE);
  await visitor.open("/settings/destinations/cloud");
  assert.ok(!(await page.content()).includes(postgres.password));
  await page.getByText("is set, and kept while this stays empty").waitFor();

  const { mqttPort, httpPort } = gateway;
  assert.equal(await gateway.stop(), 0);
  const file2 = await Deno.readTextFile(file);
  await using second = await GatewayProcess.start({
    ...{ folder, config: ADMINS_FILE, mqttPort, httpPort },
  });
  assert.equal(await Deno.readTextFile(file), file2, "a start writes nothing");
  await visitor.open("/settings/destinations");
  await page.getByRole("heading", { name: /cloud/ }).waitFor();
  await publish("22.5");
  await arrived("22.5");

  await visitor.open("/settings/destinations/cloud");
  await page.getByText("Remove…").click();
  await page.getByRole("button", { name: "Remove cloud" }).click();
  await page.getByText("Removed.", { exact: true }).waitFor();
  await page.getByText("sluice destination forget cloud").waitFor();
  const trail = await second.command(["queue", "status", "--json"]);
  assert.match(trail, /cloud/, "its ledger stays");
});

Deno.test("an edit keeps the secret, but does not send it to another server", async () => {
  await using postgres = await PostgresServer.start();
  await using gateway = await startGateway();
  const port = postgres.port;
  await using browser = await PageBrowser.launch();
  // Everything here works without script.
  await using visitor = await browser.visitor(gateway.httpUrl, { javaScriptEnabled: false });
  const { page } = visitor;
  await visitor.signIn();
  await page.goto("/settings/add/destination?type=postgres");
  await page.getByLabel("Name").fill("db");
  // A password typed into the address moves into its own field.
  const typed = encodeURIComponent(postgres.password);
  await page.getByLabel("Address").fill(`postgres://postgres:${typed}@127.0.0.1:${port}/postgres`);
  await page.getByRole("button", { name: "Test" }).click();
  await page.getByText("The test worked").waitFor();
  assert.ok(!(await page.content()).includes(typed));
  await page.getByRole("button", { name: "Save it" }).click();
  await page.getByText("Added and in effect.").waitFor();
  await page.goto("/settings/destinations/db");
  assert.equal(
    await page.getByLabel("Address").inputValue(),
    `postgres://postgres@127.0.0.1:${port}/postgres`,
  );
  await page.getByRole("button", { name: "Test" }).click();
  await page.getByText("The test worked").waitFor();
  await page.getByLabel("Address").fill(`postgres://postgres@localhost:${port}/postgres`);
  for (const button of ["Test", "Save"]) {
    await page.getByRole("button", { name: button, exact: true }).click();
    const beside = page.locator(".field-error");
    assert.match(await beside.innerText(), /Was given for another server.*Give it again\./);
  }
});

Deno.test("what is set elsewhere is shown with its place and refused when it is posted", async () => {
  await using folder = await TempDir.create("sluice-settings-");
  await using gateway = await startGateway({
    folder,
    config: ADMINS_FILE,
    env: { SLUICE_HTTP__METRICS: "open" },
  });
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  const places = [
    ["/settings/log", "Least important lines", "sluice.toml, line 3"],
    ["/settings/access", "Who may read /metrics", "SLUICE_HTTP__METRICS"],
    ["/settings/network", "HTTP listen", "--http"],
  ] as const;
  for (const [path, label, place] of places) {
    await visitor.open(path);
    const row = page.locator(".setting", { hasText: label });
    assert.match(await row.innerText(), /managed/, label);
    assert.ok((await row.innerText()).includes(place), await row.innerText());
    const field = row.locator("input:not([type=hidden]), select");
    assert.equal(await field.isDisabled(), true, label);
    const settled = await field.inputValue();
    await field.evaluate((element: HTMLInputElement) => {
      element.disabled = false;
      element.value = element.tagName === "SELECT"
        ? [...element.querySelectorAll("option")].find((each) => each.value !== element.value)!
          .value
        : "127.0.0.1:1";
    });
    await save(page);
    await page.getByRole("alert").filter({ hasText: "cannot be changed here" }).waitFor();
    await visitor.open(path);
    assert.equal(await field.inputValue(), settled);
    visitor.complaints.length = 0; // the console names the 400
  }
  await visitor.open("/settings/destinations/archive");
  assert.equal(await page.getByRole("button", { name: "Save", exact: true }).count(), 0);
  assert.ok(!(await page.content()).includes("admins-secret"));
  await page.getByRole("button", { name: "Test" }).click();
  await page.getByRole("alert").filter({ hasText: "The test failed" }).waitFor();
  assert.equal(await Deno.readTextFile(folder.join("sluice.toml")), ADMINS_FILE);
  await assert.rejects(Deno.stat(folder.join("data", "settings.toml")), Deno.errors.NotFound);
});

Deno.test("everything that is wrong is said at once, beside what was typed", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open("/settings/retention");
  await page.getByLabel("Largest queue").fill("a lot");
  await page.getByLabel("Every single reading").fill("5");
  await page.getByLabel("Wait of a commit").fill("100000");
  await page.getByLabel("Keep delivered messages").fill("3d");
  await save(page);
  const summary = page.getByRole("alert");
  assert.match(await summary.innerText(), /3 values cannot be saved/);
  for (
    const [label, text] of [["Largest queue", "a lot"], ["Every single reading", "5"]] as const
  ) {
    assert.equal(await page.getByLabel(label).inputValue(), text);
    assert.equal(await page.getByLabel(label).getAttribute("aria-invalid"), "true");
  }
  assert.equal(await page.getByLabel("Keep delivered messages").inputValue(), "3d");
  await page.getByText("Is not a size.").waitFor();
  await page.getByText("Is not a duration.").waitFor();
  visitor.complaints.length = 0; // the console names the 400
  await visitor.assertWell();

  await visitor.open("/settings/readings");
  await page.getByLabel("Unit of a measurement").fill("soil = percent");
  await page.getByLabel("Late after").fill("soon");
  await page.getByLabel("First level of the topics").fill("devices");
  await save(page);
  assert.match(await summary.innerText(), /3 values cannot be saved/);
  assert.match(await summary.innerText(), /is not TOML at line 1/);
  visitor.complaints.length = 0;

  await visitor.open("/settings/add/destination?type=influxdb");
  await save(page);
  assert.match(await summary.innerText(), /5 values cannot be saved/);
  assert.equal(await page.locator(".field-error").count(), 5);
});

Deno.test("two people at once: the second one is told, keeps the input, and decides", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using one = await browser.visitor(gateway.httpUrl);
  await using other = await browser.visitor(gateway.httpUrl);
  for (const visitor of [one, other]) {
    await visitor.signIn();
    await visitor.open("/settings/retention");
  }
  await one.page.getByLabel("Keep delivered messages").fill("3d");
  await save(one.page);
  await one.page.getByText("Saved and in effect.").waitFor();
  await other.page.getByLabel("Keep delivered messages").fill("5d");
  await other.page.getByLabel("Largest queue").fill("1GB");
  await save(other.page);
  await other.page.getByText("Somebody else saved settings").waitFor();
  assert.equal(await other.page.getByLabel("Keep delivered messages").inputValue(), "5d");
  assert.match(await other.page.locator(".setting-now").first().innerText(), /It is now: 4GB|3d/);
  other.complaints.length = 0; // the console names the 409
  await other.assertWell();
  await save(other.page);
  await other.page.getByText("Saved and in effect.").waitFor();
  await one.open("/settings/retention");
  assert.equal(await one.page.getByLabel("Keep delivered messages").inputValue(), "5d");
});

Deno.test("a change that needs a restart says so until there was one", async () => {
  await using folder = await TempDir.create("sluice-settings-");
  const gateway = await startGateway({ folder });
  await using _gateway = gateway;
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open("/settings/appearance");
  await page.getByLabel("Name of the gateway").fill("barn");
  await page.getByLabel("Location").fill("north");
  await save(page);
  await page.getByText("Some of it takes effect with the next start.").waitFor();
  await page.getByText("gateway.id, gateway.location").waitFor();
  await visitor.open("/settings");
  await page.getByText("Saved, and waiting for a restart:").waitFor();
  const { httpPort } = gateway;
  await gateway.kill();
  await using _second = await GatewayProcess.start({ folder, httpPort });
  await visitor.open("/settings");
  assert.equal(await page.getByText("Saved, and waiting for a restart:").count(), 0);
  assert.match(await Deno.readTextFile(folder.join("data", "settings.toml")), /id = "barn"/);
});

Deno.test("a secret of a section is written, kept, removed, and never shown", async () => {
  await using folder = await TempDir.create("sluice-settings-");
  await using gateway = await startGateway({ folder });
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  const written = () => Deno.readTextFile(folder.join("data", "settings.toml"));
  await visitor.signIn();
  await visitor.open("/settings/access");
  await page.getByLabel("Token for /metrics").fill("scrape-me-9c1");
  await page.getByLabel("Who may read /metrics").selectOption("token");
  await save(page);
  await page.getByText("Saved and in effect.").waitFor();
  assert.ok(!(await page.content()).includes("scrape-me-9c1"));
  assert.match(await written(), /metrics_token = "scrape-me-9c1"/);
  await page.getByLabel("Requests a second of a credential").fill("900");
  await save(page);
  await page.getByText("Saved and in effect.").waitFor();
  assert.match(await written(), /scrape-me-9c1/, "left empty, it stays");
  for (const path of PLACES.filter((each) => !each.includes("archive"))) {
    await visitor.open(path);
    assert.ok(!(await page.content()).includes("scrape-me-9c1"), path);
  }
  const audit = await fetch(`${gateway.httpUrl}/api/audit`, {
    headers: { authorization: await bearer(gateway) },
  });
  const trail = await audit.text();
  assert.match(trail, /settings_change/);
  assert.match(trail, /http\.metrics_token/);
  assert.ok(!trail.includes("scrape-me-9c1"), "the trail names keys, never values");
  await visitor.open("/settings/access");
  await page.getByLabel("Who may read /metrics").selectOption("loopback");
  await page.getByLabel("Remove what is set").check();
  await save(page);
  await page.getByText("Saved and in effect.").waitFor();
  assert.ok(!(await written()).includes("metrics"), "what is as by default is not in the file");
});

Deno.test("settings are an admin's alone", async () => {
  await using gateway = await startGateway();
  const password = "correct horse battery";
  const add = ["user", "add", "olga", "--role", "operator", "--password-stdin"];
  await gateway.command(add, { input: `${password}\n` });
  const authorization = await bearer(gateway, { name: "olga", password });
  for (const path of PLACES) {
    for (const method of ["GET", "POST"]) {
      if (method === "POST" && path === "/settings") continue;
      const body = method === "POST" ? new URLSearchParams({ version: "x" }) : undefined;
      const url = gateway.httpUrl + path;
      const answer = await fetch(url, { method, headers: { authorization }, body });
      await answer.body?.cancel();
      assert.equal(answer.status, 403, `${method} ${path}`);
    }
  }
  const signedOut = await fetch(`${gateway.httpUrl}/settings`, { redirect: "manual" });
  await signedOut.body?.cancel();
  assert.match(signedOut.headers.get("location") ?? "", /^\/login/);
});

Deno.test("another broker as a source: tried, saved, and taken from at once", async () => {
  await using broker = await Mosquitto.start({ users: { sluice: "broker-secret" } });
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open("/settings/sources");
  await page.getByRole("link", { name: "MQTT broker" }).click();
  await page.getByLabel("Name").fill("site");
  await page.getByLabel("Address").fill(`mqtt://127.0.0.1:${broker.port}`);
  await page.getByLabel("Topic filters").fill("devices/#\ngateways/+/packet");
  await page.getByLabel("User", { exact: true }).fill("sluice");
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Test" }).click();
  const failure = page.getByRole("alert").filter({ hasText: "The test failed" });
  assert.match(await failure.innerText(), /refused CONNECT/);
  await page.getByLabel("Password").fill("broker-secret");
  await page.getByRole("button", { name: "Test" }).click();
  const outcome = page.getByRole("status").filter({ hasText: "The test worked" });
  assert.match(await outcome.innerText(), /2 topic filters/);
  await page.getByRole("button", { name: "Save it" }).click();
  await page.getByText("Added and in effect.").waitFor();
  await until(async () => {
    await page.reload();
    return await page.getByText("receiving").count() > 0;
  }, { what: "the source receives", everyMs: 200 });
  const login = ["-u", "sluice", "-P", "broker-secret"];
  const message = { topic: "devices/shed/temperature", payload: "7" };
  await mosquittoPub(broker.port, message, { args: login });
  await gateway.untilMetric(
    'sluice_ingest_messages_total{source="subscriber",outcome="accepted"}',
    1,
  );
});

/** A pseudo terminal on which a receiver says the same line again and again. */
class TalkingLine implements AsyncDisposable {
  readonly #socat: ServerProcess;
  readonly #holder: ServerProcess;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  private constructor(socat: ServerProcess, holder: ServerProcess, line: string) {
    this.#socat = socat;
    this.#holder = holder;
    this.#writer = socat.stdin.getWriter();
    const bytes = new TextEncoder().encode(line);
    this.#timer = setInterval(() => void this.#writer.write(bytes).catch(() => {}), 100);
  }

  static async open(path: string, line: string): Promise<TalkingLine> {
    const args = ["STDIO", `PTY,link=${path},rawer`];
    const socat = new ServerProcess("socat", { args, stdin: "piped" });
    await until(() => Deno.lstatSync(path).isSymlink, { what: "the pty exists" });
    // Held open: readers come and go without the other end taking it for an unplugged board.
    const held = ["-c", 'exec sleep infinity <> "$0"', path];
    return new TalkingLine(socat, new ServerProcess("sh", { args: held }), line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#writer.close();
    await this.#holder.stop();
    await this.#socat.stop();
  }
}

Deno.test("a destination that is switched off queues, and sends when it is switched on", async () => {
  await using broker = await Mosquitto.start();
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open("/settings/add/destination?type=mqtt");
  await page.getByLabel("Name").fill("site");
  await page.getByLabel("Address").fill(`mqtt://127.0.0.1:${broker.port}`);
  await page.getByLabel("Enabled").selectOption("no");
  await save(page);
  await page.getByText("Added and in effect.").waitFor();
  await mosquittoPub(gateway.mqttPort, { topic: "devices/oven/temperature", payload: "20" });
  await gateway.untilMetric('sluice_queue_messages{destination="site",state="enqueued"}', 1);
  await until(async () => {
    await page.reload();
    return await page.getByText("1 message waits.").count() > 0;
  }, { what: "the page shows what waits", everyMs: 200 });
  await page.getByText("off", { exact: true }).waitFor();
  await page.getByRole("link", { name: "Edit site" }).click();
  await page.getByLabel("Enabled").selectOption("yes (default)");
  await save(page);
  await page.getByText("Saved and in effect.").waitFor();
  await gateway.untilMetric(
    'sluice_forward_messages_total{destination="site",outcome="acked"}',
    1,
  );
});

Deno.test("a test of a server that says nothing tells that it runs, and what came of it", async () => {
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = silent.addr as Deno.NetAddr;
  const reached = Promise.withResolvers<Deno.Conn>();
  const accepting = silent.accept().then(reached.resolve, reached.reject);
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open("/settings/add/source?type=mqtt");
  await page.getByLabel("Name").fill("site");
  await page.getByLabel("Address").fill(`mqtt://127.0.0.1:${port}`);
  await page.getByLabel("Topic filters").fill("devices/#");
  // Looked at from inside: while the answer is awaited, the driver asks the page nothing.
  const said: string[] = [];
  await page.exposeFunction("sayStatus", (text: string) => void said.push(text));
  await page.locator(".settings-save [role=status]").evaluate((status) => {
    const { sayStatus } = globalThis as unknown as { sayStatus(text: string): void };
    new MutationObserver(() => sayStatus(status.textContent ?? "")).observe(status, {
      ...{ characterData: true, childList: true, subtree: true },
    });
  });
  await page.getByRole("button", { name: "Test" }).click({ noWaitAfter: true });
  const connection = await reached.promise;
  await until(() => said.includes("Testing, at most 10 s…"), {
    what: "the page says that it tests",
  });
  connection.close();
  silent.close();
  await accepting;
  const failure = page.getByRole("alert").filter({ hasText: "The test failed" });
  assert.match(await failure.innerText(), /Cannot receive from broker/);
});

Deno.test("a serial port is tried: absent, and with a receiver on it", async () => {
  await using folder = await TempDir.create("sluice-settings-");
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open("/settings/add/source?type=serial");
  await page.getByLabel("Name", { exact: true }).fill("board");
  await page.getByLabel("Serial port").fill(folder.join("tty"));
  await page.getByLabel("Id of the receiver").fill("N2");
  await page.getByLabel("Device names of its nodes").fill('node1 = "greenhouse"');
  await page.getByRole("button", { name: "Test" }).click();
  const failure = page.getByRole("alert").filter({ hasText: "The test failed" });
  assert.match(await failure.innerText(), /No such file/);
  assert.match(await failure.innerText(), /\/dev\/serial\/by-id/);
  await using _line = await TalkingLine.open(
    folder.join("tty"),
    '{"ts":194500,"id":"N2","n1":{"t":28.3,"h":52.6,"g":461235},"sig":{"rssi":-32,"snr":12}}\n',
  );
  await page.getByRole("button", { name: "Test" }).click();
  const outcome = page.getByRole("status").filter({ hasText: "The test worked" });
  assert.match(await outcome.innerText(), /sends packets/);
  await page.getByRole("button", { name: "Save it" }).click();
  await page.getByText("Added and in effect.").waitFor();
  await gateway.untilMetric('sluice_ingest_messages_total{source="serial",outcome="accepted"}', 2);
  await visitor.open("/settings/sources/board");
  await page.getByRole("button", { name: "Test" }).click();
  await page.getByText('Source "board" has').waitFor();
});

Deno.test("a gateway killed while it saves starts with the old settings or the new ones", async () => {
  await using folder = await TempDir.create("sluice-settings-");
  let gateway = await startGateway({ folder });
  const saves = ["debug", "error", "warning", "debug"];
  for (const level of saves) {
    const authorization = await bearer(gateway);
    const version = await versionOn(gateway, authorization);
    const saving = fetch(`${gateway.httpUrl}/settings/log`, {
      method: "POST",
      redirect: "manual",
      headers: { authorization },
      body: new URLSearchParams({ version, "log.level": level, "log.format": "text" }),
    }).then((answer) => answer.body?.cancel(), () => {});
    const started = until(
      async () =>
        [...Deno.readDirSync(folder.join("data"))].some(({ name }) =>
          name.startsWith("settings.toml")
        ),
      { what: "a save has begun", everyMs: 1 },
    );
    await started;
    await gateway.kill();
    await saving;
    gateway = await GatewayProcess.start({ folder });
    const text = await Deno.readTextFile(folder.join("data", "settings.toml")).catch(() => "");
    if (text !== "") assert.match(text, /\[log\]\nlevel = "\w+"\nformat = "text"\n$/);
  }
  await gateway[Symbol.asyncDispose]();
});

/** What the page's scripts weigh on their way. */
function scriptBytes(page: Page): Promise<number> {
  return page.evaluate(() => {
    const loaded = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
    return loaded.filter(({ name }) => name.endsWith(".js"))
      .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
  });
}

Deno.test("each page is well in light, in dark and on a phone", async () => {
  await using gateway = await startGateway({ config: ADMINS_FILE });
  await using browser = await PageBrowser.launch();
  const looks = [
    { colorScheme: "light" },
    { colorScheme: "dark" },
    { colorScheme: "light", viewport: NARROW },
  ] as const;
  for (const look of looks) {
    await using visitor = await browser.visitor(gateway.httpUrl, look);
    await visitor.signIn();
    for (const path of PLACES) {
      await visitor.open(path);
      await visitor.assertWell();
      const bytes = new TextEncoder().encode(await visitor.page.content()).length;
      assert.ok(bytes < 60_000, `${path} has ${bytes} bytes`);
      const script = await scriptBytes(visitor.page);
      assert.ok(script <= 15 * 1024, `${path} loads ${script} bytes of script`);
    }
  }
});
