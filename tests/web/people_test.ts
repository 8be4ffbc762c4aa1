/** Account, people and the audit trail, as a person uses them. */
import assert from "node:assert/strict";
import { until } from "@/tests/helpers/until.ts";
import {
  ADMIN,
  NARROW,
  PageBrowser,
  startGateway,
  type Visitor,
  WIDE,
} from "@/tests/web/page_bed.ts";

const BOB = { name: "bob", password: "nobody guesses this one" };

const LOOKS = [
  { colorScheme: "light", viewport: WIDE },
  { colorScheme: "dark", viewport: WIDE },
  { colorScheme: "light", viewport: NARROW },
] as const;

/** Adds a person by the form; leaves the page as it answers. */
async function addPerson(
  { page }: Visitor,
  { name, password, role = "Operator" }: { name: string; password: string; role?: string },
): Promise<void> {
  await page.goto("/settings/people");
  const form = page.getByRole("form", { name: "Add a person" });
  await form.getByLabel("User name").fill(name);
  await form.getByRole("combobox", { name: "Role" }).selectOption({ label: role });
  await form.getByLabel("Password").fill(password);
  const answered = page.waitForEvent("load");
  await form.getByRole("button", { name: "Add" }).click();
  await answered;
}

async function assertReady(visitor: Visitor, text: RegExp | string): Promise<void> {
  await visitor.page.getByText(text).first().waitFor();
}

Deno.test("account, people and audit are readable in both themes and on a phone", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  for (const look of LOOKS) {
    await using visitor = await browser.visitor(gateway.httpUrl, look);
    await visitor.open("/login");
    await visitor.assertWell();
    await visitor.signIn();
    for (const path of ["/account", "/settings/people", "/settings/people/ada", "/audit"]) {
      await visitor.open(path);
      await visitor.assertWell();
    }
  }
});

Deno.test("the own password: problems beside their fields, other sign-ins end", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  await using other = await browser.visitor(gateway.httpUrl);
  await visitor.signIn();
  await other.signIn();
  const { page } = visitor;
  const send = async (current: string, next: string, repeat = next) => {
    await page.getByLabel("Current password").fill(current);
    await page.getByLabel("New password", { exact: true }).fill(next);
    await page.getByLabel("New password, again").fill(repeat);
    await page.getByRole("button", { name: "Change password" }).click();
  };
  await page.goto("/account");
  const errorOf = async (label: string) => {
    const input = page.getByLabel(label, { exact: true });
    const [id = ""] = (await input.getAttribute("aria-describedby") ?? "").split(" ");
    return await page.locator(`[id="${id}"].field-error`).innerText();
  };
  await send(ADMIN.password, "another long sentence", "another long sentense");
  assert.match(await errorOf("New password, again"), /not the same/);
  await send("not the password", "another long sentence");
  assert.match(await errorOf("Current password"), /current password is wrong/);
  await send(ADMIN.password, "short");
  assert.match(await errorOf("New password"), /10/);
  assert.equal(await page.getByLabel("Current password").inputValue(), "");
  await other.open("/account");
  await send(ADMIN.password, "another long sentence");
  await assertReady(visitor, "The new password holds");
  // The other page hears of it without being touched.
  await other.page.waitForURL((url) => url.pathname === "/login");
  assert.equal(new URL(other.page.url()).searchParams.get("next"), "/account");
  await other.signIn({ name: ADMIN.name, password: "another long sentence" });
});

Deno.test("signing out in one tab leads the others to the sign-in, and back after it", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  await visitor.signIn();
  await visitor.open("/audit?actor=ada");
  await visitor.page.getByText("live", { exact: true }).waitFor();
  const tab = await visitor.page.context().newPage();
  await tab.goto("/account");
  await tab.getByRole("button", { name: "Sign out" }).click();
  await visitor.page.waitForURL((url) => url.pathname === "/login");
  await visitor.page.getByText("Sign in to get to /audit.").waitFor();
  await visitor.page.getByLabel("User name").fill(ADMIN.name);
  await visitor.page.getByLabel("Password").fill(ADMIN.password);
  await visitor.page.getByRole("button", { name: "Sign in" }).click();
  await visitor.page.waitForURL((url) => url.pathname + url.search === "/audit?actor=ada");
});

Deno.test("own sign-ins are listed and ended one by one and all at once", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  await visitor.signIn();
  const login = () =>
    fetch(`${gateway.httpUrl}/api/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "curl/8.5.0" },
      body: JSON.stringify({ username: ADMIN.name, password: ADMIN.password }),
    }).then((answer) => answer.json());
  const tokens = [await login(), await login(), await login()];
  const statusOf = async ({ access_token }: { access_token: string }) => {
    const headers = { authorization: `Bearer ${access_token}` };
    const answer = await fetch(`${gateway.httpUrl}/api/auth/profile`, { headers });
    await answer.body?.cancel();
    return answer.status;
  };
  const { page } = visitor;
  await page.goto("/account");
  const rows = page.getByRole("region", { name: "Sign-ins" }).getByRole("row");
  assert.equal(await rows.filter({ hasText: "curl 8.5.0" }).count(), 3);
  assert.match(await rows.filter({ hasText: "this one" }).innerText(), /Chrome \d+.*127\.0\.0\.1/s);
  await page.getByRole("button", { name: "End the sign-in of curl 8.5.0" }).first().click();
  await assertReady(visitor, "The sign-in has ended.");
  const statuses = (await Promise.all(tokens.map(statusOf))).sort();
  assert.deepEqual(statuses, [200, 200, 401]);
  await page.getByText("End all others…").click();
  await page.getByRole("button", { name: "End 2 other sign-ins" }).click();
  await assertReady(visitor, "All other sign-ins have ended.");
  assert.deepEqual(await Promise.all(tokens.map(statusOf)), [401, 401, 401]);
  assert.equal(await rows.filter({ hasText: "this one" }).count(), 1, "this one goes on");
});

Deno.test("nobody ends the sign-in of somebody else from the own account", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using admin = await browser.visitor(gateway.httpUrl);
  await admin.signIn();
  await addPerson(admin, BOB);
  await using bob = await browser.visitor(gateway.httpUrl);
  await bob.signIn(BOB);
  await using second = await browser.visitor(gateway.httpUrl);
  await second.signIn(BOB);
  await admin.page.goto("/settings/people/bob");
  const ids = await admin.page.locator('input[name="session"]').evaluateAll((inputs) =>
    inputs.map((input) => (input as HTMLInputElement).value)
  );
  await admin.page.goto("/account");
  assert.equal(ids.length, 2);
  const landed = await admin.page.evaluate(async (session) => {
    const token = document.querySelector<HTMLInputElement>('input[name="_csrf"]')!.value;
    const body = new URLSearchParams({ action: "end", session, _csrf: token });
    return (await fetch("/account", { method: "POST", body })).url;
  }, ids[0]!);
  assert.match(landed, /done=ended/);
  await bob.page.goto("/account");
  assert.equal(await bob.page.getByText("End the sign-in").count(), 0);
  assert.equal(new URL(bob.page.url()).pathname, "/account");
  await second.page.goto("/account");
  assert.equal(new URL(second.page.url()).pathname, "/account");
});

Deno.test("theme and time zone of the browser, with a search and without script", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl, { javaScriptEnabled: false });
  await visitor.signIn();
  const { page } = visitor;
  await page.goto("/account");
  const zone = page.getByLabel("Time zone");
  assert.equal(await zone.inputValue(), "UTC", "before a browser tells");
  await zone.fill("Mars/Olympus <Mons>");
  await page.getByRole("combobox", { name: "Theme" }).selectOption("dark");
  await page.getByRole("button", { name: "Save" }).click();
  assert.equal(await zone.inputValue(), "Mars/Olympus <Mons>", "the input is kept");
  await page.getByText('"Mars/Olympus <Mons>" is no time zone').waitFor();
  await zone.fill("Asia/Kathmandu");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved for this browser.").waitFor();
  assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
  await page.getByText(/\d Asia\/Kathmandu$/).waitFor();
  assert((await page.locator("#time-zones option").count()) > 300);
  await zone.fill("");
  await page.getByRole("button", { name: "Save" }).click();
  assert.equal(await zone.inputValue(), "UTC");
});

Deno.test("a person is added, changed and removed, and everything is in the trail", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using admin = await browser.visitor(gateway.httpUrl);
  await admin.signIn();
  const { page } = admin;
  await addPerson(admin, { name: "b o b", password: BOB.password });
  const alertOf = (label: string) => page.getByLabel(label).locator("xpath=../p[1]").innerText();
  assert.match(await alertOf("User name"), /Invalid user name "b o b"/);
  assert.equal(await page.getByLabel("User name").inputValue(), "b o b", "the input is kept");
  assert.equal(await page.getByRole("combobox", { name: "Role" }).inputValue(), "operator");
  assert.equal(await page.getByLabel("Password").inputValue(), "");
  await addPerson(admin, { name: "ADA", password: BOB.password });
  assert.match(await alertOf("User name"), /There is a user "ADA" already/);
  admin.complaints.length = 0; // the console names both refusals
  await addPerson(admin, { name: BOB.name, password: "" });
  const made = await page.locator("pre.secret").innerText();
  await admin.assertWell();
  await page.goto("/settings/people");
  assert.equal((await page.content()).includes(made), false, "the password was shown once");

  await using bob = await browser.visitor(gateway.httpUrl);
  await bob.signIn({ name: BOB.name, password: made });
  await bob.open("/account");
  await page.getByRole("link", { name: "Change bob" }).click();
  await page.getByRole("combobox", { name: "Role" }).selectOption("viewer");
  await page.getByRole("button", { name: "Change role" }).click();
  await assertReady(admin, "The role has changed");
  await bob.page.waitForURL((url) => url.pathname === "/login");
  await bob.signIn({ name: BOB.name, password: made });
  await bob.open("/account");
  await page.getByText("Remove…").click();
  await page.getByRole("button", { name: "Remove bob" }).click();
  await assertReady(admin, "Removed, with all sign-ins.");
  await bob.page.waitForURL((url) => url.pathname === "/login");

  await page.goto("/audit?actor=ada");
  const trail = page.getByRole("region", { name: "Audit" });
  for (const words of ["Person added", "Role changed", "Person removed"]) {
    assert.equal(await trail.getByRole("row").filter({ hasText: words }).count(), 1, words);
  }
  assert.equal((await trail.innerText()).includes(made), false, "secrets are not in the trail");
});

Deno.test("the last admin stays, and is told so where it was tried", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using admin = await browser.visitor(gateway.httpUrl);
  await admin.signIn();
  const { page } = admin;
  await page.goto("/settings/people/ada");
  await page.getByRole("combobox", { name: "Role" }).selectOption("viewer");
  await page.getByRole("button", { name: "Change role" }).click();
  const refusal = /last admin cannot be removed or lose the role/;
  const inCard = (id: string) => page.locator(`#${id}`).getByRole("alert").innerText();
  assert.match(await inCard("role"), refusal);
  assert.equal(
    await page.getByRole("combobox", { name: "Role" }).inputValue(),
    "viewer",
    "the input is kept",
  );
  await page.goto("/settings/people/ada");
  await page.getByText("Remove…").click();
  await page.getByRole("button", { name: "Remove ada" }).click();
  assert.match(await inCard("remove"), refusal);
  await page.goto("/account");
  assert.equal(new URL(page.url()).pathname, "/account", "still signed in");
});

/** More acts than a page of the trail shows: 60 devices, one removed, one with a formula's name. */
async function fillTrail(url: string): Promise<void> {
  const ask = async (path: string, { method = "POST", token = "", body = {} }) => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
    const unsigned = { "content-type": "application/json" };
    const answer = await fetch(url + path, {
      method,
      headers: token === "" ? unsigned : headers,
      body: method === "DELETE" ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    assert(answer.ok, `${method} ${path}: ${text}`);
    return text === "" ? {} : JSON.parse(text);
  };
  const body = { username: ADMIN.name, password: ADMIN.password };
  const { access_token: token } = await ask("/api/auth/login", { body });
  for (let i = 0; i < 60; i++) await ask("/api/devices", { token, body: { id: `oven-${i}` } });
  await ask("/api/devices/oven-0", { token, method: "DELETE" });
  const label = '=HYPERLINK("http://x")';
  await ask("/api/devices/oven-1", { token, method: "PATCH", body: { label } });
}

Deno.test("the trail is filtered, paged and exported, and no cell of it is a formula", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using admin = await browser.visitor(gateway.httpUrl);
  await admin.signIn();
  await fillTrail(gateway.httpUrl);
  const { page } = admin;
  await page.goto("/audit");
  const rows = page.getByRole("region", { name: "Audit" }).getByRole("row");
  assert.equal(await rows.count(), 51);
  await page.getByRole("link", { name: "Next page" }).click();
  await page.waitForURL(/cursor=/);
  assert.match(
    await rows.last().innerText(),
    /Person added/,
    "the first of all is on the last page",
  );
  await page.getByRole("link", { name: "First page" }).click();
  await page.getByLabel("What").selectOption({ label: "Device removed" });
  await page.getByRole("button", { name: "Filter" }).click();
  assert.equal(await rows.count(), 2);
  assert.match(await rows.last().innerText(), /oven-0/);
  await page.goto("/audit?from=2030-02-30");
  await page.getByText("This is no day").waitFor();
  admin.complaints.length = 0; // the console names the refusal
  await page.goto("/audit?to=2001-01-01");
  await page.getByText("Nothing was done in this window").waitFor();
  await admin.assertWell();

  const exported = async (query: string) => {
    return await page.evaluate(async (path) => {
      const answer = await fetch(path);
      const header = (name: string) => answer.headers.get(name);
      return {
        type: header("content-type"),
        as: header("content-disposition"),
        text: await answer.text(),
      };
    }, `/audit/export?${query}`);
  };
  const csv = await exported("format=csv");
  assert.equal(csv.type, "text/csv; charset=utf-8");
  assert.match(csv.as ?? "", /^attachment/);
  assert(csv.text.split("\r\n").length > 60, "all pages are in the file");
  assert(csv.text.includes(`"'=HYPERLINK(""http://x"")"`), "a formula is kept text");
  const lines = await exported("format=ndjson&action=device_remove");
  const entries = lines.text.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(entries.map(({ subject }) => subject), ["oven-0"]);
  await page.goto("/account");
  const download = page.waitForEvent("download");
  await page.goto("/audit");
  await page.getByRole("link", { name: "Export CSV" }).click();
  assert.equal((await download).suggestedFilename(), "audit.csv");
});

Deno.test("too many wrong passwords: the page says how long to wait", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await page.goto("/login");
  assert.equal(
    await page.getByLabel("User name").evaluate((it) => it === document.activeElement),
    true,
  );
  await until(async () => {
    await page.getByLabel("User name").fill("ada");
    await page.getByLabel("Password").fill("wrong horse battery");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").waitFor();
    return /wait \d+ s/.test(await page.getByRole("alert").innerText());
  }, { what: "sign-ins are held up", timeoutMs: 60_000 });
  assert.equal(await page.getByLabel("User name").inputValue(), "ada");
});
