/** One value per topic: a plain decimal is a reading, any other text an attribute. */
import type { Decoded } from "@/model/decoded.ts";
import { outOfRange } from "@/model/decode/json_text.ts";
import { ATTRIBUTE_CHARS_MAX } from "@/model/decode/limits.ts";
import { quoted, refusal } from "@/model/decode/reasons.ts";
import { emptyDecoded } from "@/model/decode/telemetry.ts";
import { checkedText, looksBinary } from "@/model/decode/text.ts";

// each digit can match in one way only: `\d+\.?\d*` takes seconds for 64 KiB of digits and an x
const PLAIN_DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/;

/** Decodes the payload of `devices/<device>/<measurement>`; white space around it is ignored. */
export function decodeScalar(device: string, measurement: string, payload: string): Decoded {
  const text = payload.trim();
  if (text === "") throw refusal("empty", "the payload is only white space");
  const decoded = emptyDecoded(device);
  if (PLAIN_DECIMAL.test(text)) {
    const value = Number(text);
    if (!Number.isFinite(value)) throw outOfRange(measurement);
    decoded.values.push({ device, measurement, value: value + 0, unit: null });
    return decoded;
  }
  if (looksBinary(text)) {
    throw refusal(
      "bad_text",
      `${quoted(text)} holds control characters, binary data has no meaning`,
    );
  }
  const value = checkedText(text, { path: measurement, charsMax: ATTRIBUTE_CHARS_MAX });
  decoded.attributes.push({ device, name: measurement, value });
  return decoded;
}
