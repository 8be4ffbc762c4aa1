/**
 * What the MQTT broker keeps: sessions, subscriptions, queued messages, identifiers of received QoS 2
 * publishes, retained messages. The shapes are those of mqtt/broker_types.ts, said again here because
 * the store knows no protocol; a test holds the two together.
 *
 * A message that waits for many sessions is stored once (`queued_bodies`) with a count of its places;
 * the last place that goes takes it along. Properties are JSON, with bytes as hexadecimal text.
 */
import type { Database } from "@/store/database.ts";

/** Properties as the broker has them: scalars, lists of pairs, and bytes. */
export type BrokerProperties = object | null;

export interface BrokerMessage {
  topic: string;
  payload: Uint8Array;
  qos: 0 | 1 | 2;
  retain: boolean;
  properties: BrokerProperties;
  receivedAtMs: number;
  expiresAtMs: number | null;
}

export interface BrokerSession {
  sessionId: number;
  principalId: string | null;
  clientId: string;
  expirySeconds: number;
  disconnectedAtMs: number | null;
  will: { message: BrokerMessage; delaySeconds: number } | null;
}

export interface BrokerSubscription {
  sessionId: number;
  filter: string;
  qos: 0 | 1 | 2;
  noLocal: boolean;
  retainAsPublished: boolean;
  identifier: number | null;
}

export interface BrokerQueuePlace {
  sessionId: number;
  sequence: number;
  qos: 1 | 2;
  retain: boolean;
  subscriptionIdentifiers: number[];
  share: string | null;
  packetId: number | null;
  released: boolean;
}

export interface BrokerQueueEntry extends BrokerQueuePlace {
  message: BrokerMessage;
}

export type BrokerStateOp =
  | { kind: "session_put"; session: BrokerSession }
  | { kind: "session_delete"; sessionId: number }
  | { kind: "subscription_put"; subscription: BrokerSubscription }
  | { kind: "subscription_delete"; sessionId: number; filter: string }
  | { kind: "queue_add"; message: BrokerMessage; places: BrokerQueuePlace[] }
  | { kind: "queue_sent"; sessionId: number; sequence: number; packetId: number; released: boolean }
  | { kind: "queue_remove"; sessionId: number; sequence: number }
  | { kind: "inbound_add"; sessionId: number; packetId: number }
  | { kind: "inbound_remove"; sessionId: number; packetId: number }
  | { kind: "retained_put"; message: BrokerMessage }
  | { kind: "retained_delete"; topic: string };

export interface BrokerState {
  sessions: BrokerSession[];
  subscriptions: BrokerSubscription[];
  queue: BrokerQueueEntry[];
  inbound: { sessionId: number; packetId: number }[];
  retained: BrokerMessage[];
}

type QueueOp = Extract<
  BrokerStateOp,
  { kind: "queue_add" | "queue_sent" | "queue_remove" | "inbound_add" | "inbound_remove" }
>;

/**
 * A copy that the caller's later changes do not reach. Payloads are often views into receive buffers:
 * a structured clone of such a view would carry the whole buffer to the other thread.
 */
export function copyStateOp(op: BrokerStateOp): BrokerStateOp {
  switch (op.kind) {
    case "session_put": {
      const { will } = op.session;
      const copy = will === null ? null : { ...will, message: copyMessage(will.message) };
      return { ...op, session: { ...op.session, will: copy } };
    }
    case "subscription_put":
      return { ...op, subscription: { ...op.subscription } };
    case "queue_add":
      return { ...op, message: copyMessage(op.message), places: op.places.map((p) => ({ ...p })) };
    case "retained_put":
      return { ...op, message: copyMessage(op.message) };
    default:
      return { ...op };
  }
}

function copyMessage(message: BrokerMessage): BrokerMessage {
  const { properties } = message;
  return {
    ...message,
    payload: message.payload.slice(),
    properties: properties === null ? null : copyBytes(properties),
  };
}

function copyBytes(properties: object): object {
  return Object.fromEntries(
    Object.entries(properties).map((
      [key, value],
    ) => [key, value instanceof Uint8Array ? value.slice() : value]),
  );
}

/** Bytes of payload that an op carries; for the limit of what waits for a commit. */
export function stateOpBytes(op: BrokerStateOp): number {
  if (op.kind === "queue_add") return op.message.payload.length + 64 * op.places.length;
  return op.kind === "retained_put" ? op.message.payload.length + 64 : 64;
}

/** Applies one change; part of a transaction of the caller. */
export function applyStateOp(db: Database, op: BrokerStateOp): void {
  switch (op.kind) {
    case "session_put":
      return putSession(db, op.session);
    case "session_delete":
      return deleteSession(db, op.sessionId);
    case "subscription_put":
      return putSubscription(db, op.subscription);
    case "subscription_delete":
      db.run(
        "DELETE FROM subscriptions WHERE session = ? AND filter = ?",
        op.sessionId,
        op.filter,
      );
      return;
    case "retained_put":
      db.run(
        "INSERT OR REPLACE INTO retained (topic, header, payload) VALUES (?, ?, ?)",
        op.message.topic,
        header(op.message),
        op.message.payload,
      );
      return;
    case "retained_delete":
      db.run("DELETE FROM retained WHERE topic = ?", op.topic);
      return;
    default:
      return applyQueueOp(db, op);
  }
}

function applyQueueOp(db: Database, op: QueueOp): void {
  switch (op.kind) {
    case "queue_add":
      return addToQueues(db, op.message, op.places);
    case "queue_sent":
      db.run(
        "UPDATE queued SET packet_id = ?, released = ? WHERE session = ? AND sequence = ?",
        op.packetId,
        Number(op.released),
        op.sessionId,
        op.sequence,
      );
      return;
    case "queue_remove":
      return removeFromQueue(db, op.sessionId, op.sequence);
    case "inbound_add":
      db.run(
        `INSERT OR IGNORE INTO inbound_ids (session, packet_id)
         SELECT session, ? FROM sessions WHERE session = ?`,
        op.packetId,
        op.sessionId,
      );
      return;
    case "inbound_remove":
      db.run(
        "DELETE FROM inbound_ids WHERE session = ? AND packet_id = ?",
        op.sessionId,
        op.packetId,
      );
      return;
  }
}

function putSession(db: Database, session: BrokerSession): void {
  const { will } = session;
  const values = [
    session.principalId,
    session.clientId,
    session.expirySeconds,
    session.disconnectedAtMs,
    will === null ? null : `${will.delaySeconds} ${header(will.message)}`,
    will?.message.payload ?? null,
  ];
  const changed = db.run(
    `UPDATE sessions SET principal = ?, client_id = ?, expiry_seconds = ?, disconnected_at_ms = ?,
       will = ?, will_payload = ? WHERE session = ?`,
    ...values,
    session.sessionId,
  );
  if (changed > 0) return;
  db.run(
    `INSERT INTO sessions (principal, client_id, expiry_seconds, disconnected_at_ms, will,
       will_payload, session) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ...values,
    session.sessionId,
  );
}

function deleteSession(db: Database, session: number): void {
  db.run(
    `UPDATE queued_bodies SET places = places - gone.count
     FROM (SELECT body, count(*) AS count FROM queued WHERE session = ? GROUP BY body) AS gone
     WHERE queued_bodies.body = gone.body`,
    session,
  );
  db.run(
    `DELETE FROM queued_bodies WHERE places <= 0
     AND body IN (SELECT body FROM queued WHERE session = ?)`,
    session,
  );
  for (const table of ["queued", "inbound_ids", "subscriptions", "sessions"]) {
    db.run(`DELETE FROM ${table} WHERE session = ?`, session);
  }
}

function putSubscription(db: Database, subscription: BrokerSubscription): void {
  db.run(
    `INSERT OR REPLACE INTO subscriptions (session, filter, qos, no_local, retain_as_published,
       identifier) SELECT session, ?, ?, ?, ?, ? FROM sessions WHERE session = ?`,
    subscription.filter,
    subscription.qos,
    Number(subscription.noLocal),
    Number(subscription.retainAsPublished),
    subscription.identifier,
    subscription.sessionId,
  );
}

function addToQueues(db: Database, message: BrokerMessage, places: BrokerQueuePlace[]): void {
  const known = places.filter((place) =>
    db.get("SELECT 1 FROM sessions WHERE session = ?", place.sessionId) !== undefined
  );
  if (known.length === 0) return;
  const body = db.get<{ body: number }>(
    "INSERT INTO queued_bodies (places, header, payload) VALUES (?, ?, ?) RETURNING body",
    known.length,
    header(message),
    message.payload,
  )?.body ?? 0;
  for (const place of known) putPlace(db, place, body);
}

function putPlace(db: Database, place: BrokerQueuePlace, body: number): void {
  const { subscriptionIdentifiers: identifiers } = place;
  db.run(
    `INSERT INTO queued (session, sequence, body, qos, retain, packet_id, released, identifiers,
       share) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    place.sessionId,
    place.sequence,
    body,
    place.qos,
    Number(place.retain),
    place.packetId,
    Number(place.released),
    identifiers.length === 0 ? null : JSON.stringify(identifiers),
    place.share,
  );
}

function removeFromQueue(db: Database, session: number, sequence: number): void {
  const place = db.get<{ body: number }>(
    "DELETE FROM queued WHERE session = ? AND sequence = ? RETURNING body",
    session,
    sequence,
  );
  if (place === undefined) return;
  db.run("UPDATE queued_bodies SET places = places - 1 WHERE body = ?", place.body);
  db.run("DELETE FROM queued_bodies WHERE body = ? AND places <= 0", place.body);
}

// --- reading ------------------------------------------------------------------------------------

/** Everything that is kept; once, at the start of the broker. */
export function readBrokerState(db: Database): BrokerState {
  return {
    sessions: readSessions(db),
    subscriptions: readSubscriptions(db),
    queue: readQueue(db),
    inbound: db.all<{ sessionId: number; packetId: number }>(
      "SELECT session AS sessionId, packet_id AS packetId FROM inbound_ids",
    ).map((row) => ({ ...row })),
    retained: db.all<{ header: string; payload: Uint8Array }>(
      "SELECT header, payload FROM retained",
    ).map((row) => messageOf(row.header, row.payload)),
  };
}

function readSessions(db: Database): BrokerSession[] {
  const rows = db.all<{
    session: number;
    principal: string | null;
    client_id: string;
    expiry_seconds: number;
    disconnected_at_ms: number | null;
    will: string | null;
    will_payload: Uint8Array | null;
  }>("SELECT * FROM sessions");
  return rows.map((row) => ({
    sessionId: row.session,
    principalId: row.principal,
    clientId: row.client_id,
    expirySeconds: row.expiry_seconds,
    disconnectedAtMs: row.disconnected_at_ms,
    will: row.will === null ? null : willOf(row.will, row.will_payload ?? new Uint8Array()),
  }));
}

function willOf(text: string, payload: Uint8Array): BrokerSession["will"] {
  const space = text.indexOf(" ");
  return {
    delaySeconds: Number(text.slice(0, space)),
    message: messageOf(text.slice(space + 1), payload),
  };
}

function readSubscriptions(db: Database): BrokerSubscription[] {
  const rows = db.all<{
    session: number;
    filter: string;
    qos: 0 | 1 | 2;
    no_local: number;
    retain_as_published: number;
    identifier: number | null;
  }>("SELECT * FROM subscriptions");
  return rows.map((row) => ({
    sessionId: row.session,
    filter: row.filter,
    qos: row.qos,
    noLocal: row.no_local !== 0,
    retainAsPublished: row.retain_as_published !== 0,
    identifier: row.identifier,
  }));
}

/** Places of one body share one message object: a thousand sessions do not cost a thousand copies. */
function readQueue(db: Database): BrokerQueueEntry[] {
  const bodies = new Map(
    db.all<{ body: number; header: string; payload: Uint8Array }>("SELECT * FROM queued_bodies")
      .map((row) => [row.body, messageOf(row.header, row.payload)]),
  );
  const rows = db.all<{
    session: number;
    sequence: number;
    body: number;
    qos: 1 | 2;
    retain: number;
    packet_id: number | null;
    released: number;
    identifiers: string | null;
    share: string | null;
  }>("SELECT * FROM queued");
  return rows.flatMap((row) => {
    const message = bodies.get(row.body);
    if (message === undefined) return [];
    return [{
      sessionId: row.session,
      sequence: row.sequence,
      qos: row.qos,
      retain: row.retain !== 0,
      subscriptionIdentifiers: row.identifiers === null ? [] : JSON.parse(row.identifiers),
      share: row.share,
      packetId: row.packet_id,
      released: row.released !== 0,
      message,
    }];
  });
}

// --- one message at rest ------------------------------------------------------------------------

function header(message: BrokerMessage): string {
  const { topic, qos, retain, receivedAtMs, expiresAtMs } = message;
  const properties = message.properties === null ? null : packBytes(message.properties);
  return JSON.stringify([topic, qos, Number(retain), receivedAtMs, expiresAtMs, properties]);
}

function messageOf(text: string, payload: Uint8Array): BrokerMessage {
  const [topic, qos, retain, receivedAtMs, expiresAtMs, properties] = JSON.parse(text);
  return {
    topic,
    payload,
    qos,
    retain: retain === 1,
    properties: properties === null ? null : unpackBytes(properties),
    receivedAtMs,
    expiresAtMs,
  };
}

/** Byte members become `["hex", text]`, told from lists of pairs by their first member's type. */
function packBytes(properties: object): object {
  return Object.fromEntries(
    Object.entries(properties).map((
      [key, value],
    ) => [key, value instanceof Uint8Array ? ["hex", toHex(value)] : value]),
  );
}

function unpackBytes(properties: object): object {
  return Object.fromEntries(
    Object.entries(properties).map(([key, value]) => {
      const packed = Array.isArray(value) && value.length === 2 && value[0] === "hex";
      return [key, packed ? fromHex(String(value[1])) : value];
    }),
  );
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
}
