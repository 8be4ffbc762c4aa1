/**
 * Payloads to meaning. Decoding is a pure function of topic, payload and reception time: the
 * gateway decodes once to accept or refuse a message, and every destination decodes the row of the
 * log again and must understand the same.
 */
import type { Decoded, DecodedMessage } from "@/model/decoded.ts";
import type { StoredMessage } from "@/model/message.ts";
import { DecodeError } from "@/model/errors.ts";
import { type TelemetryRoute, telemetryRoute } from "@/model/topic.ts";
import { asObject, elementTexts, parseJson, parseJsonObject } from "@/model/decode/json_text.ts";
import { decodeLoraPacket } from "@/model/decode/lora_packet.ts";
import { decodePrediction, decodePredictionText } from "@/model/decode/prediction.ts";
import { quoted, refusal } from "@/model/decode/reasons.ts";
import { decodeScalar } from "@/model/decode/scalar.ts";
import { decodeTelemetry } from "@/model/decode/telemetry.ts";
import { boundedText, textOf } from "@/model/decode/text.ts";

export { decodeIngestBody, splitIngestLine } from "@/model/decode/ingest_body.ts";
export { PAYLOAD_BYTES_MAX } from "@/model/decode/limits.ts";
export { DECODE_REASONS, type DecodeReason } from "@/model/decode/reasons.ts";
export { textOf } from "@/model/decode/text.ts";

/** Input that no decoder takes, with why; a copy of the bytes, so that it may be kept. */
export interface Undecodable {
  error: DecodeError;
  payload: Uint8Array;
}

/**
 * Decodes what was published on a telemetry topic: one message, or one per element where an array
 * was sent; what cannot be decoded stands at its place. A payload that cannot be split is one
 * `Undecodable`. Never empty, never throws.
 *
 * @param receivedUs reception, µs since 1970; finds the year that older devices do not send
 */
export function decodePayload(
  topic: string,
  payload: Uint8Array,
  receivedUs: number,
): (DecodedMessage | Undecodable)[] {
  try {
    const route = decodableRoute(topic);
    const text = textOf(payload);
    if (takesArray(route) && opensWith(text, "[")) return decodeArray(route, text);
    return [{ payload: text, decoded: decodeText(route, text, receivedUs) }];
  } catch (error) {
    // not slice(): that of a Node buffer is a view of the same bytes
    return [{ error: asDecodeError(error), payload: new Uint8Array(payload) }];
  }
}

/**
 * Decodes a row of the log.
 *
 * @throws DecodeError when the row is not what `decodePayload` or `decodeIngestBody` let in
 */
export function decodeStored(
  message: Pick<StoredMessage, "topic" | "payload" | "receivedUs">,
): Decoded {
  try {
    const route = decodableRoute(message.topic);
    return decodeText(route, boundedText(message.payload), message.receivedUs);
  } catch (error) {
    throw asDecodeError(error);
  }
}

/** True for an entry of `decodePayload` that could not be decoded. */
export function isUndecodable(entry: DecodedMessage | Undecodable): entry is Undecodable {
  return "error" in entry;
}

function decodableRoute(topic: string): TelemetryRoute {
  const route = telemetryRoute(topic);
  if (route === null) throw refusal("not_telemetry", `nothing is decoded on ${quoted(topic)}`);
  if (route.problem === null) return route;
  if (route.problem === "bad_key") {
    throw refusal("bad_key", `the last level of ${quoted(topic)} names no measurement`);
  }
  const why = route.problem === "reserved_device" ? "is reserved" : "is no device id";
  throw refusal(route.problem, `${quoted(route.device)} in the topic ${why}`);
}

function takesArray(route: TelemetryRoute): boolean {
  return route.kind === "telemetry" || route.kind === "prediction" || route.kind === "stats";
}

/** Whether the first character that is not JSON white space is this one. */
function opensWith(text: string, char: string): boolean {
  let i = 0;
  while (" \t\r\n".includes(text[i] ?? "x")) i++;
  return text[i] === char;
}

function decodeArray(
  route: TelemetryRoute,
  text: string,
): (DecodedMessage | Undecodable)[] {
  const values = parseJson(text) as unknown[];
  if (values.length === 0) throw refusal("no_values", "the array is empty");
  return elementTexts(text).map((element, i) => {
    try {
      return { payload: element, decoded: decodeElement(route, values[i], element) };
    } catch (error) {
      return { error: asDecodeError(error), payload: new TextEncoder().encode(element) };
    }
  });
}

function decodeText(route: TelemetryRoute, text: string, receivedUs: number): Decoded {
  const { device } = route;
  if (route.kind === "measurement") return decodeScalar(device, route.measurement, text);
  if (route.kind === "packet") return decodeLoraPacket(device, parseJsonObject(text));
  if (route.kind === "telemetry") return decodeTelemetry(device, parseJsonObject(text), text);
  const isJson = opensWith(text, "{") || opensWith(text, "[");
  return isJson
    ? decodePrediction(device, parseJsonObject(text), text)
    : decodePredictionText(device, text, receivedUs);
}

function decodeElement(route: TelemetryRoute, value: unknown, text: string): Decoded {
  const object = asObject(value);
  return route.kind === "telemetry"
    ? decodeTelemetry(route.device, object, text)
    : decodePrediction(route.device, object, text);
}

/** A defect in a decoder must not cost more than the message that shows it. */
function asDecodeError(error: unknown): DecodeError {
  if (error instanceof DecodeError) return error;
  return refusal("internal", String(error), { cause: error });
}
