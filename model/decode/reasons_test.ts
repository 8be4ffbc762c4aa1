import { ok, strictEqual } from "node:assert/strict";
import { DECODE_REASONS, quoted, refusal } from "@/model/decode/reasons.ts";

Deno.test("every reason has a word, a code, a title and a hint of its own", () => {
  const words = new Set<string>();
  const codes = new Set<string>();
  for (const { reason, code, title, hint } of DECODE_REASONS) {
    ok(/^[a-z][a-z0-9_]{2,31}$/.test(reason), reason);
    ok(/^ING-01\d\d$/.test(code), code);
    ok(title.length > 3 && hint.length > 10 && !hint.endsWith("."), reason);
    words.add(reason);
    codes.add(code);
  }
  strictEqual(words.size, DECODE_REASONS.length);
  strictEqual(codes.size, DECODE_REASONS.length);
});

Deno.test("a refusal carries its cause and what to do", () => {
  const cause = new Error("why");
  const error = refusal("bad_ts", '"ts" is true', { cause });
  strictEqual(error.message, 'Cannot decode the message: "ts" is true');
  strictEqual(error.code, "ING-0116");
  strictEqual(error.cause, cause);
});

Deno.test("values in messages are bounded, on one line and well-formed", () => {
  strictEqual(quoted("a\nb"), '"a\\nb"');
  strictEqual(quoted("x".repeat(1000)), `"${"x".repeat(48)}…"`);
  strictEqual(quoted(`${"x".repeat(47)}😀`), `"${"x".repeat(47)}\ufffd…"`);
  strictEqual(quoted([1]), "an array");
  strictEqual(quoted({}), "an object");
  strictEqual(quoted(null), "null");
  strictEqual(quoted(1e999), "Infinity");
});
