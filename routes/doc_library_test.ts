import assert from "node:assert/strict";
import { docs } from "@/_gen/docs.ts";
import { DocLibrary } from "@/routes/doc_library.ts";

const LIBRARY = new DocLibrary({
  "start.md":
    "# Start\n\n[mqtt](guides/mqtt.md#what-to-send) [out](../README.md) [self](#here)\n\n## Here",
  "guides/mqtt.md": "# MQTT\n\n[back](../start.md) [code](../reference/errors.md#ing-0103)\n\n" +
    "[web](https://a.example/b.md) [api](/docs/api)\n\n## What to send",
  "reference/errors.md":
    "# Errors\n\n| Code | What |\n| --- | --- |\n| ING-0103 | [x](long.md#b) |",
  "reference/long.md": `# Long\n\n[down](#b)\n\n## A\n\n${"word ".repeat(8900)}\n\n## B\n\n${
    "word ".repeat(900)
  } [up](#a)`,
});

function linksOf(path: string): string[] {
  const { html } = LIBRARY.find(path)!;
  return [...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href!)
    .filter((href) => !html.includes(`class="self" href="${href}"`));
}

Deno.test("links between files lead to their pages", () => {
  const links = ["/docs/guides/mqtt#what-to-send", "/docs/start#here"];
  assert.deepEqual(linksOf("/docs/start"), links);
  assert.match(LIBRARY.find("/docs/start")!.html, / out /);
  assert.deepEqual(linksOf("/docs/guides/mqtt"), [
    ...["/docs/start", "/docs/errors#ING-0103", "https://a.example/b.md", "/docs/api"],
  ]);
});

Deno.test("a long text has parts, and links find the part that they mean", () => {
  const [first, second] = ["/docs/reference/long", "/docs/reference/long/2"];
  assert.deepEqual(LIBRARY.paths().slice(-3), ["/docs/errors", first, second]);
  assert.match(LIBRARY.find(first)!.html, /href="\/docs\/reference\/long\/2#b">down/);
  assert.deepEqual(linksOf(second), [`${first}#a`]);
  assert.deepEqual(linksOf("/docs/errors"), [`${second}#b`]);
  assert.deepEqual(LIBRARY.find(second)!.part, [2, 2]);
  assert.deepEqual(LIBRARY.find(second)!.contents.map(({ href }) => href), [`${first}#a`, "#b"]);
  assert.equal(LIBRARY.find(`${first}/1`), null);
  assert.equal(LIBRARY.find(`${first}/3`), null);
});

Deno.test("pages follow each other in the order of the sections", () => {
  const mqtt = LIBRARY.find("/docs/guides/mqtt")!;
  assert.equal(mqtt.section, "Connect devices");
  assert.deepEqual(mqtt.previous, { path: "/docs/start", title: "Start" });
  assert.deepEqual(mqtt.next, { path: "/docs/errors", title: "Errors" });
  assert.equal(LIBRARY.find("/docs/start")!.previous, null);
});

Deno.test("the path of a file leads to its page", () => {
  assert.equal(LIBRARY.forward("/docs/reference/errors.md"), "/docs/errors");
  assert.equal(LIBRARY.forward("/docs/reference/errors"), "/docs/errors");
  assert.equal(LIBRARY.forward("/docs/../secret.md"), null);
  assert.equal(LIBRARY.find("/docs/nothing"), null);
  assert.equal(LIBRARY.find("/docs/constructor"), null);
});

Deno.test("every file of the documentation has a page in a section, with a title of its own", () => {
  const library = new DocLibrary(docs);
  const listed = library.sections.flatMap(({ pages }) => pages);
  assert.equal(listed.length, Object.keys(docs).length, "one of them is the API");
  assert.equal(new Set(listed.map(({ title }) => title)).size, listed.length);
  for (const path of library.paths()) assert(library.find(path)!.html.length > 0, path);
});

Deno.test("every link and anchor of the documentation leads somewhere", () => {
  const library = new DocLibrary(docs);
  const anchors = (path: string) => {
    const page = library.find(path);
    return page === null ? null : [...page.html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id!);
  };
  for (const path of library.paths()) {
    for (const [, href = ""] of library.find(path)!.html.matchAll(/href="([^"]*)"/g)) {
      if (/^(?:https?:|mailto:)/.test(href) || href.startsWith("/docs/api")) continue;
      const [target, anchor] = href.split("#", 2);
      const found = anchors(target === "" ? path : target!);
      assert(found !== null, `${path}: "${href}"`);
      if (anchor !== undefined) assert(found.includes(anchor), `${path}: "${href}"`);
    }
  }
});
