/** The frame of all pages: the way in, the way out, themes, errors, the live connection. */
import assert from "node:assert/strict";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { GatewayProcess } from "@/tests/helpers/gateway_process.ts";
import { NARROW, PageBrowser, startGateway } from "@/tests/web/page_bed.ts";

Deno.test("the printed link claims the gateway and signs its first admin in", async () => {
  await using gateway = await GatewayProcess.start();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.open("/");
  assert.equal(new URL(page.url()).pathname, "/claim", "there is nobody to sign in yet");
  const token = /claim\?token=([\w-]+)/.exec(gateway.stderr)?.[1];
  await visitor.open(`/claim?token=${token}`);
  await visitor.assertWell();
  await page.getByLabel("User name").fill("ada");
  await page.getByLabel("Password").fill("short");
  await page.getByRole("button", { name: "Create the admin" }).click();
  assert.equal(await page.getByLabel("User name").inputValue(), "ada", "the input is kept");
  assert.match(await page.getByRole("alert").innerText(), /password/i);
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Create the admin" }).click();
  await page.waitForURL((url) => url.pathname === "/");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL((url) => url.pathname === "/login");
  await page.goto("/claim");
  assert.equal(new URL(page.url()).pathname, "/login", "the claim is closed");
});

Deno.test("a page asked for signed out comes after the sign-in", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  const { page } = visitor;
  await visitor.open("/account?x=1");
  assert.equal(new URL(page.url()).search, "?next=%2Faccount%3Fx%3D1");
  await page.getByLabel("User name").fill("ada");
  await page.getByLabel("Password").fill("wrong horse battery");
  await page.getByRole("button", { name: "Sign in" }).click();
  assert.match(await page.getByRole("alert").innerText(), /user name or the password is wrong/);
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => url.pathname + url.search === "/account?x=1");
});

Deno.test("themes follow the system until one is chosen, with and without script", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  for (const javaScriptEnabled of [true, false]) {
    const options = { colorScheme: "dark", javaScriptEnabled, viewport: NARROW } as const;
    await using visitor = await browser.visitor(gateway.httpUrl, options);
    const { page } = visitor;
    const paper = () =>
      page.locator("body").evaluate((body) =>
        getComputedStyle(body).getPropertyValue("background-color")
      );
    await page.goto("/login");
    assert.equal(await paper(), "rgb(12, 22, 27)");
    const answered = page.waitForEvent("load");
    await page.getByRole("button", { name: "Light" }).click();
    await answered;
    assert.equal(await paper(), "rgb(243, 246, 247)");
    assert.equal(new URL(page.url()).pathname, "/login");
  }
});

Deno.test("what does not exist is a friendly page, signed in and out", async () => {
  await using gateway = await startGateway();
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(gateway.httpUrl);
  for (const path of ["/nowhere", "/devices/..%2f..%2fetc", "/api/nowhere"]) {
    const response = await visitor.page.goto(path);
    assert.equal(response?.status(), 404, path);
  }
  visitor.complaints.length = 0; // the console names each 404
  await visitor.signIn();
  await visitor.page.goto("/nowhere");
  assert.match(await visitor.page.getByRole("heading", { level: 1 }).innerText(), /no such page/);
  assert.equal(await visitor.page.getByRole("link", { name: "Devices" }).first().isVisible(), true);
});

Deno.test("a page says when the gateway is away and comes back by itself", async () => {
  await using folder = await TempDir.create("sluice-page-");
  const first = await startGateway({ folder });
  await using browser = await PageBrowser.launch();
  await using visitor = await browser.visitor(first.httpUrl);
  await visitor.signIn();
  await visitor.open("/account");
  await visitor.page.getByText("live", { exact: true }).waitFor();
  const { httpPort } = first;
  await first.kill();
  await visitor.page.getByText("The gateway does not answer.").waitFor();
  await using _second = await GatewayProcess.start({ folder, httpPort });
  await visitor.page.getByText("live", { exact: true }).waitFor();
});
