/** Small projects on disk for the tests of this folder, and a browser to look at them. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";

/** Git, the formatter and the linter skip `_gen`; it lies inside, so that deno.json applies. */
const PARENT = fileURLToPath(new URL("./_gen/", import.meta.url));

export class TestProject implements AsyncDisposable {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  static async create(files: Record<string, string | Uint8Array>): Promise<TestProject> {
    await Deno.mkdir(PARENT, { recursive: true });
    const project = new TestProject(await Deno.makeTempDir({ dir: PARENT, prefix: "project-" }));
    for (const [path, content] of Object.entries(files)) await project.write(path, content);
    return project;
  }

  async write(path: string, content: string | Uint8Array): Promise<void> {
    const target = join(this.root, path);
    await Deno.mkdir(dirname(target), { recursive: true });
    if (typeof content === "string") await Deno.writeTextFile(target, content);
    else await Deno.writeFile(target, content);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

export interface Visit extends AsyncDisposable {
  page: Page;
  /** Console errors and warnings, uncaught errors; CSP violations are among them. */
  complaints: string[];
  /** Paths of the scripts that were fetched. */
  scripts: string[];
}

export class TestBrowser implements AsyncDisposable {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async launch(): Promise<TestBrowser> {
    const quiet = ["background-networking", "component-update", "sync"];
    const args = ["--no-sandbox", "--disable-gpu", "--no-first-run"];
    const options = { args: [...args, ...quiet.map((name) => `--disable-${name}`)] };
    return new TestBrowser(
      await chromium.launch({ ...options, executablePath: "/usr/bin/chromium" }),
    );
  }

  async visit(url: string): Promise<Visit> {
    const page = await this.#browser.newPage();
    const [complaints, scripts]: [string[], string[]] = [[], []];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("response", (response) => {
      const type = response.headers()["content-type"] ?? "";
      if (type.includes("javascript")) scripts.push(new URL(response.url()).pathname);
    });
    await page.goto(url, { waitUntil: "networkidle" });
    return { page, complaints, scripts, [Symbol.asyncDispose]: () => page.close() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}

/** Serves a handler on a free port of the loopback interface. */
export function serve(handler: Deno.ServeHandler): { url: string } & AsyncDisposable {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handler);
  const { port } = server.addr as Deno.NetAddr;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
