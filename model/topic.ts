/**
 * The telemetry topics. Everything else on the broker is ordinary MQTT traffic.
 *
 *   devices/<device>/telemetry       JSON
 *   devices/<device>/prediction      JSON of a device that classifies
 *   devices/<device>/<measurement>   one plain value
 *   device/<device>/stats            predictions as older devices send them
 *   gateways/<receiver>/packet       packet of a LoRa receiver
 *
 * A topic of this shape whose device id cannot be used is still telemetry, with a `problem`:
 * the publish is undecodable and shows up as a dead letter instead of vanishing in the broker.
 */

export type TelemetryKind = "telemetry" | "prediction" | "measurement" | "stats" | "packet";

export interface TelemetryRoute {
  kind: TelemetryKind;
  /** Id of the device, or of the receiver for a packet, as it stands in the topic. */
  device: string;
  /** Name of the measurement, trimmed, for kind `measurement`; otherwise empty. */
  measurement: string;
  /** Reason word for which nothing on this topic can be decoded. */
  problem: "bad_device_id" | "reserved_device" | "bad_key" | null;
}

/** Names that the gateway gives to the nodes of its first receiver and to itself. */
export const RESERVED_DEVICE_IDS: readonly string[] = [
  "node1",
  "node2",
  "signal",
  "stats",
  "gateway",
];

const RESERVED = new Set(RESERVED_DEVICE_IDS);

/** Why a text cannot be the id of a device or receiver; null when it can. */
export function deviceIdProblem(id: string): "bad_device_id" | "reserved_device" | null {
  // a device id is a name without a dot
  if (!isName(id) || id.includes(".")) return "bad_device_id";
  return RESERVED.has(id) ? "reserved_device" : null;
}

/** Where a publish on this topic belongs; null for ordinary broker traffic. No allocation then. */
export function telemetryRoute(topic: string): TelemetryRoute | null {
  const first = topic.indexOf("/");
  // "device", "devices" and "gateways" are 6, 7 and 8 characters long
  if (first < 6 || first > 8) return null;
  const second = topic.indexOf("/", first + 1);
  if (second < 0 || topic.indexOf("/", second + 1) >= 0) return null;
  const kind = kindOf(topic, first, second);
  if (kind === null) return null;
  return routeOf(kind, topic.slice(first + 1, second), topic.slice(second + 1));
}

function kindOf(topic: string, first: number, second: number): TelemetryKind | null {
  const leaf = topic.length - second - 1;
  if (first === 7) {
    if (!topic.startsWith("devices/")) return null;
    if (leaf === 9 && topic.endsWith("telemetry")) return "telemetry";
    return leaf === 10 && topic.endsWith("prediction") ? "prediction" : "measurement";
  }
  if (first === 6) {
    return leaf === 5 && topic.startsWith("device/") && topic.endsWith("stats") ? "stats" : null;
  }
  return leaf === 6 && topic.startsWith("gateways/") && topic.endsWith("packet") ? "packet" : null;
}

function routeOf(kind: TelemetryKind, device: string, leaf: string): TelemetryRoute {
  const measurement = kind === "measurement" ? trimName(leaf) : "";
  const nameless = kind === "measurement" && measurement === "";
  return {
    kind,
    device,
    measurement,
    problem: deviceIdProblem(device) ?? (nameless ? "bad_key" : null),
  };
}

const NAME_CHARS_MAX = 64;

/**
 * Trims the name of a measurement, attribute or tag to `[A-Za-z0-9_.-]{1,64}`: other characters
 * are left out, the rest is cut off. Empty when nothing remains or when the name is `__proto__`,
 * which no record of names could hold.
 */
export function trimName(name: string): string {
  if (isName(name)) return name;
  const trimmed = name.replace(/[^A-Za-z0-9_.-]+/g, "").slice(0, NAME_CHARS_MAX);
  return trimmed === "__proto__" ? "" : trimmed;
}

/** Which ASCII characters stand in names: a table, 4 times as fast as a regular expression. */
const IN_NAME = Uint8Array.from({ length: 128 }, (_, code) => {
  return /[A-Za-z0-9_.-]/.test(String.fromCharCode(code)) ? 1 : 0;
});

/** True for names that need no trimming. */
export function isName(text: string): boolean {
  const { length } = text;
  if (length === 0 || length > NAME_CHARS_MAX) return false;
  for (let i = 0; i < length; i++) if (IN_NAME[text.charCodeAt(i)] !== 1) return false;
  return text !== "__proto__";
}
