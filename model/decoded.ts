import type { Instant } from "@/model/message.ts";

/** What a decoder understood of one payload, before reception time and rules are applied to it. */
export interface Decoded {
  /** The sender: the `<device>` of the topic, or the receiver of a LoRa packet. */
  device: string;
  sentAt: Instant | null;
  seq: number | null;
  values: DecodedValue[];
  predictions: DecodedPrediction[];
  attributes: DecodedAttribute[];
  tags: Record<string, string> | null;
}

export interface DecodedValue {
  device: string;
  measurement: string;
  value: number;
  /** Unit that the payload itself named; null leaves it to the table of well-known measurements. */
  unit: string | null;
}

export interface DecodedPrediction {
  label: string;
  score: number;
  avgScore: number | null;
  window: number | null;
  model: string | null;
  debug: Record<string, unknown> | null;
}

export interface DecodedAttribute {
  device: string;
  name: string;
  value: string;
}

/** One message within a payload: an array of n elements has n of them. */
export interface DecodedMessage {
  /** The element's own text, exactly as sent. */
  payload: string;
  decoded: Decoded;
}
