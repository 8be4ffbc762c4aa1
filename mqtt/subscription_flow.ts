/**
 * SUBSCRIBE and UNSUBSCRIBE: each filter judged for itself, the answer after the commit, retained
 * messages after the answer.
 */

import type { StateOp } from "@/mqtt/broker_types.ts";
import type { BrokerCore, BrokerSession } from "@/mqtt/broker_core.ts";
import type {
  Properties,
  SubackPacket,
  SubscribePacket,
  SubscriptionRequest,
  UnsubackPacket,
  UnsubscribePacket,
} from "@/mqtt/codec/packet.ts";
import { ReasonCode } from "@/mqtt/codec/reason_code.ts";
import type { Connection } from "@/mqtt/connection.ts";
import type { BrokerSubscription } from "@/mqtt/router.ts";
import { countLevels, parseFilter } from "@/mqtt/topic_filter.ts";

/** One answered filter. */
interface Granted {
  reasonCode: number;
  subscription: BrokerSubscription | null;
  /** Retained messages are to be sent [MQTT-3.3.1-9, -10, -11]. */
  replays: boolean;
}

export function subscribe(core: BrokerCore, connection: Connection, packet: SubscribePacket): void {
  const session = connection.session!;
  const identifier = packet.properties?.subscriptionIdentifiers?.[0] ?? null;
  const ops: StateOp[] = [];
  const granted = packet.subscriptions.map((request) => {
    const result = grant(core, session, { request, identifier });
    if (result.subscription !== null && session.durable) ops.push(putOp(result.subscription));
    return result;
  });
  const answer = (error: Error | null): void => {
    if (connection.isClosed) return;
    if (error !== null) return connection.closeWith(ReasonCode.implementationSpecificError);
    writeSuback(core, connection, { packetId: packet.packetId, granted });
    if (connection.isClosed) return;
    for (const result of granted) if (result.replays) replay(core, result.subscription!);
    connection.outbound.pump();
  };
  if (ops.length === 0) answer(null);
  else core.journal.append(ops, answer);
}

function grant(
  core: BrokerCore,
  session: BrokerSession,
  { request, identifier }: { request: SubscriptionRequest; identifier: number | null },
): Granted {
  const parsed = parseFilter(request.filter);
  const refusal = parsed === null
    ? ReasonCode.topicFilterInvalid
    : judge(core, session, { request, filter: parsed.filter });
  if (parsed === null || refusal !== 0) {
    return { reasonCode: refusal, subscription: null, replays: false };
  }
  const subscription: BrokerSubscription = {
    session,
    filter: request.filter,
    parsed,
    qos: request.qos,
    noLocal: request.noLocal,
    retainAsPublished: request.retainAsPublished,
    identifier,
  };
  const isNew = core.router.subscribe(subscription);
  const replays = parsed.shareName === null &&
    (request.retainHandling === 0 || request.retainHandling === 1 && isNew);
  return { reasonCode: request.qos, subscription, replays };
}

/** 0, or the reason code of the refusal. */
function judge(
  core: BrokerCore,
  session: BrokerSession,
  { request, filter }: { request: SubscriptionRequest; filter: string },
): number {
  const { limits, hooks } = core;
  if (!hooks.authorize(session.principal, "subscribe", filter)) return ReasonCode.notAuthorized;
  if (countLevels(filter) > limits.topicLevelsMax) return ReasonCode.quotaExceeded;
  if (session.subscriptions.has(request.filter)) return 0;
  const isOver = session.subscriptions.size >= limits.subscriptionsPerSessionMax ||
    filterCharacters(session) + filter.length > limits.filterCharactersPerSessionMax;
  return isOver ? ReasonCode.quotaExceeded : 0;
}

function filterCharacters(session: BrokerSession): number {
  let sum = 0;
  for (const filter of session.subscriptions.keys()) sum += filter.length;
  return sum;
}

function putOp(subscription: BrokerSubscription): StateOp {
  const { session, filter, qos, noLocal, retainAsPublished, identifier } = subscription;
  const { sessionId } = session;
  return {
    kind: "subscription_put",
    subscription: { sessionId, filter, qos, noLocal, retainAsPublished, identifier },
  };
}

function writeSuback(
  core: BrokerCore,
  connection: Connection,
  { packetId, granted }: { packetId: number; granted: readonly Granted[] },
): void {
  const isNew = connection.version === 5;
  const reasonCodes = granted.map(({ reasonCode }) =>
    reasonCode >= 0x80 && !isNew ? 0x80 : reasonCode
  );
  const properties = isNew ? explain(core, connection, granted) : null;
  answerWith(connection, { type: "suback", packetId, reasonCodes, properties });
}

/** An answer that the client's maximum packet size has no room for ends the connection. */
function answerWith(connection: Connection, packet: SubackPacket | UnsubackPacket): void {
  if (!connection.writeBounded(packet)) connection.closeWith(ReasonCode.packetTooLarge);
}

function explain(
  core: BrokerCore,
  connection: Connection,
  granted: readonly Granted[],
): Properties | null {
  if (core.reasonStrings === "none" || !connection.wantsProblemInformation) return null;
  const refused = granted.find(({ reasonCode }) => reasonCode >= 0x80);
  if (refused === undefined) return null;
  const reasonString = refused.reasonCode === ReasonCode.notAuthorized
    ? "The topic filter is not permitted"
    : "A limit of the server does not allow the topic filter";
  return { reasonString };
}

function replay(core: BrokerCore, subscription: BrokerSubscription): void {
  const { retained } = core.router;
  const nodes = retained.match(subscription.parsed.filter);
  if (nodes.length === 0) return;
  const { session } = subscription;
  // A repeated SUBSCRIBE begins again instead of adding a second run [MQTT-3.8.4-3].
  const same = session.replays.findIndex((r) => r.subscription.filter === subscription.filter);
  if (same >= 0) session.replays.splice(same, 1);
  session.replays.push({ subscription, nodes, next: 0, version: retained.version });
}

export function unsubscribe(
  core: BrokerCore,
  connection: Connection,
  packet: UnsubscribePacket,
): void {
  const session = connection.session!;
  const ops: StateOp[] = [];
  const reasonCodes = packet.filters.map((filter) => {
    const subscription = session.subscriptions.get(filter);
    if (subscription === undefined) return ReasonCode.noSubscriptionExisted;
    core.router.unsubscribe(subscription);
    dropReplays(session, filter);
    if (session.durable) {
      ops.push({ kind: "subscription_delete", sessionId: session.sessionId, filter });
    }
    return ReasonCode.success;
  });
  const answer = (error: Error | null): void => {
    if (connection.isClosed) return;
    if (error !== null) return connection.closeWith(ReasonCode.implementationSpecificError);
    const { packetId } = packet;
    answerWith(connection, { type: "unsuback", packetId, reasonCodes, properties: null });
  };
  if (ops.length === 0) answer(null);
  else core.journal.append(ops, answer);
}

function dropReplays(session: BrokerSession, filter: string): void {
  const at = session.replays.findIndex((replay) => replay.subscription.filter === filter);
  if (at >= 0) session.replays.splice(at, 1);
}
