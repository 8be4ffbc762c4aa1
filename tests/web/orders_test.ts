/** A visitor asks for a device kit, an admin works on it. */
import assert from "node:assert/strict";
import type { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { GatewayBed } from "@/tests/api/gateway_bed.ts";
import { nastyPayloads } from "@/tests/testdata/nasty/nasty_payloads.ts";
import { readOrder } from "@/model/order.ts";
import { until } from "@/tests/helpers/until.ts";
import { NARROW, PageBrowser, startGateway, type Visitor, WIDE } from "@/tests/web/page_bed.ts";

const FIELDS = {
  ...{ kit: "camera", quantity: "2", region: "eu868", name: "Grace Hopper", organisation: "Navy" },
  ...{ email: "grace@navy.example", address: "Pier 1\nNew York", notes: "" },
};

const NASTY = `"><script>document.title='ran'</script><img src=x onerror=alert(1)>`;
const FORMULA = '=HYPERLINK("http://evil.example")';

/** A form as a program sends it. */
class Form {
  readonly #gateway: GatewayProcess;
  readonly ticket: string;

  private constructor(gateway: GatewayProcess, ticket: string) {
    this.#gateway = gateway;
    this.ticket = ticket;
  }

  static async open(gateway: GatewayProcess): Promise<Form> {
    const html = await (await fetch(`${gateway.httpUrl}/purchase`)).text();
    return new Form(gateway, /name="ticket" value="([^"]+)"/.exec(html)![1]!);
  }

  async send(changes: Record<string, string> = {}) {
    const response = await fetch(`${this.#gateway.httpUrl}/purchase`, {
      method: "POST",
      body: new URLSearchParams({ ...FIELDS, ticket: this.ticket, ...changes }),
      redirect: "manual",
    });
    const { status, headers } = response;
    return { status, location: headers.get("location"), headers, html: await response.text() };
  }

  /** Sends until the form is old enough; the answer to that. */
  async sendWhenOld(changes: Record<string, string> = {}) {
    let answer = await this.send(changes);
    await until(async () => {
      if (answer.status === 400) answer = await this.send(changes);
      return answer.status !== 400;
    }, { what: "the form is old enough", everyMs: 200, timeoutMs: 30_000 });
    return answer;
  }
}

async function fillIn({ page }: Visitor): Promise<void> {
  await page.getByLabel("Presence camera").check();
  await page.getByLabel("How many").fill("2");
  await page.getByLabel("Name", { exact: true }).fill("Grace Hopper");
  await page.getByLabel("E-mail address").fill("grace@navy.example");
  await page.getByLabel("Delivery address").fill("Pier 1\nNew York");
  await page.getByLabel("What else").fill(NASTY);
}

Deno.test("a visitor without script asks for a kit, an admin answers, exports, deletes", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using guest = await browser.visitor(gateway.httpUrl, { javaScriptEnabled: false });
  await guest.open("/welcome");
  await guest.page.getByRole("link", { name: "Request a device kit" }).click();
  await fillIn(guest);
  const send = guest.page.getByRole("button", { name: "Send the request" });
  await send.click();
  await guest.page.getByText("faster than a person types").waitFor();
  assert.equal(await guest.page.getByLabel("Presence camera").isChecked(), true);
  assert.equal(await guest.page.getByLabel("Delivery address").inputValue(), "Pier 1\nNew York");
  await until(async () => {
    if (guest.page.url().includes("/thanks")) return true;
    await send.click();
    await guest.page.waitForLoadState();
    return guest.page.url().includes("/purchase/thanks?reference=");
  }, { what: "the form is old enough", everyMs: 200, timeoutMs: 30_000 });
  const reference = await guest.page.locator(".reference").innerText();

  await using admin = await browser.visitor(gateway.httpUrl);
  const { page } = admin;
  await admin.signIn();
  await page.getByRole("link", { name: "Kit requests 1" }).first().click();
  await page.getByRole("link", { name: reference }).click();
  assert.match(await page.locator(".order").innerText(), /2 × Presence camera[^]*Pier 1\nNew York/);
  assert(await page.getByText(NASTY).isVisible(), "what it says is text");
  await page.getByLabel("Status", { exact: true }).selectOption("Answered");
  await page.getByLabel("Note of your team").fill(FORMULA);
  await page.getByRole("button", { name: "Save status and note" }).click();
  await page.getByText("Saved.").waitFor();
  assert.equal(await page.getByLabel("Note of your team").inputValue(), FORMULA);
  await page.getByRole("navigation", { name: "Which requests" })
    .getByRole("link", { name: "Answered 1" }).click();
  await page.getByRole("link", { name: reference }).waitFor();

  const csv = await (await page.request.get("/orders/export")).text();
  const [head, line] = csv.split("\r\n");
  assert.match(head!, /^reference,received,state,kit,quantity,/);
  assert(line!.startsWith(`${reference},`));
  assert(csv.includes(`"'=HYPERLINK(""http://evil.example"")"`), csv);

  await page.getByRole("link", { name: reference }).click();
  await page.getByText("Delete…").click();
  await page.getByRole("button", { name: `Delete request ${reference}` }).click();
  await page.getByText("The request is deleted.").waitFor();
  assert.equal(await page.getByRole("link", { name: reference }).count(), 0);
  assert.deepEqual(admin.complaints, []);
  await admin.open("/audit");
  for (const action of ["Kit request changed", "Kit request removed"]) {
    assert(await page.getByRole("cell", { name: action }).first().isVisible(), action);
  }
});

Deno.test("faults are beside their fields, and the input is kept", async () => {
  await using gateway = await startGateway();
  const form = await Form.open(gateway);
  const answer = await form.send({ quantity: "0", email: "nobody", name: NASTY, region: "mars" });
  assert.equal(answer.status, 400);
  assert.match(
    answer.html,
    /aria-invalid[^>]*>\s*<p class="field-error" id="field-quantity-error">/,
  );
  assert.match(answer.html, /id="field-email-error">This is not an e-mail address</);
  assert.match(answer.html, /id="field-region-error">/);
  assert.doesNotMatch(answer.html, /field-address-error|<script|<img/);
  assert(answer.html.includes(`value="&quot;>&lt;script>`) || answer.html.includes("&lt;script"));
  assert.match(answer.html, /value="nobody"/);
  assert(answer.html.includes(`name="ticket" value="${form.ticket}"`), "the ticket goes on ageing");
});

Deno.test("programs are told from people, floods are stopped, a double click is one", async () => {
  await using gateway = await startGateway();
  const form = await Form.open(gateway);
  const trapped = await form.send({ website: "http://spam.example" });
  assert.equal(trapped.status, 400);
  assert.match(trapped.html, /A field that people do not see/);
  const forged = await form.send({ ticket: "0.x" });
  assert.match(forged.html, /open for very long/);
  const first = await form.sendWhenOld();
  assert.match(first.location ?? "", /^\/purchase\/thanks\?reference=[2-9A-Z]{4}-[2-9A-Z]{4}$/);
  assert.equal((await form.send()).location, first.location, "the same form again");
  for (const quantity of ["3", "4", "5"]) {
    assert.equal((await form.send({ quantity })).status, 303, quantity);
  }
  const flood = await form.send({ quantity: "6" });
  assert.equal(flood.status, 429);
  assert(Number(flood.headers.get("retry-after")) > 0);
  assert.match(flood.html, /Grace Hopper/);
  const large = await fetch(`${gateway.httpUrl}/purchase`, {
    method: "POST",
    body: new URLSearchParams({ ...FIELDS, ticket: form.ticket, notes: "x".repeat(600_000) }),
  });
  assert.equal(large.status, 413);
  await large.body?.cancel();
  const other = await fetch(`${gateway.httpUrl}/purchase`, {
    method: "POST",
    headers: { origin: "http://evil.example" },
    body: new URLSearchParams({ ...FIELDS, ticket: form.ticket, quantity: "7" }),
  });
  assert.equal(other.status, 403, "a form of another site");
  await other.body?.cancel();
});

Deno.test("kit requests are for admins", async () => {
  await using gateway = await startGateway();
  const password = "correct horse battery";
  const add = ["user", "add", "olga", "--role", "operator", "--password-stdin"];
  await gateway.command(add, { input: `${password}\n` });
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  await visitor.open("/orders");
  assert.equal(new URL(visitor.page.url()).pathname, "/login");
  await visitor.signIn({ name: "olga", password });
  assert.equal(await visitor.page.getByRole("link", { name: "Kit requests" }).count(), 0);
  for (const path of ["/orders", "/orders/export"]) {
    assert.equal((await visitor.page.request.get(path)).status(), 403, path);
  }
});

Deno.test("many requests are paged; one that is gone is said", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using admin = await browser.visitor(gateway.httpUrl);
  await admin.signIn();
  await admin.open("/orders?show=7");
  await admin.page.getByText("This request is not there any more.").waitFor();
  await admin.page.getByText("No kit requests").waitFor();
  await admin.open("/orders?cursor=x&state=%3Cb%3E&show=1e99");
  await admin.assertWell();
});

Deno.test("nasty requests are text on every page, and in the export", async () => {
  await using bed = await GatewayBed.start();
  const texts = (await nastyPayloads()).map(({ payload }) => new TextDecoder().decode(payload));
  const { store } = bed.gateway;
  let stored = 0;
  for (const text of texts) {
    const cut = text.slice(0, 90);
    const input = { ...FIELDS, name: cut, organisation: cut, address: cut, notes: text };
    const { order } = readOrder({ ...input, notes: text.slice(0, 2000) });
    if (order === null) continue;
    const reference = `nasty-${stored++}`;
    await store.changeOrder({ type: "add", order, reference }, []);
    const update = { type: "update", id: stored, state: "new", remark: cut, by: cut } as const;
    await store.changeOrder(update, []);
  }
  assert(stored > 20, `${stored} are stored`);
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(bed.url, { viewport: NARROW });
  const { page } = visitor;
  await page.setExtraHTTPHeaders({ authorization: `Bearer ${bed.tokens.admin}` });
  for (let path: string | null = "/orders?show=1"; path !== null;) {
    await visitor.open(path);
    await visitor.assertWell();
    const next = page.getByRole("link", { name: "Next page" });
    path = await next.count() === 0 ? null : await next.getAttribute("href");
  }
  const active = async (id: number) => {
    const response = await bed.fetch(`/orders?cursor=1&show=${id}`, { as: "admin" });
    return (await response.text()).match(/<(?:script|img|iframe|object|style)\b/g);
  };
  const usual = await active(0);
  for (let id = 1; id <= stored; id++) {
    assert.deepEqual(await active(id), usual, `request ${id}`);
    if (id % 10 !== 0) continue;
    await visitor.open(`/orders?cursor=1&show=${id}`);
    assert.equal(await page.title(), "Kit requests · Sluice");
    assert.equal(await visitor.overflow(), 0, `request ${id}`);
  }
  assert.deepEqual(visitor.complaints, []);
  const csv = await (await bed.fetch("/orders/export", { as: "admin" })).text();
  assert.doesNotMatch(csv, /(?:^|,)"?[=+@-]/m);
});

Deno.test("the pages of requests are well in both themes and on a phone", async () => {
  await using gateway = await startGateway();
  const form = await Form.open(gateway);
  const { location } = await form.sendWhenOld({ notes: "long ".repeat(100), name: NASTY });
  await form.send({ organisation: "x".repeat(100), quantity: "9" });
  await using browser = await PageBrowser.launch();
  for (
    const look of [
      { colorScheme: "light", viewport: WIDE },
      { colorScheme: "dark", viewport: WIDE },
      { colorScheme: "light", viewport: NARROW },
    ] as const
  ) {
    await using visitor = await browser.visitor(gateway.httpUrl, look);
    for (const path of ["/purchase", location!]) {
      await visitor.open(path);
      await visitor.assertWell();
    }
    await visitor.signIn();
    for (const path of ["/orders", "/orders?show=1", "/orders?state=done"]) {
      await visitor.open(path);
      await visitor.assertWell();
    }
  }
});
