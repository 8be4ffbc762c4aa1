/**
 * The body of HTTP ingest:
 * `{"ts"?, "seq"?, "metrics": {key: finite number}, "tags"?: {key: text}, "payload"?: any}`.
 * Stricter than the same thing over MQTT, because the sender gets an answer. What passes here means
 * exactly what it means on `devices/<device>/telemetry`, under which topic the log keeps it.
 */
import type { DecodedMessage } from "@/model/decoded.ts";
import { deviceIdProblem } from "@/model/topic.ts";
import {
  isJsonObject,
  type JsonObject,
  outOfRange,
  parseJsonObject,
  withoutMember,
} from "@/model/decode/json_text.ts";
import { METRICS_MAX } from "@/model/decode/limits.ts";
import { quoted, refusal } from "@/model/decode/reasons.ts";
import { decodeTelemetry } from "@/model/decode/telemetry.ts";
import { boundedText } from "@/model/decode/text.ts";

const FIELDS: ReadonlySet<string> = new Set(["ts", "seq", "metrics", "values", "tags", "payload"]);
const KEY = /^[a-z][a-z0-9_]{0,31}$/;

/**
 * Decodes the body of one HTTP ingest request, or one line of a batch.
 *
 * @throws DecodeError whose message names the path of what is wrong: `"metrics.t" is "warm", …`
 */
export function decodeIngestBody(device: string, text: string): DecodedMessage {
  checkDevice(device);
  const payload = boundedText(text);
  if (payload.trim() === "") throw refusal("empty", "the body is empty");
  const body = parseJsonObject(payload);
  checkFields(body);
  checkMetrics(body);
  checkTagNames(body.tags);
  return { payload, decoded: decodeTelemetry(device, body, payload) };
}

/**
 * Splits one line of a batch, which is a body with a `device`, into the device and the body that it
 * would have sent alone. Cut from the text, not written anew: `1767225600000000001` stays that.
 *
 * @throws DecodeError when the line names no device
 */
export function splitIngestLine(line: string): { device: string; body: string } {
  const text = boundedText(line);
  const { device } = parseJsonObject(text);
  if (device === undefined) throw refusal("missing_field", '"device" is missing');
  if (typeof device !== "string") {
    throw refusal("bad_value", `"device" is ${quoted(device)}, expected the id of a device`);
  }
  checkDevice(device);
  return { device, body: withoutMember(text, "device") };
}

/** @throws DecodeError when no message of a device with this id can be taken */
export function checkDevice(device: string): void {
  const problem = deviceIdProblem(device);
  if (problem === null) return;
  const why = problem === "reserved_device" ? "is reserved" : "is no device id";
  throw refusal(problem, `${quoted(device)} ${why}`);
}

function checkFields(body: JsonObject): void {
  for (const key of Object.keys(body)) {
    if (!FIELDS.has(key)) throw refusal("unknown_field", `${quoted(key)} is not a field`);
  }
}

function checkMetrics(body: JsonObject): void {
  const name = body.metrics === undefined ? "values" : "metrics";
  if (name === "metrics" && body.values !== undefined) {
    throw refusal("bad_value", '"metrics" and "values" mean the same, expected one of them');
  }
  const metrics = body[name];
  if (metrics === undefined) throw refusal("missing_field", '"metrics" is missing');
  if (!isJsonObject(metrics)) {
    throw refusal("bad_value", `"${name}" is ${quoted(metrics)}, expected an object of numbers`);
  }
  const keys = Object.keys(metrics);
  if (keys.length > METRICS_MAX) {
    throw refusal(
      "too_many_values",
      `"${name}" has ${keys.length} members, ${METRICS_MAX} are allowed`,
    );
  }
  for (const key of keys) checkMetric(name, key, metrics[key]);
}

function checkMetric(parent: string, key: string, value: unknown): void {
  checkName(parent, key);
  if (typeof value !== "number") {
    throw refusal("bad_value", `"${parent}.${key}" is ${quoted(value)}, expected a number`);
  }
  if (!Number.isFinite(value)) throw outOfRange(`${parent}.${key}`);
}

function checkTagNames(tags: unknown): void {
  if (isJsonObject(tags)) { for (const key of Object.keys(tags)) checkName("tags", key); }
}

function checkName(parent: string, key: string): void {
  if (KEY.test(key)) return;
  throw refusal("bad_key", `${quoted(key)} in "${parent}" does not match ${KEY.source}`);
}
