import assert from "node:assert/strict";
import { filterOf, letterPath } from "@/routes/letter_box.ts";

Deno.test("a filter survives its own path, whatever stands in it", () => {
  const device = "a&b=c%20<\"'\u{1f980}";
  const filter = { kind: "source" as const, destination: "", device, reason: "not json" };
  const url = new URL(letterPath(filter, { cursor: "7" }), "http://gateway");
  assert.equal(url.pathname, "/dead-letters");
  assert.deepEqual(filterOf(url.searchParams), filter);
  assert.equal(url.searchParams.get("cursor"), "7");
});

Deno.test("an empty filter has a plain path, an unknown kind is that of destinations", () => {
  const filter = filterOf(new URLSearchParams("kind=nonsense&reason=%20%20"));
  assert.deepEqual(filter, { kind: "destination", destination: "", device: "", reason: "" });
  assert.equal(letterPath(filter), "/dead-letters");
});

Deno.test("texts of a filter are bounded", () => {
  const { reason } = filterOf(new URLSearchParams({ reason: "x".repeat(10_000) }));
  assert.equal(reason.length, 300);
});
