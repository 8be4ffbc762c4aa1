import { deepEqual, equal } from "node:assert/strict";
import { App, csp, setManifest, staticFiles } from "fresh";
import { loadManifest } from "./checkout.ts";
import { becomes, TestBrowser } from "./test_browser.ts";
import { serve, TestProject } from "./test_project.ts";

/** Strings that end a script, start a comment or a line where a careless page would let them. */
const NASTY = [
  "</script><script>window.broken = true</script>",
  "<!--<script>",
  "\u2028\u2029",
  "]]>&lt;&amp;",
  '"onload="window.broken=true',
  "</body></html>",
  "\\u003C/script>",
  "\ud800 lone",
  "island:0-->",
];

const FILES = {
  "routes/_app.tsx": `
    import { asset } from "fresh/runtime";
    export default function App({ Component }: { Component: () => unknown }) {
      return (
        <html lang="en">
          <head><title>Default</title><link rel="stylesheet" href={asset("/styles.css")} /></head>
          <body><Component /></body>
        </html>
      );
    }`,
  "routes/index.tsx": `
    import { signal } from "@preact/signals";
    import { page } from "fresh";
    import { Head } from "fresh/runtime";
    import Counter from "../islands/Counter.tsx";
    import Mirror from "../islands/Mirror.tsx";
    export const handler = { GET: () => page({ total: signal(3) }) };
    export default function Page({ data }: { data: { total: never } }) {
      return (
        <>
          <Head><title>Islands</title></Head>
          <Counter total={data.total} />
          <table><tbody><Mirror total={data.total} since={new Date(86400000)}
            units={new Map([["t", new Set(["celsius"])]])} big={2n ** 70n}
            bytes={new Uint8Array([1, 2])} nothing={undefined} nan={NaN} /></tbody></table>
          <p>between</p>
        </>
      );
    }`,
  "routes/plain.tsx": `export default () => <p>no islands</p>;`,
  "routes/nasty.tsx": `
    import Echo from "../islands/Echo.tsx";
    const texts: string[] = ${JSON.stringify(NASTY)};
    export default () => <Echo texts={texts} keys={{ [texts[0]!]: texts[1] }} />;`,
  "routes/refused.tsx": `
    import Echo from "../islands/Echo.tsx";
    export default () => <Echo texts={[]} keys={{}} onDone={() => {}} />;`,
  "islands/Counter.tsx": `
    import type { Signal } from "@preact/signals";
    export default function Counter({ total }: { total: Signal<number> }) {
      return <button type="button" onClick={() => total.value++}>add {total}</button>;
    }`,
  "islands/Mirror.tsx": `
    import type { Signal } from "@preact/signals";
    import { IS_BROWSER, asset } from "fresh/runtime";
    import { useEffect, useState } from "preact/hooks";
    interface Props {
      total: Signal<number>; since: Date; units: Map<string, Set<string>>; big: bigint;
      bytes: Uint8Array; nothing: undefined; nan: number;
    }
    export default function Mirror(props: Props) {
      const [where, setWhere] = useState("server");
      useEffect(() => setWhere(IS_BROWSER ? "browser" : "?"), []);
      const facts = [
        props.since.toISOString(), [...props.units.get("t")!].join(), props.big + 1n,
        props.bytes.length, "nothing" in props && props.nothing === undefined, props.nan,
        asset("/styles.css") === document_href(),
      ];
      return (
        <>
          <tr><td id="where">{where}</td><td id="mirror">{props.total}</td></tr>
          {where === "browser" && <tr><td id="facts">{facts.map(String).join(" ")}</td></tr>}
        </>
      );
    }
    function document_href() {
      return IS_BROWSER ? document.querySelector("link[rel=stylesheet]")!.getAttribute("href") : "";
    }`,
  "islands/Echo.tsx": `
    import { useEffect, useState } from "preact/hooks";
    interface Props { texts: string[]; keys: Record<string, string>; onDone?: () => void }
    export default function Echo({ texts, keys }: Props) {
      const [copy, setCopy] = useState("");
      useEffect(() => setCopy(JSON.stringify([texts, keys])), []);
      const items = texts.map((text) => <li title={text}>{text}</li>);
      return <><pre id="copy">{copy}</pre><ul>{items}</ul></>;
    }`,
  "routes/neighbours.tsx": `
    import List from "../islands/List.tsx";
    export default () => <main><List name="a" /><List name="b" /><i>end</i></main>;`,
  "islands/List.tsx": `
    import { Head } from "fresh/runtime";
    import { useState } from "preact/hooks";
    import Echo from "./Echo.tsx";
    export default function List({ name }: { name: string }) {
      const [size, setSize] = useState(0);
      const add = () => setSize(size + 1);
      if (size === 3) return null;
      return (
        <>
          <Head><title>{name}{size}</title></Head>
          <button type="button" onClick={add}>{name}</button>
          {Array.from({ length: size }, (_, i) => <b key={i}>{name}{i}</b>)}
          {size === 0 && <Echo texts={[]} keys={{}} />}
        </>
      );
    }`,
  "routes/ids.tsx": `
    import { useId } from "preact/hooks";
    import Field from "../islands/Field.tsx";
    export default function Page() {
      return <main><p id={useId()} /><Field label="a" /><Field label="b" /></main>;
    }`,
  "islands/Field.tsx": `
    import { useEffect, useId, useState } from "preact/hooks";
    function Named({ label }: { label: string }) {
      const id = useId();
      return <div><label for={id}>{label}</label><input id={id} data-id={id} /></div>;
    }
    export default function Field({ label }: { label: string }) {
      const [started, setStarted] = useState(false);
      useEffect(() => setStarted(true), []);
      return <><Named label={label} />{started && <Named label={label + " late"} />}</>;
    }`,
  "static/styles.css": "tr { color: teal }",
  "static/favicon.ico": "",
};

async function openProject() {
  const project = await TestProject.create(FILES);
  const reported: unknown[] = [];
  const app = new App({ reportError: (error) => reported.push(error) });
  app.use(csp(), staticFiles()).fsRoutes();
  setManifest(app, await loadManifest(project.root));
  const server = serve(app.handler());
  return {
    url: server.url,
    reported,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await project[Symbol.asyncDispose]();
    },
  };
}

Deno.test("islands in a real browser", async (t) => {
  await using project = await openProject();
  await using browser = await TestBrowser.launch();

  await t.step("hydrate, share a signal and get rich props, without a complaint", async () => {
    await using visit = await browser.visit(`${project.url}/`);
    const { page } = visit;
    await page.waitForSelector("html[data-islands=started]");
    equal(await page.title(), "Islands");
    await page.getByRole("button", { name: "add 3" }).click();
    await page.getByRole("button", { name: "add 4" }).click();
    await becomes(page, { selector: "#mirror", text: "5" });
    await becomes(page, { selector: "#where", text: "browser" });
    const facts = "1970-01-02T00:00:00.000Z celsius 1180591620717411303425 2 true NaN true";
    equal(await page.locator("tbody > tr > #facts").textContent(), facts);
    equal(await page.locator("tbody > tr:last-child > #facts").count(), 1);
    deepEqual(visit.complaints, []);
  });

  await t.step("load only the modules of the page's islands", async () => {
    await using visit = await browser.visit(`${project.url}/`);
    const names = visit.scripts.map((path) => path.replace(/-\w+\.js$/, ""));
    for (const name of ["boot", "Counter", "Mirror"]) {
      equal(names.includes(`/_islands/${name}`), true, `${name} in ${names}`);
    }
    equal(names.includes("/_islands/Echo"), false);
  });

  await t.step("are absent from a page without any: no script at all", async () => {
    await using visit = await browser.visit(`${project.url}/plain`);
    deepEqual(visit.scripts, []);
    equal(await visit.page.locator("script").count(), 0);
    deepEqual(visit.complaints, []);
  });

  await t.step("get nasty strings unchanged, and nothing in them runs", async () => {
    await using visit = await browser.visit(`${project.url}/nasty`);
    const { page } = visit;
    await page.waitForFunction(() => document.querySelector("#copy")?.textContent !== "");
    const copy = JSON.parse((await page.locator("#copy").textContent())!);
    deepEqual(copy, [NASTY, { [NASTY[0]!]: NASTY[1] }]);
    equal(await page.evaluate(() => "broken" in globalThis), false);
    deepEqual(visit.complaints, []);
  });

  await t.step(
    "keep to their place beside a neighbour, growing, vanishing and nested",
    async () => {
      await using visit = await browser.visit(`${project.url}/neighbours`);
      const { page } = visit;
      await page.waitForSelector("html[data-islands=started]");
      equal(await page.locator("main > ul").count(), 2);
      // A nested island is part of the outer one, not a second one in its markup.
      const html = await (await fetch(`${project.url}/neighbours`)).text();
      equal(html.match(/<!--island:/g)?.length, 2);
      const b = page.getByRole("button", { name: "b" });
      const a = page.getByRole("button", { name: "a" });
      await b.click();
      for (let i = 0; i < 2; i++) await a.click();
      await becomes(page, { selector: "main", text: "aa0a1bb0end" });
      await becomes(page, { selector: "title", text: "a2" });
      await a.click();
      await becomes(page, { selector: "main", text: "bb0end" });
      await b.click();
      await becomes(page, { selector: "main", text: "bb0b1end" });
      deepEqual(visit.complaints, []);
    },
  );

  await t.step("make ids of their own, the same on the server and in the browser", async () => {
    const html = await (await fetch(`${project.url}/ids`)).text();
    const served = [...html.matchAll(/<(?:p|input) id="([^"]*)"/g)].map(([, id]) => id);
    await using visit = await browser.visit(`${project.url}/ids`);
    await visit.page.getByLabel("b late").waitFor();
    const ids = await visit.page.locator("[id^=P]").evaluateAll((found) =>
      found.map(({ id }) => id)
    );
    equal(new Set(ids).size, 5, String(ids));
    deepEqual(served.filter((id) => !ids.includes(id!)), []);
    deepEqual(visit.complaints, []);
  });

  await t.step("refuse a prop that cannot be sent, by name", async () => {
    const response = await fetch(`${project.url}/refused`);
    await response.body?.cancel();
    equal(response.status, 500);
    equal(
      /prop "onDone" of island "Echo".*function/.test(String(project.reported[0])),
      true,
      String(project.reported[0]),
    );
  });
});
