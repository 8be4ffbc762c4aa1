/** Committed messages for one slow or fast reader: a bounded queue that counts what it leaves out. */
import type { TapMessage } from "@/cli/operations.ts";
import type { Intake } from "@/ingest/intake.ts";
import { envelope } from "@/model/envelope.ts";
import { filterMatches } from "@/mqtt/topic_filter.ts";

const QUEUE_MAX = 1000;

export interface TapOptions {
  /** MQTT topic filter over source topics. */
  filter: string;
  gatewayId: string;
  signal: AbortSignal;
}

/** Accepted messages from now on, until aborted. */
export async function* liveTap(
  intake: Intake,
  { filter, gatewayId, signal }: TapOptions,
): AsyncIterable<TapMessage> {
  const queue: TapMessage[] = [];
  let dropped = 0;
  let wake = () => {};
  const stop = intake.listen(({ message }) => {
    if (!filterMatches(filter, message.topic)) return;
    if (queue.length >= QUEUE_MAX) {
      dropped++;
      return;
    }
    const { id, source } = message;
    queue.push({ id, source, envelope: envelope(message, gatewayId), ...takeDropped() });
    wake();
  });
  const takeDropped = () => {
    const count = dropped;
    dropped = 0;
    return count === 0 ? {} : { dropped: count };
  };
  const aborted = () => wake();
  signal.addEventListener("abort", aborted);
  try {
    while (!signal.aborted) {
      const next = queue.shift();
      if (next !== undefined) yield next;
      else await new Promise<void>((resolve) => wake = resolve);
    }
  } finally {
    signal.removeEventListener("abort", aborted);
    stop();
  }
}
