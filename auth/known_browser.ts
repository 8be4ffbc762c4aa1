/**
 * The mark of a browser that has signed in to an account before. It opens nothing; it only exempts
 * that browser from budgets that strangers can use up (`login_throttle.ts`).
 *
 * `<expiry>.<id>.<mac>`, the MAC keyed by the account's password hash: nothing is stored, and a new
 * password ends all marks. Somebody with a copy of the database could make one and would win nothing
 * but guesses at a scrypt hash that is already in front of them.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { UserRecord } from "@/auth/auth_store.ts";

export const KNOWN_BROWSER_MS = 90 * 24 * 3600 * 1000;

const MARK = /^([0-9a-z]{1,12})\.([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{43})$/;

/** A new mark for the browser that just signed in as `user`. */
export function markBrowser(user: UserRecord, nowMs: number): string {
  const expiry = (nowMs + KNOWN_BROWSER_MS).toString(36);
  const id = randomBytes(12).toString("base64url");
  return `${expiry}.${id}.${macOf(user, { expiry, id })}`;
}

/** The browser's id when the mark is one of this account's and not expired, else null. */
export function knownBrowserId(
  mark: string | null,
  { user, nowMs }: { user: UserRecord | undefined; nowMs: number },
): string | null {
  const [, expiry, id, mac] = MARK.exec(mark ?? "") ?? [];
  if (user === undefined || expiry === undefined || id === undefined || mac === undefined) {
    return null;
  }
  if (Number.parseInt(expiry, 36) <= nowMs) return null;
  const expected = new TextEncoder().encode(macOf(user, { expiry, id }));
  return timingSafeEqual(expected, new TextEncoder().encode(mac)) ? id : null;
}

function macOf(user: UserRecord, { expiry, id }: { expiry: string; id: string }): string {
  const subject = `known browser\n${user.id}\n${expiry}\n${id}`;
  return createHmac("sha256", user.passwordHash).update(subject).digest("base64url");
}
