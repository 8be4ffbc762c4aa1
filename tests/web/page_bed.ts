/**
 * A browser in front of the gateway as a process: what a person sees and does. Every visit collects
 * what the console complains about, which no page may give reason to.
 */
import assert from "node:assert/strict";
import type { Browser, BrowserContext, Page } from "playwright-core";
import axe from "axe-core";
import { type GatewayOptions, GatewayProcess } from "@/tests/helpers/gateway_process.ts";

export const ADMIN = { name: "ada", password: "correct horse battery" };

/** Widths of the design: a desk, and the narrowest phone. */
export const WIDE = { width: 1280, height: 900 };
export const NARROW = { width: 360, height: 740 };

export interface VisitorOptions {
  viewport?: { width: number; height: number };
  colorScheme?: "light" | "dark";
  javaScriptEnabled?: boolean;
}

/** Debian's Chromium. */
export class PageBrowser implements AsyncDisposable {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async launch(): Promise<PageBrowser> {
    // Playwright looks for Windows below Linux in a file that Deno shows to --allow-all only.
    Deno.env.set("__IS_WSL_TEST__", "1");
    const { chromium } = await import("playwright-core");
    const quiet = ["background-networking", "component-update", "sync", "gpu"];
    const args = ["--no-sandbox", "--no-first-run", ...quiet.map((name) => `--disable-${name}`)];
    return new PageBrowser(await chromium.launch({ args, executablePath: "/usr/bin/chromium" }));
  }

  /** Somebody with an empty browser at this gateway. */
  async visitor(baseURL: string, options: VisitorOptions = {}): Promise<Visitor> {
    const context = await this.#browser.newContext({
      baseURL,
      ...{ viewport: WIDE, timezoneId: "Europe/Berlin", locale: "en-GB" },
      ...options,
    });
    return await Visitor.create(context);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}

export class Visitor implements AsyncDisposable {
  readonly page: Page;
  /** Console errors and warnings, uncaught errors, violations of the policy. */
  readonly complaints: string[] = [];
  readonly #context: BrowserContext;

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(String(error)));
  }

  static async create(context: BrowserContext): Promise<Visitor> {
    return new Visitor(context, await context.newPage());
  }

  /** Opens a page and waits until its islands run, where it has some. */
  async open(path: string): Promise<void> {
    await this.page.goto(path, { waitUntil: "load" });
    await this.settle();
  }

  async settle(): Promise<void> {
    await this.page.waitForFunction(() =>
      document.querySelector("script[type=module]") === null ||
      document.documentElement.dataset.islands === "started"
    );
  }

  async signIn({ name, password } = ADMIN): Promise<void> {
    await this.page.goto("/login", { waitUntil: "load" });
    await this.page.getByLabel("User name").fill(name);
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Sign in" }).click();
    await this.page.waitForURL((url) => url.pathname !== "/login");
  }

  /** Violations of WCAG 2.2 A and AA and of the checker's own rules; each with the elements. */
  async accessibilityProblems(): Promise<string[]> {
    // Evaluated over the protocol, which the page's policy does not concern.
    await this.page.evaluate(axe.source);
    const found = await this.page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResults> } };
      return (await axe.run()).violations;
    });
    return found.map(({ id, help, nodes }) =>
      `${id}: ${help}: ${nodes.map(({ html }) => html).slice(0, 5).join(" | ")}`
    );
  }

  /** How far the page is wider than the window, px. */
  async overflow(): Promise<number> {
    return await this.page.evaluate(() =>
      document.documentElement.scrollWidth - document.documentElement.clientWidth
    );
  }

  /** The page as it stands is readable by all, fits, and the console is silent. */
  async assertWell(): Promise<void> {
    const place = this.page.url();
    assert.deepEqual(await this.accessibilityProblems(), [], place);
    assert.equal(await this.overflow(), 0, `${place} is wider than the window`);
    assert.deepEqual(this.complaints, [], place);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
  }
}

interface AxeResults {
  violations: { id: string; help: string; nodes: { html: string }[] }[];
}

/** A gateway as a process with an admin, `ADMIN`. */
export async function startGateway(options: GatewayOptions = {}): Promise<GatewayProcess> {
  const gateway = await GatewayProcess.start(options);
  const add = ["user", "add", ADMIN.name, "--role", "admin", "--password-stdin"];
  await gateway.command(add, { input: `${ADMIN.password}\n` });
  return gateway;
}
