import type {
  AuditFilter,
  AuditPage,
  AuditRecord,
  AuthChange,
  AuthState,
  AuthStore,
} from "@/auth/auth_store.ts";

/** Keeps access records in memory: for tests of the parts that decide, never in the product. */
export class MemoryAuthStore implements AuthStore {
  readonly #auditMax: number;
  #state: AuthState = { users: [], sessions: [], devices: [], facts: [] };
  #audit: AuditRecord[] = [];
  #lastNumber = 0;
  /** Set by a test to make the next commits fail. */
  failWith: Error | null = null;

  constructor(options: { auditMax?: number } = {}) {
    this.#auditMax = options.auditMax ?? 100_000;
  }

  load(): Promise<AuthState> {
    return Promise.resolve(structuredClone(this.#state));
  }

  commit(changes: AuthChange[]): Promise<void> {
    if (this.failWith !== null) return Promise.reject(this.failWith);
    const next = structuredClone(this.#state);
    const entries: AuditRecord[] = [];
    try {
      for (const change of structuredClone(changes)) {
        if (change.type !== "audit") applyChange(next, change);
        else entries.push({ ...change.entry, number: this.#lastNumber + entries.length + 1 });
      }
    } catch (error) {
      return Promise.reject(error);
    }
    this.#state = next;
    this.#lastNumber += entries.length;
    this.#audit = [...this.#audit, ...entries].slice(-this.#auditMax);
    return Promise.resolve();
  }

  listAudit(filter: AuditFilter, page: { limit: number; cursor?: string }): Promise<AuditPage> {
    const before = page.cursor === undefined ? Infinity : Number(page.cursor);
    const found = this.#audit.filter((record) => record.number < before && fits(record, filter))
      .reverse();
    const items = found.slice(0, page.limit);
    const last = items.at(-1);
    const cursor = found.length > items.length && last !== undefined ? String(last.number) : null;
    return Promise.resolve({ items: structuredClone(items), cursor });
  }
}

function applyChange(state: AuthState, change: Exclude<AuthChange, { type: "audit" }>): void {
  switch (change.type) {
    case "put_user":
      if (state.users.some((user) => clashes(user, change.user))) throw new Error("Name is taken");
      return put(state.users, change.user);
    case "delete_user":
      remove(state.users, change.id);
      state.sessions = state.sessions.filter((session) => session.userId !== change.id);
      return;
    case "put_session":
      if (!state.users.some((user) => user.id === change.session.userId)) {
        throw new Error("Session of nobody");
      }
      return put(state.sessions, change.session);
    case "delete_session":
      return remove(state.sessions, change.id);
    case "put_device":
      return put(state.devices, change.device);
    case "delete_device":
      return remove(state.devices, change.id);
    case "put_fact":
      if (state.facts.some(({ fact }) => fact === change.fact)) return;
      state.facts.push({ fact: change.fact, atMs: change.atMs });
  }
}

function clashes(one: { id: string; name: string }, other: { id: string; name: string }): boolean {
  return one.id !== other.id && one.name.toLowerCase() === other.name.toLowerCase();
}

function put<T extends { id: string }>(list: T[], item: T): void {
  const at = list.findIndex(({ id }) => id === item.id);
  if (at < 0) list.push(item);
  else list[at] = item;
}

function remove(list: { id: string }[], id: string): void {
  const at = list.findIndex((item) => item.id === id);
  if (at >= 0) list.splice(at, 1);
}

function fits(record: AuditRecord, filter: AuditFilter): boolean {
  return (filter.actor === undefined || record.actor === filter.actor) &&
    (filter.action === undefined || record.action === filter.action) &&
    record.atMs >= (filter.fromMs ?? -Infinity) && record.atMs < (filter.toMs ?? Infinity);
}
