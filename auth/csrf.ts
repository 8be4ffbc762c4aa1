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
const FORM_BYTES_MAX = 64 * 1024;
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

/** Throws HttpError 403 unless header or form field carry the session's token. */
export async function assertCsrfToken(request: Request, sessionCookieValue: string): Promise<void> {
  const sent = request.headers.get(CSRF_HEADER) ?? await formField(request);
  const expected = csrfToken(sessionCookieValue);
  if (sent === null || !sameText(sent, expected)) throw csrfMissing();
}

/** The field of an urlencoded form, read from a copy so that the route can still read the body. */
async function formField(request: Request): Promise<string | null> {
  const type = (request.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== FORM_TYPE || request.body === null) return null;
  const text = await readAtMost(request.clone(), FORM_BYTES_MAX);
  return text === null ? null : new URLSearchParams(text).get(CSRF_FIELD);
}

async function readAtMost(request: Request, bytesMax: number): Promise<string | null> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length;
    if (bytes > bytesMax) return null;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
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
