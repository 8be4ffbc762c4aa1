import assert from "node:assert/strict";
import { hexDump, payloadText, prettyPayload, visible } from "@/components/payload_text.ts";

Deno.test("JSON is put on lines, and its numbers and texts stay as they were sent", () => {
  const text = '{"a":1e400,"b":[1.0,-0, "x,{y}\\"z"],"c":{},"d":[]}';
  const pretty = prettyPayload(text);
  assert.equal(
    pretty,
    '{\n  "a": 1e400,\n  "b": [\n    1.0,\n    -0,\n    "x,{y}\\"z"\n  ],\n  "c": {},\n  "d": []\n}',
  );
  assert.deepEqual(JSON.parse(pretty), JSON.parse(text));
});

Deno.test("what is no JSON stays as it is, what cannot be seen is written out", () => {
  assert.equal(prettyPayload('{"kwh":12.4,"v":'), '{"kwh":12.4,"v":');
  assert.equal(visible("a\u0000b\u202ec\u200bd\ne"), "a\\u{0}b\\u{202e}c\\u{200b}d\ne");
  assert.equal(visible("\ud800x 😀"), "\\u{d800}x 😀");
});

Deno.test("deep JSON does not make long lines", () => {
  const deep = "[".repeat(2000) + "]".repeat(2000);
  assert.equal(prettyPayload(deep).length < 200_000, true);
});

Deno.test("bytes that are no text are dumped, up to a limit", () => {
  assert.equal(payloadText(Uint8Array.of(0xff, 0xfe)), null);
  assert.equal(payloadText(new TextEncoder().encode("grün")), "grün");
  const dump = hexDump(Uint8Array.of(0x41, 0x00, 0xff));
  assert.equal(dump, `0000  41 00 ff${" ".repeat(39)}  A..`);
  assert.equal(hexDump(new Uint8Array(5000)).split("\n").length, 64);
});
