import assert from "node:assert/strict";
import { DraftSecrets } from "@/routes/settings/draft_secrets.ts";

function drafts(): { drafts: DraftSecrets; pass: (ms: number) => void } {
  let nowMs = 0;
  return { drafts: new DraftSecrets(() => nowMs), pass: (ms) => nowMs += ms };
}

Deno.test("a typed secret is found by its own session, for a quarter of an hour", () => {
  const { drafts: kept, pass } = drafts();
  const word = kept.keep("ada", { password: "secret" });
  assert.deepEqual(kept.find("ada", word), { password: "secret" });
  assert.deepEqual(kept.find("eve", word), {});
  assert.deepEqual(kept.find("ada", "another"), {});
  pass(15 * 60_000);
  assert.deepEqual(kept.find("ada", word), {});
});

Deno.test("what is saved is forgotten, what is empty or huge is never kept", () => {
  const { drafts: kept } = drafts();
  const word = kept.keep("ada", { password: "secret" });
  kept.forget(word);
  assert.deepEqual(kept.find("ada", word), {});
  assert.equal(kept.keep("ada", {}), "");
  assert.equal(kept.keep("ada", { password: "x".repeat(2000) }), "");
});

Deno.test("of more drafts than fit the oldest go", () => {
  const { drafts: kept } = drafts();
  const words = Array.from({ length: 101 }, (_, i) => kept.keep("ada", { password: `${i}` }));
  assert.deepEqual(kept.find("ada", words[0]!), {});
  assert.deepEqual(kept.find("ada", words[1]!), { password: "1" });
  assert.deepEqual(kept.find("ada", words[100]!), { password: "100" });
});
