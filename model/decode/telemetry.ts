/**
 * JSON telemetry: an object of measurements. `ts`, `seq` and `tags` at its top have their own
 * meaning; the members of `values` (or `metrics`) are measurements like those beside it, so
 * `{"ts":1,"values":{"t":2}}` and `{"ts":1,"t":2}` say the same and nothing is left out unseen.
 * With `values` or `metrics`, a `payload` is content that the sender keeps for itself.
 *
 * Numbers become readings, booleans 0 and 1, texts attributes; null is a measurement that failed.
 * Of two members with one name (after trimming and joining) the last one counts.
 */
import type { Decoded } from "@/model/decoded.ts";
import type { Instant } from "@/model/message.ts";
import { parseSentTime } from "@/model/event_time.ts";
import { isName, trimName } from "@/model/topic.ts";
import {
  checkOpaque,
  isJsonObject,
  type JsonObject,
  memberSource,
  outOfRange,
} from "@/model/decode/json_text.ts";
import {
  ATTRIBUTE_CHARS_MAX,
  NAME_LEVELS_MAX,
  TAG_CHARS_MAX,
  TAGS_MAX,
  UNIT_CHARS_MAX,
  VALUES_MAX,
} from "@/model/decode/limits.ts";
import { quoted, refusal } from "@/model/decode/reasons.ts";
import { checkedText, isStorable } from "@/model/decode/text.ts";

/** A decoded message of a device without anything in it. */
export function emptyDecoded(device: string): Decoded {
  return {
    device,
    sentAt: null,
    seq: null,
    values: [],
    predictions: [],
    attributes: [],
    tags: null,
  };
}

/** Decodes one object of measurements; `text` is its own source. */
export function decodeTelemetry(device: string, object: JsonObject, text: string): Decoded {
  const decoded = emptyDecoded(device);
  const enveloped = isJsonObject(object.values) || isJsonObject(object.metrics);
  const reader: Reader = { decoded, device, enveloped, ambiguous: false };
  for (const key in object) readTopLevel(reader, key, object[key]);
  decoded.sentAt = sentTime(object.ts, text);
  if (decoded.values.length + decoded.attributes.length === 0) {
    throw refusal("no_values", "it holds no value");
  }
  if (reader.ambiguous) keepLast(decoded);
  return decoded;
}

interface Reader {
  decoded: Decoded;
  device: string;
  /** The message has `values` or `metrics`. */
  enveloped: boolean;
  /** Two members may have the same name: one was trimmed or joined, or stands beside `values`. */
  ambiguous: boolean;
}

function readTopLevel(reader: Reader, key: string, value: unknown): void {
  if (key === "ts") return;
  if (key === "seq") {
    reader.decoded.seq = sequenceNumber(value);
  } else if (key === "tags") {
    reader.decoded.tags = decodeTags(value);
  } else if ((key === "values" || key === "metrics") && isJsonObject(value)) {
    reader.ambiguous ||= reader.decoded.values.length + reader.decoded.attributes.length > 0;
    for (const name in value) readMeasurement(reader, { name, path: key }, value[name]);
  } else if (key === "payload" && reader.enveloped) {
    checkOpaque(value, key);
  } else {
    reader.ambiguous ||= reader.enveloped;
    readMeasurement(reader, { name: key, path: "" }, value);
  }
}

/** The usual case first and without detours: this runs for every value of every message. */
function readMeasurement(
  reader: Reader,
  { name, path }: { name: string; path: string },
  value: unknown,
): void {
  const { decoded, device } = reader;
  if (typeof value === "number" && Number.isFinite(value) && isName(name)) {
    // + 0 turns −0 into 0
    decoded.values.push({ device, measurement: name, value: value + 0, unit: null });
    checkCount(decoded);
  } else {
    readMember(reader, value, { name, path, levels: 1 });
  }
}

/** Where a member stands: its name so far, the path of its parent for messages, how deep. */
interface Place {
  name: string;
  path: string;
  levels: number;
}

function readMember(reader: Reader, value: unknown, place: Place): void {
  if (typeof value === "number") addValue(reader, place, { value, unit: null });
  else if (typeof value === "string") addAttribute(reader, place, value);
  else if (typeof value === "boolean") {
    addValue(reader, place, { value: value ? 1 : 0, unit: null });
  } else if (isJsonObject(value)) readObject(reader, value, place);
  else if (value !== null) {
    throw refusal("bad_value", `"${pathOf(place)}" is ${quoted(value)}, ${EXPECTED}`);
  }
}

const EXPECTED = "expected a number, a boolean, a text or an object of those";

function pathOf(place: Place): string {
  const path = place.path === "" ? place.name : `${place.path}.${place.name}`;
  return path.slice(0, 256).toWellFormed();
}

function addValue(
  reader: Reader,
  place: Place,
  content: { value: number; unit: string | null },
): void {
  if (!Number.isFinite(content.value)) throw outOfRange(pathOf(place));
  const measurement = nameAt(reader, place);
  const { device, decoded } = reader;
  decoded.values.push({ device, measurement, value: content.value + 0, unit: content.unit });
  checkCount(reader.decoded);
}

function addAttribute(reader: Reader, place: Place, text: string): void {
  const name = nameAt(reader, place);
  const value = checkedText(text, { path: pathOf(place), charsMax: ATTRIBUTE_CHARS_MAX });
  reader.decoded.attributes.push({ device: reader.device, name, value });
  checkCount(reader.decoded);
}

function checkCount(decoded: Decoded): void {
  if (decoded.values.length + decoded.attributes.length > VALUES_MAX) {
    throw refusal("too_many_values", `it holds more than the ${VALUES_MAX} values allowed`);
  }
}

function nameAt(reader: Reader, place: Place): string {
  const name = trimName(place.name);
  if (name !== place.name || place.levels > 1) reader.ambiguous = true;
  if (name === "") throw unusableName(place);
  return name;
}

function unusableName(place: Place): Error {
  return refusal("bad_key", `${quoted(place.name)} cannot be the name of a measurement`);
}

function readObject(reader: Reader, object: JsonObject, place: Place): void {
  if (place.name === "__proto__") throw unusableName(place);
  if (isQuantity(object)) return readQuantity(reader, object, place);
  if (place.levels === NAME_LEVELS_MAX) {
    throw refusal(
      "too_deep",
      `"${pathOf(place)}" is an object, measurements nest at most ${NAME_LEVELS_MAX} levels`,
    );
  }
  for (const key in object) {
    if (key === "__proto__") throw unusableName({ ...place, name: key });
    readMember(reader, object[key], {
      name: `${place.name}_${key}`,
      path: place.path,
      levels: place.levels + 1,
    });
  }
}

/** True for `{"value": 21.5, "unit": "celsius"}`. */
function isQuantity(object: JsonObject): boolean {
  return typeof object.unit === "string" && Object.hasOwn(object, "value") &&
    typeof object.value !== "string" && !isJsonObject(object.value) &&
    Object.keys(object).length === 2;
}

function readQuantity(reader: Reader, object: JsonObject, place: Place): void {
  const path = `${pathOf(place)}.unit`;
  const unit = checkedText(object.unit as string, { path, charsMax: UNIT_CHARS_MAX }).trim();
  const { value } = object;
  if (value === null) return;
  if (typeof value !== "number" && typeof value !== "boolean") {
    throw refusal("bad_value", `"${pathOf(place)}.value" is ${quoted(value)}, expected a number`);
  }
  addValue(reader, place, { value: Number(value), unit: unit === "" ? null : unit });
}

/** Of values with one name only the last is kept, at its own place in the order. */
function keepLast(decoded: Decoded): void {
  const lastValue = new Map(decoded.values.map((value) => [value.measurement, value]));
  const lastText = new Map(decoded.attributes.map((attribute) => [attribute.name, attribute]));
  if (lastValue.size < decoded.values.length) {
    decoded.values = decoded.values.filter((value) => lastValue.get(value.measurement) === value);
  }
  if (lastText.size < decoded.attributes.length) {
    decoded.attributes = decoded.attributes.filter((item) => lastText.get(item.name) === item);
  }
}

/**
 * Reads the sender's time; null when it sent none. `text` is the source of the object whose member
 * `ts` it is.
 */
export function sentTime(value: unknown, text: string): Instant | null {
  if (value === null || value === undefined) return null;
  const instant = parseSentTime(value, () => memberSource(text, "ts"));
  if (instant !== null) return instant;
  throw refusal("bad_ts", `"ts" is ${quoted(value)}, which is no time up to the year 2255`);
}

/** Reads the sender's number; null when it sent none. */
export function sequenceNumber(value: unknown): number | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value + 0;
  throw refusal("bad_seq", `"seq" is ${quoted(value)}, expected an integer from 0`);
}

function decodeTags(value: unknown): Record<string, string> | null {
  if (value === null) return null;
  if (!isJsonObject(value)) {
    throw refusal("bad_tags", `"tags" is ${quoted(value)}, expected an object of texts`);
  }
  const entries = Object.entries(value).filter(([, tag]) => tag !== null);
  if (entries.length > TAGS_MAX) {
    throw refusal("bad_tags", `"tags" has ${entries.length} members, ${TAGS_MAX} are allowed`);
  }
  return entries.length === 0 ? null : Object.fromEntries(entries.map(decodeTag));
}

function decodeTag([key, tag]: [string, unknown]): [string, string] {
  const name = trimName(key);
  if (name === "") throw refusal("bad_key", `${quoted(key)} cannot be the name of a tag`);
  if (typeof tag !== "string" || tag.length > TAG_CHARS_MAX) {
    throw refusal(
      "bad_tags",
      `"tags.${name}" is ${quoted(tag)}, expected a text of at most ${TAG_CHARS_MAX} characters`,
    );
  }
  if (!isStorable(tag)) throw refusal("bad_text", `"tags.${name}" is ${quoted(tag)}`);
  return [name, tag];
}
