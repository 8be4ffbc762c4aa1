/** Two small tables: settings by key, and the audit trail. */
import type { Database } from "@/store/database.ts";
import type { AuditEntry } from "@/store/store_types.ts";

/** Beyond this the oldest entries of the trail go. */
const AUDIT_MAX = 100_000;

export function setSetting(
  db: Database,
  { key, value, atMs }: { key: string; value: string | null; atMs: number },
): void {
  if (value === null) db.run("DELETE FROM settings WHERE key = ?", key);
  else {
    db.run(
      "INSERT OR REPLACE INTO settings (key, value, updated_at_ms) VALUES (?, ?, ?)",
      key,
      value,
      atMs,
    );
  }
}

export function addAudit(db: Database, { entry, atMs }: { entry: AuditEntry; atMs: number }): void {
  db.run(
    "INSERT INTO audit (at_ms, actor, action, subject, detail) VALUES (?, ?, ?, ?, ?)",
    atMs,
    entry.actor,
    entry.action,
    entry.subject,
    entry.detail ?? null,
  );
  db.run("DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?", AUDIT_MAX);
}
