/**
 * The two cookies of a browser: its session, and the mark that it signed in before.
 *
 * Over TLS both are `__Host-`: Secure, no Domain, Path=/, so that neither a neighbouring host nor an
 * unencrypted page can set or read them. Without TLS (a gateway in a home network) a browser would
 * refuse that name, so the plain name is used, and only there: a session never moves between the two.
 */
import { KNOWN_BROWSER_MS } from "@/auth/known_browser.ts";

export type CookieName = "session" | "known";

/** `name=value` pairs that a request may carry; more are not looked at. */
const PAIRS_MAX = 50;

/** The cookie's full name as it stands in headers. */
export function cookieName(cookie: CookieName, tls: boolean): string {
  return `${tls ? "__Host-" : ""}sluice_${cookie}`;
}

/** The value, or null when the cookie is missing or came twice (somebody else set one of them). */
export function readCookie(
  headers: Headers,
  { cookie, tls }: { cookie: CookieName; tls: boolean },
): string | null {
  const wanted = cookieName(cookie, tls);
  const pairs = (headers.get("cookie") ?? "").split(";", PAIRS_MAX).map((pair) => pair.trim());
  const values = pairs.filter((pair) => pair.startsWith(`${wanted}=`));
  return values.length === 1 ? (values[0] ?? "").slice(wanted.length + 1) : null;
}

/** `Set-Cookie` for a session that was just started; ends with the browser or on the server. */
export function sessionCookie(value: string, tls: boolean): string {
  return setCookie("session", { value, tls, maxAgeSeconds: 90 * 24 * 3600 });
}

/** `Set-Cookie` with the mark of `known_browser.ts`; it survives signing out. */
export function knownCookie(value: string, tls: boolean): string {
  return setCookie("known", { value, tls, maxAgeSeconds: KNOWN_BROWSER_MS / 1000 });
}

/** `Set-Cookie` that ends the session in the browser. */
export function clearedSessionCookie(tls: boolean): string {
  return setCookie("session", { value: "", tls, maxAgeSeconds: 0 });
}

function setCookie(
  cookie: CookieName,
  { value, tls, maxAgeSeconds }: { value: string; tls: boolean; maxAgeSeconds: number },
): string {
  // Lax, not Strict: a link to the gateway in a mail opens signed in. What Lax lets through is GET,
  // and GET changes nothing here; all else is checked by origin and token (`csrf.ts`).
  const rest = `Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}${tls ? "; Secure" : ""}`;
  return `${cookieName(cookie, tls)}=${value}; ${rest}`;
}
