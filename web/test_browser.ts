/** Debian's Chromium for the tests of this folder. */
import type { Browser, Page } from "playwright-core";

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
    // Playwright looks for Windows below Linux in a file that Deno shows to --allow-all only;
    // this variable of the library that it uses for that puts the look off, here for good.
    Deno.env.set("__IS_WSL_TEST__", "1");
    const { chromium } = await import("playwright-core");
    const executablePath = "/usr/bin/chromium";
    return new TestBrowser(await chromium.launch({ ...options, executablePath }));
  }

  /** Waits for a quiet network, which a page with an event stream never has: then for "load". */
  async visit(
    url: string,
    { waitUntil = "networkidle" }: { waitUntil?: "load" | "networkidle" } = {},
  ): Promise<Visit> {
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
    await page.goto(url, { waitUntil });
    return { page, complaints, scripts, [Symbol.asyncDispose]: () => page.close() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}

/** Waits until an element's text is this; fails by Playwright's own time limit. */
export async function becomes(
  page: Page,
  expected: { selector: string; text: string },
): Promise<void> {
  await page.waitForFunction(
    ({ selector, text }) => document.querySelector(selector)?.textContent === text,
    expected,
  );
}
