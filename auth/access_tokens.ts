/**
 * Access tokens: JWT, Ed25519, 15 minutes, checked against what is true now.
 *
 * The signature proves that we made the token; whether it still holds is a look into memory: the
 * person exists, the session has not ended, the token version is the current one. So a token ends
 * with the session it came from, at once, and not after its fifteen minutes. The role in a token is
 * for the client to read: what a person may do is taken from the person.
 *
 * The algorithm, type, issuer and audience are fixed here, and the key is looked up by `kid` among
 * our own: no header of a token chooses how it is checked.
 */
import { jwtVerify, type JWTVerifyGetKey, SignJWT } from "jose";
import { z } from "zod";
import type { AuthMirror } from "@/auth/auth_mirror.ts";
import type { Role, SessionRecord, UserRecord } from "@/auth/auth_store.ts";
import { SIGNING_ALGORITHM, type SigningKeys } from "@/auth/signing_keys.ts";
import { badToken } from "@/auth/refusals.ts";

export const ACCESS_TOKEN_SECONDS = 15 * 60;
/** `typ` of RFC 9068, so that no other JWT of ours or others' can stand in. */
const TOKEN_TYPE = "at+jwt";
const AUDIENCE = "sluice-api";
const TOKEN_CHARS_MAX = 2048;
/** Between the second in which a token is made and the clock's next correction. */
const CLOCK_TOLERANCE_SECONDS = 5;

/** A signed-in person, as far as a request shows. */
export interface Identity {
  userId: string;
  name: string;
  role: Role;
  sessionId: string;
  via: "bearer" | "cookie";
  /** When this proof ends by itself: a live stream must not outlast it. */
  expiresAtMs: number;
}

const Claims = z.object({
  sub: z.string(),
  sid: z.string(),
  ver: z.number().int(),
  role: z.string(),
  exp: z.number(),
});

export class AccessTokens {
  readonly #keys: SigningKeys;
  readonly #mirror: AuthMirror;
  readonly #issuer: string;
  readonly #now: () => number;

  /** `issuer` is the gateway's own id: a token of another gateway is none of ours. */
  constructor(
    options: { keys: SigningKeys; mirror: AuthMirror; issuer: string; now: () => number },
  ) {
    this.#keys = options.keys;
    this.#mirror = options.mirror;
    this.#issuer = options.issuer;
    this.#now = options.now;
  }

  issue(user: UserRecord, session: SessionRecord): Promise<string> {
    const { kid, privateKey } = this.#keys.current;
    const nowSeconds = Math.floor(this.#now() / 1000);
    const claims = { sid: session.id, ver: user.tokenVersion, role: user.role, name: user.name };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: SIGNING_ALGORITHM, typ: TOKEN_TYPE, kid })
      .setIssuer(this.#issuer)
      .setAudience(AUDIENCE)
      .setSubject(user.id)
      .setIssuedAt(nowSeconds)
      .setNotBefore(nowSeconds)
      .setExpirationTime(nowSeconds + ACCESS_TOKEN_SECONDS)
      .sign(privateKey);
  }

  /** Who the token speaks for. Throws HttpError 401 that does not say why. */
  async verify(token: string): Promise<Identity> {
    if (token.length > TOKEN_CHARS_MAX) throw badToken();
    const claims = await this.#claimsOf(token);
    const user = this.#mirror.users.get(claims.sub);
    const session = this.#mirror.sessions.get(claims.sid);
    if (user === undefined || session === undefined) throw badToken();
    if (session.userId !== user.id || user.tokenVersion !== claims.ver) throw badToken();
    if (claims.role !== user.role || session.expiresAtMs <= this.#now()) throw badToken();
    return {
      userId: user.id,
      name: user.name,
      role: user.role,
      sessionId: session.id,
      via: "bearer",
      expiresAtMs: Math.min(claims.exp * 1000, session.expiresAtMs),
    };
  }

  async #claimsOf(token: string): Promise<z.infer<typeof Claims>> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: [SIGNING_ALGORITHM],
        typ: TOKEN_TYPE,
        issuer: this.#issuer,
        audience: AUDIENCE,
        requiredClaims: ["exp", "nbf", "iat", "sub"],
        maxTokenAge: ACCESS_TOKEN_SECONDS,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(this.#now()),
      });
      return Claims.parse(payload);
    } catch {
      throw badToken();
    }
  }

  readonly #key: JWTVerifyGetKey = (header) => {
    const key = this.#keys.find(header.kid ?? "");
    if (key === undefined) throw badToken();
    return key.publicKey;
  };
}
