/** Messages as they stand in the log, for tests that need no store. */
import type { BatchEntry } from "@/forward/destination.ts";
import { decodeStored } from "@/model/decode/decode.ts";
import { messageId, type StoredMessage } from "@/model/message.ts";
import { DEFAULT_RULES, normalize } from "@/model/normalize.ts";
import type { Normalized } from "@/model/reading.ts";

export const EPOCH_HEX = "00c0ffee00c0ffee";
/** 2026-01-01T00:00:00Z, the reception of number 0; each further one comes a second later. */
export const FIRST_RECEIVED_US = 1_767_225_600_000_000;

export interface RowOptions extends Partial<StoredMessage> {
  /** Content of `devices/<device>/telemetry`; other topics take `topic` and `payload`. */
  values?: Record<string, unknown>;
}

/** A row of the log with this number; by default device `d1` sends `{"temperature": number}`. */
export function logRow(number: number, options: RowOptions = {}): StoredMessage {
  const { values, ...columns } = options;
  const device = columns.device ?? "d1";
  return {
    number,
    id: messageId(EPOCH_HEX, number),
    source: "mqtt",
    sourceName: "broker",
    device,
    topic: `devices/${device}/telemetry`,
    payload: JSON.stringify(values ?? { temperature: number }),
    seq: null,
    receivedUs: FIRST_RECEIVED_US + number * 1_000_000,
    traceId: null,
    clockUntrusted: false,
    prefixed: false,
    ...columns,
  };
}

/** What a row means, by the gateway's own decoders and default rules. */
export function interpretRow(message: StoredMessage): Normalized {
  const { receivedUs, clockUntrusted, prefixed, device } = message;
  const context = { receivedUs, clockUntrusted, prefixed, sender: device };
  return normalize(decodeStored(message), context, DEFAULT_RULES);
}

export function batchEntry(number: number, options: RowOptions = {}): BatchEntry {
  const message = logRow(number, options);
  return { message, normalized: interpretRow(message) };
}
