/** Sizes of the images against their budgets, and what must not be in them. */
import assert from "node:assert/strict";
import { BUDGETS } from "../../firmware/budget.ts";
import { imageSize, runTool } from "../../firmware/build.ts";
import { elfOf } from "./elf.ts";

for (const node of [1, 2, 3] as const) {
  Deno.test(`node ${node} keeps to its budget`, async () => {
    const size = await imageSize(await elfOf(node));
    console.log(`node ${node}`, size, "budget", BUDGETS[node]);
    for (const part of ["text", "data", "bss"] as const) {
      assert.ok(size[part] <= BUDGETS[node][part], `${part} ${size[part]}`);
    }
  });

  Deno.test(`node ${node} neither allocates nor formats through the library`, async () => {
    const symbols = await runTool("arm-none-eabi-nm", [await elfOf(node)]);
    assert.match(symbols, /\breset_handler\b/);
    assert.doesNotMatch(symbols, /\b_?(malloc|free|calloc|realloc|sbrk|v?s?n?printf)(_r)?\b/);
  });
}
