/** The schema's versions: what each is, how a database gets from one to the next. */
import { backup } from "node:sqlite";
import { ConfigError } from "@/model/errors.ts";
import type { Database } from "@/store/database.ts";
import { M0001_LOG } from "@/store/migrations/m0001_log.ts";
import { M0002_HISTORY } from "@/store/migrations/m0002_history.ts";
import { M0003_BROKER_STATE } from "@/store/migrations/m0003_broker_state.ts";
import { M0004_ACCESS } from "@/store/migrations/m0004_access.ts";
import { M0005_DASHBOARDS } from "@/store/migrations/m0005_dashboards.ts";
import { M0006_ORDERS } from "@/store/migrations/m0006_orders.ts";

export interface Migration {
  version: number;
  title: string;
  /** Statements; they run in one transaction with the change of the version. */
  sql: string;
}

/** In order, without holes: entry i leads to version i + 1. A released one is never changed. */
export const MIGRATIONS: readonly Migration[] = [
  M0001_LOG,
  M0002_HISTORY,
  M0003_BROKER_STATE,
  M0004_ACCESS,
  M0005_DASHBOARDS,
  M0006_ORDERS,
];

/** "Slce": tells our files from other programs' (`PRAGMA application_id`). */
export const APPLICATION_ID = 0x536c6365;

export function schemaVersion(db: Database): number {
  return db.number("PRAGMA user_version");
}

/** A file of another program, or of a newer version of this one, is refused untouched. */
export function checkSchema(db: Database, known = MIGRATIONS.length): void {
  const application = db.number("PRAGMA application_id");
  const version = schemaVersion(db);
  const tables = db.number("SELECT count(*) FROM sqlite_schema");
  if (tables > 0 && application !== APPLICATION_ID) {
    throw new ConfigError(`Cannot use "${db.path}": it is a database of another program`, {
      code: "STO-0101",
      hint: "Give another folder with --data, or move the file away",
    });
  }
  if (version > known) {
    throw new ConfigError(
      `Cannot use "${db.path}": its schema has version ${version}, this program knows ${known}`,
      {
        code: "STO-0102",
        hint: "Run the newer program again, or restore a backup that this one made",
      },
    );
  }
}

/**
 * Brings the database to the newest version, one transaction per step: after a kill it has the old
 * version or the new one. A copy of an existing database is kept beside it before the first step.
 * Resolves with the path of that copy, null when none was needed.
 */
export async function migrate(
  db: Database,
  { migrations = MIGRATIONS, now }: { migrations?: readonly Migration[]; now: Date },
): Promise<string | null> {
  checkSchema(db, migrations.length);
  const version = schemaVersion(db);
  if (version === migrations.length) return null;
  const copy = version === 0 ? null : `${db.path}.before-v${migrations.length}-${fileTime(now)}`;
  if (copy !== null) await backup(db.connection, copy, { rate: -1 });
  applyMigrations(db, migrations);
  return copy;
}

/** The steps that are missing, one transaction each; without a copy of what was there. */
export function applyMigrations(db: Database, migrations = MIGRATIONS): void {
  const version = schemaVersion(db);
  for (const step of migrations.filter((step) => step.version > version)) {
    db.transaction(() => {
      if (version === 0) db.run(`PRAGMA application_id = ${APPLICATION_ID}`);
      db.execute(step.sql);
      db.run(`PRAGMA user_version = ${step.version}`);
    });
  }
}

/** A time as part of a file name: `20260101T000000Z`. */
export function fileTime(at: Date): string {
  return at.toISOString().replace(/[-:]|\.\d+/g, "");
}
