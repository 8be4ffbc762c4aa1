/**
 * Requests that another site makes a browser send.
 *
 * Two independent checks for everything that changes something and is proven by a cookie: the origin
 * (a browser says where a request comes from and pages cannot change that) and a token that only our
 * own pages know. Login and claim come before any session, so the origin alone stands there. Requests
 * with a bearer token need neither: no browser adds one by itself.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { csrfMissing, foreignOrigin } from "@/auth/refusals.ts";

export const CSRF_HEADER = "x-csrf-token";
export const CSRF_FIELD = "_csrf";

const FORM_TYPE = "application/x-www-form-urlencoded";
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

export function isUnsafe(method: string): boolean {
  return !SAFE_METHODS.has(method.toUpperCase());
}

/** The token for forms and scripts of pages that are shown to this session. */
export function csrfToken(sessionCookieValue: string): string {
  return createHmac("sha256", sessionCookieValue).update("csrf").digest("base64url");
}

/**
 * Throws HttpError 403 when the request does not come from one of our own pages. `host` is what the
 * browser was told to connect to (`Host`), so a reverse proxy must pass it on.
 */
export function assertOwnOrigin(headers: Headers): void {
  const origin = headers.get("origin") ?? originOfReferrer(headers);
  const host = headers.get("host");
  if (origin === null || host === null || hostOf(origin) !== host.toLowerCase()) {
    throw foreignOrigin(origin);
  }
}

/**
 * The same where programs are welcome too: a request without `Origin` comes from no page. Form posts
 * and fetches of every browser carry one.
 */
export function assertNoForeignOrigin(headers: Headers): void {
  const site = headers.get("sec-fetch-site");
  if (site === "cross-site" || site === "same-site") throw foreignOrigin(headers.get("origin"));
  if (headers.has("origin")) assertOwnOrigin(headers);
}

/** Reads the fields of a posted form; however often it is called, the body is read once. */
export type ReadForm = () => Promise<URLSearchParams>;

/**
 * Throws HttpError 403 unless header or form field carry the session's token, and what reading the
 * form throws (408, 413).
 */
export async function assertCsrfToken(
  { headers }: Request,
  { cookie, form }: { cookie: string; form: ReadForm },
): Promise<void> {
  const sent = headers.get(CSRF_HEADER) ?? await formField(headers, form);
  if (sent === null || !sameText(sent, csrfToken(cookie))) throw csrfMissing();
}

async function formField(headers: Headers, form: ReadForm): Promise<string | null> {
  const type = (headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  return type === FORM_TYPE ? (await form()).get(CSRF_FIELD) : null;
}

function originOfReferrer(headers: Headers): string | null {
  const referrer = headers.get("referer");
  return referrer !== null && URL.canParse(referrer) ? new URL(referrer).origin : null;
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}

function sameText(one: string, other: string): boolean {
  const [a, b] = [new TextEncoder().encode(one), new TextEncoder().encode(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
