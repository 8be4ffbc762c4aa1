import type { Migration } from "@/store/schema.ts";

/**
 * What the MQTT broker keeps over a restart. A message that waits for many sessions has one body;
 * it goes away with its last place.
 */
export const M0003_BROKER_STATE: Migration = {
  version: 3,
  title: "broker: sessions, subscriptions, queued and retained messages",
  sql: `
    CREATE TABLE sessions (
      session INTEGER PRIMARY KEY,
      principal TEXT,
      client_id TEXT NOT NULL,
      expiry_seconds INTEGER NOT NULL,
      disconnected_at_ms INTEGER,
      will TEXT,
      will_payload BLOB
    );

    CREATE TABLE subscriptions (
      session INTEGER NOT NULL,
      filter TEXT NOT NULL,
      qos INTEGER NOT NULL,
      no_local INTEGER NOT NULL,
      retain_as_published INTEGER NOT NULL,
      identifier INTEGER,
      PRIMARY KEY (session, filter)
    ) WITHOUT ROWID;

    CREATE TABLE queued_bodies (
      body INTEGER PRIMARY KEY AUTOINCREMENT,
      places INTEGER NOT NULL,
      header TEXT NOT NULL,
      payload BLOB NOT NULL
    );

    CREATE TABLE queued (
      session INTEGER NOT NULL,
      sequence INTEGER NOT NULL,
      body INTEGER NOT NULL,
      qos INTEGER NOT NULL,
      retain INTEGER NOT NULL,
      packet_id INTEGER,
      released INTEGER NOT NULL,
      identifiers TEXT,
      share TEXT,
      PRIMARY KEY (session, sequence)
    ) WITHOUT ROWID;

    CREATE TABLE inbound_ids (
      session INTEGER NOT NULL,
      packet_id INTEGER NOT NULL,
      PRIMARY KEY (session, packet_id)
    ) WITHOUT ROWID;

    CREATE TABLE retained (
      topic TEXT PRIMARY KEY,
      header TEXT NOT NULL,
      payload BLOB NOT NULL
    );
  `,
};
