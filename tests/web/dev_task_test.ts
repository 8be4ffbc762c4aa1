/** `deno task dev`: the gateway keeps running and taking data while its pages are edited. */
import assert from "node:assert/strict";
import { ServerProcess } from "@/tests/helpers/server_process.ts";
import { until } from "@/tests/helpers/until.ts";
import { Checkout } from "@/tests/release/checkout.ts";

Deno.test("an edit of a page shows, and ingest does not notice", async () => {
  await using checkout = await Checkout.create();
  await checkout.task(["pages"]);
  const addresses = ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"];
  const flags = ["run", "--allow-read", "--allow-run", "tools/dev.ts"];
  await using dev = new ServerProcess(Deno.execPath(), {
    args: [...flags, ...addresses, "--data", `${checkout.root}data`],
    cwd: checkout.root,
  });
  const [, address] = await dev.untilOutput(/^listening http=(\S+)/m, { timeoutMs: 60_000 });
  const url = `http://${address}`;
  const heading = async () =>
    /<h1[^>]*>([^<]*)/.exec(await (await fetch(`${url}/claim`)).text())?.[1];
  assert.equal(await heading(), "Claim this gateway");

  const path = `${checkout.root}components/texts_en.ts`;
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replace("Claim this gateway", "Claim it"));
  await until(async () => await heading() === "Claim it", { what: "the edit shows" });

  const taken = await fetch(`${url}/v1/ingest/bench-1`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ metrics: { temperature: 21.5 } }),
  });
  assert.equal(taken.status, 202, await taken.text());
  const starts = dev.stdout.match(/^listening /gm)?.length;
  assert.equal(starts, 1, "the process was not started again");
});
