/**
 * The one check in front of every route: is there such a path, who asks, may they, is it themselves.
 *
 * Order: policy (unknown → 404, signed out or not), authentication (401), origin and form token of
 * cookie requests (403), role (403). A request with `Authorization: Bearer` is judged by that alone,
 * so that a browser's cookie never lends its rights to a token that is not valid.
 */
import type { AccessTokens, Identity } from "@/auth/access_tokens.ts";
import type { AuthMirror } from "@/auth/auth_mirror.ts";
import { readCookie } from "@/auth/browser_cookies.ts";
import {
  assertCsrfToken,
  assertNoForeignOrigin,
  assertOwnOrigin,
  csrfToken,
  isUnsafe,
  type ReadForm,
} from "@/auth/csrf.ts";
import { badToken, notAllowed, notSignedIn, unknownPath } from "@/auth/refusals.ts";
import { hasRole, type Policy, type PolicyTable } from "@/auth/route_policy.ts";
import type { Sessions } from "@/auth/sessions.ts";

/** A request that may go on. */
export interface Passed {
  policy: Policy;
  /** Who asks; on public paths null or whoever is signed in. */
  identity: Identity | null;
  /** For the forms and scripts of the page that answers; null without a session cookie. */
  csrfToken: string | null;
}

/** What the guard is told of a request beside the request itself. */
export interface RequestFacts {
  /** The connection is encrypted. */
  tls: boolean;
  /** The guard looks for the token in a form, the route for the rest. */
  form: ReadForm;
}

interface Proof {
  identity: Identity;
  /** Session cookie that proved it; null for a bearer token. */
  cookie: string | null;
}

export class RequestGuard {
  readonly #policies: PolicyTable;
  readonly #tokens: AccessTokens;
  readonly #sessions: Sessions;
  readonly #mirror: AuthMirror;

  constructor(
    options: {
      policies: PolicyTable;
      tokens: AccessTokens;
      sessions: Sessions;
      mirror: AuthMirror;
    },
  ) {
    this.#policies = options.policies;
    this.#tokens = options.tokens;
    this.#sessions = options.sessions;
    this.#mirror = options.mirror;
  }

  /** Throws HttpError 401, 403, 404, and of a form without its token in a header 408, 413. */
  async check(request: Request, facts: RequestFacts): Promise<Passed> {
    const path = new URL(request.url).pathname;
    const policy = this.#policies.find(request.method, path);
    if (policy === null) throw unknownPath(path);
    if (policy.kind === "own") return { policy, identity: null, csrfToken: null };
    return policy.kind === "public"
      ? await this.#checkPublic(request, { policy, tls: facts.tls })
      : await this.#checkPerson(request, { policy, ...facts });
  }

  /** Who a page of an error is shown to; null for a visitor, and for programs. */
  async identify(request: Request, { tls }: { tls: boolean }): Promise<Passed | null> {
    const proof = bearerOf(request.headers) === null ? await this.#byCookie(request, tls) : null;
    return proof === null ? null : passed({ kind: "public" }, proof);
  }

  async #checkPublic(
    request: Request,
    { policy, tls }: { policy: Policy; tls: boolean },
  ): Promise<Passed> {
    if (isUnsafe(request.method)) assertNoForeignOrigin(request.headers);
    const proof = bearerOf(request.headers) === null ? await this.#byCookie(request, tls) : null;
    return passed(policy, proof);
  }

  async #checkPerson(
    request: Request,
    { policy, tls, form }: RequestFacts & { policy: Policy & { kind: "person" } },
  ): Promise<Passed> {
    const proof = await this.#prove(request, tls);
    if (proof === null) throw notSignedIn();
    if (proof.cookie !== null && isUnsafe(request.method)) {
      assertOwnOrigin(request.headers);
      await assertCsrfToken(request, { cookie: proof.cookie, form });
    }
    const { role } = proof.identity;
    if (!hasRole(role, policy.atLeast)) throw notAllowed(policy.atLeast, role);
    return passed(policy, proof);
  }

  async #prove(request: Request, tls: boolean): Promise<Proof | null> {
    const bearer = bearerOf(request.headers);
    if (bearer === null) return await this.#byCookie(request, tls);
    if (bearer === "") throw badToken();
    return { identity: await this.#tokens.verify(bearer), cookie: null };
  }

  async #byCookie(request: Request, tls: boolean): Promise<Proof | null> {
    const cookie = readCookie(request.headers, { cookie: "session", tls });
    const session = cookie === null ? null : this.#sessions.ofCookie(cookie);
    const user = session === null ? undefined : this.#mirror.users.get(session.userId);
    if (session === null || user === undefined) return null;
    await this.#sessions.touch(session);
    const { id: userId, name, role } = user;
    const { id: sessionId, expiresAtMs } = session;
    return { identity: { userId, name, role, sessionId, via: "cookie", expiresAtMs }, cookie };
  }
}

function passed(policy: Policy, proof: Proof | null): Passed {
  const cookie = proof?.cookie ?? null;
  const token = cookie === null ? null : csrfToken(cookie);
  return { policy, identity: proof?.identity ?? null, csrfToken: token };
}

/** The token of `Authorization`; null without that header, "" for another scheme or a malformed one. */
function bearerOf(headers: Headers): string | null {
  const sent = headers.get("authorization");
  if (sent === null) return null;
  return /^Bearer ([\x21-\x7e]+)$/i.exec(sent)?.[1] ?? "";
}
