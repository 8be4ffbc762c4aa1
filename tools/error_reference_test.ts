import assert from "node:assert/strict";
import { errorUses, productErrors } from "@/tools/error_reference.ts";
import { tokensOf } from "@/tools/source_tokens.ts";

Deno.test("tokens: strings, templates with templates inside, comments, patterns", () => {
  const source =
    'a = "x\\"y"; // "no"\nb = `1 ${f({ c: `}` })} \\`2`; c = d / 2 / "e"; /"[/"]/.test(g)';
  const texts = tokensOf(source).filter(({ kind }) => kind === "text").map(({ value }) => value);
  assert.deepEqual(texts, ['x"y', "1 … `2", "e"]);
});

Deno.test("an error's message, status and hint are found where they are made", () => {
  const source = `
function one(name: string): HttpError {
  return new HttpError(409, \`There is a "\${name}" already\`, {
    code: "HTTP-0409",
    hint: "choose another " + 'name',
    headers: { "Retry-After": "2" },
  });
}
function two(at: number) {
  const hint = at > 1 ? "wait" : "go on";
  throw new TransientError("Away: " + at, { hint, code: "FWD-0001" });
}
const table = { 5: { code: "STO-0001", message: "Full", hint: "Make room" } };
`;
  assert.deepEqual(errorUses(source), [
    {
      code: "HTTP-0409",
      status: "409",
      message: 'There is a "…" already',
      hint: "choose another name",
    },
    { code: "FWD-0001", status: null, message: "Away: …", hint: "wait / go on" },
    { code: "STO-0001", status: null, message: "Full", hint: "Make room" },
  ]);
});

Deno.test("each code of the product says something in one place at least", async () => {
  const uses = await productErrors();
  assert(uses.length > 100);
  const silent = [...Map.groupBy(uses, ({ code }) => code)].filter(([, all]) =>
    all.every(({ message, hint }) => message === "" && hint === "")
  );
  // A few have words that come with each use: what was invalid, what exists already.
  assert(silent.length < 6, silent.map(([code]) => code).join(" "));
});
