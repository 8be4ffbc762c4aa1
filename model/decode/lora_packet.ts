/**
 * The packet of a LoRa receiver board:
 * `{"ts":194500,"id":"N2","n1":{"t":28.3,"h":52.6,"g":461235},"n2":{"t":27.8,"h":48.8},
 *   "sig":{"rssi":-32,"snr":12},"sts":{"rx":1,"err":0}}`
 *
 * `ts` counts milliseconds since the board booted: it is checked, but it is no event time. The
 * receiver is the one of the topic (it is what was authorised); `id` is only checked. An absent or
 * null field gives no reading. The readings carry the plain names of the nodes; `normalize` puts
 * the receiver's prefix or its configured names in.
 */
import type { Decoded } from "@/model/decoded.ts";
import { isJsonObject, type JsonObject, outOfRange } from "@/model/decode/json_text.ts";
import { LABEL_CHARS_MAX } from "@/model/decode/limits.ts";
import { quoted, refusal } from "@/model/decode/reasons.ts";
import { emptyDecoded } from "@/model/decode/telemetry.ts";
import { checkedText } from "@/model/decode/text.ts";

interface Field {
  name: string;
  measurement: string;
  /** For messages: `n1.t`. */
  path: string;
}

/** The objects of a packet, the device of each, and the measurement of each of its fields. */
const PARTS: readonly { key: string; device: string; fields: readonly Field[] }[] = [
  part("n1", "node1", { t: "temperature", h: "humidity", g: "gas_resistance", p: "pressure" }),
  part("n2", "node2", { t: "temperature", h: "humidity", p: "pressure", g: "gas_resistance" }),
  part("sig", "signal", { rssi: "rssi", snr: "snr" }),
  part("sts", "stats", { rx: "packets_received", err: "crc_errors" }),
];

function part(key: string, device: string, names: Record<string, string>) {
  const fields = Object.entries(names).map(([name, measurement]) => {
    return { name, measurement, path: `${key}.${name}` };
  });
  return { key, device, fields };
}

/** True for an object that has a part of a packet, whatever that part holds. */
export function looksLikePacket(value: unknown): value is JsonObject {
  return isJsonObject(value) && PARTS.some(({ key }) => Object.hasOwn(value, key));
}

/** Decodes a packet; `receiver` is the `<receiver>` of the topic. */
export function decodeLoraPacket(receiver: string, packet: JsonObject): Decoded {
  if (!looksLikePacket(packet)) {
    throw refusal("no_values", 'it holds none of "n1", "n2", "sig" and "sts"');
  }
  checkHeader(packet);
  const decoded = emptyDecoded(receiver);
  for (const { key, device, fields } of PARTS) {
    const content = partOf(packet, key);
    for (const { name, measurement, path } of fields) {
      const value = numberOf(content, path, name);
      if (value !== null) decoded.values.push({ device, measurement, value, unit: null });
    }
  }
  return decoded;
}

function checkHeader(packet: JsonObject): void {
  numberOf(packet, "ts", "ts");
  const { id } = packet;
  if (id === undefined || id === null) return;
  if (typeof id !== "string") {
    throw refusal("bad_value", `"id" is ${quoted(id)}, expected the name of the receiver`);
  }
  checkedText(id, { path: "id", charsMax: LABEL_CHARS_MAX });
}

const ABSENT: JsonObject = {};

function partOf(packet: JsonObject, key: string): JsonObject {
  const content = packet[key] ?? ABSENT;
  if (isJsonObject(content)) return content;
  throw refusal("bad_value", `"${key}" is ${quoted(content)}, expected an object`);
}

function numberOf(content: JsonObject, path: string, name: string): number | null {
  const value = content[name];
  if (value === undefined || value === null) return null;
  if (typeof value !== "number") {
    throw refusal("bad_value", `"${path}" is ${quoted(value)}, expected a number`);
  }
  if (!Number.isFinite(value)) throw outOfRange(path);
  return value + 0;
}
