import type { Migration } from "@/store/schema.ts";

/**
 * What charts and lists read. `history` is one more cursor over the log, moved in the transaction that
 * writes these rows.
 *
 * Values come in the order of reception and are read in the order of series and event time. Written
 * straight to where they are read, every value would rewrite a page of its own, three with roll-ups:
 * 12 KB to the card for 100 bytes. So they are appended to a small table first (`recent_a` or
 * `recent_b`), and moved many at a time to `readings`, `minutes` and `hours`, series by series. `active`
 * is the table that takes new values; the other one is being moved up to and including the series
 * `moved_series`, or is empty (NULL).
 */
export const M0002_HISTORY: Migration = {
  version: 2,
  title: "history: series, readings, roll-ups, predictions, attributes, devices",
  sql: `
    CREATE TABLE history (
      cursor INTEGER NOT NULL,
      cursor_bytes INTEGER NOT NULL,
      active TEXT NOT NULL,
      moved_series INTEGER
    );
    INSERT INTO history
      SELECT coalesce(min(number), 1) - 1, coalesce(min(offset_bytes), 0), 'a', NULL FROM messages;

    CREATE TABLE recent_a (
      place INTEGER PRIMARY KEY,
      series INTEGER NOT NULL,
      at_us INTEGER NOT NULL,
      number INTEGER NOT NULL,
      item INTEGER NOT NULL,
      value REAL NOT NULL,
      flags INTEGER NOT NULL
    );
    CREATE TABLE recent_b (
      place INTEGER PRIMARY KEY,
      series INTEGER NOT NULL,
      at_us INTEGER NOT NULL,
      number INTEGER NOT NULL,
      item INTEGER NOT NULL,
      value REAL NOT NULL,
      flags INTEGER NOT NULL
    );

    CREATE TABLE series (
      series INTEGER PRIMARY KEY,
      device TEXT NOT NULL,
      measurement TEXT NOT NULL,
      unit TEXT,
      latest_us INTEGER,
      latest_number INTEGER NOT NULL DEFAULT 0,
      latest_value REAL,
      latest_flags INTEGER NOT NULL DEFAULT 0,
      UNIQUE (device, measurement)
    );

    CREATE TABLE readings (
      series INTEGER NOT NULL,
      at_us INTEGER NOT NULL,
      number INTEGER NOT NULL,
      item INTEGER NOT NULL,
      value REAL NOT NULL,
      flags INTEGER NOT NULL,
      PRIMARY KEY (series, at_us, number, item)
    ) WITHOUT ROWID;

    CREATE TABLE minutes (
      series INTEGER NOT NULL,
      bucket INTEGER NOT NULL,
      count INTEGER NOT NULL,
      sum REAL NOT NULL,
      min REAL NOT NULL,
      max REAL NOT NULL,
      last REAL NOT NULL,
      last_us INTEGER NOT NULL,
      PRIMARY KEY (series, bucket)
    ) WITHOUT ROWID;

    CREATE TABLE hours (
      series INTEGER NOT NULL,
      bucket INTEGER NOT NULL,
      count INTEGER NOT NULL,
      sum REAL NOT NULL,
      min REAL NOT NULL,
      max REAL NOT NULL,
      last REAL NOT NULL,
      last_us INTEGER NOT NULL,
      PRIMARY KEY (series, bucket)
    ) WITHOUT ROWID;

    CREATE TABLE predictions (
      device TEXT NOT NULL,
      at_us INTEGER NOT NULL,
      number INTEGER NOT NULL,
      item INTEGER NOT NULL,
      label TEXT NOT NULL,
      score REAL NOT NULL,
      avg_score REAL,
      window INTEGER,
      model TEXT,
      flags INTEGER NOT NULL,
      received_us INTEGER NOT NULL,
      seq INTEGER,
      message_id TEXT NOT NULL,
      debug TEXT,
      PRIMARY KEY (device, at_us, number, item)
    ) WITHOUT ROWID;

    CREATE TABLE attributes (
      device TEXT NOT NULL,
      name TEXT NOT NULL,
      value TEXT NOT NULL,
      at_us INTEGER NOT NULL,
      number INTEGER NOT NULL,
      PRIMARY KEY (device, name)
    ) WITHOUT ROWID;

    CREATE TABLE devices (
      device TEXT PRIMARY KEY,
      via TEXT NOT NULL,
      first_seen_us INTEGER NOT NULL,
      last_seen_us INTEGER NOT NULL,
      messages INTEGER NOT NULL
    ) WITHOUT ROWID;
  `,
};
