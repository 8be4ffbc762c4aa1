import { DecodeError } from "@/model/errors.ts";

/**
 * Every reason for which input is refused: the bounded word of counters and filters, the code of
 * the error reference, and what the maker of the device does next. Codes are never reused.
 */
export const DECODE_REASONS = [
  {
    reason: "too_large",
    code: "ING-0101",
    title: "Payload too large",
    hint: "Send at most 64 KiB at once, split a larger batch",
  },
  {
    reason: "empty",
    code: "ING-0102",
    title: "Empty payload",
    hint: "Send a value; leave telemetry topics alone when clearing retained messages",
  },
  {
    reason: "not_utf8",
    code: "ING-0103",
    title: "Not UTF-8",
    hint: "Encode the payload as UTF-8 text",
  },
  {
    reason: "not_json",
    code: "ING-0104",
    title: "Not JSON",
    hint: "Check the payload with a JSON validator; mind a terminating zero byte or a cut-off end",
  },
  {
    reason: "not_finite",
    code: "ING-0105",
    title: "NaN or Infinity in JSON",
    hint: "Leave a failed measurement out or send null, JSON has no NaN and no Infinity",
  },
  {
    reason: "not_object",
    code: "ING-0106",
    title: "Not a JSON object",
    hint: "Send an object of measurements, or an array of such objects",
  },
  {
    reason: "no_values",
    code: "ING-0107",
    title: "No values",
    hint: "Send at least one value that is not null",
  },
  {
    reason: "too_many_values",
    code: "ING-0108",
    title: "Too many values",
    hint: "Send at most 64 values in one message (32 metrics over HTTP), split the message",
  },
  {
    reason: "too_many_elements",
    code: "ING-0109",
    title: "Too many elements in one array",
    hint: "Send at most 4096 messages in one array, split the batch",
  },
  {
    reason: "too_deep",
    code: "ING-0110",
    title: "Nested too deep",
    hint: "Nest measurements at most 4 levels, other content at most 16",
  },
  {
    reason: "bad_key",
    code: "ING-0111",
    title: "Unusable name",
    hint:
      "Name measurements with letters, digits, underscore, dot and dash; over HTTP with lower " +
      "case letters, digits and underscore, beginning with a letter, at most 32 characters",
  },
  {
    reason: "bad_value",
    code: "ING-0112",
    title: "Value of a wrong type",
    hint: "Send the type that the message names",
  },
  {
    reason: "number_out_of_range",
    code: "ING-0113",
    title: "Number out of range",
    hint: "Send numbers that fit into a 64-bit floating point number",
  },
  {
    reason: "bad_text",
    code: "ING-0114",
    title: "Unusable text",
    hint: "Send text without control characters and without unpaired surrogates",
  },
  {
    reason: "text_too_long",
    code: "ING-0115",
    title: "Text too long",
    hint: "Shorten the text; attributes take 1024 characters",
  },
  {
    reason: "bad_ts",
    code: "ING-0116",
    title: "Unusable time",
    hint: 'Send "ts" as seconds, milliseconds, microseconds or nanoseconds since 1970 or as ' +
      "RFC 3339 text with a zone, or leave it out",
  },
  {
    reason: "bad_seq",
    code: "ING-0117",
    title: "Unusable sequence number",
    hint: 'Send "seq" as an integer from 0 to 9007199254740991, or leave it out',
  },
  {
    reason: "bad_tags",
    code: "ING-0118",
    title: "Unusable tags",
    hint: 'Send "tags" as an object of at most 16 texts of at most 256 characters',
  },
  {
    reason: "score_out_of_range",
    code: "ING-0119",
    title: "Score out of range",
    hint: "Send scores from 0 to 1",
  },
  {
    reason: "bad_prediction",
    code: "ING-0120",
    title: "Not a prediction",
    hint: 'Send JSON with "label" and "score", or the text form ' +
      '"Time: 12/03 12:24, AvgScore(5): 0.87, LastScore: 0.99, Label: human"',
  },
  {
    reason: "missing_field",
    code: "ING-0121",
    title: "Field missing",
    hint: "Send the field that the message names",
  },
  {
    reason: "unknown_field",
    code: "ING-0122",
    title: "Unknown field",
    hint: 'Send only "ts", "seq", "metrics" (or "values"), "tags" and "payload"',
  },
  {
    reason: "bad_device_id",
    code: "ING-0123",
    title: "Unusable device id",
    hint: "Use 1 to 64 letters, digits, underscores or dashes as device id",
  },
  {
    reason: "reserved_device",
    code: "ING-0124",
    title: "Reserved device id",
    hint: "Choose another id: node1, node2, signal, stats and gateway belong to the gateway",
  },
  {
    reason: "not_telemetry",
    code: "ING-0125",
    title: "Not a telemetry topic",
    hint: 'Publish to "devices/<device>/telemetry" or another telemetry topic',
  },
  {
    reason: "internal",
    code: "ING-0126",
    title: "The decoder failed",
    hint: "Report this as a defect of the gateway, with the payload of the dead letter",
  },
] as const;

export type DecodeReason = (typeof DECODE_REASONS)[number]["reason"];

const BY_REASON = new Map(DECODE_REASONS.map((entry) => [entry.reason, entry]));

/** Builds the error for refused input; `detail` says what was found where, without a period. */
export function refusal(
  reason: DecodeReason,
  detail: string,
  options: { cause?: unknown } = {},
): DecodeError {
  const { code, hint } = BY_REASON.get(reason)!;
  return new DecodeError(`Cannot decode the message: ${onOneLine(detail)}`, {
    reason,
    code,
    hint,
    cause: options.cause,
  });
}

/** Names of members stand in a detail as they were sent; a NUL would end the text in the database. */
function onOneLine(detail: string): string {
  const unseen = /[\p{Cc}\p{Zl}\p{Zp}]/gu;
  return detail.toWellFormed().replace(unseen, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

const QUOTED_CHARS_MAX = 48;

/** Shows a value from the input in an error message: bounded, on one line, well-formed. */
export function quoted(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value !== "string") return String(value);
  const cut = value.length > QUOTED_CHARS_MAX;
  const shown = cut ? `${value.slice(0, QUOTED_CHARS_MAX)}…` : value;
  return JSON.stringify(shown.toWellFormed());
}
