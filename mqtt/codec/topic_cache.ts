/**
 * Topic strings of one connection by their bytes. A device publishes on few topics: decoding,
 * validating and allocating the same string for each message would cost more than the rest of the
 * parse. Eight slots chosen by a small hash; nothing is held before the first publish.
 */

import { decodeText } from "@/mqtt/codec/wire_reader.ts";
import { malformed } from "@/mqtt/protocol_error.ts";
import { isTopicName } from "@/mqtt/topic_filter.ts";

const SLOTS = 8;
/** Longer topics are rare and are decoded each time, so that a connection holds ≤ 4 KiB here. */
const CACHED_BYTES_MAX = 256;

interface Slot {
  bytes: Uint8Array;
  topic: string;
}

export class TopicCache {
  #slots: (Slot | undefined)[] | null = null;

  /** The valid topic name in `bytes[start, end)`; anything else is a malformed packet. */
  lookup(bytes: Uint8Array, start: number, end: number): string {
    const length = end - start;
    if (length > CACHED_BYTES_MAX) return decodeTopic(bytes.subarray(start, end));
    this.#slots ??= new Array<Slot | undefined>(SLOTS).fill(undefined);
    const at = (bytes[end - 1]! + bytes[start + (length >> 1)]! * 3 + length) & (SLOTS - 1);
    const slot = this.#slots[at];
    if (slot !== undefined && equals(slot.bytes, bytes, start, length)) return slot.topic;
    const copy = bytes.slice(start, end);
    const topic = decodeTopic(copy);
    this.#slots[at] = { bytes: copy, topic };
    return topic;
  }
}

function equals(known: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (known.length !== length) return false;
  // Topics of one device differ at their end: compare from there.
  for (let i = length - 1; i >= 0; i--) {
    if (known[i] !== bytes[start + i]) return false;
  }
  return true;
}

function decodeTopic(bytes: Uint8Array): string {
  const topic = decodeText(bytes, "topic name");
  if (!isTopicName(topic)) throw malformed(`Cannot accept topic name "${topic}"`, "MQTT-3.3.2-2");
  return topic;
}
