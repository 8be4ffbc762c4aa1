/**
 * 515 nasty texts as device labels, prediction labels, names, attributes, tags and payloads, sent
 * as devices and people send them. Whatever a page shows of them is text: no script runs, no dialog
 * opens, nothing is asked for, no page breaks.
 */
import assert from "node:assert/strict";
import { routes } from "@/_gen/routes.ts";
import mqtt from "mqtt";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { until } from "@/tests/helpers/until.ts";
import { CANARY, CANARY_PATH, NASTY, NASTY_COUNT } from "@/tests/web/nasty_strings.ts";
import { ADMIN, PageBrowser, startGateway, type Visitor } from "@/tests/web/page_bed.ts";
import { PAGES, PUBLIC_PAGES } from "@/tests/web/pages_list.ts";
import { RouteTree } from "@/web/route_tree.ts";

const CONFIG = '[mqtt]\nanonymous = "always"\n';

/** Every device's pages are read, those of every n-th are looked at. */
const LOOK_AT_EVERY = 40;
const LIST_PAGES_MAX = 12;

/** `/devices/:id` and all others that show one device. */
const DEVICE_PAGES = new RouteTree(routes).routes().filter(({ component }) => component !== null)
  .flatMap(({ patterns }) => patterns)
  .filter((pattern) => /^\/(?:devices|predictions)\/:\w+(?:\/|$)/.test(pattern));

function devicePages(index: number): string[] {
  return DEVICE_PAGES.map((pattern) => pattern.replace(/:\w+/, deviceOf(index)));
}

function deviceOf(index: number): string {
  return `n${String(index).padStart(3, "0")}`;
}

/** In turns, so that answers are waited for together. */
async function inTurns(count: number, act: (index: number) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < count; from += 64) {
    const length = Math.min(64, count - from);
    await Promise.all(Array.from({ length }, (_, i) => act(from + i)));
  }
}

/** Predictions, readings, attributes, tags and what no decoder takes, over MQTT. */
async function publish(gateway: GatewayProcess): Promise<void> {
  const client = await mqtt.connectAsync(gateway.mqttUrl, { protocolVersion: 5 });
  try {
    await inTurns(NASTY_COUNT, async (i) => {
      const [text, topic] = [NASTY[i]!, `devices/${deviceOf(i)}`];
      const values = { temperature: i, note: text, [text]: 1 };
      const telemetry = JSON.stringify({ values, tags: { place: text } });
      const prediction = JSON.stringify({ label: text, score: 0.5, avg: 0.5, model: text });
      await client.publishAsync(`${topic}/telemetry`, telemetry, { qos: 1 });
      await client.publishAsync(`${topic}/prediction`, prediction, { qos: 1 });
      await client.publishAsync(`${topic}/note`, text, { qos: 1 });
      await client.publishAsync(`${topic}/telemetry`, text, { qos: 1 });
      if (isTopicLevel(text)) await client.publishAsync(`${topic}/${text}`, "1", { qos: 1 });
    });
  } finally {
    await client.endAsync();
  }
}

/** What a client may write into a topic; the rest is a broken packet. */
function isTopicLevel(text: string): boolean {
  return text.length <= 128 && text !== "" && !/[+#/\p{Cc}\p{Cs}\p{Cn}\ufeff]/u.test(text);
}

/** The same over HTTP, where names must be plain: refused, never failed. Ids of what was taken. */
async function ingest(gateway: GatewayProcess): Promise<string[]> {
  const ids: string[] = [];
  await inTurns(NASTY_COUNT, async (i) => {
    const text = NASTY[i]!;
    const named = { metrics: { [text]: 1 }, tags: { place: text }, payload: text };
    const plain = { metrics: { power: 1 }, tags: { place: text.slice(0, 60) }, payload: text };
    for (const body of [named, plain]) {
      const answer = await fetch(`${gateway.httpUrl}/v1/ingest/${deviceOf(i)}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      const words = await answer.text();
      assert([202, 400, 413, 429].includes(answer.status), `${JSON.stringify(text)}: ${words}`);
      if (answer.status === 202) ids.push(JSON.parse(words).id);
    }
  });
  return ids;
}

/** Devices with nasty labels, and sign-ins of nasty names and programs, as an admin's program. */
async function register(gateway: GatewayProcess): Promise<void> {
  const ask = async (path: string, { body, ...headers }: Record<string, unknown>) => {
    const method = path.startsWith("/api/devices/") ? "PATCH" : "POST";
    return await until(async () => {
      const answer = await fetch(gateway.httpUrl + path, {
        method,
        headers: { "content-type": "application/json", ...headers as Record<string, string> },
        body: JSON.stringify(body),
      });
      const text = await answer.text();
      assert(answer.status < 500, `${path}: ${text}`);
      return answer.status === 429 ? null : { status: answer.status, text };
    }, { what: `${path} is answered`, everyMs: 200 });
  };
  const body = { username: ADMIN.name, password: ADMIN.password };
  const { access_token } = JSON.parse((await ask("/api/auth/login", { body })).text);
  const authorization = `Bearer ${access_token}`;
  await inTurns(NASTY_COUNT, async (i) => {
    const label = [...NASTY[i]!].slice(0, 90).join("").slice(0, 100);
    const { status, text } = await ask("/api/devices", {
      ...{ authorization, body: { id: deviceOf(i), label } },
    });
    assert.equal(status, 201, text);
    // The trail keeps a label that was changed.
    if (i % 5 === 0) await ask(`/api/devices/${deviceOf(i)}`, { authorization, body: { label } });
  });
  for (const text of NASTY.filter((each) => /^[\x20-\x7e]{1,200}$/.test(each)).slice(0, 15)) {
    await ask("/api/auth/login", { body, "user-agent": text });
  }
  for (const text of NASTY.slice(0, 15)) {
    await fetch(`${gateway.httpUrl}/api/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ username: text.slice(0, 64) || "x", password: "wrong wrong" }),
    }).then((answer) => answer.body?.cancel());
  }
}

/** Everything, from all sides; ids of messages. */
async function send(gateway: GatewayProcess): Promise<string[]> {
  await publish(gateway);
  const accepted = 'sluice_ingest_messages_total{source="mqtt",outcome="accepted"}';
  await gateway.untilMetric(accepted, 2 * NASTY_COUNT);
  const ids = await ingest(gateway);
  await register(gateway);
  return ids;
}

/** Hears what a page does that it should not. */
function watch({ page }: Visitor): string[] {
  const misdeeds: string[] = [];
  page.on("dialog", async (dialog) => {
    misdeeds.push(`dialog "${dialog.message()}"`);
    await dialog.dismiss();
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    const own = url.host === new URL(page.url()).host || page.url() === "about:blank";
    if (url.pathname === CANARY_PATH || !own) misdeeds.push(`asked for ${request.url()}`);
  });
  return misdeeds;
}

/** What is wrong with the page as the browser shows it. */
async function problemsOf(visitor: Visitor, misdeeds: string[]): Promise<string[]> {
  const { page } = visitor;
  const found = await page.evaluate((canary) => ({
    ran: canary in globalThis || document.title === canary,
    headings: document.querySelectorAll("h1").length,
    mains: document.querySelectorAll("main").length,
  }), CANARY);
  const problems = [...misdeeds, ...visitor.complaints];
  if (found.ran) problems.push("a script ran");
  if (found.headings !== 1 || found.mains !== 1) problems.push("the page is broken");
  misdeeds.length = 0;
  visitor.complaints.length = 0;
  return problems;
}

interface Read {
  status: number;
  /** Text of the whole page, as a person would see it. */
  text: string;
  problems: string[];
}

/** Reads a page without showing it: what its markup says, by the browser's own parser. */
async function read({ page }: Visitor, path: string): Promise<Read> {
  const answer = await page.request.get(path, { maxRedirects: 0 });
  const html = await answer.text();
  const found = await page.evaluate((text) => {
    const parsed = new DOMParser().parseFromString(text, "text/html");
    const all = [...parsed.querySelectorAll("*")];
    const isOwnScript = (element: Element) =>
      element.getAttribute("type") === "application/json" ||
      element.getAttribute("src")?.startsWith("/_islands/");
    const wrong = all.filter((element) =>
      (element.localName === "script" && !isOwnScript(element)) ||
      ["iframe", "object", "embed", "base", "style", "img", "video", "math"].includes(
        element.localName,
      ) ||
      element.getAttributeNames().some((name) => name.startsWith("on") || name === "style") ||
      /^\s*(?:javascript|data|vbscript):/i.test(element.getAttribute("href") ?? "") ||
      element.hasAttribute("http-equiv")
    );
    const headings = parsed.querySelectorAll("h1").length;
    return {
      text: parsed.body.textContent ?? "",
      problems: [
        ...wrong.map((element) => element.outerHTML.slice(0, 200)),
        ...(headings === 1 || text === "" ? [] : [`${headings} headings`]),
      ],
    };
  }, html);
  return { status: answer.status(), ...found };
}

Deno.test("515 nasty texts are shown as texts on every page that shows them", async (t) => {
  assert.equal(new Set(NASTY).size, 515);
  await using gateway = await startGateway({ config: CONFIG });
  const ids = await send(gateway);
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const misdeeds = watch(visitor);
  await visitor.signIn();

  await t.step("every page is shown, each list to its end", async () => {
    const problems: string[] = [];
    for (const path of [...PAGES, ...PUBLIC_PAGES].filter(isThere)) {
      let next: string | null = path;
      for (let i = 0; i < LIST_PAGES_MAX && next !== null; i++) {
        await visitor.open(next);
        for (const each of await problemsOf(visitor, misdeeds)) problems.push(`${next}: ${each}`);
        const link = visitor.page.locator('a[rel="next"]').first();
        next = await link.count() > 0 ? await link.getAttribute("href") : null;
      }
    }
    assert.deepEqual(problems, []);
  });

  await t.step("the pages of each device show its label, in markup of our own", async () => {
    const problems: string[] = [];
    for (let i = 0; i < NASTY_COUNT; i++) {
      for (const path of devicePages(i)) {
        const { status, problems: found } = await read(visitor, path);
        if (status !== 200) problems.push(`${path}: status ${status}`);
        for (const each of found) problems.push(`${path}: ${each}`);
      }
    }
    assert.deepEqual(problems, []);
  });

  await t.step("a device's page is shown with what it sent, as text", async () => {
    const problems: string[] = [];
    for (let i = 0; i < NASTY_COUNT; i += LOOK_AT_EVERY) {
      for (const path of devicePages(i)) {
        await visitor.open(path);
        for (const each of await problemsOf(visitor, misdeeds)) problems.push(`${path}: ${each}`);
      }
      const label = NASTY[i]!;
      if (!/^[\x20-\x7e]{1,60}$/.test(label)) continue;
      await visitor.page.goto(`/devices/${deviceOf(i)}`);
      const text = await visitor.page.locator("body").innerText();
      if (!text.includes(label)) problems.push(`${deviceOf(i)}: "${label}" is not shown`);
    }
    assert.deepEqual(problems, []);
  });

  await t.step("journeys of messages and dead letters show payloads as text", async () => {
    const problems: string[] = [];
    assert(ids.length > NASTY_COUNT / 2);
    const messages = ids.filter((_, i) => i % 5 === 0).map((id) => `/messages/${id}`);
    const letters = Array.from({ length: 60 }, (_, i) => `/dead-letters/source/${1 + 7 * i}`);
    for (const path of [...messages, ...letters]) {
      const { status, problems: found } = await read(visitor, path);
      if (status !== 200) problems.push(`${path}: status ${status}`);
      for (const each of found) problems.push(`${path}: ${each}`);
    }
    for (const path of [...messages.slice(0, 5), ...letters.slice(0, 5)]) {
      await visitor.open(path);
      for (const each of await problemsOf(visitor, misdeeds)) problems.push(`${path}: ${each}`);
    }
    assert.deepEqual(problems, []);
  });

  await t.step("asked for in an address they are text too", async () => {
    const problems: string[] = [];
    for (const text of NASTY) {
      const asked = encodeURIComponent(text.toWellFormed().slice(0, 500));
      const paths = [`/devices?q=${asked}`, `/audit?actor=${asked}`, `/x${asked}`];
      for (const path of paths) {
        const { status, problems: found } = await read(visitor, path);
        if (status >= 500) problems.push(`${path}: status ${status}`);
        for (const each of found) problems.push(`${path}: ${each}`);
      }
    }
    assert.deepEqual(problems, []);
  });

  await t.step("a sign-in never leads to another site", async () => {
    for (const text of NASTY) {
      const next = encodeURIComponent(text.toWellFormed().slice(0, 500));
      const answer = await visitor.page.request.get(`/login?next=${next}`, { maxRedirects: 0 });
      const location = answer.headers().location ?? "";
      assert.match(location, /^\/(?![\\/])/, JSON.stringify(text));
    }
  });
});

/** Devices of the demonstration are not here. */
function isThere(path: string): boolean {
  return !/^\/(?:devices|predictions|add-device|messages)\/./.test(path);
}
