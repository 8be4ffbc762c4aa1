import assert from "node:assert/strict";
import { passwordProblem } from "@/auth/password_hash.ts";
import { newPassword } from "@/routes/new_password.ts";

Deno.test("a made password can be typed, is taken, and is never the same", () => {
  const made = new Set(Array.from({ length: 200 }, newPassword));
  assert.equal(made.size, 200);
  for (const password of made) {
    assert.match(password, /^[a-km-np-z2-9]{5}(?:-[a-km-np-z2-9]{5}){3}$/);
    assert.equal(passwordProblem(password, "bob"), null);
  }
});
