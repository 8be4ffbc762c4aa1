/** Counters and gauges of one broker. */

import type { BrokerStatistics, DropReason } from "@/mqtt/broker_types.ts";

/** All zero. */
export function newStatistics(): BrokerStatistics {
  const droppedTotal: Record<DropReason, number> = {
    slow_subscriber: 0,
    queue_full: 0,
    expired: 0,
    too_large: 0,
    not_authorized: 0,
    retained_full: 0,
    reserved_topic: 0,
  };
  return {
    connections: 0,
    connectionsTotal: 0,
    connectionsRefusedTotal: 0,
    sessions: 0,
    subscriptions: 0,
    retainedMessages: 0,
    retainedBytes: 0,
    queuedMessages: 0,
    queuedBytes: 0,
    receivedMessagesTotal: 0,
    sentMessagesTotal: 0,
    receivedBytesTotal: 0,
    sentBytesTotal: 0,
    protocolErrorsTotal: 0,
    takenOverTotal: 0,
    keepAliveTimeoutsTotal: 0,
    stateCommitErrorsTotal: 0,
    droppedTotal,
  };
}
