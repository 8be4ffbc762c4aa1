/**
 * All access records in memory, and the one way to change them.
 *
 * A change is planned against the current state, committed by the store, and only then visible here:
 * what a decision sees has been written. Changes run one after the other, so that a plan (is this
 * the last admin? is this refresh token still the current one?) cannot be overtaken by another one.
 */
import type {
  AuthChange,
  AuthFact,
  AuthStore,
  DeviceRecord,
  SessionRecord,
  UserRecord,
} from "@/auth/auth_store.ts";
import { tooBusy } from "@/auth/refusals.ts";

/** What a plan decided: what to write, and what to tell the caller once it is written. */
export interface Plan<T> {
  changes: AuthChange[];
  result: T;
}

/** Changes that may wait for their turn; more are refused rather than piled up. */
const WAITING_MAX = 1000;

export class AuthMirror {
  readonly #store: AuthStore;
  readonly #users = new Map<string, UserRecord>();
  readonly #usersByName = new Map<string, UserRecord>();
  readonly #sessions = new Map<string, SessionRecord>();
  readonly #sessionsBySelector = new Map<string, SessionRecord>();
  readonly #sessionsByUser = new Map<string, Set<string>>();
  readonly #devices = new Map<string, DeviceRecord>();
  readonly #deviceByFingerprint = new Map<string, string>();
  readonly #facts = new Set<AuthFact>();
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  private constructor(store: AuthStore) {
    this.#store = store;
  }

  static async open(store: AuthStore): Promise<AuthMirror> {
    const mirror = new AuthMirror(store);
    const { users, sessions, devices, facts } = await store.load();
    for (const user of users) mirror.#apply({ type: "put_user", user });
    for (const session of sessions) mirror.#apply({ type: "put_session", session });
    for (const device of devices) mirror.#apply({ type: "put_device", device });
    for (const { fact, atMs } of facts) mirror.#apply({ type: "put_fact", fact, atMs });
    return mirror;
  }

  get users(): ReadonlyMap<string, UserRecord> {
    return this.#users;
  }

  get sessions(): ReadonlyMap<string, SessionRecord> {
    return this.#sessions;
  }

  get devices(): ReadonlyMap<string, DeviceRecord> {
    return this.#devices;
  }

  userByName(name: string): UserRecord | undefined {
    return this.#usersByName.get(nameKey(name));
  }

  sessionBySelector(selector: string): SessionRecord | undefined {
    return this.#sessionsBySelector.get(selector);
  }

  /** Sessions of one person, in the order of their start. */
  sessionsOf(userId: string): SessionRecord[] {
    const ids = this.#sessionsByUser.get(userId) ?? [];
    return [...ids].flatMap((id) => this.#sessions.get(id) ?? []);
  }

  deviceByFingerprint(fingerprint: string): DeviceRecord | undefined {
    const id = this.#deviceByFingerprint.get(fingerprint);
    return id === undefined ? undefined : this.#devices.get(id);
  }

  hasFact(fact: AuthFact): boolean {
    return this.#facts.has(fact);
  }

  /**
   * Runs `plan` when its turn has come, commits its changes, applies them, gives its result.
   * Rejects with what `plan` or the store throws; then nothing has changed.
   */
  change<T>(plan: () => Plan<T>): Promise<T> {
    if (this.#waiting >= WAITING_MAX) return Promise.reject(tooBusy());
    this.#waiting++;
    const done = this.#turn.then(() => this.#carryOut(plan)).finally(() => this.#waiting--);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #carryOut<T>(plan: () => Plan<T>): Promise<T> {
    const { changes, result } = plan();
    if (changes.length > 0) await this.#store.commit(changes);
    for (const change of changes) this.#apply(change);
    return result;
  }

  #apply(change: AuthChange): void {
    switch (change.type) {
      case "put_user":
        return this.#putUser(change.user);
      case "delete_user":
        return this.#deleteUser(change.id);
      case "put_session":
        return this.#putSession(change.session);
      case "delete_session":
        return this.#deleteSession(change.id);
      case "put_device":
        return this.#putDevice(change.device);
      case "delete_device":
        return this.#deleteDevice(change.id);
      case "put_fact":
        this.#facts.add(change.fact);
        return;
      case "audit":
    }
  }

  #putUser(user: UserRecord): void {
    const before = this.#users.get(user.id);
    if (before !== undefined) this.#usersByName.delete(nameKey(before.name));
    this.#users.set(user.id, user);
    this.#usersByName.set(nameKey(user.name), user);
  }

  #deleteUser(id: string): void {
    const user = this.#users.get(id);
    if (user !== undefined) this.#usersByName.delete(nameKey(user.name));
    this.#users.delete(id);
    for (const { id: sessionId } of this.sessionsOf(id)) this.#deleteSession(sessionId);
  }

  #putSession(session: SessionRecord): void {
    const before = this.#sessions.get(session.id);
    if (before !== undefined) this.#sessionsBySelector.delete(before.selector);
    this.#sessions.set(session.id, session);
    this.#sessionsBySelector.set(session.selector, session);
    const ids = this.#sessionsByUser.get(session.userId) ?? new Set();
    this.#sessionsByUser.set(session.userId, ids.add(session.id));
  }

  #deleteSession(id: string): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    this.#sessionsBySelector.delete(session.selector);
    const ids = this.#sessionsByUser.get(session.userId);
    ids?.delete(id);
    if (ids?.size === 0) this.#sessionsByUser.delete(session.userId);
  }

  #putDevice(device: DeviceRecord): void {
    this.#deleteDevice(device.id);
    this.#devices.set(device.id, device);
    for (const { fingerprint } of device.certificates) {
      this.#deviceByFingerprint.set(fingerprint, device.id);
    }
  }

  #deleteDevice(id: string): void {
    for (const { fingerprint } of this.#devices.get(id)?.certificates ?? []) {
      this.#deviceByFingerprint.delete(fingerprint);
    }
    this.#devices.delete(id);
  }
}

/** People's names differ by more than case. */
export function nameKey(name: string): string {
  return name.toLowerCase();
}
