/**
 * Results of a device that classifies: JSON
 * `{"seq":17,"ts":1767225600000,"label":"person","score":0.93,"avg":0.9,"window":5,
 *   "model":"silhouette-v1","debug":{…}}`
 * and the text of older devices
 * `Time: 12/03 12:24, AvgScore(5): 0.87, LastScore: 0.99, Label: human` (MM/DD HH:MM, UTC).
 * Both are taken on both topics.
 */
import type { Decoded } from "@/model/decoded.ts";
import type { Instant } from "@/model/message.ts";
import { closestYear } from "@/model/event_time.ts";
import {
  checkOpaque,
  isJsonObject,
  type JsonObject,
  outOfRange,
} from "@/model/decode/json_text.ts";
import { LABEL_CHARS_MAX } from "@/model/decode/limits.ts";
import { quoted, refusal } from "@/model/decode/reasons.ts";
import { emptyDecoded, sentTime, sequenceNumber } from "@/model/decode/telemetry.ts";
import { checkedText } from "@/model/decode/text.ts";

/** Decodes the JSON form; `text` is the object's own source. */
export function decodePrediction(device: string, object: JsonObject, text: string): Decoded {
  const decoded = emptyDecoded(device);
  decoded.sentAt = sentTime(object.ts, text);
  decoded.seq = sequenceNumber(object.seq);
  decoded.predictions.push({
    label: requiredText(object, "label"),
    score: scoreOf(object, "score") ?? missing("score"),
    avgScore: scoreOf(object, "avg"),
    window: windowOf(object.window),
    model: textOrNull(object, "model"),
    debug: debugOf(object.debug),
  });
  return decoded;
}

function missing(name: string): never {
  throw refusal("missing_field", `"${name}" is missing`);
}

function requiredText(object: JsonObject, name: string): string {
  const text = textOrNull(object, name)?.trim() ?? missing(name);
  return text === "" ? missing(name) : text;
}

function textOrNull(object: JsonObject, name: string): string | null {
  const value = object[name];
  if (value === undefined || value === null) return null;
  if (typeof value === "string") {
    return checkedText(value, { path: name, charsMax: LABEL_CHARS_MAX });
  }
  throw refusal("bad_value", `"${name}" is ${quoted(value)}, expected a text`);
}

function scoreOf(object: JsonObject, name: string): number | null {
  const value = object[name];
  if (value === undefined || value === null) return null;
  if (typeof value !== "number") {
    throw refusal("bad_value", `"${name}" is ${quoted(value)}, expected a number from 0 to 1`);
  }
  return checkedScore(value, name);
}

function checkedScore(value: number, name: string): number {
  if (!Number.isFinite(value)) throw outOfRange(name);
  if (value >= 0 && value <= 1) return value + 0;
  throw refusal("score_out_of_range", `"${name}" is ${value}, expected a number from 0 to 1`);
}

const WINDOW_MAX = 2 ** 31 - 1;

function windowOf(value: unknown): number | null {
  if (value === undefined || value === null) return null;
  if (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= WINDOW_MAX) {
    return Number(value);
  }
  throw refusal("bad_value", `"window" is ${quoted(value)}, expected a count from 1`);
}

function debugOf(value: unknown): JsonObject | null {
  if (value === undefined || value === null) return null;
  if (!isJsonObject(value)) {
    throw refusal("bad_value", `"debug" is ${quoted(value)}, expected an object`);
  }
  checkOpaque(value, "debug");
  return value;
}

const TEXT_CHARS_MAX = 512;
const SCORE = "([+-]?\\d+(?:\\.\\d+)?)";
const TEXT_FORM = new RegExp(
  "^\\s*Time:\\s*(\\d{1,2})/(\\d{1,2})\\s+(\\d{1,2}):(\\d{2})\\s*,\\s*" +
    `AvgScore\\((\\d{1,9})\\):\\s*${SCORE}\\s*,\\s*LastScore:\\s*${SCORE}\\s*,\\s*Label:(.*)$`,
  "is",
);

/** Decodes the text of older devices; `receivedUs` finds the year that it does not say. */
export function decodePredictionText(device: string, text: string, receivedUs: number): Decoded {
  const match = text.length <= TEXT_CHARS_MAX ? TEXT_FORM.exec(text) : null;
  if (match === null) throw refusal("bad_prediction", `${quoted(text)} is not a prediction`);
  const [, month, day, hour, minute, window, average, last, label] = match;
  const decoded = emptyDecoded(device);
  const date = {
    month: Number(month),
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
  };
  decoded.sentAt = minuteOf(date, receivedUs);
  decoded.predictions.push({
    label: requiredText({ label }, "label"),
    score: checkedScore(Number(last), "LastScore"),
    avgScore: checkedScore(Number(average), "AvgScore"),
    window: windowOf(Number(window)),
    model: null,
    debug: null,
  });
  return decoded;
}

const MINUTE_US = 60_000_000;

/**
 * The minute that the text names. Results of one minute would share a point in a time series and
 * overwrite each other there, so the nanoseconds, which the text cannot know, tell them apart:
 * they grow with the place of the reception within its minute, and by one with each microsecond
 * in a burst.
 */
function minuteOf(
  date: { month: number; day: number; hour: number; minute: number },
  receivedUs: number,
): Instant {
  const minute = closestYear(date, receivedUs);
  if (minute === null) {
    const { month, day, hour, minute } = date;
    throw refusal("bad_ts", `"${month}/${day} ${hour}:${minute}" is no time of any year`);
  }
  const within = ((receivedUs % MINUTE_US) + MINUTE_US) % MINUTE_US;
  const ns = (Math.floor(within / (MINUTE_US / 1000)) + within) % 1000;
  return { us: minute.us, ns: Math.floor(ns) };
}
