/** Random input: nothing but a DecodeError comes out, and the log understands what was let in. */
import { deepStrictEqual, notStrictEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import {
  decodeIngestBody,
  decodePayload,
  decodeStored,
  isUndecodable,
} from "@/model/decode/decode.ts";
import { elementTexts, memberSource, withoutMember } from "@/model/decode/json_text.ts";
import { VALUES_MAX } from "@/model/decode/limits.ts";
import { DEFAULT_RULES, normalize } from "@/model/normalize.ts";
import type { Decoded } from "@/model/decoded.ts";
import { DecodeError } from "@/model/errors.ts";
import { plainDecimal } from "@/model/number_text.ts";

const RECEIVED_US = 1_767_225_601_234_567;
const TOPICS = [
  "devices/d1/telemetry",
  "devices/d1/prediction",
  "devices/d1/temperature",
  "device/d1/stats",
  "gateways/N2/packet",
];

/** Prints the seed, so that a failure can be repeated. */
function check<Ts>(name: string, property: fc.IProperty<Ts>): void {
  const seed = Date.now() & 0x7fffffff;
  console.log(`${name}: seed ${seed}`);
  fc.assert(property, { seed, numRuns: 3000 });
}

const key = fc.oneof(
  fc.constantFrom("ts", "seq", "tags", "values", "metrics", "payload", "value", "unit"),
  fc.constantFrom("n1", "n2", "sig", "sts", "id", "t", "h", "label", "score", "avg", "debug"),
  fc.constantFrom("__proto__", "constructor", "toString", "", "a b", "°", "\ud800"),
  fc.string({ unit: "binary", maxLength: 6 }),
);

const leaf = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom("1e999", "-0", "1767225600000000001", "0.5", "null", "true", "NaN"),
  fc.string({ unit: "binary", maxLength: 12 }).map((text) => JSON.stringify(text)),
).map((value) => typeof value === "number" && !Number.isFinite(value) ? "1e400" : String(value));

/** JSON source, sometimes broken: put together to have what JSON.stringify never writes. */
const json = fc.letrec<{ node: string; object: string; array: string }>((tie) => ({
  node: fc.oneof({ depthSize: "small" }, leaf, tie("object"), tie("array")),
  object: fc.array(fc.tuple(key, tie("node")), { maxLength: 6 }).map((members) => {
    const shown = members.map(([name, value]) => `${JSON.stringify(name)} :${value}`);
    return `{${shown.join(" ,")}}`;
  }),
  array: fc.array(tie("node"), { maxLength: 4 }).map((items) => `[ ${items.join(", ")} ]`),
}));

/** Good messages with a few bytes overwritten: most of what a bad line does to them. */
const damaged = fc.tuple(
  fc.constantFrom(
    '{"ts":1767225600000000001,"seq":1,"values":{"t":{"value":1.5,"unit":"V"},"on":true}}',
    '[{"t":1.5},{"ts":"2026-01-01T00:00:00.5+01:00","a":{"b":{"c":"text"}}}]',
    '{"seq":17,"ts":1767225600000,"label":"person","score":0.93,"avg":0.9,"debug":{"us":[1]}}',
    "Time: 12/03 12:24, AvgScore(5): 0.87, LastScore: 0.99, Label: human",
    '{"ts":194500,"id":"N2","n1":{"t":28.3,"g":461235},"n2":{},"sig":{"snr":12},"sts":{"err":0}}',
    "-21.5",
  ),
  fc.array(fc.tuple(fc.nat(100), fc.nat(255)), { maxLength: 2 }),
).map(([text, changes]) => {
  const bytes = new TextEncoder().encode(text);
  for (const [position, byte] of changes) bytes[position % bytes.length] = byte;
  return bytes;
});

const payload = fc.oneof(
  damaged,
  fc.uint8Array({ maxLength: 64 }),
  fc.oneof(json.object, json.array, json.node, fc.string({ unit: "binary" }))
    .map((text) => new TextEncoder().encode(text)),
);

function checkBounds(decoded: Decoded): void {
  ok(decoded.values.length + decoded.attributes.length <= VALUES_MAX);
  for (const { measurement, value } of decoded.values) {
    ok(/^[A-Za-z0-9_.-]{1,64}$/.test(measurement) && Number.isFinite(value));
    ok(plainDecimal(value).length > 0);
  }
  const names = decoded.values.map((value) => `${value.device}/${value.measurement}`);
  ok(new Set(names).size === names.length, "a name occurs twice");
  for (const { value } of decoded.attributes) ok(value.isWellFormed() && !value.includes("\0"));
}

Deno.test("any payload on any telemetry topic is decoded or refused with a reason", () => {
  const property = fc.property(fc.constantFrom(...TOPICS), payload, (topic, payload) => {
    const elements = decodePayload(topic, payload, RECEIVED_US);
    ok(elements.length > 0);
    for (const element of elements) {
      if (isUndecodable(element)) {
        ok(element.error instanceof DecodeError);
        notStrictEqual(element.error.reason, "internal", String(element.error.cause));
        continue;
      }
      checkBounds(element.decoded);
      const stored = { topic, payload: element.payload, receivedUs: RECEIVED_US };
      deepStrictEqual(decodeStored(stored), element.decoded);
      const sender = element.decoded.device;
      const context = { receivedUs: RECEIVED_US, clockUntrusted: false, prefixed: true, sender };
      const { readings } = normalize(element.decoded, context, DEFAULT_RULES);
      ok(readings.length === element.decoded.values.length);
    }
  });
  check("decodePayload", property);
});

Deno.test("any ingest body is decoded or refused, and means the same on its topic", () => {
  const body = fc.oneof(json.object, json.node, fc.string({ unit: "binary" }));
  const property = fc.property(body, (text) => {
    try {
      const { payload, decoded } = decodeIngestBody("d1", text);
      const topic = "devices/d1/telemetry";
      deepStrictEqual(decodeStored({ topic, payload, receivedUs: RECEIVED_US }), decoded);
    } catch (error) {
      ok(error instanceof DecodeError, String(error));
    }
  });
  check("decodeIngestBody", property);
});

Deno.test("elements and members are cut exactly where the parser sees them", () => {
  const property = fc.property(fc.jsonValue(), fc.constantFrom("", " ", "\n\t"), (value, space) => {
    const array = JSON.stringify([value, value], null, space);
    for (const text of elementTexts(array)) {
      deepStrictEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
    }
    const object = JSON.stringify({ first: value, ts: value, last: [value] }, null, space);
    const source = memberSource(object, "ts");
    deepStrictEqual(JSON.parse(source ?? ""), JSON.parse(JSON.stringify(value)));
    const rest = JSON.parse(withoutMember(object, "ts"));
    deepStrictEqual(rest, JSON.parse(JSON.stringify({ first: value, last: [value] })));
  });
  check("elementTexts", property);
});
