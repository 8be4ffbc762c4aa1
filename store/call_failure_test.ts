import assert from "node:assert/strict";
import { ConfigError, PermanentError, StoreFullError } from "@/model/errors.ts";
import { errorOf, failureOf } from "@/store/call_failure.ts";
import { TestWriter } from "@/store/fixture.ts";

Deno.test("a full disk is an error to wait on, also for people and devices", async () => {
  using test = await TestWriter.open();
  const { database } = test.writer;
  database.get(`PRAGMA max_page_count = ${database.number("PRAGMA page_count")}`);
  const entry = { actor: "ada", action: "login", subject: "x", detail: "x".repeat(100_000) };
  let failure: unknown;
  try {
    test.writer.audit(entry);
  } catch (error) {
    failure = error;
  }
  const again = errorOf(failureOf(failure));
  assert(again instanceof StoreFullError);
  assert.equal(again.code, "STO-0210");
  assert.match(again.message, /full/);
});

Deno.test("other errors keep their class on the way between the threads", () => {
  const details = { code: "X-1", hint: "do this" };
  for (const Class of [ConfigError, PermanentError, StoreFullError]) {
    const again = errorOf(failureOf(new Class("No", details)));
    assert(again instanceof Class);
    assert.deepEqual([again.message, again.code, again.hint], ["No", "X-1", "do this"]);
  }
  assert.equal(errorOf(failureOf(new TypeError("bug"))).message, "bug");
});
