import assert from "node:assert/strict";
import fc from "fast-check";
import { renderMarkdown, safeLink, slug } from "@/routes/markdown.ts";

function html(text: string, resolve: (href: string) => string | null = (href) => href): string {
  return renderMarkdown(text, resolve).chapters.map((chapter) => chapter.html).join("");
}

Deno.test("a text is cut before its second-level headings, the first one is its title", () => {
  const { title, chapters } = renderMarkdown(
    "# `sluice` *in* use\n\nA\n\n## B\n\nb\n\n## B\n\n### c",
    String,
  );
  assert.equal(title, "sluice in use");
  assert.equal(chapters.length, 3);
  assert.deepEqual(chapters.map(({ headings }) => headings), [
    [],
    [{ id: "b", text: "B", level: 2 }],
    [{ id: "b-1", text: "B", level: 2 }, { id: "c", text: "c", level: 3 }],
  ]);
  assert.match(chapters[1]!.html, /<h2 id="b"><a class="self" href="#b">B<\/a><\/h2>/);
});

Deno.test("a text without headings, or without anything, is one chapter", () => {
  assert.equal(renderMarkdown("", String).chapters.length, 1);
  assert.equal(renderMarkdown("only this", String).title, null);
});

Deno.test("anchors are those of code hosts, error codes are their own", () => {
  assert.equal(slug("What's `next`? (C++ & C)"), "whats-next-c--c");
  const text = "## ING-0103: not JSON\n\n| Code | What |\n| --- | --- |\n| `STO-0101` | x |";
  const [chapter] = renderMarkdown(text, String).chapters;
  assert.deepEqual(chapter!.anchors, ["ING-0103", "STO-0101"]);
  assert.match(chapter!.html, /<tr id="STO-0101">/);
});

Deno.test("comments vanish, tags of a text are shown and never run", () => {
  assert.equal(html("<!-- run: -->\n\nText").trim(), "<p>Text</p>");
  const shown = html("<script>alert(1)</script>\n\na <img src=x onerror=alert(1)> b");
  assert(!/<script|<img/.test(shown), shown);
  assert.match(shown, /&lt;script&gt;/);
  assert.match(shown, /&lt;img src=x onerror=alert\(1\)&gt;/);
});

Deno.test("code is shown as it is", () => {
  assert.equal(
    html("```sh\necho '<b>' \"&\"\n```"),
    '<pre tabindex="0"><code>echo &#39;&lt;b&gt;&#39; &quot;&amp;&quot;\n</code></pre>\n',
  );
});

Deno.test("a link that leads nowhere is its text", () => {
  assert.equal(html("[the *file*](x.md)", () => null).trim(), "<p>the <em>file</em></p>");
  assert.match(html("[a](b)", () => '"><script>'), /href="&quot;&gt;&lt;script&gt;"/);
});

Deno.test("operators' links lead to the web, to mail or to this gateway", () => {
  for (const good of ["https://a.example/x?y#z", "mailto:a@b.example", "/privacy", "#a", "terms"]) {
    assert.equal(safeLink(good), good);
  }
  for (
    const bad of [
      "javascript:alert(1)",
      "java\nscript:alert(1)",
      " javascript:x",
      "data:text/html,x",
    ]
      .concat(["vbscript:x", "//evil.example", "/\\evil.example", "\\\\evil", "file:///etc/passwd"])
      .concat(["JaVaScRiPt:x", "\x01javascript:x", "https:javascript", "/\t/evil.example"])
  ) {
    assert.equal(safeLink(bad), null, JSON.stringify(bad));
  }
});

const ALLOWED =
  /^(?:p|h[1-6]|ul|ol|li|a|em|strong|del|code|pre|blockquote|hr|br|div|table|thead|tbody|tr|th|td)$/;

Deno.test("no text, however nasty, makes an element or attribute that is not ours", () => {
  const seed = Date.now() % 2 ** 31;
  console.log(`seed ${seed}`);
  const piece = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom(
      ...["<script>", "</a>", "<img src=x onerror=y>", "](javascript:x)", "[a", "`", "```", "\n\n"],
      ...[
        "| a |",
        "\n| --- |",
        "<!--",
        "-->",
        "&lt;",
        "![x](y)",
        "<https://a>",
        "# ",
        "* ",
        "\t",
        '"',
      ],
      ...["<svg/onload=x>", "[x]: javascript:y", "<a href='//e'>", "<style>", "\\", "<x:y>", "[ ]"],
    ),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const made = html(pieces.join(""), safeLink);
      for (const [, name, attributes = ""] of made.matchAll(/<\/?([^\s>/]*)([^>]*)>/g)) {
        assert.match(name!, ALLOWED, made);
        for (const [, attribute] of attributes.matchAll(/\s([a-z-]+)(?==|\s|$)(?:="[^"]*")?/g)) {
          assert.match(
            attribute!,
            /^(?:href|id|class|rel|role|scope|tabindex|aria-label|start)$/,
            made,
          );
        }
        assert.doesNotMatch(attributes, /href="\s*(?:javascript|data|vbscript|\/\/)/i, made);
      }
    }),
    { seed, numRuns: 2000 },
  );
});
