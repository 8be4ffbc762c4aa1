/** The program from a checkout: what is generated is made by the task that needs it. */
import assert from "node:assert/strict";
import { Checkout } from "@/tests/release/checkout.ts";

Deno.test("the first command in a fresh clone builds the pages, the next ones do not", async () => {
  await using checkout = await Checkout.create();
  const first = await checkout.task(["sluice", "version", "--json"]);
  assert.deepEqual([first.code, first.err], [0, "Built the pages\n"]);
  assert.equal(JSON.parse(first.out).commit, "checkout");
  const names = await Array.fromAsync(Deno.readDir(`${checkout.root}_gen`), ({ name }) => name);
  for (const name of ["routes.ts", "islands.ts", "assets.ts", "docs.ts"]) {
    assert.ok(names.includes(name), name);
  }

  const second = await checkout.task(["sluice", "version", "--json"]);
  assert.deepEqual(second, { ...first, err: "" });

  await Deno.writeTextFile(`${checkout.root}docs/new.md`, "# New\n");
  const third = await checkout.task(["sluice", "version", "--json"]);
  assert.equal(third.err, "Built the pages\n");
  const { docs } = await import(`file://${checkout.root}_gen/docs.ts`);
  assert.equal(docs["new.md"], "# New\n");
});

Deno.test("a build that fails says why, and the program does not start without its pages", async () => {
  await using checkout = await Checkout.create();
  await Deno.mkdir(`${checkout.root}islands`, { recursive: true });
  await Deno.writeTextFile(`${checkout.root}islands/Broken.tsx`, "export default function (");
  const { code, out, err } = await checkout.task(["sluice", "version"]);
  assert.deepEqual([code, out], [1, ""]);
  assert.match(err, /^Cannot build the pages: .*Broken\.tsx/s);
});
