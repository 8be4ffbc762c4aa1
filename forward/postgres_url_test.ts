import assert from "node:assert/strict";
import type { PostgresOptions } from "@/forward/forward_types.ts";
import { parsePostgresUrl } from "@/forward/postgres_url.ts";
import { TransientError } from "@/model/errors.ts";
import { commonOptions } from "@/tests/helpers/destination_options.ts";

function parse(url: string, options: Partial<PostgresOptions> = {}) {
  return parsePostgresUrl({
    ...commonOptions(),
    type: "postgres",
    url,
    password: null,
    ...options,
  });
}

Deno.test("postgres url: every part, decoded", () => {
  const target = parse("postgresql://us%40er:p%2Fw%20d@db.example:6543/my%20db?search_path=a,b");
  assert.deepEqual(target.endpoint, { host: "db.example", port: 6543 });
  assert.equal(target.user, "us@er");
  assert.equal(target.password, "p/w d");
  assert.equal(target.database, "my db");
  assert.deepEqual(target.settings, { search_path: "a,b", application_name: "sluice" });
  assert.deepEqual(parse("postgres://u@[::1]/").endpoint, { host: "::1", port: 5432 });
  assert.equal(parse("postgres://u@h").database, "u");
  assert.equal(parse("postgres://u:a@h", { password: "b" }).password, "b");
});

Deno.test("postgres url: TLS by mode, by sslmode, by distance", () => {
  const trust = (url: string, mode: "auto" | "off" | "verify" | "insecure" = "auto") => {
    const found = parse(url, { tls: { mode, ca: null } }).trust;
    return found &&
      `${found.rejectUnauthorized ? "verify" : "trust"}${found.checkName ? "" : " ca"}`;
  };
  for (const host of ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"]) {
    assert.equal(trust(`postgres://u@${host}/`), null);
  }
  assert.equal(trust("postgres://u@db.example/"), "verify");
  assert.equal(trust("postgres://u@127.0.0.1.example/"), "verify");
  assert.equal(trust("postgres://u@db.example/?sslmode=disable"), null);
  assert.equal(trust("postgres://u@db.example/?sslmode=require"), "trust");
  assert.equal(trust("postgres://u@db.example/?sslmode=verify-ca"), "verify ca");
  assert.equal(trust("postgres://u@db.example/?sslmode=require", "verify"), "verify");
  assert.equal(trust("postgres://u@db.example/", "off"), null);
  assert.equal(trust("postgres://u@127.0.0.1/", "insecure"), "trust");
});

Deno.test("postgres url: what is none is refused, without showing the password", () => {
  for (const url of ["mysql://u:secret@h/", "u:secret@h", "postgres://:secret@h/", "postgres://"]) {
    assert.throws(() => parse(url), (error) => {
      assert(error instanceof TransientError);
      assert.doesNotMatch(error.message + error.hint, /secret/);
      return true;
    });
  }
});
