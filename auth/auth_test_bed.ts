/** Access control on real files and a clock that only a test moves. */
import assert from "node:assert/strict";
import { Auth, type AuthOptions, type TokenAnswer } from "@/auth/auth.ts";
import { LOCAL_ACTOR } from "@/auth/audit.ts";
import {
  type AuditRecord,
  type AuthState,
  type AuthStore,
  authStoreOf,
  type Role,
} from "@/auth/auth_store.ts";
import type { Login } from "@/auth/people.ts";
import { BUILD_TIME_MS } from "@/model/build.ts";
import { HttpError } from "@/model/errors.ts";
import { applyAccess } from "@/store/auth_tables.ts";
import { Database } from "@/store/database.ts";
import { runQuery } from "@/store/queries.ts";
import { migrate } from "@/store/schema.ts";

export const GOOD_PASSWORD = "correct horse battery";

/** Cheap on purpose: tests ask who gets in, not how long a guess takes. */
const CHEAP = { log2N: 4, r: 8, p: 1 };

/** A database file with the product's schema, written and read in this thread. */
export class AccessFile {
  readonly #auditMax: number | undefined;
  #db: Database;
  /** Set by a test to make the next commits fail. */
  failWith: Error | null = null;

  private constructor(db: Database, auditMax: number | undefined) {
    this.#db = db;
    this.#auditMax = auditMax;
  }

  static async open(path: string, options: { auditMax?: number } = {}): Promise<AccessFile> {
    const db = new Database(path, { fullSync: false });
    await migrate(db, { now: new Date() });
    return new AccessFile(db, options.auditMax);
  }

  get store(): AuthStore {
    return authStoreOf({
      query: async (name, parameters) => runQuery(this.#db, name, parameters),
      commitAccess: async (changes) => {
        if (this.failWith !== null) throw this.failWith;
        this.#db.transaction(() => applyAccess(this.#db, changes, { auditMax: this.#auditMax }));
      },
    });
  }

  load(): Promise<AuthState> {
    return this.store.load();
  }

  /** Closes the connection and opens another one on the same file. */
  reopen(): void {
    this.#db.reopen();
  }

  close(): void {
    this.#db.close();
  }
}

export class AuthBed implements AsyncDisposable {
  /** The data folder. */
  readonly path: string;
  readonly store: AccessFile;
  readonly clock: TestClock;
  readonly #options: Partial<AuthOptions>;
  #auth: Auth | null = null;

  private constructor(
    parts: { path: string; clock: TestClock; store: AccessFile; options: Partial<AuthOptions> },
  ) {
    this.path = parts.path;
    this.clock = parts.clock;
    this.store = parts.store;
    this.#options = parts.options;
  }

  static async create(options: Partial<AuthOptions> = {}): Promise<AuthBed> {
    const path = await Deno.makeTempDir({ prefix: "sluice-auth-" });
    const store = await AccessFile.open(`${path}/access.db`);
    const bed = new AuthBed({ path, clock: new TestClock(), store, options });
    await bed.reopen();
    return bed;
  }

  get auth(): Auth {
    assert(this.#auth !== null);
    return this.#auth;
  }

  /** What a restart of the gateway does: all memory is gone, the store and the files stay. */
  async reopen(options: Partial<AuthOptions> = {}): Promise<void> {
    this.store.reopen();
    this.#auth = await Auth.open({
      store: this.store.store,
      dataDir: this.path,
      now: () => this.clock.nowMs,
      monotonicNow: () => this.clock.nowMs,
      anonymous: () => "auto",
      autoRegistration: () => "off",
      passwordCost: CHEAP,
      ...this.#options,
      ...options,
    });
  }

  join(...parts: string[]): string {
    return [this.path, ...parts].join("/");
  }

  async addUser(name: string, role: Role = "viewer"): Promise<void> {
    await this.auth.people.add({ name, role, password: GOOD_PASSWORD }, LOCAL_ACTOR);
  }

  login(changes: Partial<Login> & { name: string }): Promise<TokenAnswer> {
    return this.auth.login({ ...loginOf(changes.name), ...changes }, "test");
  }

  async auditTrail(): Promise<AuditRecord[]> {
    return (await this.auth.audit.list({}, { limit: 1000 })).items;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.store.close();
    await Deno.remove(this.path, { recursive: true });
  }
}

export class TestClock {
  nowMs = BUILD_TIME_MS + 1000;

  pass(ms: number): void {
    this.nowMs += ms;
  }
}

export function loginOf(name: string, changes: Partial<Login> = {}): Login {
  return { name, password: GOOD_PASSWORD, address: "192.0.2.1", knownBrowser: null, ...changes };
}

/** Asserts that the promise rejects with an HttpError of this status and code; returns it. */
export async function refusedWith(
  promise: Promise<unknown>,
  expected: { status: number; code?: string },
): Promise<HttpError> {
  let thrown: unknown;
  try {
    await promise;
  } catch (error) {
    thrown = error;
  }
  assert(thrown instanceof HttpError, `Not refused: ${String(thrown)}`);
  assert.equal(thrown.status, expected.status, thrown.message);
  if (expected.code !== undefined) assert.equal(thrown.code, expected.code);
  return thrown;
}
