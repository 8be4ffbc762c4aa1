import assert from "node:assert/strict";
import { auditText, csvCell, LOCAL_ACTOR } from "@/auth/audit.ts";
import { AuthBed } from "@/auth/auth_test_bed.ts";

Deno.test("attack: nothing in the trail forges a line or moves a terminal", async () => {
  await using bed = await AuthBed.create();
  const evil = 'x\r\n{"fake":1}\u001b[2J\u0007\u2028\u2029\u202e\u200b\u0085\ud800\u0000y';
  const by = { name: evil, address: evil };
  await bed.auth.audit.note({ by, action: evil, subject: evil, detail: evil });
  let text = "";
  for await (const line of bed.auth.audit.export("ndjson")) text += line;
  assert.equal(text.match(/\n/g)?.length, 1);
  for (const format of ["ndjson", "csv"] as const) {
    text = "";
    for await (const line of bed.auth.audit.export(format)) text += line;
    assert.doesNotMatch(text.replace(/\r?\n/g, ""), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
  }
  const shown = 'x\\u{d}\\u{a}{"fake":1}\\u{1b}[2J\\u{7}\\u{2028}\\u{2029}\\u{202e}\\u{200b}' +
    "\\u{85}\\u{d800}\\u{0}y";
  assert.equal((await bed.auditTrail())[0]?.subject, shown);
});

Deno.test("texts are cut, not in the middle of a character", () => {
  assert.equal(auditText("abc", 3), "abc");
  assert.equal(auditText("abcd", 3), "ab…");
  assert.equal(auditText("ab\u{1F600}cd", 4), "ab…");
  assert.equal(auditText("x".repeat(10_000_000), 200).length, 200);
});

Deno.test("attack: a cell that a spreadsheet would run", () => {
  const cells: [string, string][] = [
    ["plain", "plain"],
    ["=cmd|' /C calc'!A0", `"'=cmd|' /C calc'!A0"`],
    ["+1", `"'+1"`],
    ["-1", `"'-1"`],
    ["@SUM(1)", `"'@SUM(1)"`],
    ["\t=1", `"'\t=1"`],
    ["  =1", `"'  =1"`],
    ['say "hi", bye', '"say ""hi"", bye"'],
    ["a\r\nb", '"a\r\nb"'],
  ];
  for (const [text, cell] of cells) assert.equal(csvCell(text), cell);
});

Deno.test("the export has every line once, the newest first", async () => {
  await using bed = await AuthBed.create();
  for (let i = 0; i < 1203; i++) {
    await bed.auth.audit.note({ by: LOCAL_ACTOR, action: "test", subject: `n${i}` });
  }
  const lines: string[] = [];
  for await (const line of bed.auth.audit.export("csv")) lines.push(line);
  assert.equal(lines.length, 1204);
  assert.equal(lines[0], "id,at,actor,action,subject,address,outcome,detail\r\n");
  const subjects = lines.slice(1).map((line) => line.split(",")[4]);
  assert.deepEqual(subjects, Array.from({ length: 1203 }, (_, i) => `n${1202 - i}`));
});
