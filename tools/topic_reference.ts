/** `docs/reference/topics.md`: topics, limits, units, flags and reasons, from the model's own tables. */
import * as limits from "@/model/decode/limits.ts";
import { DECODE_REASONS } from "@/model/decode/reasons.ts";
import { EARLIEST_EVENT_US, FUTURE_TOLERANCE_US } from "@/model/event_time.ts";
import { DEFAULT_RULES } from "@/model/normalize.ts";
import { type Flag, FLAGS } from "@/model/reading.ts";
import { RESERVED_DEVICE_IDS, type TelemetryKind } from "@/model/topic.ts";
import { wellKnownUnits } from "@/model/unit.ts";

export const TOPICS_PATH = "docs/reference/topics.md";

/** A topic that the model knows and that is missing here does not compile. */
const TOPICS: Record<TelemetryKind, [topic: string, payload: string]> = {
  telemetry: [
    "devices/<device>/telemetry",
    'JSON: an object of measurements, `{"ts"?, "seq"?, "values": {…}, "tags"?: {…}}` (`metrics` is ' +
    "taken for `values`), or an array of those",
  ],
  measurement: ["devices/<device>/<measurement>", "a plain number; anything else is an attribute"],
  prediction: [
    "devices/<device>/prediction",
    'JSON: `{"label", "score", "avg"?, "window"?, "model"?, "seq"?, "ts"?, "debug"?}`',
  ],
  stats: [
    "device/<device>/stats",
    "the text of older devices: `Time: 12/03 12:24, AvgScore(5): 0.87, LastScore: 0.99, Label: human`",
  ],
  packet: ["gateways/<receiver>/packet", "JSON of a LoRa receiver"],
};

const FLAG_TEXTS: Record<Flag, string> = {
  implausible: "outside of what the measurement can be: " + plausible(),
  ts_past: `the sender's time is before ${day(EARLIEST_EVENT_US)}: the time of reception is used`,
  ts_future: `the sender's time is over ${
    FUTURE_TOLERANCE_US / 3.6e9
  } h ahead: kept, never "latest"`,
  clock_untrusted: "taken before the gateway's clock could be trusted",
  late: `came more than ${DEFAULT_RULES.lateAfterMs / 60_000} min after its time`,
  stuck: "a score that has been the same for many results",
};

const LIMITS: [what: string, value: number][] = [
  ["Bytes of one payload", limits.PAYLOAD_BYTES_MAX],
  ["Messages in one array", limits.BATCH_ELEMENTS_MAX],
  ["Values and texts of one message", limits.VALUES_MAX],
  ["Metrics of one HTTP body", limits.METRICS_MAX],
  ["Levels of nested measurements, joined with `_`", limits.NAME_LEVELS_MAX],
  ["Levels of `debug` and `payload`", limits.OPAQUE_LEVELS_MAX],
  ["Characters of an attribute", limits.ATTRIBUTE_CHARS_MAX],
  ["Characters of a label or a model's name", limits.LABEL_CHARS_MAX],
  ["Characters of a unit", limits.UNIT_CHARS_MAX],
  ["Tags of one message", limits.TAGS_MAX],
  ["Characters of a tag", limits.TAG_CHARS_MAX],
];

/** The text of the file. */
export function topicReference(): string {
  return `# Topics and payloads

<!-- Generated from model/: deno task generate -->

## What devices publish

${table(["Topic", "Payload"], Object.values(TOPICS).map(([topic, text]) => [code(topic), text]))}

A device id is 1 to 64 letters, digits, \`_\` or \`-\`. Reserved: ${
    names(RESERVED_DEVICE_IDS)
  }. Numbers
are readings, booleans 0 and 1, texts attributes of the device; a value may carry its unit:
\`{"values": {"t": {"value": 1, "unit": "…"}}}\`. \`ts\` is seconds (10 digits), milliseconds (13), µs
(16) or ns (19) since 1970, or RFC 3339 with a zone; \`seq\` an integer that counts up. All other topics
are ordinary MQTT between clients.

## What the gateway publishes

${table(["Topic", "Payload", "Retained"], FANOUT)}

The first level is \`fanout.prefix\`. \`$SYS/#\` has the broker's numbers.

## Limits

Beyond one of them the message is refused, never cut.

${table(["What", "At most"], LIMITS.map(([what, value]) => [what, String(value)]))}

## Flags

${table(["Flag", "Meaning"], FLAGS.map((flag) => [code(flag), FLAG_TEXTS[flag]]))}

## Units

Of measurements with these names, unless the payload or the configuration says another one.

${
    table(
      ["Unit", "Measurements"],
      [...wellKnownUnits()].map(([unit, of]) => [code(unit), names(of)]),
    )
  }

## Why input is refused

The word in dead letters, in \`sluice_ingest_rejected_total\` and in answers to batches.

${
    table(
      ["Reason", "Code", "Meaning", "What to do"],
      DECODE_REASONS.map(({ reason, code: number, title, hint }) => [
        code(reason),
        number,
        title,
        hint,
      ]),
    )
  }
`;
}

const FANOUT: string[][] = [
  [code("iiot/<device>/<measurement>"), "a plain decimal", "yes, signal and counters not"],
  [code("iiot/<device>/prediction"), "JSON in the words of the devices", "no"],
  [code("iiot/gateway/status"), "`online` or `offline`", "yes"],
];

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function code(text: string): string {
  return `\`${text}\``;
}

function names(list: readonly string[]): string {
  return list.map(code).join(", ");
}

function day(us: number): string {
  return new Date(us / 1000).toISOString().slice(0, 10);
}

function plausible(): string {
  return Object.entries(DEFAULT_RULES.plausible)
    .map(([name, [low, high]]) => `${name} ${low} to ${high}`).join(", ");
}
