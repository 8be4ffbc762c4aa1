import { deepEqual, equal, match, throws } from "node:assert/strict";
import { App, type Context, createDefine, csp, csrf, HttpError, page, setManifest } from "fresh";
import { type ComponentChildren, type FunctionComponent, h } from "preact";
import { Head } from "fresh/runtime";
import { type Manifest, type RouteModule, UNBUILT } from "./manifest.ts";

interface State {
  trace: string[];
}

const define = createDefine<State>();
type Inside = { Component: FunctionComponent };

function appWith(routes: Record<string, RouteModule>): App<State> {
  const app = new App<State>({ reportError: () => {} });
  app.use((ctx) => {
    ctx.state.trace = [];
    return ctx.next();
  });
  const manifest: Manifest = { routes, islands: {}, assets: UNBUILT };
  setManifest(app.fsRoutes(), manifest);
  return app;
}

async function ask(app: App<State>, path: string, init?: RequestInit) {
  const response = await app.handler()(new Request(`http://gateway.test${path}`, init));
  return { status: response.status, headers: response.headers, text: await response.text() };
}

function echo(name: string): RouteModule {
  return {
    handler: (ctx: Context<State>) => ctx.json({ name, route: ctx.route, params: ctx.params }),
  };
}

Deno.test("file routes: the most literal file answers, with its decoded parameters", async () => {
  const files = [
    "index.ts",
    "devices/index.ts",
    "devices/new.ts",
    "devices/[id].ts",
    "devices/[id]/history.ts",
    "(ops)/audit.ts",
    "docs/[[version]]/guide.ts",
    "docs/index.ts",
    "files/[...path].ts",
  ];
  const app = appWith(Object.fromEntries(files.map((file) => [file, echo(file)])));
  const expected: [path: string, file: string, params: Record<string, string>][] = [
    ["/", "index.ts", {}],
    ["/devices", "devices/index.ts", {}],
    ["/devices/new", "devices/new.ts", {}],
    ["/devices/b%C3%BCro%2F1?x=1", "devices/[id].ts", { id: "büro/1" }],
    ["/devices/%E0%A4%A", "devices/[id].ts", { id: "%E0%A4%A" }],
    ["/devices/a/history", "devices/[id]/history.ts", { id: "a" }],
    ["/audit", "(ops)/audit.ts", {}],
    ["/docs", "docs/index.ts", {}],
    ["/docs/guide", "docs/[[version]]/guide.ts", {}],
    ["/docs/v2/guide", "docs/[[version]]/guide.ts", { version: "v2" }],
    ["/files", "files/[...path].ts", {}],
    ["/files/a/b.txt", "files/[...path].ts", { path: "a/b.txt" }],
  ];
  for (const [path, name, params] of expected) {
    const { text } = await ask(app, path);
    const got = JSON.parse(text);
    deepEqual({ path, name: got.name, params: got.params }, { path, name, params });
  }
  equal((await ask(app, "/ops/audit")).status, 404);
  equal((await ask(app, "/devices/a/b")).status, 404);
});

Deno.test("file routes: what cannot be meant is refused with its name", () => {
  const load = (...files: string[]) => () =>
    appWith(Object.fromEntries(files.map((file) => [file, echo(file)])));
  throws(
    load("(a)/about.ts", "(b)/about.ts"),
    /"\/about": "\(a\)\/about.ts" and "\(b\)\/about.ts"/,
  );
  throws(load("[id].ts", "[name].ts"), /Two route files/);
  throws(load("[...a]/b.ts"), /must come last/);
  throws(load("x[id].ts"), /is no name/);
  throws(load("_layuot.tsx"), /Unknown special file "_layuot.tsx"/);
  throws(() => appWith({ "a.ts": {} }), /neither a handler nor a component/);
  throws(
    () => appWith({ "_middleware.ts": { default: {} }, "a.ts": echo("a") }),
    /not a middleware/,
  );
});

Deno.test("a manifest that is refused leaves the one before in place", async () => {
  const app = appWith({ "index.ts": echo("old") });
  throws(() => setManifest(app, { routes: { "a.ts": {} }, islands: {}, assets: UNBUILT }));
  match((await ask(app, "/")).text, /"old"/);
});

Deno.test("methods: HEAD follows GET, others get 405 with what is allowed", async () => {
  const app = appWith({
    "form.tsx": {
      handler: define.handlers({ POST: () => page({ sent: true }) }),
      default: define.page<{ POST: () => { data: { sent: boolean } } }>((props) =>
        h("p", null, String(props.data?.sent))
      ),
    },
    "api.ts": { handler: define.handlers({ GET: (ctx) => ctx.json({ long: "body" }) }) },
  });
  match((await ask(app, "/form")).text, /<p>undefined<\/p>/);
  match((await ask(app, "/form", { method: "POST" })).text, /<p>true<\/p>/);
  const head = await ask(app, "/api", { method: "HEAD" });
  deepEqual([head.status, head.text], [200, ""]);
  equal(head.headers.get("content-type"), "application/json");
  const refused = await ask(app, "/form", { method: "DELETE" });
  deepEqual([refused.status, refused.headers.get("allow")], [405, "GET, HEAD, POST"]);
});

Deno.test("app routes: order of registration, paths of middlewares, own methods", async () => {
  const app = new App<State>()
    .use("/admin", (ctx) => ctx.text("closed", { status: 401 }))
    .get("/admin/x", (ctx) => ctx.text("never"))
    .post("/hook/:id", (ctx) => ctx.next(), (ctx) => ctx.text(ctx.params.id!))
    .all("/any", (ctx) => ctx.text(ctx.req.method))
    .get("/files/:path*", (ctx) => ctx.json([ctx.route, ctx.params.path]))
    .use(() => new Response("late"));
  deepEqual((await ask(app, "/admin")).text, "closed");
  deepEqual((await ask(app, "/admin/x")).status, 401);
  deepEqual((await ask(app, "/administrator")).text, "late");
  deepEqual((await ask(app, "/hook/7", { method: "POST" })).text, "7");
  equal((await ask(app, "/files/a/b")).text, '["/files/:path*","a/b"]');
  equal((await ask(app, "/files")).text, '["/files/:path*",null]');
  for (const method of ["PUT", "PATCH", "DELETE"]) {
    equal((await ask(app, "/any", { method })).text, method);
  }
});

Deno.test("middlewares of folders run outside in, layouts wrap inside out", async () => {
  const note = (name: string) => ({
    default: define.middleware(async (ctx) => {
      ctx.state.trace.push(name);
      const response = await ctx.next();
      response.headers.append("x-after", name);
      return response;
    }),
  });
  const box = (tag: string) => ({
    default: ({ Component }: Inside) => h(tag, null, h(Component, null)),
  });
  const app = appWith({
    "_app.tsx": {
      default: ({ Component }: Inside) =>
        h(
          "html",
          null,
          h("head", null, h("title", null, "App")),
          h("body", null, h(Component, {})),
        ),
    },
    "_middleware.ts": note("root"),
    "_layout.tsx": box("main"),
    "a/_middleware.ts": note("a"),
    "a/_layout.tsx": box("section"),
    "a/index.tsx": {
      default: define.page(async ({ state, Component }) => {
        await Promise.resolve();
        equal(typeof Component, "function");
        return h("p", null, h(Head, null, h("title", null, "A <1>")), state.trace.join());
      }),
    },
    "a/bare.tsx": {
      config: { skipInheritedLayouts: true, skipAppWrapper: true },
      default: () => h("p", null, "bare"),
    },
    "a/[id].ts": { handler: (ctx: Context<State>) => ctx.render(h("i", null, ctx.params.id!)) },
  });
  const { text, headers } = await ask(app, "/a");
  equal(
    text,
    "<!DOCTYPE html><html><head><title>A &lt;1></title></head>" +
      "<body><main><section><p>root,a</p></section></main></body></html>",
  );
  equal(headers.get("x-after"), "a, root");
  const head = '<html><head><meta charset="utf-8"></head>';
  equal((await ask(app, "/a/bare")).text, `<!DOCTYPE html>${head}<body><p>bare</p></body></html>`);
  match((await ask(app, "/a/7")).text, /<main><section><i>7<\/i><\/section><\/main>/);
});

Deno.test("errors: the nearest page answers, and headers set above are on it", async () => {
  const fail = (error: unknown): RouteModule => ({
    handler: () => {
      throw error;
    },
  });
  const shown = (name: string) => ({
    default: ({ error }: { error: unknown }): ComponentChildren => h("p", null, `${name} ${error}`),
  });
  const own = Object.assign(new Error("slow down"), {
    status: 429,
    headers: { "retry-after": "7" },
  });
  const app = appWith({
    "_404.tsx": shown("lost"),
    "_error.tsx": shown("root"),
    "boom.ts": fail(new Error("boom")),
    "own.ts": fail(own),
    "api/_error.ts": {
      handler: (ctx: Context<State>) => ctx.json({ e: String(ctx.error) }, { status: 400 }),
    },
    "api/bad.ts": fail(new HttpError(422)),
    "gone.ts": fail(new HttpError(404, "no such device")),
    "broken.ts": { handler: () => undefined },
    "late/_error.tsx": fail(new Error("second")),
    "late/index.ts": fail(new HttpError(418)),
  }).use(() => new Response("never"));
  const outer = new App<State>().use(csp()).all("/*", (ctx) => app.handler()(ctx.req));
  const answer = async (path: string) => {
    const { status, text, headers } = await ask(outer, path);
    match(headers.get("content-security-policy")!, /script-src 'self'/);
    equal(headers.get("x-content-type-options"), "nosniff");
    return [status, text.replace(/^.*<body>|<\/body>.*$/g, "")];
  };
  deepEqual(await answer("/boom"), [500, "<p>root Error: boom</p>"]);
  deepEqual(await answer("/own"), [429, "<p>root Error: slow down</p>"]);
  equal((await ask(app, "/own")).headers.get("retry-after"), "7");
  deepEqual(await answer("/api/bad"), [400, '{"e":"HttpError: Unprocessable Entity"}']);
  deepEqual(await answer("/gone"), [404, "<p>lost HttpError: no such device</p>"]);
  deepEqual(await answer("/late"), [418, "418 I'm a Teapot\n"]);
  match(String((await answer("/broken"))[1]), /broken.ts&quot; answered GET with neither/);
});

Deno.test("an error below a middleware is an answer to it, with csp on it", async () => {
  const seen: unknown[] = [];
  const reported: unknown[] = [];
  const app = new App<State>({ reportError: (error) => reported.push(error) })
    .use(csp({ csp: ["img-src *"], reportTo: "/csp" }))
    .use(async (ctx) => {
      const response = await ctx.next();
      seen.push(response.status, ctx.error);
      return response;
    })
    .get("/away", () => Response.redirect("http://other.test/"))
    .get("/", () => {
      throw new HttpError(503);
    });
  const { status, headers } = await ask(app, "/");
  equal(status, 503);
  match(headers.get("content-security-policy")!, /img-src \*;.*report-uri \/csp$/);
  equal(headers.get("content-security-policy")!.includes("data:"), false);
  equal(seen[0], 503);
  deepEqual(seen[1], reported[0]);
  for (const path of ["/nothing", "/away"]) {
    equal((await ask(app, path)).headers.has("content-security-policy"), true, path);
  }
});

Deno.test("an app says what its errors answer", async () => {
  const app = new App<State>({
    reportError: () => {},
    errorOf: (error) => error instanceof RangeError ? new HttpError(413, error.message) : error,
  }).get("/long", () => {
    throw new RangeError("too long");
  }).get("/other", () => {
    throw new TypeError("broken");
  });
  equal((await ask(app, "/long")).status, 413);
  equal((await ask(app, "/other")).status, 500);
});

Deno.test("an unknown path runs the root middlewares, its page has their state", async () => {
  const app = appWith({
    "_middleware.ts": {
      default: [
        define.middleware((ctx) => {
          ctx.state.trace.push("root");
          return ctx.next();
        }),
      ],
    },
    "_404.tsx": { default: define.page(({ state }) => h("p", null, state.trace.join())) },
  });
  const { status, text } = await ask(app, "/nowhere");
  equal(status, 404);
  match(text, /<p>root<\/p>/);
});

Deno.test("a redirect keeps a path on this host", async () => {
  const targets: [target: string, location: string][] = [
    ["/devices?next=//x", "/devices?next=//x"],
    ["//evil.test/a", "/evil.test/a"],
    ["/\\evil.test", "/evil.test"],
    [" //evil.test", "/evil.test"],
    ["/\t/evil.test", "/evil.test"],
    ["https://ok.test/a//b", "https://ok.test/a//b"],
    ["/gerät/\ud800", "/ger%C3%A4t/%EF%BF%BD"],
    ["/a\r\nx-evil: 1", "/ax-evil:%201"],
  ];
  for (const [target, location] of targets) {
    const app = new App<State>().get("/", (ctx) => ctx.redirect(target, 303));
    const { status, headers } = await ask(app, "/");
    deepEqual([status, headers.get("location")], [303, location]);
  }
});

Deno.test("csrf refuses what a browser sends from another site", async () => {
  const app = new App<State>({ reportError: () => {} })
    .use(csrf({ origin: ["https://friend.test"] }))
    .all("/", (ctx) => ctx.text("in"));
  const cases: [headers: Record<string, string>, status: number][] = [
    [{}, 200],
    [{ "sec-fetch-site": "same-origin" }, 200],
    [{ "sec-fetch-site": "none" }, 200],
    [{ "sec-fetch-site": "cross-site" }, 403],
    [{ "sec-fetch-site": "same-site", origin: "http://gateway.test" }, 403],
    [{ "sec-fetch-site": "cross-site", origin: "https://friend.test" }, 200],
    [{ origin: "http://gateway.test" }, 200],
    [{ origin: "https://gateway.test" }, 200],
    [{ origin: "http://gateway.test:81" }, 403],
    [{ origin: "null" }, 403],
    [{ origin: "https://evil.test" }, 403],
  ];
  for (const [headers, status] of cases) {
    const got = await ask(app, "/", { method: "POST", headers });
    deepEqual({ headers, status: got.status }, { headers, status });
  }
  const get = await ask(app, "/", { headers: { "sec-fetch-site": "cross-site" } });
  equal(get.status, 200);
});

Deno.test("define gives a page the data of its handlers", async () => {
  const handler = define.handlers({
    GET: () => page({ count: 1 }),
    POST: (ctx) => ctx.params.id ? ctx.redirect("/") : page({ count: 2 }, { status: 201 }),
  });
  const Counted = define.page<typeof handler>(({ data }) => {
    const count: number = data.count;
    return h("p", null, count);
  });
  const app = appWith({ "index.tsx": { handler, default: Counted } });
  match((await ask(app, "/")).text, /<p>1<\/p>/);
  const posted = await ask(app, "/", { method: "POST" });
  equal(posted.status, 201);
  match(posted.text, /<p>2<\/p>/);
});
