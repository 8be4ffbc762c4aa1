import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import {
  decodeIngestBody,
  decodePayload,
  decodeStored,
  isUndecodable,
  textOf,
} from "@/model/decode/decode.ts";
import { DecodeError } from "@/model/errors.ts";
import { nastyPayloads } from "@/tests/testdata/nasty/nasty_payloads.ts";

const RECEIVED_US = 1_767_225_601_000_000;

Deno.test("nasty payloads get their answer on MQTT, and mean the same in the log", async () => {
  for (const { name, topic, payload, mqtt } of await nastyPayloads()) {
    const elements = decodePayload(topic, payload, RECEIVED_US);
    const answers = elements.map((element) => {
      if (isUndecodable(element)) return element.error.reason;
      const again = decodeStored({ topic, payload: element.payload, receivedUs: RECEIVED_US });
      deepStrictEqual(again, element.decoded, name);
      return "accepted";
    });
    deepStrictEqual(answers, mqtt, name);
  }
});

Deno.test("dead letters of nasty payloads are readable and keep every byte", async () => {
  for (const { name, topic, payload, mqtt } of await nastyPayloads()) {
    for (const element of decodePayload(topic, payload, RECEIVED_US)) {
      if (!isUndecodable(element)) continue;
      const { error } = element;
      ok(error.message.startsWith("Cannot decode the message: "), name);
      ok(error.message.length < 600 && error.message.isWellFormed(), `${name}: ${error.message}`);
      ok([...error.message].every((char) => char >= " "), `${name}: ${error.message}`);
      ok(/^ING-01\d\d$/.test(error.code) && error.hint.length > 10, name);
      // of an array, the element alone is kept
      if (mqtt.length > 1 || payload[0] === "[".charCodeAt(0)) continue;
      deepStrictEqual(element.payload, payload, name);
      ok(payload.length === 0 || element.payload.buffer !== payload.buffer, name);
    }
  }
});

Deno.test("nasty bodies get their answer on HTTP, and mean the same in the log", async () => {
  for (const { name, payload, http } of await nastyPayloads()) {
    if (http === null) continue;
    strictEqual(httpAnswer(name, payload), http, name);
  }
});

function httpAnswer(name: string, body: Uint8Array): string {
  try {
    const { payload, decoded } = decodeIngestBody("nasty", textOf(body));
    const topic = "devices/nasty/telemetry";
    deepStrictEqual(decodeStored({ topic, payload, receivedUs: RECEIVED_US }), decoded, name);
    return "accepted";
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return error.reason;
  }
}
