/**
 * From a message to its subscribers.
 *
 * A message is routed in two steps, so that delivery can follow the commit: `plan` finds the
 * subscribers, takes places in their queues and lists what must be committed; `deliver` hands out,
 * `abandon` gives the places back. Matching is remembered per topic until a subscription changes.
 */

import type { QueuePlace, StateOp, StoredMessage } from "@/mqtt/broker_types.ts";
import type { BrokerCore, BrokerSession } from "@/mqtt/broker_core.ts";
import type { Connection } from "@/mqtt/connection.ts";
import { FanoutEncoding } from "@/mqtt/outbound_packet.ts";
import type { Qos } from "@/mqtt/codec/packet.ts";
import { propertyBytes } from "@/mqtt/message_size.ts";
import { RetainedMessages } from "@/mqtt/retained_messages.ts";
import { placeOf, type QueueEntry, type Subscription } from "@/mqtt/session.ts";
import { type ShareGroup, SubscriptionTree } from "@/mqtt/subscription_tree.ts";
import { countLevels, parseFilter } from "@/mqtt/topic_filter.ts";

export type BrokerSubscription = Subscription<Connection>;

/** A session with all its subscriptions that match one topic: it gets one copy. */
interface Matched {
  session: BrokerSession;
  subscriptions: BrokerSubscription[];
}

interface MatchedGroup {
  group: ShareGroup<BrokerSubscription>;
  members: BrokerSubscription[];
}

interface TopicMatches {
  own: Matched[];
  shared: MatchedGroup[];
  levels: number;
}

interface Direct {
  session: BrokerSession;
  retain: boolean;
  identifiers: number[];
}

/** What one message becomes. */
export interface RoutePlan {
  message: StoredMessage;
  /** to commit before `deliver` */
  ops: StateOp[];
  /** subscribers that get it, now or queued */
  recipients: number;
  retained: "no" | "put" | "delete";
  direct: Direct[];
  entries: { session: BrokerSession; entry: QueueEntry }[];
  /** Of a message to be retained: who matched, to find who subscribed before it was committed. */
  known: { matches: TopicMatches; origin: BrokerSession | null } | null;
}

export interface PlanOptions {
  /** The publisher's session, for no-local. */
  origin: BrokerSession | null;
  /** A retained value is kept in memory only. */
  volatile?: boolean;
}

/** How a message goes to one subscriber. */
interface Terms {
  qos: Qos;
  retain: boolean;
  identifiers: number[];
  share: string | null;
}

const MATCH_CACHE_MAX = 10_000;
/** Longer topics are matched each time, so that nobody fills the memory with them. */
const MATCH_CACHE_CHARACTERS_MAX = 256;
const NO_IDENTIFIERS: number[] = [];

export class Router {
  readonly #core: BrokerCore;
  readonly #tree: SubscriptionTree<BrokerSubscription> = new SubscriptionTree();
  readonly #matches: Map<string, TopicMatches> = new Map();
  readonly retained: RetainedMessages;

  constructor(core: BrokerCore) {
    this.#core = core;
    this.retained = new RetainedMessages(core.limits, core.statistics);
  }

  /** Adds or replaces; true when the filter is new for the session. */
  subscribe(subscription: BrokerSubscription): boolean {
    const { session, filter, parsed } = subscription;
    session.subscriptions.set(filter, subscription);
    const before = this.#tree.set({ ...parsed, key: session.key }, subscription);
    this.#subscriptionsChanged();
    return before === undefined;
  }

  unsubscribe(subscription: BrokerSubscription): void {
    const { session, filter, parsed } = subscription;
    session.subscriptions.delete(filter);
    this.#tree.delete({ ...parsed, key: session.key });
    this.#subscriptionsChanged();
  }

  #subscriptionsChanged(): void {
    this.#core.statistics.subscriptions = this.#tree.size;
    if (this.#matches.size > 0) this.#matches.clear();
  }

  /** Levels of a topic, remembered. */
  levels(topic: string): number {
    return this.#match(topic).levels;
  }

  /** Whether routing has anything to do: somebody matches, or the message is to be retained. */
  concerns(topic: string, retain: boolean): boolean {
    if (retain) return true;
    const matches = this.#match(topic);
    return matches.own.length > 0 || matches.shared.length > 0;
  }

  /** Takes places in queues and lists what must be committed. */
  plan(message: StoredMessage, options: PlanOptions): RoutePlan {
    const plan = newPlan(message);
    if (message.retain) this.#planRetained(plan, options.volatile === true);
    const matches = this.#match(message.topic);
    if (plan.retained === "put") plan.known = { matches, origin: options.origin };
    const places: QueuePlace[] = [];
    for (const matched of matches.own) {
      const terms = termsOf(matched, message, options.origin);
      if (terms !== null) this.#planFor(plan, matched.session, { ...terms, places });
    }
    for (const shared of matches.shared) this.#planShared(plan, shared, places);
    if (places.length > 0) plan.ops.push({ kind: "queue_add", message, places });
    return plan;
  }

  #planRetained(plan: RoutePlan, volatile: boolean): void {
    const { message } = plan;
    if (message.payload.length === 0) {
      // An empty payload removes what is retained and is itself not kept [MQTT-3.3.1-6, -7].
      plan.retained = "delete";
      if (!volatile) plan.ops.push({ kind: "retained_delete", topic: message.topic });
      return;
    }
    if (!this.#hasRoomToRetain(message)) {
      this.#core.statistics.droppedTotal.retained_full++;
      return;
    }
    plan.retained = "put";
    if (!volatile) plan.ops.push({ kind: "retained_put", message });
  }

  #hasRoomToRetain({ topic, payload, properties }: StoredMessage): boolean {
    return this.retained.hasRoomFor(topic, payload.length + propertyBytes(properties));
  }

  #planFor(plan: RoutePlan, session: BrokerSession, terms: Terms & { places: QueuePlace[] }): void {
    const { message } = plan;
    const { droppedTotal } = this.#core.statistics;
    if (!this.#core.hooks.authorize(session.principal, "receive", message.topic)) {
      droppedTotal.not_authorized++;
      return;
    }
    if (terms.qos === 0) {
      if (session.connection === null) return; // QoS 0 is not queued
      plan.recipients++;
      plan.direct.push({ session, retain: terms.retain, identifiers: terms.identifiers });
      return;
    }
    const entry = session.plan(message, {
      qos: terms.qos,
      retain: terms.retain,
      identifiers: terms.identifiers,
      share: terms.share,
    });
    if (entry === null) {
      droppedTotal.queue_full++;
      return;
    }
    plan.recipients++;
    plan.entries.push({ session, entry });
    if (session.durable) terms.places.push(placeOf(entry));
  }

  #planShared(plan: RoutePlan, { group, members }: MatchedGroup, places: QueuePlace[]): void {
    const member = this.#chooseMember(group, members, plan.message);
    if (member === null) return;
    this.#planFor(plan, member.session, {
      qos: lower(member.qos, plan.message.qos),
      retain: member.retainAsPublished && plan.message.retain,
      identifiers: member.identifier === null ? NO_IDENTIFIERS : [member.identifier],
      share: member.filter,
      places,
    });
  }

  /**
   * In turn; one that is connected and keeps up before one that lags, that before one whose session
   * waits for its return.
   */
  #chooseMember(
    group: ShareGroup<BrokerSubscription>,
    members: readonly BrokerSubscription[],
    message: StoredMessage,
  ): BrokerSubscription | null {
    let lagging: BrokerSubscription | null = null;
    let absent: BrokerSubscription | null = null;
    for (let i = 0; i < members.length; i++) {
      const member = members[(group.turn + i) % members.length]!;
      const { session } = member;
      if (!this.#core.hooks.authorize(session.principal, "receive", message.topic)) continue;
      if (session.connection === null) absent ??= member;
      else if (session.waitingMessages > 0 || session.connection.isLagging) lagging ??= member;
      else {
        group.turn = (group.turn + i + 1) % members.length;
        return member;
      }
    }
    group.turn = (group.turn + 1) % members.length;
    return lagging ?? (lower(absent?.qos ?? 0, message.qos) > 0 ? absent : null);
  }

  /** Hands out a plan whose ops are committed. */
  deliver(plan: RoutePlan): void {
    const { message } = plan;
    if (plan.retained === "put") this.retained.put(message);
    else if (plan.retained === "delete") this.retained.delete(message.topic);
    if (plan.direct.length > 0) this.#deliverDirect(plan);
    for (const { session, entry } of plan.entries) this.deliverEntry(session, entry);
    if (plan.known !== null) this.#deliverToLatecomers(message, plan.known);
  }

  /**
   * Who subscribed between the plan and its commit was sent what was retained before: without this
   * it would have neither the new value nor, until the next one, a way to it.
   */
  #deliverToLatecomers(
    message: StoredMessage,
    { matches, origin }: NonNullable<RoutePlan["known"]>,
  ) {
    const now = this.#match(message.topic);
    if (now === matches) return; // remembered: no subscription has changed
    const before = new Set(matches.own.map(({ session }) => session));
    const plan = newPlan(message);
    const places: QueuePlace[] = [];
    for (const matched of now.own) {
      const terms = before.has(matched.session) ? null : termsOf(matched, message, origin);
      if (terms !== null) this.#planFor(plan, matched.session, { ...terms, places });
    }
    if (places.length > 0) plan.ops.push({ kind: "queue_add", message, places });
    this.#commitAndDeliver(plan);
  }

  #commitAndDeliver(plan: RoutePlan): void {
    if (plan.ops.length === 0) return this.deliver(plan);
    this.#core.journal.append(plan.ops, (error) => {
      if (error === null) this.deliver(plan);
      else this.abandon(plan);
    });
  }

  #deliverDirect(plan: RoutePlan): void {
    const fanout = new FanoutEncoding(plan.message);
    for (const { session, retain, identifiers } of plan.direct) {
      session.connection?.outbound.sendDirect(plan.message, { retain, identifiers, fanout });
    }
  }

  /** Sends a committed entry, or lets it wait for its turn. */
  deliverEntry(session: BrokerSession, entry: QueueEntry): void {
    if (session.ended) return this.#deliverElsewhere(session, entry);
    const isDue = session.commit(entry);
    if (session.connection === null) return;
    if (isDue) session.connection.outbound.sendEntry(entry);
    else session.connection.outbound.pump();
  }

  /** The session ended while the commit was pending. */
  #deliverElsewhere(session: BrokerSession, entry: QueueEntry): void {
    session.abandon(entry);
    if (entry.share !== null) this.redistribute(session, [entry], { isEnding: true });
  }

  /** A retained message whose time is over. */
  expireRetained(topic: string): void {
    this.retained.delete(topic);
    this.#core.journal.append([{ kind: "retained_delete", topic }]);
  }

  /** Gives back the places of a plan that will not be delivered. */
  abandon(plan: RoutePlan): void {
    for (const { session, entry } of plan.entries) session.abandon(entry);
  }

  /** Routes a message that nobody waits for: commits what must be, then delivers. */
  publish(message: StoredMessage, options: PlanOptions): void {
    if (!this.concerns(message.topic, message.retain)) return;
    this.#commitAndDeliver(this.plan(message, options));
  }

  /**
   * Gives messages of a shared subscription to other members [MQTT-4.8.2-5]; of a session that ends
   * also to members who are absent. What a session that stays cannot give away, it keeps.
   */
  redistribute(
    from: BrokerSession,
    entries: readonly QueueEntry[],
    { isEnding }: { isEnding: boolean },
  ): void {
    for (const entry of entries) {
      if (!this.#moveEntry(from, entry, isEnding) && !isEnding) from.putBack(entry);
    }
  }

  /** A member of share groups went away: what it was not sent yet goes to those who are there. */
  sessionLeft(session: BrokerSession): void {
    const isMovable = [...session.subscriptions.values()].some((subscription) =>
      subscription.parsed.shareName !== null && this.#hasOtherMember(subscription)
    );
    if (!isMovable) return;
    const entries = session.drainWaiting((entry) => this.#mayMove(session, entry));
    this.redistribute(session, entries, { isEnding: false });
  }

  #hasOtherMember({ session, parsed }: BrokerSubscription): boolean {
    const group = this.#tree.group(parsed.shareName!, parsed.filter);
    if (group === undefined) return false;
    return [...group.members.values()].some((member) =>
      member.session !== session && member.session.connection !== null
    );
  }

  #mayMove(session: BrokerSession, entry: QueueEntry): boolean {
    const subscription = entry.share === null ? undefined : session.subscriptions.get(entry.share);
    return subscription !== undefined && this.#hasOtherMember(subscription);
  }

  #moveEntry(from: BrokerSession, entry: QueueEntry, absentToo: boolean): boolean {
    const parsed = entry.share === null ? null : parseFilter(entry.share);
    if (parsed === null || parsed.shareName === null) return false;
    const group = this.#tree.group(parsed.shareName, parsed.filter);
    if (group === undefined) return false;
    const members = [...group.members.values()].filter(({ session }) =>
      session !== from && (absentToo || session.connection !== null)
    );
    const member = members.length === 0 ? null : this.#chooseMember(group, members, entry.message);
    if (member === null) return false;
    this.#giveTo(member, from, entry);
    return true;
  }

  #giveTo(member: BrokerSubscription, from: BrokerSession, entry: QueueEntry): void {
    const places: QueuePlace[] = [];
    const plan = newPlan(entry.message);
    this.#planFor(plan, member.session, {
      qos: lower(member.qos, entry.message.qos),
      retain: false,
      identifiers: member.identifier === null ? NO_IDENTIFIERS : [member.identifier],
      share: entry.share,
      places,
    });
    if (places.length > 0) plan.ops.push({ kind: "queue_add", message: entry.message, places });
    if (from.durable) {
      plan.ops.push({ kind: "queue_remove", sessionId: from.sessionId, sequence: entry.sequence });
    }
    this.#commitAndDeliver(plan);
  }

  #match(topic: string): TopicMatches {
    const known = this.#matches.get(topic);
    if (known !== undefined) return known;
    const found = this.#tree.match(topic);
    const matches: TopicMatches = {
      own: bySession(found.own),
      shared: found.shared.map((group) => ({ group, members: [...group.members.values()] })),
      levels: countLevels(topic),
    };
    if (topic.length > MATCH_CACHE_CHARACTERS_MAX) return matches;
    if (this.#matches.size >= MATCH_CACHE_MAX) this.#matches.clear();
    this.#matches.set(topic, matches);
    return matches;
  }
}

function newPlan(message: StoredMessage): RoutePlan {
  return {
    message,
    ops: [],
    recipients: 0,
    retained: "no",
    direct: [],
    entries: [],
    known: null,
  };
}

function bySession(subscriptions: readonly BrokerSubscription[]): Matched[] {
  const bySession: Map<BrokerSession, Matched> = new Map();
  for (const subscription of subscriptions) {
    const matched = bySession.get(subscription.session);
    if (matched !== undefined) matched.subscriptions.push(subscription);
    else {
      bySession.set(subscription.session, {
        session: subscription.session,
        subscriptions: [subscription],
      });
    }
  }
  return [...bySession.values()];
}

/**
 * One copy for all matching subscriptions of a session, at the highest of their QoS [MQTT-3.3.4-2],
 * with all their identifiers [MQTT-3.3.4-3…-5]. Null when no-local leaves none.
 */
function termsOf(
  { session, subscriptions }: Matched,
  message: StoredMessage,
  origin: BrokerSession | null,
): Terms | null {
  let qos = -1;
  let retain = false;
  let identifiers = NO_IDENTIFIERS;
  for (const subscription of subscriptions) {
    if (subscription.noLocal && session === origin) continue;
    if (subscription.qos > qos) qos = subscription.qos;
    if (subscription.retainAsPublished && message.retain) retain = true;
    if (subscription.identifier !== null) identifiers = [...identifiers, subscription.identifier];
  }
  if (qos < 0) return null;
  return { qos: lower(qos as Qos, message.qos), retain, identifiers, share: null };
}

function lower(a: Qos, b: Qos): Qos {
  return a < b ? a : b;
}
