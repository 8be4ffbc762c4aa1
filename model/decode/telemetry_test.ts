import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { decodeTelemetry } from "@/model/decode/telemetry.ts";
import { parseJsonObject } from "@/model/decode/json_text.ts";
import type { Decoded } from "@/model/decoded.ts";
import { DecodeError } from "@/model/errors.ts";

function decode(text: string): Decoded {
  return decodeTelemetry("d1", parseJsonObject(text), text);
}

/** `name=value[unit]` per value, `name:text` per attribute. */
function content(text: string): string[] {
  const { values, attributes } = decode(text);
  return [
    ...values.map(({ measurement, value, unit }) => `${measurement}=${value}${unit ?? ""}`),
    ...attributes.map(({ name, value }) => `${name}:${value}`),
  ];
}

Deno.test("an object of measurements", () => {
  deepStrictEqual(decode('{"ts":1767225600,"seq":7,"t":21.5,"on":true,"off":false,"v":"1.2"}'), {
    device: "d1",
    sentAt: { us: 1_767_225_600_000_000, ns: 0 },
    seq: 7,
    values: [
      { device: "d1", measurement: "t", value: 21.5, unit: null },
      { device: "d1", measurement: "on", value: 1, unit: null },
      { device: "d1", measurement: "off", value: 0, unit: null },
    ],
    predictions: [],
    attributes: [{ device: "d1", name: "v", value: "1.2" }],
    tags: null,
  });
});

Deno.test("values and metrics mean the same as measurements at the top", () => {
  const wanted = decode('{"ts":1767225600,"seq":7,"t":21.5,"h":40}');
  deepStrictEqual(decode('{"ts":1767225600,"seq":7,"values":{"t":21.5,"h":40}}'), wanted);
  deepStrictEqual(decode('{"metrics":{"t":21.5,"h":40},"seq":7,"ts":1767225600}'), wanted);
  deepStrictEqual(decode('{"ts":1767225600,"seq":7,"values":{"t":21.5},"h":40}'), wanted);
});

Deno.test("content of every shape", () => {
  const cases: [string, string[]][] = [
    // nesting
    ['{"bme":{"t":1,"h":{"rel":2}}}', ["bme_t=1", "bme_h_rel=2"]],
    ['{"values":{"a":{"b":{"c":{"d":1}}}}}', ["a_b_c_d=1"]],
    ['{"a":{},"t":1}', ["t=1"]],
    // names that are only special in their place
    ['{"values":{"ts":1,"seq":2,"tags":3}}', ["ts=1", "seq=2", "tags=3"]],
    ['{"values":1,"metrics":2}', ["values=1", "metrics=2"]],
    ['{"payload":5}', ["payload=5"]],
    ['{"payload":5,"values":{"t":1}}', ["t=1"]],
    ['{"payload":{"x":["y"]},"metrics":{"t":1}}', ["t=1"]],
    // units
    ['{"values":{"t":{"value":1.5,"unit":"°F"}}}', ["t=1.5°F"]],
    ['{"t":{"unit":"V","value":2}}', ["t=2V"]],
    ['{"t":{"value":true,"unit":"x"}}', ["t=1x"]],
    ['{"t":{"value":1,"unit":" "}}', ["t=1"]],
    ['{"t":{"value":null,"unit":"V"},"u":1}', ["u=1"]],
    ['{"a":{"t":{"value":1,"unit":"V"}}}', ["a_t=1V"]],
    ['{"a":{"b":{"c":{"d":{"value":1,"unit":"V"}}}}}', ["a_b_c_d=1V"]],
    ['{"t":{"value":1}}', ["t_value=1"]],
    ['{"t":{"value":1,"unit":"V","x":2}}', ["t_value=1", "t_x=2", "t_unit:V"]],
    ['{"t":{"value":1,"unit":2}}', ["t_value=1", "t_unit=2"]],
    ['{"t":{"value":"on","unit":"V"}}', ["t_value:on", "t_unit:V"]],
    // one name twice: the last counts
    ['{"t":1,"t":2}', ["t=2"]],
    ['{"a b":1,"ab":2}', ["ab=2"]],
    ['{"a":{"b":1},"a_b":2,"c":3}', ["a_b=2", "c=3"]],
    ['{"t":1,"values":{"t":2}}', ["t=2"]],
    ['{"values":{"t":2},"t":1}', ["t=1"]],
    ['{"values":{"t":2},"metrics":{"t":1}}', ["t=1"]],
    ['{"a b":"x","ab":"y"}', ["ab:y"]],
    ['{"a b":"x","ab":1}', ["ab=1", "ab:x"]],
    // the rest
    ['{"t":-0}', ["t=0"]],
    ['{"t":null,"h":1}', ["h=1"]],
    ['{"note":""}', ["note:"]],
    ['{"note":"línea\\n\\ud83d\\ude00"}', ["note:línea\n😀"]],
    ['{"T °C":1}', ["TC=1"]],
    ['{"constructor":1,"toString":2}', ["constructor=1", "toString=2"]],
  ];
  for (const [text, wanted] of cases) deepStrictEqual(content(text), wanted, text);
});

Deno.test("numbers keep every digit that a double has", () => {
  const { values } = decode('{"a":26.7,"b":0.1,"c":1013.25,"d":123456789012345680}');
  deepStrictEqual(values.map(({ value }) => value), [26.7, 0.1, 1013.25, 123456789012345680]);
});

Deno.test("nanoseconds are exact, wherever they stand", () => {
  const cases = [
    '{"ts":1767225600000000001,"t":1}',
    '{ "values" : { "ts" : 9, "} " : null } , "ts" : 1767225600000000001 }',
    '{"a":{"ts":5},"\\u0074s":1767225600000000001}',
    '{"ts":5,"t":1,"ts":1767225600000000001}',
    '{"t":"\\\\\\",{","ts":"1767225600000000001"}',
    '{"ts":"2026-01-01T00:00:00.000000001Z","t":1}',
  ];
  for (const text of cases) {
    deepStrictEqual(decode(text).sentAt, { us: 1_767_225_600_000_000, ns: 1 }, text);
  }
});

Deno.test("tags are texts under trimmed names", () => {
  deepStrictEqual(decode('{"t":1,"tags":{"site":"hall","a b":"x","none":null}}').tags, {
    site: "hall",
    ab: "x",
  });
  strictEqual(decode('{"t":1,"tags":{}}').tags, null);
  strictEqual(decode('{"t":1,"tags":null}').tags, null);
  strictEqual(decode('{"values":{"t":1},"tags":{"a":"b"}}').tags?.a, "b");
});

Deno.test("what is wrong is named by its path", () => {
  const cases: [string, string, string][] = [
    ['{"values":{"a":{"b":[1]}}}', "bad_value", '"values.a_b" is an array'],
    ['{"t":[]}', "bad_value", '"t" is an array'],
    ['{"t":1e999}', "number_out_of_range", '"t" is a number beyond'],
    ['{"a":{"b":{"c":{"d":{"e":1}}}}}', "too_deep", '"a_b_c_d" is an object'],
    ['{"t":{"value":[1],"unit":"V"}}', "bad_value", '"t.value" is an array'],
    ['{"tags":{"floor":3},"t":1}', "bad_tags", '"tags.floor" is 3'],
    ['{"ts":"soon","t":1}', "bad_ts", '"ts" is "soon"'],
    ['{"seq":-1,"t":1}', "bad_seq", '"seq" is -1'],
    ['{"n":"\\ud800"}', "bad_text", '"n" is "\ufffd"'],
  ];
  for (const [text, reason, message] of cases) {
    throws(() => decode(text), (error) => {
      strictEqual((error as DecodeError).reason, reason, text);
      strictEqual((error as DecodeError).message.includes(message), true, String(error));
      return error instanceof DecodeError;
    });
  }
});
