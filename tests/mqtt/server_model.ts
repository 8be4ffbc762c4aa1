/**
 * What a server must do, as small as it can be said: sessions with subscriptions and queues, retained
 * messages, wills. Every step returns what each connected client gets because of it.
 */

import { filterMatches } from "@/tests/mqtt/topic_match.ts";

export interface Subscription {
  qos: number;
  noLocal: boolean;
  retainAsPublished: boolean;
  identifier: number | null;
}

export interface Message {
  topic: string;
  payload: string;
  qos: number;
  retain: boolean;
}

interface Session {
  isConnected: boolean;
  isKept: boolean;
  version: 4 | 5;
  subscriptions: Map<string, Subscription>;
  /** lines to deliver on return */
  queue: string[];
  will: Message | null;
}

/** Lines that a client gets, by client. */
export type Deliveries = Map<string, string[]>;

export class ServerModel {
  readonly #sessions: Map<string, Session> = new Map();
  readonly #retained: Map<string, Message> = new Map();

  get sessionCount(): number {
    return this.#sessions.size;
  }

  get retainedCount(): number {
    return this.#retained.size;
  }

  get subscriptionCount(): number {
    return this.#sum((session) => session.subscriptions.size);
  }

  get queuedCount(): number {
    return this.#sum((session) => session.queue.length);
  }

  #sum(count: (session: Session) => number): number {
    return [...this.#sessions.values()].reduce((sum, session) => sum + count(session), 0);
  }

  isConnected(client: string): boolean {
    return this.#sessions.get(client)?.isConnected ?? false;
  }

  filtersOf(client: string): string[] {
    return [...this.#sessions.get(client)!.subscriptions.keys()];
  }

  /** Takes over from a connection that is still there; tells whether a session was present. */
  connect(
    client: string,
    { clean, kept, version, will }: {
      clean: boolean;
      kept: boolean;
      version: 4 | 5;
      will: Message | null;
    },
  ): { isPresent: boolean; deliveries: Deliveries } {
    const deliveries = this.isConnected(client) ? this.lose(client) : new Map<string, string[]>();
    if (clean) this.#sessions.delete(client);
    const before = this.#sessions.get(client);
    const session: Session = before ?? {
      isConnected: true,
      isKept: kept,
      version,
      subscriptions: new Map(),
      queue: [],
      will: null,
    };
    Object.assign(session, { isConnected: true, isKept: kept, version, will });
    this.#sessions.set(client, session);
    const waiting = session.queue.splice(0);
    if (waiting.length > 0) deliveries.set(client, waiting.map((line) => shown(line, version)));
    return { isPresent: before !== undefined, deliveries };
  }

  /** A DISCONNECT. */
  leave(client: string): void {
    const session = this.#sessions.get(client)!;
    session.will = null;
    this.#detach(client, session);
  }

  /** The connection ends without a word: the will is published. */
  lose(client: string): Deliveries {
    const session = this.#sessions.get(client)!;
    session.isConnected = false;
    const { will } = session;
    session.will = null;
    const deliveries = will === null ? new Map<string, string[]>() : this.publish(client, will);
    this.#detach(client, session);
    return deliveries;
  }

  #detach(client: string, session: Session): void {
    session.isConnected = false;
    if (!session.isKept) this.#sessions.delete(client);
  }

  subscribe(client: string, filter: string, subscription: Subscription): Deliveries {
    const session = this.#sessions.get(client)!;
    session.subscriptions.set(filter, subscription);
    const lines = [...this.#retained.values()].filter(({ topic }) => filterMatches(filter, topic))
      .map((message) =>
        lineOf(message, {
          qos: Math.min(message.qos, subscription.qos),
          retain: true,
          identifiers: subscription.identifier === null ? [] : [subscription.identifier],
        })
      );
    return new Map([[client, lines.map((line) => shown(line, session.version))]]);
  }

  /** True when there was such a subscription. */
  unsubscribe(client: string, filter: string): boolean {
    return this.#sessions.get(client)!.subscriptions.delete(filter);
  }

  publish(publisher: string, message: Message): Deliveries {
    if (message.retain && message.payload === "") this.#retained.delete(message.topic);
    else if (message.retain) this.#retained.set(message.topic, message);
    const deliveries: Deliveries = new Map();
    for (const [client, session] of this.#sessions) {
      const line = this.#copyFor(session, { message, isOwn: client === publisher });
      if (line === null) continue;
      if (session.isConnected) deliveries.set(client, [shown(line, session.version)]);
      else if (session.isKept && !line.startsWith("0")) session.queue.push(line);
    }
    return deliveries;
  }

  #copyFor(
    session: Session,
    { message, isOwn }: { message: Message; isOwn: boolean },
  ): string | null {
    const matching = [...session.subscriptions].filter(([filter, { noLocal }]) =>
      filterMatches(filter, message.topic) && !(noLocal && isOwn)
    ).map(([, subscription]) => subscription);
    if (matching.length === 0) return null;
    return lineOf(message, {
      qos: Math.min(message.qos, Math.max(...matching.map(({ qos }) => qos))),
      retain: message.retain && matching.some(({ retainAsPublished }) => retainAsPublished),
      identifiers: matching.flatMap(({ identifier }) => identifier === null ? [] : [identifier]),
    });
  }

  /** Kill and start: what is not kept is gone, what is kept lost its connection. */
  restart(): void {
    for (const [client, { isKept }] of this.#sessions) {
      if (!isKept) this.#sessions.delete(client);
    }
    // All are absent before the first will is published.
    for (const session of this.#sessions.values()) session.isConnected = false;
    for (const [client, session] of this.#sessions) {
      const { will } = session;
      session.will = null;
      if (will !== null) this.publish(client, will);
    }
  }

  /** More time passed than sessions of 5.0 have. */
  expire(): void {
    for (const [client, { isConnected, version }] of this.#sessions) {
      if (!isConnected && version === 5) this.#sessions.delete(client);
    }
  }
}

/** `qos topic payload retain identifiers`: a delivery as it is compared. */
export function lineOf(
  { topic, payload }: { topic: string; payload: string },
  { qos, retain, identifiers }: {
    qos: number;
    retain: boolean;
    identifiers: readonly number[];
  },
): string {
  const ids = identifiers.toSorted((a, b) => a - b).join(",");
  return `${qos} ${topic} ${payload} ${retain ? "retain" : ""} ${ids}`;
}

/** Clients of 3.1.1 are told no identifiers. */
function shown(line: string, version: 4 | 5): string {
  return version === 5 ? line : line.slice(0, line.lastIndexOf(" ") + 1);
}
