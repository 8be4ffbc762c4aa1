import { deepStrictEqual, ok, strictEqual, throws } from "node:assert/strict";
import { decodePayload, decodeStored, isUndecodable } from "@/model/decode/decode.ts";
import type { DecodedMessage } from "@/model/decoded.ts";
import { DecodeError } from "@/model/errors.ts";

const RECEIVED_US = 1_767_225_601_000_000;

function decode(topic: string, text: string) {
  return decodePayload(topic, new TextEncoder().encode(text), RECEIVED_US);
}

function only(topic: string, text: string): DecodedMessage {
  const [element, ...more] = decode(topic, text);
  ok(element !== undefined && more.length === 0 && !isUndecodable(element), text);
  return element;
}

Deno.test("an array is one message per element, each with its own exact text", () => {
  const text = ' [ {"t": 1.0, "note":"],[\\"{" } ,\n\t{"t":2e0},{"seq":3,"values":{"t":[]}} ] ';
  const elements = decode("devices/d1/telemetry", text);
  deepStrictEqual(
    elements.map((element) => {
      return isUndecodable(element)
        ? [element.error.reason, new TextDecoder().decode(element.payload)]
        : element.payload;
    }),
    [
      '{"t": 1.0, "note":"],[\\"{" }',
      '{"t":2e0}',
      ["bad_value", '{"seq":3,"values":{"t":[]}}'],
    ],
  );
});

Deno.test("nanoseconds of each element are its own", () => {
  const text = '[{"ts":1767225600000000001,"t":1},{"ts":1767225600000000002,"t":2}]';
  const times = decode("devices/d1/telemetry", text).map((element) => {
    return isUndecodable(element) ? null : element.decoded.sentAt?.ns;
  });
  deepStrictEqual(times, [1, 2]);
});

Deno.test("predictions come in arrays too, packets do not", () => {
  const text = '[{"label":"a","score":0.5},{"label":"b","score":1}]';
  strictEqual(decode("devices/d1/prediction", text).length, 2);
  const [element] = decode("gateways/N2/packet", '[{"n1":{"t":1}}]');
  ok(isUndecodable(element!));
  strictEqual(element.error.reason, "not_object");
});

Deno.test("both forms of a prediction are taken on both topics", () => {
  const words = "Time: 01/01 00:00, AvgScore(5): 0.87, LastScore: 0.99, Label: human";
  for (const topic of ["devices/d1/prediction", "device/d1/stats"]) {
    strictEqual(only(topic, words).decoded.predictions[0]?.label, "human");
    strictEqual(only(topic, '{"label":"human","score":1}').decoded.predictions[0]?.score, 1);
  }
});

Deno.test("a plain decimal is a reading, anything else an attribute", () => {
  const numbers: [string, number][] = [
    ["26", 26],
    ["26.70", 26.7],
    ["-0.5", -0.5],
    ["+5", 5],
    [".5", 0.5],
    ["5.", 5],
    ["-0", 0],
    ["  21.5\r\n", 21.5],
    ["\ufeff21.5", 21.5],
    ["007", 7],
  ];
  for (const [text, value] of numbers) {
    const { values, attributes } = only("devices/d1/temperature", text).decoded;
    deepStrictEqual(values, [{ device: "d1", measurement: "temperature", value, unit: null }]);
    deepStrictEqual(attributes, []);
  }
  for (const text of ["on", "1e3", "0x1F", "21,5", "21.5 C", "1.2.3", "-", ".", "NaN", "true"]) {
    const { values, attributes } = only("devices/d1/temperature", text).decoded;
    deepStrictEqual(values, []);
    deepStrictEqual(attributes, [{ device: "d1", name: "temperature", value: text }]);
  }
});

Deno.test("what is kept of undecodable input is a copy", () => {
  const received = new TextEncoder().encode("garbage");
  const [element] = decodePayload("devices/d1/telemetry", received, RECEIVED_US);
  received.fill(0);
  ok(isUndecodable(element!));
  strictEqual(new TextDecoder().decode(element.payload), "garbage");
});

Deno.test("a row that nothing could have let in says why", () => {
  const rows: [string, string, string][] = [
    ["home/light", "on", "not_telemetry"],
    ["devices/node1/telemetry", '{"t":1}', "reserved_device"],
    ["devices/d1/telemetry", '[{"t":1}]', "not_object"],
    ["devices/d1/telemetry", "", "empty"],
    ["device/d1/stats", "[]", "not_object"],
  ];
  for (const [topic, payload, reason] of rows) {
    throws(() => decodeStored({ topic, payload, receivedUs: RECEIVED_US }), (error) => {
      return error instanceof DecodeError && error.reason === reason;
    }, payload);
  }
});

Deno.test("results of one minute in the older text are told apart below the microsecond", () => {
  const words = "Time: 01/01 00:00, AvgScore(5): 0.87, LastScore: 0.99, Label: human";
  const times = [0, 1, 2, 10_000_000, 10_000_001, 59_999_999].map((us) => {
    const receivedUs = 1_767_225_600_000_000 + us;
    return decodeStored({ topic: "device/d1/stats", payload: words, receivedUs }).sentAt!;
  });
  strictEqual(new Set(times.map(({ ns }) => ns)).size, times.length);
  for (const { us, ns } of times) {
    strictEqual(us, 1_767_225_600_000_000);
    ok(Number.isInteger(ns) && ns >= 0 && ns <= 999);
  }
});

Deno.test("the names of members stand in errors on one line, without a NUL", () => {
  const path = "devices/d1/telemetry";
  for (const name of ["temp\u0000erature", "a\u2028b\nc", "\ud800"]) {
    const [element] = decode(path, JSON.stringify({ values: { [name]: [] } }));
    ok(element !== undefined && isUndecodable(element), name);
    const { message } = element.error;
    ok(!/[\p{Cc}\p{Zl}\p{Zp}]/u.test(message) && message.isWellFormed(), message);
    ok(message.length > 40, message);
  }
});
