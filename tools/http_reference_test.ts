import assert from "node:assert/strict";
import { describedApi, httpReference } from "@/tools/http_reference.ts";

Deno.test("every described operation is in the reference, with who may call it", () => {
  const text = httpReference();
  for (const { method, path } of describedApi().described) {
    const row = text.split("\n").find((line) => line.startsWith(`| ${method} | \`${path}\` |`));
    assert.match(
      row ?? "",
      /\| (everybody|viewer|operator|admin|the device|this machine.*|its CONNECT) \|/,
    );
  }
});
