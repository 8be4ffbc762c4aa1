/** Access control on real files and a clock that only a test moves. */
import assert from "node:assert/strict";
import { Auth, type AuthOptions, type TokenAnswer } from "@/auth/auth.ts";
import { LOCAL_ACTOR } from "@/auth/audit.ts";
import type { AuditRecord, Role } from "@/auth/auth_store.ts";
import { MemoryAuthStore } from "@/auth/memory_auth_store.ts";
import type { Login } from "@/auth/people.ts";
import { BUILD_TIME_MS } from "@/model/build.ts";
import { HttpError } from "@/model/errors.ts";

export const GOOD_PASSWORD = "correct horse battery";

/** Cheap on purpose: tests ask who gets in, not how long a guess takes. */
const CHEAP = { log2N: 4, r: 8, p: 1 };

export class AuthBed implements AsyncDisposable {
  /** The data folder. */
  readonly path: string;
  readonly store: MemoryAuthStore;
  readonly clock: TestClock;
  readonly #options: Partial<AuthOptions>;
  #auth: Auth | null = null;

  private constructor(
    parts: { path: string; clock: TestClock; options: Partial<AuthOptions> },
  ) {
    this.path = parts.path;
    this.clock = parts.clock;
    this.store = new MemoryAuthStore();
    this.#options = parts.options;
  }

  static async create(options: Partial<AuthOptions> = {}): Promise<AuthBed> {
    const path = await Deno.makeTempDir({ prefix: "sluice-auth-" });
    const bed = new AuthBed({ path, clock: new TestClock(), options });
    await bed.reopen();
    return bed;
  }

  get auth(): Auth {
    assert(this.#auth !== null);
    return this.#auth;
  }

  /** What a restart of the gateway does: all memory is gone, the store and the files stay. */
  async reopen(options: Partial<AuthOptions> = {}): Promise<void> {
    this.#auth = await Auth.open({
      store: this.store,
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
