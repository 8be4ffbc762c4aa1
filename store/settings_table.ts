/** Two small tables: settings by key, and the audit trail. */
import type { Database } from "@/store/database.ts";

/** Beyond this the oldest entries of the trail go. */
const AUDIT_MAX = 100_000;

/** One line of the trail. */
export interface AuditLine {
  atMs: number;
  actor: string;
  action: string;
  subject: string;
  /** Where it was asked from; empty for the gateway itself. */
  address: string;
  outcome: "ok" | "refused";
  detail: string;
}

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

export function addAudit(db: Database, line: AuditLine, max: number = AUDIT_MAX): void {
  db.run(
    `INSERT INTO audit (at_ms, actor, action, subject, address, outcome, detail)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    line.atMs,
    line.actor,
    line.action,
    line.subject,
    line.address,
    line.outcome,
    line.detail,
  );
  db.run("DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?", max);
}
