/**
 * Who did what, when, to what, from where: append-only, kept in the database with the change itself.
 *
 * Texts come from outside (user names, addresses, device ids), so each is made printable before it is
 * kept: nothing in the trail can forge a line, move a terminal's cursor or turn text around. Refused
 * attempts are bounded per ten minutes and kind; the next entry says how many were left out, so that
 * guessing passwords cannot fill the disk or push older entries out.
 */
import { RepeatLimiter } from "@/observe/log.ts";
import type {
  AuditEntry,
  AuditFilter,
  AuditPage,
  AuditRecord,
  AuthChange,
  AuthStore,
} from "@/auth/auth_store.ts";

/** Who acts, for the trail. */
export interface Actor {
  name: string;
  /** Remote address, or `local`. */
  address: string;
}

/** The command line, on the gateway itself. */
export const LOCAL_ACTOR: Actor = { name: "local", address: "local" };
/** The gateway on its own account. */
export const GATEWAY_ACTOR: Actor = { name: "gateway", address: "local" };

export interface Act {
  by: Actor;
  action: string;
  subject: string;
  detail?: string;
}

const TEXT_MAX = 200;
const DETAIL_MAX = 1000;
const EXPORT_PAGE = 500;
/** Refused attempts of one kind per ten minutes: 2 880 a day at the most, of 100 000 lines. */
const REFUSALS_MAX = 20;
const REFUSALS_WINDOW_MS = 600_000;

export class AuditTrail {
  readonly #store: AuthStore;
  readonly #now: () => number;
  readonly #refusals = new RepeatLimiter({
    repeatsMax: REFUSALS_MAX,
    windowMs: REFUSALS_WINDOW_MS,
  });

  constructor(options: { store: AuthStore; now: () => number }) {
    this.#store = options.store;
    this.#now = options.now;
  }

  /** The entry as a change, to be committed together with what it tells of. */
  entry(act: Act): AuthChange {
    return { type: "audit", entry: this.#write(act, "ok") };
  }

  /** Keeps an act that changed nothing of ours (a destination paused, a backup made). */
  async note(act: Act): Promise<void> {
    await this.#store.commit([this.entry(act)]);
  }

  /** Keeps a refused attempt, unless there were too many of its kind in the last ten minutes. */
  async refused(act: Act): Promise<void> {
    const suppressed = this.#refusals.admit(act.action, this.#now());
    if (suppressed === null) return;
    const more = suppressed === 0 ? "" : ` (${suppressed} more left out before)`;
    const entry = this.#write({ ...act, detail: (act.detail ?? "") + more }, "refused");
    await this.#store.commit([{ type: "audit", entry }]);
  }

  list(filter: AuditFilter, page: { limit: number; cursor?: string }): Promise<AuditPage> {
    return this.#store.listAudit(filter, page);
  }

  /** The whole trail from the newest, page by page, as lines of text. */
  async *export(format: "ndjson" | "csv", filter: AuditFilter = {}): AsyncGenerator<string> {
    if (format === "csv") yield CSV_HEADER;
    let cursor: string | undefined;
    do {
      const page = await this.list(filter, { limit: EXPORT_PAGE, cursor });
      for (const record of page.items) yield format === "csv" ? csvLine(record) : line(record);
      cursor = page.cursor ?? undefined;
    } while (cursor !== undefined);
  }

  #write(act: Act, outcome: AuditEntry["outcome"]): AuditEntry {
    return {
      atMs: this.#now(),
      actor: auditText(act.by.name, TEXT_MAX),
      action: auditText(act.action, TEXT_MAX),
      subject: auditText(act.subject, TEXT_MAX),
      address: auditText(act.by.address, TEXT_MAX),
      outcome,
      detail: auditText(act.detail ?? "", DETAIL_MAX),
    };
  }
}

// What a terminal, a log viewer or a page could act upon instead of showing it: control characters,
// both Unicode line ends, marks that turn the direction of text, zero-width and unpaired code units.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** A text that shows what it is: unprintable characters as `\u{…}`, at most `max` characters. */
export function auditText(text: string, max: number): string {
  const shown = text.slice(0, max + 1).replace(UNPRINTABLE, escapeCharacter);
  return shown.length > max ? shown.slice(0, max - 1).replace(/[\ud800-\udbff]$/, "") + "…" : shown;
}

function escapeCharacter(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

const CSV_HEADER = "id,at,actor,action,subject,address,outcome,detail\r\n";

function csvLine(record: AuditRecord): string {
  const { id, actor, action, subject, address, outcome, detail } = record;
  const at = new Date(record.atMs).toISOString();
  const cells = [String(id), at, actor, action, subject, address, outcome, detail];
  return cells.map(csvCell).join(",") + "\r\n";
}

function line(record: AuditRecord): string {
  const { id, atMs, ...rest } = record;
  return JSON.stringify({ id, at: new Date(atMs).toISOString(), ...rest }) + "\n";
}

/** One cell: quoted, and text that a spreadsheet would take for a formula is kept text by a `'`. */
export function csvCell(text: string): string {
  const inert = /^[\s]*[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",\r\n']/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}
