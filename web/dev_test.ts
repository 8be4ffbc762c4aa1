import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { App, csp, setManifest, staticFiles } from "fresh";
import { DevSession } from "./dev.ts";
import { UNBUILT } from "./manifest.ts";
import { becomes, TestBrowser } from "./test_browser.ts";
import { serve, TestProject } from "./test_project.ts";

const PAGE = (word: string) => `
  import { label } from "../components/label.ts";
  import Counter from "../islands/Counter.tsx";
  import { loads } from "../state.ts";
  export default () => <p>${word} {label} {loads()} <Counter /></p>;`;

const ISLAND = (word: string) => `
  import { useSignal } from "@preact/signals";
  export default function Counter() {
    const count = useSignal(0);
    return <button type="button" onClick={() => count.value++}>${word} {count}</button>;
  }`;

const FILES = {
  "routes/index.tsx": PAGE("page"),
  "islands/Counter.tsx": ISLAND("island"),
  "components/label.ts": `export const label = "label";`,
  // Stands for the running program: outside of the watched folders, so loaded once.
  "state.ts": `let calls = 0; export const loads = () => ++calls;`,
  "static/styles.css": "p { color: teal }",
  "static/favicon.ico": "",
};

type Outcome = { tookMs: number } | { error: unknown };

/** A session whose next reload can be waited for. */
async function develop(project: TestProject) {
  const app = new App().use(csp(), staticFiles()).fsRoutes();
  let next = Promise.withResolvers<Outcome>();
  const session = new DevSession({ root: project.root, app, report: (o) => next.resolve(o) });
  await session.start();
  const server = serve(app.handler());
  return {
    url: server.url,
    text: async (path = "/") => {
      const html = await (await fetch(server.url + path)).text();
      return html.replace(/<!--.*?-->|<[^>]*>|\[.*/g, "").replace(/^.*?(?=page|edited)/s, "");
    },
    edit: async (path: string, content: string) => {
      next = Promise.withResolvers();
      // As editors do: in one step, so that no half-written file is ever seen.
      await project.write("edit.tmp", content);
      await Deno.rename(`${project.root}/edit.tmp`, `${project.root}/${path}`);
      return await next.promise;
    },
    async [Symbol.asyncDispose]() {
      await session.stop();
      await server[Symbol.asyncDispose]();
    },
  };
}

Deno.test("an edit of a route, component or static file answers in the same process", async () => {
  await using project = await TestProject.create(FILES);
  await using dev = await develop(project);
  equal(await dev.text(), "page label 1 island 0");
  await dev.edit("routes/index.tsx", PAGE("edited"));
  equal(await dev.text(), "edited label 2 island 0");
  await dev.edit("components/label.ts", `export const label = "new";`);
  equal(await dev.text(), "edited new 3 island 0");
  await dev.edit("routes/more.ts", `export const handler = () => new Response("page more");`);
  equal(await dev.text("/more"), "page more");
  await dev.edit("static/styles.css", "p { color: red }");
  equal(await (await fetch(`${dev.url}/styles.css`)).text(), "p { color: red }");
  const left = [...Deno.readDirSync(`${project.root}/_gen`)].map(({ name }) => name).sort();
  deepEqual(left, ["assets.ts", "islands.ts", "routes.ts"]);
});

Deno.test("a version that does not load is reported, the one before keeps answering", async () => {
  await using project = await TestProject.create(FILES);
  await using dev = await develop(project);
  const broken = await dev.edit("routes/index.tsx", "export default () => <p>;");
  match(String("error" in broken && broken.error), /routes\/index\.tsx:1:/);
  equal(await dev.text(), "page label 1 island 0");
  const thrown = await dev.edit("routes/index.tsx", "throw new Error('at load')");
  match(String("error" in thrown && thrown.error), /at load/);
  const useless = await dev.edit("routes/index.tsx", "export const nothing = 1;");
  match(String("error" in useless && useless.error), /neither a handler nor a component/);
  equal(await dev.text(), "page label 2 island 0");
  deepEqual(Object.keys(await dev.edit("routes/index.tsx", PAGE("edited"))), ["tookMs"]);
  equal(await dev.text(), "edited label 3 island 0");
});

Deno.test("a first version that does not load stops the start, nothing stays open", async () => {
  await using project = await TestProject.create({ "routes/index.tsx": "const = 1" });
  await using session = new DevSession({ root: project.root, app: new App() });
  await rejects(session.start(), /routes\/index\.tsx:1:/);
});

Deno.test("open pages reload by themselves, under the strict policy", async () => {
  await using project = await TestProject.create(FILES);
  await using dev = await develop(project);
  await using browser = await TestBrowser.launch();
  await using visit = await browser.visit(dev.url, { waitUntil: "load" });
  await visit.page.getByRole("button", { name: "island 0" }).click();
  await becomes(visit.page, { selector: "button", text: "island 1" });
  await dev.edit("islands/Counter.tsx", ISLAND("changed"));
  await becomes(visit.page, { selector: "button", text: "changed 0" });
  await visit.page.waitForSelector("html[data-islands=started]");
  await visit.page.getByRole("button", { name: "changed 0" }).click();
  await becomes(visit.page, { selector: "button", text: "changed 1" });
  deepEqual(visit.complaints, []);
});

Deno.test("the development tools are gone with the session's manifest", async () => {
  await using project = await TestProject.create(FILES);
  const app = new App().fsRoutes();
  await using session = new DevSession({ root: project.root, app, report: () => {} });
  await session.start();
  const ask = (path: string) => app.handler()(new Request(`http://gateway.test${path}`));
  equal((await ask("/_dev/reload.js")).status, 200);
  const streams = [];
  for (let i = 0; i < 32; i++) streams.push(await ask("/_dev/events"));
  equal((await ask("/_dev/events")).status, 503);
  await streams.pop()!.body!.cancel();
  streams.push(await ask("/_dev/events"));
  deepEqual(streams.map(({ status }) => status), Array(32).fill(200));
  setManifest(app, { routes: {}, islands: {}, assets: UNBUILT });
  equal((await ask("/_dev/reload.js")).status, 404);
});
