/** What a message counts in the limits, in bytes. */

import type { StoredMessage } from "@/mqtt/broker_types.ts";
import type { Properties } from "@/mqtt/codec/packet.ts";

/** About what the objects around the content of a message take. */
export const MESSAGE_OVERHEAD_BYTES = 100;

/** Content, topic, properties and the objects around them. */
export function messageBytes(message: StoredMessage): number {
  const { payload, topic, properties } = message;
  return payload.length + topic.length + MESSAGE_OVERHEAD_BYTES + propertyBytes(properties);
}

/** Texts and data in properties: a message without payload may still be large. */
export function propertyBytes(properties: Properties | null): number {
  if (properties === null) return 0;
  let bytes = MESSAGE_OVERHEAD_BYTES + (properties.contentType?.length ?? 0) +
    (properties.responseTopic?.length ?? 0) + (properties.correlationData?.length ?? 0);
  for (const [name, value] of properties.userProperties ?? []) {
    bytes += name.length + value.length + MESSAGE_OVERHEAD_BYTES;
  }
  return bytes;
}
