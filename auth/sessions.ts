/**
 * Sessions: a browser's cookie, or a family of refresh tokens.
 *
 * Both are `<selector>.<secret>`: the selector (128 random bits) finds the session, the secret (256
 * random bits) proves it and is kept as SHA-256. A refresh token is exchanged for its successor each
 * time it is used. Its selector without its current secret can only come from somebody who had an
 * earlier token, so either the client or a thief is using it a second time: the session ends for both.
 * A client that lost the answer to a refresh signs in again; a window of grace would be the thief's.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";
import { type Actor, auditText, type AuditTrail } from "@/auth/audit.ts";
import type { AuthMirror, Plan } from "@/auth/auth_mirror.ts";
import type { AuthChange, SessionRecord, UserRecord } from "@/auth/auth_store.ts";
import { badRefreshToken, wrongLogin } from "@/auth/refusals.ts";
import type { Revocations } from "@/auth/revocations.ts";
import { logger } from "@/observe/log.ts";

const DAY_MS = 24 * 3600 * 1000;
/** A session that is not used for so long ends. */
const IDLE_MS = 14 * DAY_MS;
/** No session outlives this, however often it is used. */
const LIFETIME_MS = 90 * DAY_MS;
/** Sessions of each kind that one person may have; the one longest unused makes room. */
const SESSIONS_MAX = 20;
/** Use is written down this often at most: an SD card is not worn by page views. */
const TOUCH_MS = 3600 * 1000;

const CREDENTIAL = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/;

export interface StartedSession {
  session: SessionRecord;
  /** Cookie value or refresh token; shown once. */
  credential: string;
}

export interface SessionOrigin {
  kind: SessionRecord["kind"];
  address: string;
  /** `User-Agent` as sent, or null. */
  agent: string | null;
}

export class Sessions {
  readonly #mirror: AuthMirror;
  readonly #revocations: Revocations;
  readonly #audit: AuditTrail;
  readonly #now: () => number;

  constructor(
    options: {
      mirror: AuthMirror;
      revocations: Revocations;
      audit: AuditTrail;
      now: () => number;
    },
  ) {
    this.#mirror = options.mirror;
    this.#revocations = options.revocations;
    this.#audit = options.audit;
    this.#now = options.now;
  }

  /**
   * Starts a session for a person whose password was just found right. Throws HttpError 401 when the
   * person has gone or got another password in the meantime.
   */
  async start(user: UserRecord, origin: SessionOrigin): Promise<StartedSession> {
    const { crowdedOut, ...started } = await this.#mirror.change(() => {
      const now = this.#mirror.users.get(user.id);
      if (now?.tokenVersion !== user.tokenVersion) throw wrongLogin();
      return this.#planStart(now, origin);
    });
    this.#announceEnds(crowdedOut);
    return started;
  }

  /**
   * Exchanges a refresh token for its successor. Throws HttpError 401; a token that was used before
   * ends its session.
   */
  async refresh(token: string, address: string): Promise<StartedSession & { user: UserRecord }> {
    const outcome = await this.#mirror.change(() => this.#planRefresh(token, address));
    if (outcome.kind === "refreshed") return outcome;
    if (outcome.kind === "reused") this.#announceEnds([outcome.session]);
    throw badRefreshToken();
  }

  /** The session of a browser's cookie while it holds, else null. */
  ofCookie(value: string): SessionRecord | null {
    const found = this.#find(value, "browser");
    return found?.current === true ? found.session : null;
  }

  /**
   * Notes that a browser session is in use; writes at most once an hour. Never throws: a page that
   * is only read must not fail because its use cannot be written down.
   */
  async touch(session: SessionRecord): Promise<void> {
    if (this.#now() - session.usedAtMs < TOUCH_MS) return;
    try {
      await this.#mirror.change(() => this.#planTouch(session.id));
    } catch (error) {
      logger("auth").warn("Cannot note the use of a session", { cause: String(error) });
    }
  }

  /** The open sessions of a person, the one used last first. */
  ofPerson(userId: string): SessionRecord[] {
    return this.#mirror.sessionsOf(userId).filter((session) => !this.#isOver(session))
      .sort((a, b) => b.usedAtMs - a.usedAtMs || b.createdAtMs - a.createdAtMs);
  }

  /** Ends all sessions of a person but `keepSessionId`; returns how many. */
  async endAll(
    userId: string,
    { by, keepSessionId }: { by: Actor; keepSessionId: string | null },
  ): Promise<number> {
    const ended = await this.#mirror.change((): Plan<SessionRecord[]> => {
      const ends = this.#mirror.sessionsOf(userId).filter(({ id }) => id !== keepSessionId);
      const subject = this.#mirror.users.get(userId)?.name;
      if (ends.length === 0 || subject === undefined) return { changes: [], result: [] };
      const detail = `${ends.length} sign-ins ended`;
      const entry = this.#audit.entry({ by, action: "logout", subject, detail });
      return { changes: [...ends.map(deletion), entry], result: ends };
    });
    this.#announceEnds(ended);
    return ended.length;
  }

  /** Ends one session; nothing happens when it has ended before. */
  async end(sessionId: string, act: { by: string; address: string }): Promise<void> {
    const ended = await this.#mirror.change((): Plan<SessionRecord[]> => {
      const session = this.#mirror.sessions.get(sessionId);
      if (session === undefined) return { changes: [], result: [] };
      const by = { name: act.by, address: act.address };
      const entry = this.#audit.entry({ by, action: "logout", subject: act.by });
      return { changes: [{ type: "delete_session", id: sessionId }, entry], result: [session] };
    });
    this.#announceEnds(ended);
  }

  /** Removes what has expired. */
  async prune(): Promise<void> {
    const ended = await this.#mirror.change((): Plan<SessionRecord[]> => {
      const expired = [...this.#mirror.sessions.values()].filter((each) => this.#isOver(each));
      return { changes: expired.map(deletion), result: expired };
    });
    this.#announceEnds(ended);
  }

  #planTouch(id: string): Plan<void> {
    const session = this.#mirror.sessions.get(id);
    if (session === undefined) return { changes: [], result: undefined };
    return { changes: [{ type: "put_session", session: this.#used(session) }], result: undefined };
  }

  #planStart(
    user: UserRecord,
    origin: SessionOrigin,
  ): Plan<StartedSession & { crowdedOut: SessionRecord[] }> {
    const nowMs = this.#now();
    const { selector, secret, secretHash } = newCredential();
    const session: SessionRecord = {
      id: randomBytes(16).toString("hex"),
      userId: user.id,
      kind: origin.kind,
      selector,
      secretHash,
      createdAtMs: nowMs,
      usedAtMs: nowMs,
      expiresAtMs: nowMs + IDLE_MS,
      address: auditText(origin.address, 64),
      agent: auditText(origin.agent ?? "", 200),
    };
    const crowdedOut = this.#crowdedOut(user.id, origin.kind);
    const changes: AuthChange[] = [...crowdedOut.map(deletion), { type: "put_session", session }];
    return { changes, result: { session, credential: `${selector}.${secret}`, crowdedOut } };
  }

  #crowdedOut(userId: string, kind: SessionRecord["kind"]): SessionRecord[] {
    const same = this.#mirror.sessionsOf(userId).filter((session) => session.kind === kind)
      .sort((a, b) => a.usedAtMs - b.usedAtMs);
    return same.slice(0, Math.max(0, same.length - SESSIONS_MAX + 1));
  }

  #planRefresh(token: string, address: string): Plan<
    | (StartedSession & { kind: "refreshed"; user: UserRecord })
    | { kind: "reused"; session: SessionRecord }
    | { kind: "unknown" }
  > {
    const found = this.#find(token, "token");
    const user = found === null ? undefined : this.#mirror.users.get(found.session.userId);
    if (found === null || user === undefined) return { changes: [], result: { kind: "unknown" } };
    if (!found.current) return this.#planReuse(found.session, { user, address });
    const { secret, secretHash } = newCredential();
    const session = { ...this.#used(found.session), secretHash };
    const credential = `${session.selector}.${secret}`;
    const changes: AuthChange[] = [{ type: "put_session", session }];
    return { changes, result: { kind: "refreshed", session, credential, user } };
  }

  #planReuse(
    session: SessionRecord,
    { user, address }: { user: UserRecord; address: string },
  ): Plan<{ kind: "reused"; session: SessionRecord }> {
    const entry = this.#audit.entry({
      by: { name: user.name, address },
      action: "refresh_reuse",
      subject: user.name,
      detail: `a used refresh token came again, the session from ${session.address} was ended`,
    });
    return { changes: [deletion(session), entry], result: { kind: "reused", session } };
  }

  /** `current` is false when the selector is right and the secret is not. */
  #find(
    credential: string,
    kind: SessionRecord["kind"],
  ): { session: SessionRecord; current: boolean } | null {
    const [, selector, secret] = CREDENTIAL.exec(credential) ?? [];
    if (selector === undefined || secret === undefined) return null;
    const session = this.#mirror.sessionBySelector(selector);
    if (session === undefined || session.kind !== kind || this.#isOver(session)) return null;
    return { session, current: sameHash(hashOf(secret), session.secretHash) };
  }

  #isOver(session: SessionRecord): boolean {
    return session.expiresAtMs <= this.#now();
  }

  #used(session: SessionRecord): SessionRecord {
    const nowMs = this.#now();
    const expiresAtMs = Math.min(nowMs + IDLE_MS, session.createdAtMs + LIFETIME_MS);
    return { ...session, usedAtMs: nowMs, expiresAtMs };
  }

  #announceEnds(sessions: SessionRecord[]): void {
    for (const { id: sessionId, userId } of sessions) {
      this.#revocations.revoke({ kind: "session", userId, sessionId });
    }
  }
}

function deletion(session: SessionRecord): AuthChange {
  return { type: "delete_session", id: session.id };
}

function newCredential(): { selector: string; secret: string; secretHash: string } {
  const secret = randomBytes(32).toString("base64url");
  return { selector: randomBytes(16).toString("base64url"), secret, secretHash: hashOf(secret) };
}

/** A fast hash is right here: 256 random bits cannot be guessed at any speed. */
function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** A damaged row is shorter, filled up with zeros, and equal to nothing. */
function sameHash(one: string, other: string): boolean {
  const bytes = (hex: string) => Buffer.concat([Buffer.from(hex, "hex"), Buffer.alloc(32)], 32);
  return timingSafeEqual(bytes(one), bytes(other));
}
