import assert from "node:assert/strict";
import { field, readForm } from "@/routes/page_form.ts";

function posted(body: BodyInit, type = "application/x-www-form-urlencoded"): Request {
  const headers = { "content-type": type };
  return new Request("http://gateway/x", { method: "POST", headers, body });
}

Deno.test("a form is read once, however many ask for it", async () => {
  const request = posted("name=ada+l&_csrf=t");
  const [one, other] = await Promise.all([readForm(request), readForm(request)]);
  assert.equal(one, other);
  assert.equal(field(await readForm(request), "name"), "ada l");
});

Deno.test("a form that is too large or none is refused", async () => {
  const large = `_csrf=t&a=${"x".repeat(600_000)}`;
  await assert.rejects(readForm(posted(large)), { code: "HTTP-0413" });
  await assert.rejects(readForm(posted("{}", "application/json")), { code: "HTTP-0415" });
  await assert.rejects(readForm(posted(Uint8Array.of(0xff))), { name: "DecodeError" });
});
