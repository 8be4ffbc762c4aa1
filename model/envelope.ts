import { formatInstant } from "@/model/event_time.ts";
import type { StoredMessage } from "@/model/message.ts";

/** Name and version of the envelope's form. */
export const ENVELOPE_SCHEMA = "sluice.message.v1";

/** A message with where it came from, as the API, the debugging topic and dead letters show it. */
export interface Envelope {
  schema: typeof ENVELOPE_SCHEMA;
  source_topic: string;
  device_id: string;
  gateway_id: string;
  seq: number | null;
  /** 32 hex digits: the sender's trace id, or else the message id. */
  trace_id: string;
  /** RFC 3339 UTC */
  received_at: string;
  /** The JSON value that was sent, or its text when it is no JSON. */
  payload: unknown;
}

/** Wraps a message of the log. */
export function envelope(message: StoredMessage, gatewayId: string): Envelope {
  return {
    schema: ENVELOPE_SCHEMA,
    source_topic: message.topic,
    device_id: message.device,
    gateway_id: gatewayId,
    seq: message.seq,
    trace_id: message.traceId ?? message.id,
    received_at: formatInstant({ us: message.receivedUs, ns: 0 }),
    payload: payloadValue(message.payload),
  };
}

function payloadValue(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    return payload;
  }
}
