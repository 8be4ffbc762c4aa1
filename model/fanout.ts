/** The topics on which readings and predictions are published, locally and to outside brokers. */
import { plainDecimal } from "@/model/number_text.ts";
import type { Prediction, Reading } from "@/model/reading.ts";

/** One publish of the fan-out, QoS 1. */
export interface FanoutMessage {
  topic: string;
  payload: string;
  retain: boolean;
}

/** About the link and its counters, not about the world: a retained old value would mislead. */
const NOT_RETAINED: ReadonlySet<string> = new Set([
  "rssi",
  "snr",
  "packets_received",
  "crc_errors",
]);

/**
 * `{prefix}/{device}/{measurement}` with a plain decimal. Sensor values are retained, signal and
 * statistics are not; nor is a value whose time lies in the future, which is never the latest.
 */
export function readingTopic(prefix: string, reading: Reading): FanoutMessage {
  return {
    topic: `${prefix}/${reading.device}/${reading.measurement}`,
    payload: plainDecimal(reading.value),
    retain: !NOT_RETAINED.has(reading.measurement) && !reading.flags.includes("ts_future"),
  };
}

/**
 * `{prefix}/{device}/prediction` with JSON in the words of the devices: `ts` (event time, ms),
 * `label`, `score`, `avg`, `window`, `model`, `debug`, `flags`; what was not sent is left out.
 */
export function predictionTopic(prefix: string, prediction: Prediction): FanoutMessage {
  const payload = JSON.stringify({
    ts: Math.floor(prediction.at.us / 1000),
    label: prediction.label,
    score: prediction.score,
    avg: prediction.avgScore ?? undefined,
    window: prediction.window ?? undefined,
    model: prediction.model ?? undefined,
    debug: prediction.debug ?? undefined,
    flags: prediction.flags.length === 0 ? undefined : prediction.flags,
  });
  return { topic: `${prefix}/${prediction.device}/prediction`, payload, retain: false };
}
