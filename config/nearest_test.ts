import assert from "node:assert/strict";
import { nearest } from "@/config/nearest.ts";

Deno.test("the nearest word is found over slips, not over unrelated words", () => {
  const words = ["listen", "anonymous", "packet_bytes_max", "qos"];
  assert.equal(nearest("lisen", words), "listen");
  assert.equal(nearest("Listen", words), "listen");
  assert.equal(nearest("anonymuos", words), "anonymous");
  assert.equal(nearest("packets_byte_max", words), "packet_bytes_max");
  assert.equal(nearest("qso", words), "qos");
  assert.equal(nearest("retention", words), null);
  assert.equal(nearest("x", []), null);
});
