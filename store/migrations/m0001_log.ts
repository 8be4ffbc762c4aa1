import type { Migration } from "@/store/schema.ts";

/**
 * The log, the ledger and what is committed with them. Column order matters twice: `payload` is last,
 * so that what is in front of it is read without following overflow pages, and salvage reads damaged
 * leaf pages by this order.
 */
export const M0001_LOG: Migration = {
  version: 1,
  title: "log, destinations, exceptions, duplicate windows",
  sql: `
    CREATE TABLE meta (
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE epochs (
      place INTEGER PRIMARY KEY,
      from_number INTEGER NOT NULL,
      epoch TEXT NOT NULL UNIQUE,
      reason TEXT NOT NULL,
      at_ms INTEGER NOT NULL
    );

    CREATE TABLE boots (
      boot INTEGER PRIMARY KEY,
      boot_id TEXT NOT NULL UNIQUE
    );

    CREATE TABLE messages (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      source INTEGER NOT NULL,
      source_name TEXT NOT NULL,
      device TEXT NOT NULL,
      seq INTEGER,
      hash INTEGER NOT NULL,
      received_us INTEGER NOT NULL,
      wall_us INTEGER NOT NULL,
      boot INTEGER NOT NULL,
      mono_us INTEGER NOT NULL,
      flags INTEGER NOT NULL,
      offset_bytes INTEGER NOT NULL,
      trace_id TEXT,
      topic TEXT NOT NULL,
      payload TEXT NOT NULL
    );

    CREATE TABLE gaps (
      from_number INTEGER PRIMARY KEY,
      through_number INTEGER NOT NULL
    );

    CREATE TABLE destinations (
      name TEXT PRIMARY KEY,
      created_after INTEGER NOT NULL,
      cursor INTEGER NOT NULL,
      cursor_bytes INTEGER NOT NULL,
      acked INTEGER NOT NULL DEFAULT 0,
      expired INTEGER NOT NULL DEFAULT 0,
      purged INTEGER NOT NULL DEFAULT 0,
      dropped INTEGER NOT NULL DEFAULT 0,
      backfilled INTEGER NOT NULL DEFAULT 0,
      dead INTEGER NOT NULL DEFAULT 0,
      retry INTEGER NOT NULL DEFAULT 0,
      dead_bytes INTEGER NOT NULL DEFAULT 0,
      retry_bytes INTEGER NOT NULL DEFAULT 0,
      paused INTEGER NOT NULL DEFAULT 0,
      removed INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;

    CREATE TABLE exceptions (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      destination TEXT NOT NULL,
      number INTEGER NOT NULL,
      state INTEGER NOT NULL,
      message_id TEXT NOT NULL,
      source INTEGER NOT NULL,
      source_name TEXT NOT NULL,
      device TEXT NOT NULL,
      seq INTEGER,
      received_us INTEGER NOT NULL,
      flags INTEGER NOT NULL,
      trace_id TEXT,
      attempts INTEGER NOT NULL,
      dead_at_ms INTEGER NOT NULL,
      bytes INTEGER NOT NULL,
      error TEXT NOT NULL,
      topic TEXT NOT NULL,
      payload TEXT NOT NULL
    );
    CREATE UNIQUE INDEX exceptions_place ON exceptions (destination, number);
    CREATE INDEX exceptions_retry ON exceptions (destination, number) WHERE state = 1;

    CREATE TABLE source_dead (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      source INTEGER NOT NULL,
      source_name TEXT NOT NULL,
      device TEXT,
      reason TEXT NOT NULL,
      at_ms INTEGER NOT NULL,
      bytes INTEGER NOT NULL,
      topic TEXT NOT NULL,
      detail TEXT NOT NULL,
      payload BLOB NOT NULL
    );

    CREATE TABLE idempotency (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      key TEXT NOT NULL UNIQUE,
      message_id TEXT NOT NULL,
      at_us INTEGER NOT NULL
    );

    CREATE TABLE windows (
      window INTEGER PRIMARY KEY,
      device TEXT NOT NULL UNIQUE,
      position INTEGER NOT NULL,
      highest INTEGER NOT NULL
    );
    CREATE TABLE window_blocks (
      block INTEGER PRIMARY KEY,
      entries BLOB NOT NULL
    );

    CREATE TABLE settings (
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL,
      updated_at_ms INTEGER NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE audit (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      at_ms INTEGER NOT NULL,
      actor TEXT NOT NULL,
      action TEXT NOT NULL,
      subject TEXT NOT NULL,
      detail TEXT
    );
  `,
};
