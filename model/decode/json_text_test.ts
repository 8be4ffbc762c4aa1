import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { elementTexts, memberSource, objectEnd, withoutMember } from "@/model/decode/json_text.ts";
import { BATCH_ELEMENTS_MAX } from "@/model/decode/limits.ts";
import { DecodeError } from "@/model/errors.ts";

Deno.test("elements of an array are cut at its own commas", () => {
  const cases: [string, string[]][] = [
    ["[]", []],
    [" [ ] ", []],
    ["[1]", ["1"]],
    ["[1,2]", ["1", "2"]],
    ['[",","]","\\"]","\\\\"]', ['","', '"]"', '"\\"]"', '"\\\\"']],
    ["[[1,2],{},[[]]]", ["[1,2]", "{}", "[[]]"]],
    ["\n[\n{ }\n,\n null ]\n", ["{ }", "null"]],
  ];
  for (const [text, elements] of cases) deepStrictEqual(elementTexts(text), elements, text);
});

Deno.test("an array of too many elements is refused", () => {
  strictEqual(elementTexts(`[${"0,".repeat(BATCH_ELEMENTS_MAX - 1)}0]`).length, BATCH_ELEMENTS_MAX);
  throws(() => elementTexts(`[${"0,".repeat(BATCH_ELEMENTS_MAX)}0]`), DecodeError);
});

Deno.test("a member's source is the last one of that name at the top", () => {
  const cases: [string, string | undefined][] = [
    ["{}", undefined],
    ['{"a":1}', undefined],
    ['{"ts":1.50}', "1.50"],
    ['{"ts" : 1 , "ts":2 }', "2"],
    ['{"a":{"ts":1},"b":["ts",{"ts":2}]}', undefined],
    ['{"a":"\\"ts\\":1,","ts":"x:y"}', '"x:y"'],
    ['{"t\\u0073":3}', "3"],
  ];
  for (const [text, source] of cases) strictEqual(memberSource(text, "ts"), source, text);
});

Deno.test("an object inside other text ends at its own brace", () => {
  const cases: [string, number][] = [
    ["{}", 2],
    ["{} {}", 2],
    ['{"a":"}"}x', 9],
    ['{"a":"\\"}"}x', 11],
    ['{"a":{', -1],
    ['{"a":"', -1],
    ['{"a":"\\', -1],
  ];
  for (const [text, end] of cases) strictEqual(objectEnd(text), end, text);
});

Deno.test("a member is cut out of the text, the others stay as written", () => {
  const cases: [string, string][] = [
    ["{}", "{}"],
    [" { } ", "{}"],
    ['{"device":"d"}', "{}"],
    ['{"device":"d","t":1.50}', '{"t":1.50}'],
    ['{ "t" : 1e2 ,"device":"}","u":{"device":1} }', '{"t" : 1e2,"u":{"device":1}}'],
    ['{"devic\\u0065":"d","device":"e","t":1}', '{"t":1}'],
  ];
  for (const [text, rest] of cases) strictEqual(withoutMember(text, "device"), rest, text);
});
