import type { Migration } from "@/store/schema.ts";

/** Dashboards that people made or changed; the built-in ones come from the program. */
export const M0005_DASHBOARDS: Migration = {
  version: 5,
  title: "dashboards",
  sql: `
    CREATE TABLE dashboards (
      id TEXT PRIMARY KEY,
      title TEXT NOT NULL,
      position INTEGER NOT NULL,
      updated_at_ms INTEGER NOT NULL,
      updated_by TEXT NOT NULL,
      description TEXT NOT NULL
    ) WITHOUT ROWID;
  `,
};
