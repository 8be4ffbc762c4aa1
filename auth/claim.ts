/**
 * The claim: a link in the log of a gateway without an admin, by which its owner becomes the admin.
 *
 * Single use, 30 minutes, only while there is no admin. It lives in memory: a restart prints a new
 * one and the old one is void. Only its hash is kept, so that a look at the process tells nothing.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Actor } from "@/auth/audit.ts";
import type { UserRecord } from "@/auth/auth_store.ts";
import type { People } from "@/auth/people.ts";
import { claimClosed } from "@/auth/refusals.ts";

export const CLAIM_MS = 30 * 60 * 1000;

interface Ticket {
  hash: Uint8Array;
  expiresAtMs: number;
}

export class Claim {
  readonly #people: People;
  readonly #now: () => number;
  #ticket: Ticket | null = null;

  /** `now` is a monotonic clock: a step of the wall clock neither ends nor lengthens the claim. */
  constructor(options: { people: People; now: () => number }) {
    this.#people = options.people;
    this.#now = options.now;
  }

  /** True while nobody administrates the gateway: pages offer the claim and nothing else. */
  get open(): boolean {
    return !this.#people.adminExists;
  }

  /** A new token for the link, valid 30 minutes; null when there is an admin. Voids the one before. */
  issue(): string | null {
    if (!this.open) return null;
    const token = randomBytes(24).toString("base64url");
    this.#ticket = { hash: hashOf(token), expiresAtMs: this.#now() + CLAIM_MS };
    return token;
  }

  /** True when the token would be taken now: whether to show the form. */
  accepts(token: string): boolean {
    const ticket = this.#ticket;
    if (ticket === null || !this.open || ticket.expiresAtMs <= this.#now()) return false;
    return timingSafeEqual(hashOf(token), ticket.hash);
  }

  /**
   * Makes the first admin. The token is spent by success only: a password that is too short may be
   * tried again. Of two at once one wins. Throws HttpError 400 (name, password), 403 (token).
   */
  async use(
    token: string,
    person: { name: string; password: string; by: Actor },
  ): Promise<UserRecord> {
    if (!this.accepts(token)) throw claimClosed();
    const { name, password, by } = person;
    const user = await this.#people.addFirstAdmin({ name, password }, by);
    this.#ticket = null;
    return user;
  }
}

function hashOf(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}

/** One port that serves pages. */
export interface Listening {
  scheme: "http" | "https";
  host: string;
  port: number;
  /** Names that its certificate is for; empty or absent: those of the machine. */
  names?: string[];
}

/** Where a browser on another machine may find this gateway. */
export interface Reach {
  /** Configured address of the gateway as others see it; wins over everything else. */
  publicUrl: string | null;
  /** Addresses that listen, as bound: `{ scheme: "http", host: "0.0.0.0", port: 8000 }`. */
  listening: Listening[];
  /** This machine's name and addresses, the most useful first. */
  hosts: string[];
}

/**
 * Claim links, the best first: HTTPS before HTTP, one for each name of this machine. A listener bound
 * to one address has only that; one bound to all has every name and address of the machine.
 */
export function claimLinks(token: string, reach: Reach): string[] {
  const path = `/claim?token=${encodeURIComponent(token)}`;
  if (reach.publicUrl !== null) return [reach.publicUrl.replace(/\/+$/, "") + path];
  const listening = reach.listening.toSorted((a, b) => b.scheme.localeCompare(a.scheme));
  return listening.flatMap(({ scheme, host, port, names = [] }) =>
    namesOf(host, names.length > 0 ? names : reach.hosts).map((name) =>
      originOf({ scheme, name, port }) + path
    )
  );
}

function namesOf(host: string, hosts: string[]): string[] {
  const everywhere = host === "0.0.0.0" || host === "::" || host === "";
  if (!everywhere) return [host];
  return hosts.length > 0 ? hosts : ["localhost"];
}

function originOf(
  { scheme, name, port }: { scheme: "http" | "https"; name: string; port: number },
): string {
  const host = name.includes(":") ? `[${name}]` : name;
  const usual = scheme === "https" ? 443 : 80;
  return `${scheme}://${host}${port === usual ? "" : `:${port}`}`;
}
