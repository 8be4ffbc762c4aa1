import type { Migration } from "@/store/schema.ts";

/**
 * People, their sessions, devices and their credentials, and the audit trail's address and outcome.
 * Nothing here can be turned back into a password or a secret.
 */
export const M0004_ACCESS: Migration = {
  version: 4,
  title: "access: people, sessions, device credentials; audit with address and outcome",
  sql: `
    CREATE TABLE people (
      id TEXT PRIMARY KEY,
      name TEXT NOT NULL UNIQUE COLLATE NOCASE,
      role TEXT NOT NULL,
      password_hash TEXT NOT NULL,
      token_version INTEGER NOT NULL,
      created_at_ms INTEGER NOT NULL,
      password_set_at_ms INTEGER NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE people_sessions (
      id TEXT PRIMARY KEY,
      person TEXT NOT NULL,
      kind TEXT NOT NULL,
      selector TEXT NOT NULL,
      secret_hash TEXT NOT NULL,
      created_at_ms INTEGER NOT NULL,
      used_at_ms INTEGER NOT NULL,
      expires_at_ms INTEGER NOT NULL,
      address TEXT NOT NULL,
      agent TEXT NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE device_credentials (
      id TEXT PRIMARY KEY,
      label TEXT NOT NULL,
      disabled INTEGER NOT NULL,
      secret_salt TEXT,
      secret_hash TEXT,
      secret_set_at_ms INTEGER,
      origin TEXT NOT NULL,
      created_at_ms INTEGER NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE device_certificates (
      device TEXT NOT NULL,
      place INTEGER NOT NULL,
      fingerprint TEXT NOT NULL UNIQUE,
      not_before_ms INTEGER NOT NULL,
      not_after_ms INTEGER NOT NULL,
      added_at_ms INTEGER NOT NULL,
      origin TEXT NOT NULL,
      PRIMARY KEY (device, place)
    ) WITHOUT ROWID;

    CREATE TABLE device_grants (
      device TEXT NOT NULL,
      place INTEGER NOT NULL,
      action TEXT NOT NULL,
      filter TEXT NOT NULL,
      PRIMARY KEY (device, place)
    ) WITHOUT ROWID;

    CREATE TABLE access_facts (
      fact TEXT PRIMARY KEY,
      at_ms INTEGER NOT NULL
    ) WITHOUT ROWID;

    ALTER TABLE audit ADD COLUMN address TEXT NOT NULL DEFAULT '';
    ALTER TABLE audit ADD COLUMN outcome TEXT NOT NULL DEFAULT 'ok';
  `,
};
