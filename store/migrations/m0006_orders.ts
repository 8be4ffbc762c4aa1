import type { Migration } from "@/store/schema.ts";

/** Requests of visitors for device kits. A number is never used again, so a link stays one's own. */
export const M0006_ORDERS: Migration = {
  version: 6,
  title: "orders: requests for device kits",
  sql: `
    CREATE TABLE orders (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      reference TEXT NOT NULL UNIQUE,
      at_ms INTEGER NOT NULL,
      state TEXT NOT NULL,
      kit TEXT NOT NULL,
      quantity INTEGER NOT NULL,
      region TEXT NOT NULL,
      name TEXT NOT NULL,
      organisation TEXT NOT NULL,
      email TEXT NOT NULL,
      address TEXT NOT NULL,
      notes TEXT NOT NULL,
      remark TEXT NOT NULL,
      changed_at_ms INTEGER,
      changed_by TEXT NOT NULL
    );
  `,
};
