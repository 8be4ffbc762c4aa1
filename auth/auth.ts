/**
 * Access control, put together: who people and devices are, what they may do, and when it ends.
 *
 * `Auth.open` loads everything once; from then on each decision is a look into memory. The gateway
 * calls `sweep` every second (live connections whose proof expired) and `maintain` every hour (old
 * sessions, signing keys, the server certificate).
 */
import { ACCESS_TOKEN_SECONDS, AccessTokens } from "@/auth/access_tokens.ts";
import { AuditTrail } from "@/auth/audit.ts";
import { AuthMirror } from "@/auth/auth_mirror.ts";
import type { AuthStore, SessionRecord, UserRecord } from "@/auth/auth_store.ts";
import { CertificateFiles } from "@/auth/certificate_files.ts";
import { Claim } from "@/auth/claim.ts";
import { type AnonymousPolicy, DeviceAccess } from "@/auth/device_access.ts";
import { DeviceDoors } from "@/auth/device_doors.ts";
import { type AutoRegistration, DeviceRegistry } from "@/auth/device_registry.ts";
import { LoginThrottle } from "@/auth/login_throttle.ts";
import { PasswordHasher, type ScryptCost } from "@/auth/password_hash.ts";
import { type Login, People } from "@/auth/people.ts";
import { RequestGuard } from "@/auth/request_guard.ts";
import { Revocations } from "@/auth/revocations.ts";
import { PolicyTable, type RoutePolicy } from "@/auth/route_policy.ts";
import { Sessions } from "@/auth/sessions.ts";
import { SigningKeys } from "@/auth/signing_keys.ts";

export interface AuthOptions {
  store: AuthStore;
  /** Absolute path of the data folder; keys are in `keys/`, certificates in `tls/`. */
  dataDir: string;
  /** ms since 1970. */
  now: () => number;
  /** ms of a clock that is never set; budgets and the claim run on it. */
  monotonicNow: () => number;
  anonymous: () => AnonymousPolicy;
  autoRegistration: () => AutoRegistration;
  routes?: readonly RoutePolicy[];
  /** Only tests make passwords cheaper. */
  passwordCost?: ScryptCost;
}

/** Answer of `POST /api/auth/login` and `/refresh` (CONTRACT §4). */
export interface TokenAnswer {
  access_token: string;
  refresh_token: string;
  token_type: "Bearer";
  /** Seconds. */
  expires_in: number;
}

/** Answer of a login in a browser: values of the two cookies. */
export interface BrowserLogin {
  user: UserRecord;
  session: SessionRecord;
  sessionCookie: string;
  knownBrowser: string;
}

export class Auth {
  readonly mirror: AuthMirror;
  readonly revocations: Revocations;
  readonly audit: AuditTrail;
  readonly people: People;
  readonly sessions: Sessions;
  readonly tokens: AccessTokens;
  readonly claim: Claim;
  readonly policies: PolicyTable;
  readonly guard: RequestGuard;
  readonly devices: DeviceRegistry;
  readonly access: DeviceAccess;
  readonly doors: DeviceDoors;
  readonly certificates: CertificateFiles;
  readonly #keys: SigningKeys;
  readonly #now: () => number;

  private constructor(options: AuthOptions, { mirror, keys }: Loaded) {
    const { now } = options;
    const revocations = new Revocations();
    const audit = new AuditTrail({ store: options.store, now });
    const shared = { mirror, revocations, audit, now };
    this.#now = now;
    this.#keys = keys;
    this.mirror = mirror;
    this.revocations = revocations;
    this.audit = audit;
    this.sessions = new Sessions(shared);
    this.people = new People({
      ...shared,
      hasher: new PasswordHasher({ cost: options.passwordCost }),
      throttle: new LoginThrottle({ now: options.monotonicNow }),
    });
    this.claim = new Claim({ people: this.people, now: options.monotonicNow });
    this.tokens = new AccessTokens({ keys, mirror, issuer: "sluice", now });
    this.policies = new PolicyTable(options.routes);
    this.guard = new RequestGuard({
      policies: this.policies,
      tokens: this.tokens,
      sessions: this.sessions,
      mirror,
    });
    const { monotonicNow, autoRegistration } = options;
    this.devices = new DeviceRegistry({ ...shared, monotonicNow, autoRegistration });
    this.access = new DeviceAccess({
      policy: options.anonymous,
      credentialsExist: () => this.devices.credentialsExist,
      grantsOf: (id) => this.devices.grantsOf(id),
    });
    this.doors = new DeviceDoors({ registry: this.devices, access: this.access });
    this.certificates = new CertificateFiles({ folder: `${options.dataDir}/tls`, now });
  }

  static async open(options: AuthOptions): Promise<Auth> {
    const mirror = await AuthMirror.open(options.store);
    const keys = await SigningKeys.open({
      folder: `${options.dataDir}/keys`,
      now: options.now,
      tokenLifetimeMs: ACCESS_TOKEN_SECONDS * 1000,
    });
    return new Auth(options, { mirror, keys });
  }

  /** A login of a program: a token family. Throws HttpError 401, 429, 503. */
  async login(login: Login, agent: string | null): Promise<TokenAnswer> {
    const { user } = await this.people.login(login);
    const { address } = login;
    const { session, credential } = await this.sessions.start(user, {
      kind: "token",
      address,
      agent,
    });
    return await this.#answer(user, { session, credential });
  }

  /** A login of a browser: a session cookie. Throws HttpError 401, 429, 503. */
  async loginBrowser(login: Login, agent: string | null): Promise<BrowserLogin> {
    const { user, knownBrowser } = await this.people.login(login);
    const origin = { kind: "browser", address: login.address, agent } as const;
    const { session, credential } = await this.sessions.start(user, origin);
    return { user, session, sessionCookie: credential, knownBrowser };
  }

  /** Exchanges a refresh token. Throws HttpError 401. */
  async refresh(refreshToken: string, address: string): Promise<TokenAnswer> {
    const { user, ...started } = await this.sessions.refresh(refreshToken, address);
    return await this.#answer(user, started);
  }

  /** Cuts live connections whose proof has expired. */
  sweep(): void {
    this.revocations.sweep(this.#now());
  }

  /** Removes what is over, rotates keys, renews the own server certificate. */
  async maintain(): Promise<void> {
    await this.sessions.prune();
    await this.#keys.maintain();
    await this.certificates.renewServer();
  }

  async #answer(
    user: UserRecord,
    { session, credential }: { session: SessionRecord; credential: string },
  ): Promise<TokenAnswer> {
    return {
      access_token: await this.tokens.issue(user, session),
      refresh_token: credential,
      token_type: "Bearer",
      expires_in: ACCESS_TOKEN_SECONDS,
    };
  }
}

interface Loaded {
  mirror: AuthMirror;
  keys: SigningKeys;
}
