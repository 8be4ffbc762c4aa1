/** People who sign in: adding, roles, passwords, removal, and the check of a login. */
import { randomBytes } from "node:crypto";
import type { Actor, AuditTrail } from "@/auth/audit.ts";
import type { AuthMirror, Plan } from "@/auth/auth_mirror.ts";
import { type AuthChange, type Role, ROLES, type UserRecord } from "@/auth/auth_store.ts";
import { knownBrowserId, markBrowser } from "@/auth/known_browser.ts";
import type { LoginThrottle } from "@/auth/login_throttle.ts";
import { PASSWORD_BYTES_MAX, type PasswordHasher, passwordProblem } from "@/auth/password_hash.ts";
import {
  alreadyThere,
  claimClosed,
  invalid,
  lastAdmin,
  limitReached,
  loginThrottled,
  notThere,
  wrongLogin,
} from "@/auth/refusals.ts";
import type { Revocations } from "@/auth/revocations.ts";

/** What may be shown of a person. */
export interface Person {
  id: string;
  name: string;
  role: Role;
  createdAtMs: number;
  passwordSetAtMs: number;
  /** Open sessions, browsers and token families. */
  sessions: number;
}

export interface Login {
  name: string;
  password: string;
  address: string;
  /** Cookie of a browser that signed in before (`known_browser.ts`), or null. */
  knownBrowser: string | null;
}

export interface NewPerson {
  name: string;
  role: Role;
  password: string;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$/;
const USERS_MAX = 1000;

export class People {
  readonly #mirror: AuthMirror;
  readonly #hasher: PasswordHasher;
  readonly #throttle: LoginThrottle;
  readonly #revocations: Revocations;
  readonly #audit: AuditTrail;
  readonly #now: () => number;

  constructor(
    options: {
      mirror: AuthMirror;
      hasher: PasswordHasher;
      throttle: LoginThrottle;
      revocations: Revocations;
      audit: AuditTrail;
      now: () => number;
    },
  ) {
    this.#mirror = options.mirror;
    this.#hasher = options.hasher;
    this.#throttle = options.throttle;
    this.#revocations = options.revocations;
    this.#audit = options.audit;
    this.#now = options.now;
  }

  /** By name. */
  list(): Person[] {
    return [...this.#mirror.users.values()].map((user) => this.#show(user))
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  find(name: string): Person | null {
    const user = this.#mirror.userByName(name);
    return user === undefined ? null : this.#show(user);
  }

  /** True once somebody can administrate: the claim is closed from then on. */
  get adminExists(): boolean {
    return this.#admins() > 0;
  }

  /**
   * Checks name and password. The answer to a wrong name is the answer to a wrong password, after the
   * same work. Throws HttpError 401, 429 (too many failures), 503 (too many at once).
   */
  async login(login: Login): Promise<{ user: UserRecord; knownBrowser: string }> {
    const user = this.#mirror.userByName(login.name);
    const admission = this.#throttle.admit({
      account: login.name.slice(0, 64),
      address: login.address,
      knownBrowser: knownBrowserId(login.knownBrowser, { user, nowMs: this.#now() }),
    });
    if (!admission.admitted) throw await this.#turnAway(login, admission.retryAfterSeconds);
    const tooLong = login.password.length > PASSWORD_BYTES_MAX;
    const password = tooLong ? "" : login.password;
    const verdict = await this.#hasher.verify(password, user?.passwordHash ?? null);
    if (user === undefined || !verdict.matches) throw await this.#fail(login);
    admission.refund();
    const current = verdict.outdated ? await this.#rehash(user, password) : user;
    await this.#audit.note({ by: actorOf(login), action: "login", subject: user.name });
    return { user: current, knownBrowser: markBrowser(current, this.#now()) };
  }

  /** Throws HttpError 400 (name, password), 409 (taken, too many). */
  async add(person: NewPerson, by: Actor): Promise<Person> {
    return this.#show(await this.#insert(person, { by, first: false }));
  }

  /** Adds the admin of a gateway that has none; throws HttpError 403 when there is one. */
  async addFirstAdmin(person: Omit<NewPerson, "role">, by: Actor): Promise<UserRecord> {
    return await this.#insert({ ...person, role: "admin" }, { by, first: true });
  }

  /** Ends all sessions of the person except `keepSessionId`. Throws HttpError 400, 404. */
  async setPassword(
    name: string,
    change: { password: string; by: Actor; keepSessionId?: string },
  ): Promise<void> {
    assertPassword(change.password, name);
    const passwordHash = await this.#hasher.hash(change.password);
    await this.#alter(name, {
      by: change.by,
      action: "user_password",
      detail: "",
      keepSessionId: change.keepSessionId ?? null,
      alter: (user) => ({ ...user, passwordHash, passwordSetAtMs: this.#now() }),
    });
  }

  /** The same, by the person: the current password is asked for as at a login. */
  async changeOwnPassword(
    change: Login & { next: string; keepSessionId?: string },
  ): Promise<void> {
    const { user } = await this.login(change);
    const { next: password, keepSessionId } = change;
    await this.setPassword(user.name, { password, by: actorOf(change), keepSessionId });
  }

  /** Ends all sessions of the person. Throws HttpError 404, 409 (last admin). */
  async setRole(name: string, change: { role: Role; by: Actor }): Promise<void> {
    assertRole(change.role);
    await this.#alter(name, {
      by: change.by,
      action: "user_role",
      detail: `role ${change.role}`,
      keepSessionId: null,
      alter: (user) => {
        this.#assertNotLastAdmin(user, change.role);
        return { ...user, role: change.role };
      },
    });
  }

  /** Throws HttpError 404, 409 (last admin). */
  async remove(name: string, by: Actor): Promise<void> {
    const userId = await this.#mirror.change(() => {
      const user = this.#need(name);
      this.#assertNotLastAdmin(user, null);
      const entry = this.#audit.entry({ by, action: "user_remove", subject: user.name });
      return { changes: [{ type: "delete_user", id: user.id }, entry], result: user.id };
    });
    this.#revocations.revoke({ kind: "user", userId, keepSessionId: null });
  }

  async #insert(
    person: NewPerson,
    { by, first }: { by: Actor; first: boolean },
  ): Promise<UserRecord> {
    assertName(person.name);
    assertRole(person.role);
    assertPassword(person.password, person.name);
    const passwordHash = await this.#hasher.hash(person.password);
    return await this.#mirror.change((): Plan<UserRecord> => {
      if (first && this.adminExists) throw claimClosed();
      this.#assertRoomFor(person.name);
      const user = newUser(person, { passwordHash, nowMs: this.#now() });
      const act = { by, subject: user.name, detail: `role ${user.role}` };
      const entry = this.#audit.entry({ ...act, action: first ? "claim" : "user_add" });
      return { changes: [{ type: "put_user", user }, entry], result: user };
    });
  }

  async #alter(
    name: string,
    change: {
      by: Actor;
      action: string;
      detail: string;
      keepSessionId: string | null;
      alter: (user: UserRecord) => UserRecord;
    },
  ): Promise<void> {
    const { by, action, detail, keepSessionId } = change;
    const userId = await this.#mirror.change((): Plan<string> => {
      const before = this.#need(name);
      const user = { ...change.alter(before), tokenVersion: before.tokenVersion + 1 };
      const entry = this.#audit.entry({ by, action, subject: user.name, detail });
      const ends = this.#mirror.sessionsOf(user.id).filter(({ id }) => id !== keepSessionId)
        .map(({ id }): AuthChange => ({ type: "delete_session", id }));
      return { changes: [{ type: "put_user", user }, ...ends, entry], result: user.id };
    });
    this.#revocations.revoke({ kind: "user", userId, keepSessionId });
  }

  /** Same password, today's parameters: nothing ends. */
  async #rehash(user: UserRecord, password: string): Promise<UserRecord> {
    const passwordHash = await this.#hasher.hash(password);
    return await this.#mirror.change((): Plan<UserRecord> => {
      const now = this.#mirror.users.get(user.id);
      if (now?.passwordHash !== user.passwordHash) throw wrongLogin();
      const next = { ...now, passwordHash };
      return { changes: [{ type: "put_user", user: next }], result: next };
    });
  }

  async #turnAway(login: Login, retryAfterSeconds: number): Promise<Error> {
    const act = { ...this.#attemptOf(login), detail: "too many failures" };
    await this.#audit.refused({ ...act, action: "login_throttled" });
    return loginThrottled(retryAfterSeconds);
  }

  async #fail(login: Login): Promise<Error> {
    await this.#audit.refused({ ...this.#attemptOf(login), action: "login" });
    return wrongLogin();
  }

  /** A name that nobody has is not kept: now and then it is a password in the wrong field. */
  #attemptOf({ name, address }: Login): { by: Actor; subject: string } {
    const known = this.#mirror.userByName(name)?.name ?? UNKNOWN_NAME;
    return { by: { name: known, address }, subject: known };
  }

  #show(user: UserRecord): Person {
    const { id, name, role, createdAtMs, passwordSetAtMs } = user;
    const sessions = this.#mirror.sessionsOf(id).length;
    return { id, name, role, createdAtMs, passwordSetAtMs, sessions };
  }

  #need(name: string): UserRecord {
    const user = this.#mirror.userByName(name);
    if (user === undefined) throw notThere("user", name);
    return user;
  }

  #admins(): number {
    return [...this.#mirror.users.values()].filter(({ role }) => role === "admin").length;
  }

  #assertNotLastAdmin(user: UserRecord, nextRole: Role | null): void {
    if (user.role === "admin" && nextRole !== "admin" && this.#admins() === 1) throw lastAdmin();
  }

  #assertRoomFor(name: string): void {
    if (this.#mirror.userByName(name) !== undefined) {
      const hint = `choose another name, or set a password with: sluice user password ${name}`;
      throw alreadyThere(`There is a user "${name}" already`, hint);
    }
    if (this.#mirror.users.size >= USERS_MAX) throw limitReached("users", USERS_MAX);
  }
}

/** No user can have it: names hold no space. */
const UNKNOWN_NAME = "unknown name";

function newUser(
  { name, role }: NewPerson,
  { passwordHash, nowMs }: { passwordHash: string; nowMs: number },
): UserRecord {
  const id = randomBytes(16).toString("hex");
  const times = { createdAtMs: nowMs, passwordSetAtMs: nowMs };
  return { id, name, role, passwordHash, tokenVersion: 1, ...times };
}

function actorOf(login: Login): Actor {
  return { name: login.name, address: login.address };
}

function assertName(name: string): void {
  if (NAME.test(name)) return;
  throw invalid(
    `Invalid user name "${name.slice(0, 80)}"`,
    "use 1 to 64 of A-Z a-z 0-9 . _ @ + -, starting with a letter or digit",
  );
}

function assertRole(role: string): asserts role is Role {
  if (ROLES.some((known) => known === role)) return;
  throw invalid(`Unknown role "${role.slice(0, 80)}"`, `use one of ${ROLES.join(", ")}`);
}

function assertPassword(password: string, name: string): void {
  const problem = passwordProblem(password, name);
  if (problem !== null) throw invalid(problem, "a sentence of four words is easy to remember");
}
