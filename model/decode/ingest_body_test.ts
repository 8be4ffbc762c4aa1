import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { decodeIngestBody, splitIngestLine } from "@/model/decode/ingest_body.ts";
import { DecodeError } from "@/model/errors.ts";

Deno.test("a full body", () => {
  const text = '{"ts":"2026-01-01T00:00:00Z","seq":3,"metrics":{"t":21.5,"h_2":40},' +
    '"tags":{"site":"hall"},"payload":{"any":["thing",null]}}';
  const { payload, decoded } = decodeIngestBody("d1", text);
  strictEqual(payload, text);
  deepStrictEqual(decoded, {
    device: "d1",
    sentAt: { us: 1_767_225_600_000_000, ns: 0 },
    seq: 3,
    values: [
      { device: "d1", measurement: "t", value: 21.5, unit: null },
      { device: "d1", measurement: "h_2", value: 40, unit: null },
    ],
    predictions: [],
    attributes: [],
    tags: { site: "hall" },
  });
});

Deno.test("values stands for metrics", () => {
  deepStrictEqual(
    decodeIngestBody("d1", '{"values":{"t":1}}').decoded,
    decodeIngestBody("d1", '{"metrics":{"t":1}}').decoded,
  );
});

Deno.test("what is wrong is named by its path", () => {
  const cases: [string, string, string][] = [
    ['{"metrics":{"t":"warm"}}', "bad_value", '"metrics.t" is "warm", expected a number'],
    ['{"values":{"t":null}}', "bad_value", '"values.t" is null, expected a number'],
    ['{"metrics":{"t":1e999}}', "number_out_of_range", '"metrics.t" is a number beyond'],
    ['{"metrics":{"Temp":1}}', "bad_key", '"Temp" in "metrics" does not match'],
    ['{"metrics":{"t":1},"tags":{"Site":"x"}}', "bad_key", '"Site" in "tags" does not match'],
    ['{"metrics":{"t":1},"tags":{"site":1}}', "bad_tags", '"tags.site" is 1'],
    ['{"metrics":[]}', "bad_value", '"metrics" is an array, expected an object of numbers'],
    ['{"metrics":{}}', "no_values", "it holds no value"],
    ['{"metric":{"t":1}}', "unknown_field", '"metric" is not a field'],
    ['{"ts":1}', "missing_field", '"metrics" is missing'],
    ["{", "not_json", "the payload is not JSON"],
    ["", "empty", "the body is empty"],
  ];
  for (const [text, reason, message] of cases) {
    throws(() => decodeIngestBody("d1", text), (error) => {
      ok(error instanceof DecodeError);
      strictEqual(error.reason, reason, text);
      ok(error.message.includes(message), error.message);
      return true;
    });
  }
});

Deno.test("a device id that cannot be used is refused before the body", () => {
  for (
    const [device, reason] of [["a b", "bad_device_id"], ["node2", "reserved_device"]] as const
  ) {
    throws(() => decodeIngestBody(device, "{"), (error) => {
      return error instanceof DecodeError && error.reason === reason;
    });
  }
});

Deno.test("a line of a batch is a body with its device, digit by digit", () => {
  const line = '{"device":"d1","ts":1767225600000000001,"metrics":{"t":21.50}}';
  const { device, body } = splitIngestLine(line);
  strictEqual(device, "d1");
  strictEqual(body, '{"ts":1767225600000000001,"metrics":{"t":21.50}}');
  strictEqual(decodeIngestBody(device, body).decoded.sentAt?.ns, 1);
});

Deno.test("a line that names no device is refused", () => {
  const cases: [string, string][] = [
    ['{"metrics":{"t":1}}', "missing_field"],
    ['{"device":1,"metrics":{"t":1}}', "bad_value"],
    ['{"device":"a b","metrics":{"t":1}}', "bad_device_id"],
    ['{"device":"stats","metrics":{"t":1}}', "reserved_device"],
    ['["d1"]', "not_object"],
    ["d1", "not_json"],
  ];
  for (const [line, reason] of cases) {
    throws(() => splitIngestLine(line), (error) => {
      return error instanceof DecodeError && error.reason === reason;
    }, line);
  }
});
