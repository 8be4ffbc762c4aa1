/**
 * What holds for every page there is: readable by all in both themes and on a phone, light enough
 * for it, complete without script, closed to strangers, and safe in what it tells the browser. The
 * list is `pages_list.ts`; a page that is missing there fails here.
 */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { routes } from "@/_gen/routes.ts";
import {
  NARROW,
  PageBrowser,
  type Visitor,
  type VisitorOptions,
  WIDE,
} from "@/tests/web/page_bed.ts";
import { PAGES, PUBLIC_PAGES } from "@/tests/web/pages_list.ts";
import { ShownGateway } from "@/tests/web/shown_gateway.ts";
import { RouteTree } from "@/web/route_tree.ts";

const HTML_BYTES_MAX = 60 * 1024;
const SCRIPT_BYTES_MAX = 15 * 1024;
const DASHBOARD_SCRIPT_BYTES_MAX = 60 * 1024;

/**
 * Pages that cannot be opened by their address alone, and who looks at them: the claim of a gateway
 * without an admin (`frame_test.ts`), the progress of a work that somebody began
 * (`dead_letters_test.ts`).
 */
const LOOKED_AT_ELSEWHERE = ["/claim", "/dead-letters/work/x"];

/** Both themes and both widths; the other two combinations are looked at by each area's own test. */
const LOOKS: readonly VisitorOptions[] = [
  { colorScheme: "light", viewport: WIDE },
  { colorScheme: "dark", viewport: NARROW },
];

/** Goes through all pages, the public ones signed out. */
async function forEachPage(
  { gateway, visitor }: { gateway: ShownGateway; visitor: Visitor },
  visit: (path: string, isPublic: boolean) => Promise<void>,
): Promise<void> {
  for (const path of PUBLIC_PAGES) await visit(path, true);
  await visitor.signIn();
  for (const path of PAGES) await visit(gateway.path(path), false);
}

Deno.test("every page is in the list", () => {
  const listed = [...PUBLIC_PAGES, ...PAGES, ...LOOKED_AT_ELSEWHERE];
  const missing = new RouteTree(routes).routes().filter(({ component, patterns }) =>
    component !== null && !patterns.some((pattern) => listed.some((path) => fits(pattern, path)))
  );
  assert.deepEqual(missing.map(({ file }) => file), []);
  assert.equal(new Set(listed).size, listed.length, "nothing is listed twice");
});

function fits(pattern: string, path: string): boolean {
  const source = pattern.replace(/\/:\w+\*/g, "/.+").replace(/:\w+/g, "[^/]+");
  return new RegExp(`^${source}$`).test(path.split("?")[0]!);
}

Deno.test("every page is readable by all, fits and keeps the console silent", async () => {
  await using gateway = await ShownGateway.start();
  await using browser = await PageBrowser.launch();
  const problems: string[] = [];
  for (const look of LOOKS) {
    await using visitor = await browser.visitor(gateway.httpUrl, look);
    await forEachPage({ gateway, visitor }, async (path) => {
      const place = `${path} (${look.colorScheme}, ${look.viewport!.width} px)`;
      for (const problem of await problemsOf(visitor, path)) problems.push(`${place}: ${problem}`);
    });
  }
  assert.deepEqual(problems, []);
});

async function problemsOf(visitor: Visitor, path: string): Promise<string[]> {
  visitor.complaints.length = 0;
  await visitor.open(path);
  const problems = await visitor.accessibilityProblems();
  const overflow = await visitor.overflow();
  if (overflow > 0) problems.push(`${overflow} px wider than the window`);
  return [...problems, ...visitor.complaints.map((text) => `console: ${text}`)];
}

Deno.test("every page is light: HTML and script within their budgets", async () => {
  await using gateway = await ShownGateway.start();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const problems: string[] = [];
  const sizes = new Map<string, number>();
  await forEachPage({ gateway, visitor }, async (path, isPublic) => {
    const response = await visitor.page.goto(path, { waitUntil: "load" });
    await visitor.settle();
    const html = (await response!.body()).length;
    if (html > HTML_BYTES_MAX) problems.push(`${path}: ${html} bytes of HTML`);
    const script = await scriptBytes(visitor, sizes);
    const max = scriptBytesMax(path, isPublic);
    if (script > max) problems.push(`${path}: ${script} bytes of script, at most ${max}`);
  });
  assert.deepEqual(problems, []);
});

function scriptBytesMax(path: string, isPublic: boolean): number {
  if (isPublic) return 0;
  const isDashboard = path === "/" || path.startsWith("/dashboards");
  return isDashboard ? DASHBOARD_SCRIPT_BYTES_MAX : SCRIPT_BYTES_MAX;
}

/** All modules that the page has loaded, as gzip makes them. */
async function scriptBytes(visitor: Visitor, sizes: Map<string, number>): Promise<number> {
  const urls = await visitor.page.evaluate(() =>
    performance.getEntriesByType("resource").map(({ name }) => name)
      .filter((name) => new URL(name).pathname.endsWith(".js"))
  );
  let bytes = 0;
  for (const url of new Set(urls)) {
    if (!sizes.has(url)) {
      const answer = await fetch(url);
      assert.equal(answer.status, 200, url);
      sizes.set(url, gzipSync(new Uint8Array(await answer.arrayBuffer()), { level: 9 }).length);
    }
    bytes += sizes.get(url)!;
  }
  return bytes;
}

Deno.test("every page shows without script what it shows with it", async () => {
  await using gateway = await ShownGateway.start();
  await using browser = await PageBrowser.launch();
  const outlines = new Map<string, string[]>();
  await using withScript = await browser.visitor(gateway.httpUrl);
  await forEachPage({ gateway, visitor: withScript }, async (path) => {
    await withScript.open(path);
    outlines.set(path, await outlineOf(withScript));
  });
  const problems: string[] = [];
  await using without = await browser.visitor(gateway.httpUrl, { javaScriptEnabled: false });
  await forEachPage({ gateway, visitor: without }, async (path) => {
    await without.page.goto(path, { waitUntil: "load" });
    const shown = new Set(await outlineOf(without));
    if (shown.size === 0) problems.push(`${path}: nothing is shown`);
    for (const text of outlines.get(path)!) {
      if (!shown.has(text)) problems.push(`${path}: "${text}" is missing`);
    }
  });
  assert.deepEqual(problems, []);
});

/** Headings, heads of columns and labels of the main part that can be seen. */
async function outlineOf({ page }: Visitor): Promise<string[]> {
  const marks = page.locator("main").locator("h1, h2, h3, th, label, dt, button");
  return await marks.evaluateAll((elements) =>
    elements.filter((element) => element.checkVisibility())
      .map((element) => (element as HTMLElement).innerText.trim()).filter((text) => text !== "")
  );
}

Deno.test("every page has one title of its own, one heading and strict markup", async () => {
  await using gateway = await ShownGateway.start();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const problems: string[] = [];
  const titles = new Map<string, string>();
  await forEachPage({ gateway, visitor }, async (path) => {
    const answer = await visitor.page.request.get(path);
    const html = await answer.text();
    const title = /<title>([^<]*)<\/title>/.exec(html)?.[1] ?? "";
    const twin = titles.get(title) ?? path;
    // The same page with another filter keeps its title.
    if (twin.split("?")[0] !== path.split("?")[0]) {
      problems.push(`${path}: the title "${title}" is that of ${twin}`);
    }
    titles.set(title, path);
    const found = [...markupProblems(html), ...headerProblems(answer.headers())];
    for (const problem of found) problems.push(`${path}: ${problem}`);
    if (answer.status() !== 200) problems.push(`${path}: status ${answer.status()}`);
    const landed = new URL(answer.url());
    if (landed.pathname + landed.search !== path) problems.push(`${path}: leads to ${landed}`);
  });
  assert.deepEqual(problems, []);
});

function markupProblems(html: string): string[] {
  const count = (pattern: RegExp) => html.match(pattern)?.length ?? 0;
  const [head = ""] = html.split("</head>");
  const rules: [problem: string, broken: boolean][] = [
    // Drawings have titles of their own.
    ["not one title", head.split("<title>").length !== 2],
    ["not one h1", count(/<h1[\s>]/g) !== 1],
    ["not one main", count(/<main[\s>]/g) !== 1],
    ["no language", !/<html[^>]* lang="\w+/.test(html)],
    ["a style attribute", /<[^>]+\sstyle="/.test(html)],
    ["a style element", /<style[\s>]/.test(html)],
    ["an event attribute", /<[a-z][^>]*\son[a-z]+="/.test(html)],
    ["an inline script", /<script(?![^>]*(?:\ssrc=|type="application\/json"))/.test(html)],
    [
      "something from elsewhere",
      /<(?:script|img|link|iframe)[^>]*(?:src|href)="(?:https?:)?\/\//.test(html),
    ],
    ["a javascript: link", /href="\s*javascript:/i.test(html)],
  ];
  return rules.filter(([, broken]) => broken).map(([problem]) => problem);
}

function headerProblems(headers: Record<string, string>): string[] {
  const policy = headers["content-security-policy"] ?? "";
  const rules: [problem: string, broken: boolean][] = [
    ["no nosniff", headers["x-content-type-options"] !== "nosniff"],
    ["no referrer policy", headers["referrer-policy"] === undefined],
    ["shown from a cache unasked", !/no-store|no-cache/.test(headers["cache-control"] ?? "")],
    ["may be framed", !/frame-ancestors 'none'/.test(policy)],
    ["scripts from anywhere", !/(?:default|script)-src 'self'/.test(policy)],
    ["unsafe policy", /unsafe-|\*|https?:/.test(policy)],
    ["plug-ins", !/object-src 'none'/.test(policy)],
    ["a base element", !/base-uri 'none'/.test(policy)],
    ["forms to elsewhere", !/form-action 'self'/.test(policy)],
  ];
  return rules.filter(([, broken]) => broken).map(([problem]) => problem);
}

Deno.test("every page is closed to strangers but the public ones", async () => {
  await using gateway = await ShownGateway.start();
  const ask = async (path: string) => {
    const answer = await fetch(gateway.httpUrl + path, { redirect: "manual" });
    await answer.body?.cancel();
    return { path, status: answer.status, location: answer.headers.get("location") };
  };
  for (const path of PUBLIC_PAGES) {
    assert.deepEqual(await ask(path), { path, status: 200, location: null });
  }
  for (const path of PAGES.map((listed) => gateway.path(listed))) {
    const location = path === "/" ? "/login" : `/login?next=${encodeURIComponent(path)}`;
    assert.deepEqual(await ask(path), { path, status: 303, location });
  }
});
