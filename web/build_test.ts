import { deepEqual, equal, match, notEqual, rejects } from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { buildClient, buildProject, bundleServer } from "./build.ts";
import { loadConfig, resolveConfig } from "./config.ts";
import { generate } from "./generate.ts";
import { scanProject } from "./project.ts";
import { becomes, TestBrowser } from "./test_browser.ts";
import { TestProject } from "./test_project.ts";

const FILES = {
  "fresh.config.ts": `
    import { defineConfig } from "fresh";
    export default defineConfig({
      directories: { static: "public" }, target: ["es2020"], islandPreload: false,
      securityHeaders: { "x-content-type-options": "nosniff", "x-own": "yes" },
    });`,
  "main.ts": `
    import { App, csp, setManifest, staticFiles } from "fresh";
    import config from "./fresh.config.ts";
    import { assets } from "./_gen/assets.ts";
    import { islands } from "./_gen/islands.ts";
    import { routes } from "./_gen/routes.ts";
    import { double } from "./double.ts";
    import legacy from "./legacy.cjs";
    const app = new App(config).use(csp(), staticFiles())
      .get("/double/:n", async (ctx) => ctx.text(String(await double(Number(ctx.params.n)))))
      .get("/legacy", (ctx) => ctx.text(legacy))
      .fsRoutes();
    setManifest(app, { routes, islands, assets });
    const onListen = ({ port }: { port: number }) => console.log(port);
    Deno.serve({ hostname: "127.0.0.1", port: 0, onListen }, app.handler());`,
  "double.ts": `
    // The bundler finds new Worker(new URL("./nowhere.ts", import.meta.url)) only in code.
    export function double(n: number): Promise<number> {
      const worker = new Worker(
        new URL("./double_worker.ts", import.meta.url),
        { type: "module" },
      );
      const { promise, resolve } = Promise.withResolvers<number>();
      worker.onmessage = ({ data }) => {
        worker.terminate();
        resolve(data);
      };
      worker.postMessage(n);
      return promise;
    }`,
  "double_worker.ts": `
    import { factor } from "./factor.ts";
    import { EventEmitter } from "node:events";
    const emitter = new EventEmitter();
    emitter.on("n", (n: number) => self.postMessage(n * factor));
    self.onmessage = ({ data }: MessageEvent<number>) => emitter.emit("n", data);`,
  // As packages for Node do: a built-in by its bare name, a look at the whole environment.
  "legacy.cjs": `
    const { join } = require("path");
    module.exports = join("env", String(Object.keys(process.env).length));`,
  "factor.ts": `export const factor: number = 2;`,
  "routes/index.tsx": `
    import { asset } from "fresh/runtime";
    import Counter from "../islands/Counter.tsx";
    export default () => (
      <main><link rel="stylesheet" href={asset("/styles.css")} /><Counter start={4} /></main>
    );`,
  "routes/(_parts)/part.tsx": "throw new Error('a part is no route')",
  "routes/api/list.ts": `export const handler = () => Response.json(["x"]);`,
  "islands/Counter.tsx": `
    import { useSignal } from "@preact/signals";
    import { label } from "./label.ts";
    export default function Counter({ start }: { start: number }) {
      const count = useSignal(start);
      return <button type="button" onClick={() => count.value++}>{label} {count}</button>;
    }`,
  "islands/label.ts": `export const label: string = "count";`,
  "public/styles.css": "main { color: teal }\n".repeat(9),
  "public/favicon.ico": "",
};

const SERVER = { entry: "main.ts", outfile: "server.js", workers: ["double_worker.ts"] };

/** The bundle alone in a folder of its own, run with the rights of a server and nothing else. */
async function runBundle(project: TestProject) {
  const folder = await Deno.makeTempDir();
  await Deno.rename(`${project.root}/server.js`, `${folder}/server.js`);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--no-prompt", "--allow-net=127.0.0.1", "server.js"],
    cwd: folder,
    env: { DENO_NO_PACKAGE_JSON: "1", NO_COLOR: "1" },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const port = new TextDecoder().decode(value).trim();
  match(port, /^\d+$/, "the bundle did not start");
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await reader.cancel();
      child.kill();
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("the server bundle runs alone: pages, assets, islands and workers", async () => {
  await using project = await TestProject.create(FILES);
  const assets = await buildProject(project.root);
  await bundleServer({ root: project.root, ...SERVER });
  const bundle = await Deno.readTextFile(`${project.root}/server.js`);
  equal(bundle.includes(project.root), false, "the bundle names the folder it was built in");
  await using server = await runBundle(project);

  equal(await (await fetch(`${server.url}/double/21`)).text(), "42");
  equal(await (await fetch(`${server.url}/legacy`)).text(), "env/0");
  deepEqual(await (await fetch(`${server.url}/api/list`)).json(), ["x"]);
  const response = await fetch(server.url);
  equal(response.headers.get("x-own"), "yes");
  const html = await response.text();
  match(html, new RegExp(`href="/styles.css\\?v=${assets.buildId}"`));
  equal(html.includes("modulepreload"), false);
  const script = await fetch(server.url + assets.boot);
  equal(script.headers.get("cache-control"), "public, max-age=31536000, immutable");
  equal(script.headers.get("content-encoding"), "br");
  await script.body?.cancel();

  await using browser = await TestBrowser.launch();
  await using visit = await browser.visit(server.url);
  await visit.page.getByRole("button", { name: "count 4" }).click();
  await becomes(visit.page, { selector: "button", text: "count 5" });
  deepEqual(visit.complaints, []);
});

Deno.test("a front runs first, and the program only when the front says so", async () => {
  await using project = await TestProject.create({
    "front.ts": `
      declare const bundle: { run(): void };
      if (Deno.args[0] === "early") console.log("front");
      else bundle.run();`,
    // What would end a comment, in a text, in a pattern and as it stands in a template.
    "main.ts": `
      import { basename } from "node:path";
      console.log(basename("a/program"), /^a*/.exec("aab")![0], "*/", \`/* */ \u2028\`);
      console.log(new Error("x").stack!.includes("main.ts"));`,
  });
  await bundleServer({ ...SERVER, root: project.root, front: "front.ts", workers: [] });
  const run = async (...args: string[]) => {
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-config", `${project.root}/server.js`, ...args],
      stderr: "inherit",
    });
    return new TextDecoder().decode((await command.output()).stdout);
  };
  equal(await run("early"), "front\n");
  await project.write("main.ts", "console.log('*\u0001/');");
  await rejects(
    bundleServer({ ...SERVER, root: project.root, workers: [] }),
    /"main\.ts": it holds "\*\\u0001\/", write/,
  );
  equal(await run(), "program aa */ /* */ \u2028\ntrue\n");
});

Deno.test("a name of the import map may lead into a package", async () => {
  await using project = await TestProject.create({
    "main.ts": `import moon from "lucide/moon.mjs"; console.log(JSON.stringify(moon));`,
  });
  await bundleServer({ ...SERVER, root: project.root, workers: [] });
  match(await Deno.readTextFile(`${project.root}/server.js`), /\["path",\{d:/);
});

Deno.test("what is left out is empty in the bundle", async () => {
  await using project = await TestProject.create({
    "main.ts": `import { large } from "./large.ts"; console.log(large);`,
    "large.ts": `export const large = "LARGE".repeat(9);`,
  });
  const options = { ...SERVER, root: project.root, workers: [] };
  await bundleServer(options);
  match(await Deno.readTextFile(`${project.root}/server.js`), /LARGE/);
  await bundleServer({ ...options, leftOut: [/\/large\.ts$/] });
  equal(/LARGE/.test(await Deno.readTextFile(`${project.root}/server.js`)), false);
});

Deno.test("a page with an island costs at most 15 kB of compressed script", async () => {
  await using project = await TestProject.create(FILES);
  const { files, boot, islands } = await buildProject(project.root);
  const urls = new Set([boot, ...islands["Counter"]!]);
  const bytes = [...urls].map((url) => (files[url]!.gzip as Uint8Array).length);
  const total = bytes.reduce((sum, length) => sum + length, 0);
  equal(total <= 15_000, true, `${total} bytes`);
});

Deno.test("generated modules are the same for the same tree and follow its changes", async () => {
  await using project = await TestProject.create(FILES);
  const read = (name: string) => Deno.readTextFile(`${project.root}/_gen/${name}.ts`);
  const all = () => Promise.all(["routes", "islands", "assets"].map(read));
  await buildProject(project.root);
  const first = await all();
  await buildProject(project.root);
  deepEqual(await all(), first);
  match(first[0]!, /"\.\.\/routes\/api\/list\.ts"/);
  equal(/_parts|label/.test(first.join("")), false);

  await project.write("routes/more.ts", "export const handler = () => new Response();");
  const config = await loadConfig(project.root);
  await generate(await scanProject(project.root, config));
  const [routes, islands, assets] = await all();
  match(routes!, /"more\.ts": route/);
  deepEqual([islands, assets], first.slice(1));
});

Deno.test("tests, types, parts and hidden files are neither routes nor islands", async () => {
  const root = await Deno.makeTempDir();
  const modules = ["a.ts", "a_test.ts", "a.test.tsx", "a.d.ts", ".b.ts", "(_parts)/c.tsx", "d.css"];
  for (const folder of ["routes", "islands"]) {
    await Deno.mkdir(`${root}/${folder}/(_parts)`, { recursive: true });
    for (const name of [...modules, "E.tsx"]) {
      await Deno.writeTextFile(`${root}/${folder}/${name}`, "");
    }
  }
  const { routes, islands, statics } = await scanProject(root, resolveConfig());
  await Deno.remove(root, { recursive: true });
  deepEqual([routes, islands, statics], [["E.tsx", "a.ts"], ["E.tsx"], []]);
});

Deno.test("a changed island gets a new URL and build id, its neighbours keep theirs", async () => {
  await using project = await TestProject.create({
    ...FILES,
    "islands/Other.tsx": "export default () => <p>other</p>;",
  });
  const config = await loadConfig(project.root);
  const before = await buildClient(await scanProject(project.root, config));
  await project.write("islands/label.ts", `export const label: string = "changed";`);
  const after = await buildClient(await scanProject(project.root, config));
  notEqual(after.buildId, before.buildId);
  notEqual(after.islands["Counter"]![0], before.islands["Counter"]![0]);
  equal(after.islands["Other"]![0], before.islands["Other"]![0]);
  const source = after.files[after.islands["Counter"]![0]!]!.gzip as Uint8Array;
  match(new TextDecoder().decode(gunzipSync(source)), /changed/);
});

Deno.test("a worker not listed, not started or starting itself fails the build", async () => {
  await using project = await TestProject.create(FILES);
  await buildProject(project.root);
  const build = (workers: string[]) => bundleServer({ root: project.root, ...SERVER, workers });
  await rejects(build([]), /double_worker\.ts" is not listed/);
  await rejects(build(["double_worker.ts", "factor.ts"]), /factor\.ts" is started nowhere/);
  const again = `new Worker(new URL("./double_worker.ts", import.meta.url), { type: "module" });`;
  await project.write("factor.ts", `export const factor = 2; ${again}`);
  await rejects(build(["double_worker.ts"]), /double_worker\.ts": it starts itself/);
  await rejects(Deno.stat(`${project.root}/server.js`), Deno.errors.NotFound);
});

Deno.test("an import that cannot go into the bundle fails the build", async () => {
  await using project = await TestProject.create({
    "main.ts": `import "https://example.test/x.js"; import net from "net"; console.log(net);`,
  });
  await rejects(
    bundleServer({ root: project.root, ...SERVER, workers: [] }),
    /example\.test/,
  );
});

Deno.test("an island that does not compile is named with its line", async () => {
  await using project = await TestProject.create({ "islands/Broken.tsx": "\nconst x = ;" });
  await rejects(buildProject(project.root), /islands\/Broken\.tsx:2:\d+/);
});
