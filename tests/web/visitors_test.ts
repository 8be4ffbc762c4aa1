/** What a visitor sees without signing in: readable by all, without script, no dead ends. */
import assert from "node:assert/strict";
import type { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { PUBLIC_PAGES } from "@/tests/web/pages_list.ts";
import { NARROW, PageBrowser, startGateway, WIDE } from "@/tests/web/page_bed.ts";

const HTML_BYTES_MAX = 60_000;

const LOOKS = [
  { colorScheme: "light", viewport: WIDE },
  { colorScheme: "dark", viewport: WIDE },
  { colorScheme: "light", viewport: NARROW },
] as const;

Deno.test("public pages are well in both themes and on a phone, without script", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  for (const look of LOOKS) {
    await using visitor = await browser.visitor(gateway.httpUrl, look);
    for (const path of PUBLIC_PAGES) {
      await visitor.open(path);
      assert.equal(await visitor.page.locator("script").count(), 0, path);
      await visitor.assertWell();
    }
  }
});

interface Fetched {
  html: string;
  anchors: Set<string>;
  links: string[];
}

async function fetchPage(gateway: GatewayProcess, path: string): Promise<Fetched | number> {
  const response = await fetch(gateway.httpUrl + path);
  const html = await response.text();
  if (!response.ok) return response.status;
  const all = (pattern: RegExp) => [...html.matchAll(pattern)].map(([, found]) => found!);
  const links = all(/<a [^>]*?href="([^"]*)"/g).map((link) => link.replaceAll("&amp;", "&"));
  return { html, links, anchors: new Set(all(/ id="([^"]+)"/g)) };
}

Deno.test("from page to page no link of a visitor's leads to nothing", async () => {
  await using gateway = await startGateway();
  const pages = new Map<string, Fetched>();
  const waiting = ["/docs", "/welcome"];
  const named: { from: string; path: string; anchor: string }[] = [];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (pages.has(path)) continue;
    const page = await fetchPage(gateway, path);
    if (typeof page === "number") assert.fail(`${path} answers ${page}`);
    pages.set(path, page);
    const fits = page.html.length <= HTML_BYTES_MAX || path === "/api/openapi.json";
    assert(fits, `${path} has ${page.html.length} characters`);
    for (const link of page.links) {
      const { origin, pathname, hash } = new URL(link, gateway.httpUrl + path);
      if (origin !== new URL(gateway.httpUrl).origin) continue;
      waiting.push(pathname);
      if (hash.length > 1) named.push({ from: path, path: pathname, anchor: hash.slice(1) });
    }
  }
  assert(pages.size > 30, `only ${pages.size} pages`);
  for (const { from, path, anchor } of named) {
    const found = pages.get(path)!.anchors.has(decodeURIComponent(anchor));
    assert(found, `${from} links to ${path}#${anchor}`);
  }
});

Deno.test("a page that did not change is not sent again, to each its own", async () => {
  await using gateway = await startGateway();
  const ask = async (headers: Record<string, string> = {}) => {
    const response = await fetch(`${gateway.httpUrl}/docs/start`, { headers });
    await response.body?.cancel();
    return response;
  };
  const first = await ask();
  assert.equal(first.headers.get("cache-control"), "private, no-cache");
  assert.equal(first.headers.get("vary"), "cookie");
  const tag = first.headers.get("etag")!;
  assert.equal((await ask({ "if-none-match": `"x", W/${tag}` })).status, 304);
  const dark = await ask({ "if-none-match": tag, cookie: "sluice_theme=dark" });
  assert.equal(dark.status, 200);
  assert.notEqual(dark.headers.get("etag"), tag);
});

Deno.test("the path of a file leads to its page, and what is not there is a 404", async () => {
  await using gateway = await startGateway();
  const ask = async (path: string) => {
    const response = await fetch(gateway.httpUrl + path, { redirect: "manual" });
    await response.body?.cancel();
    return [response.status, response.headers.get("location")];
  };
  assert.deepEqual(await ask("/docs/guides/mqtt.md"), [308, "/docs/guides/mqtt"]);
  for (const path of ["/docs/nothing", "/docs/api/nothing", "/docs/start/1", "/docs/__proto__"]) {
    assert.deepEqual(await ask(path), [404, null], path);
  }
});

Deno.test("legal pages show the operator's text, and nothing of it runs", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.open("/privacy");
  await page.getByText("The operator of this gateway has not put one of their own").waitFor();
  assert.equal(await page.getByText(gateway.dataDir).count(), 0, "no path for visitors");
  await visitor.signIn();
  await visitor.open("/privacy");
  assert.match(await page.getByRole("status").innerText(), /legal\/privacy\.md/);

  await Deno.mkdir(`${gateway.dataDir}/legal`);
  await Deno.writeTextFile(
    `${gateway.dataDir}/legal/privacy.md`,
    "# Datenschutz\n\n<script>window.ran = true</script>\n\n[bad](javascript:alert(1)) " +
      "[mail](mailto:a@b.example) [good](https://example.org/)\n\n<img src=x onerror=alert(1)>",
  );
  await visitor.open("/privacy");
  assert.equal(await page.getByRole("heading", { level: 1 }).innerText(), "Datenschutz");
  assert.equal(await page.getByRole("status").count(), 0);
  const links = await page.locator(".prose a").evaluateAll((all) =>
    all.map((each) => each.getAttribute("href"))
  );
  assert.deepEqual(links, ["mailto:a@b.example", "https://example.org/"]);
  assert.equal(await page.locator(".prose script, .prose img").count(), 0);
  await visitor.assertWell();

  await Deno.writeTextFile(`${gateway.dataDir}/legal/privacy.md`, "x".repeat(300_000));
  await visitor.open("/privacy");
  assert.match(await page.getByRole("status").innerText(), /larger than 262144 bytes/);
});

Deno.test("what browsers and robots ask for is there", async () => {
  await using gateway = await startGateway();
  const types = {
    "/favicon.ico": "image/x-icon",
    "/robots.txt": "text/plain; charset=utf-8",
    "/ui/sluice.webmanifest": "application/manifest+json; charset=utf-8",
  };
  for (const [path, type] of Object.entries(types)) {
    const response = await fetch(gateway.httpUrl + path);
    assert.equal(response.status, 200, path);
    assert.equal(response.headers.get("content-type"), type);
    await response.body?.cancel();
  }
});
