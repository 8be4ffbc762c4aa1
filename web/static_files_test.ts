import { deepEqual, equal, notEqual } from "node:assert/strict";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { App, type Assets, setManifest, staticFiles } from "fresh";
import { buildClient } from "./build_client.ts";
import { loadConfig } from "./config.ts";
import { scanProject } from "./project.ts";
import { TestProject } from "./test_project.ts";

const CSS = "body { color: teal }\n".repeat(50);
const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 255]);

async function withAssets(test: (get: Get, assets: Assets) => Promise<void>): Promise<void> {
  await using project = await TestProject.create({
    "static/styles.css": CSS,
    "static/img/büro.png": PNG,
    "static/tiny.txt": "x",
    "static/.hidden": "secret",
  });
  const assets = await buildClient(await scanProject(project.root, await loadConfig(project.root)));
  const app = new App().use(staticFiles());
  setManifest(app, { routes: {}, islands: {}, assets });
  const handler = app.handler();
  await test(async (path, headers = {}, method = "GET") => {
    const response = await handler(new Request(`http://gateway.test${path}`, { headers, method }));
    return { response, bytes: new Uint8Array(await response.arrayBuffer()) };
  }, assets);
}

type Get = (
  path: string,
  headers?: Record<string, string>,
  method?: string,
) => Promise<{ response: Response; bytes: Uint8Array }>;

Deno.test("static files come as the browser takes them, byte for byte", async () => {
  await withAssets(async (get) => {
    const plain = new TextEncoder().encode(CSS);
    const cases: [accept: string, encoding: string | null][] = [
      ["gzip, deflate, br, zstd", "br"],
      ["gzip", "gzip"],
      ["br;q=0.1, gzip;q=0.9", "gzip"],
      ["br;q=0, gzip;q=0", null],
      ["*", "br"],
      ["*;q=0", null],
      ["identity", null],
      ["", null],
      ["br;q=nonsense", null],
    ];
    for (const [accept, encoding] of cases) {
      const { response, bytes } = await get("/styles.css", { "accept-encoding": accept });
      const { headers } = response;
      equal(headers.get("content-encoding"), encoding, accept);
      equal(headers.get("vary"), "accept-encoding");
      equal(headers.get("content-type"), "text/css; charset=utf-8");
      equal(headers.get("content-length"), String(bytes.length));
      const decode = { br: brotliDecompressSync, gzip: gunzipSync }[encoding ?? ""];
      deepEqual(decode ? new Uint8Array(decode(bytes)) : bytes, plain);
    }
  });
});

Deno.test("what does not compress is sent as it is, whatever is accepted", async () => {
  await withAssets(async (get) => {
    const { response, bytes } = await get("/img/b%C3%BCro.png", { "accept-encoding": "br, gzip" });
    deepEqual(bytes, PNG);
    equal(response.headers.get("content-encoding"), null);
    equal(response.headers.get("vary"), null);
    equal(response.headers.get("content-type"), "image/png");
    const { bytes: tiny } = await get("/tiny.txt", { "accept-encoding": "br, gzip" });
    deepEqual(tiny, new TextEncoder().encode("x"));
  });
});

Deno.test("an ETag belongs to one encoding and saves the body", async () => {
  await withAssets(async (get) => {
    const br = await get("/styles.css", { "accept-encoding": "br" });
    const raw = await get("/styles.css");
    const etag = br.response.headers.get("etag")!;
    notEqual(etag, raw.response.headers.get("etag"));
    const again = await get("/styles.css", {
      "accept-encoding": "br",
      "if-none-match": `"other", W/${etag}`,
    });
    deepEqual([again.response.status, again.bytes.length], [304, 0]);
    equal(again.response.headers.get("etag"), etag);
    equal(again.response.headers.get("vary"), "accept-encoding");
    equal((await get("/styles.css", { "if-none-match": etag })).response.status, 200);
  });
});

Deno.test("only a URL that names this build is cached for ever", async () => {
  await withAssets(async (get, { buildId }) => {
    const cacheOf = async (path: string) => (await get(path)).response.headers.get("cache-control");
    equal(await cacheOf(`/styles.css?v=${buildId}`), "public, max-age=31536000, immutable");
    equal(await cacheOf("/styles.css"), "no-cache");
    equal(await cacheOf("/styles.css?v=0123456789abcdef"), "no-cache");
  });
});

Deno.test("HEAD has the headers alone; other methods and tricks find nothing", async () => {
  await withAssets(async (get) => {
    const head = await get("/styles.css", {}, "HEAD");
    deepEqual([head.response.status, head.bytes.length], [200, 0]);
    equal(head.response.headers.get("content-length"), String(CSS.length));
    equal((await get("/styles.css", {}, "POST")).response.status, 404);
    for (const path of ["/.hidden", "/__proto__", "/constructor", "/%2e%2e/deno.json", "/%"]) {
      equal((await get(path)).response.status, 404, path);
    }
  });
});
