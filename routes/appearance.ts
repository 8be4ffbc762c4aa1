/** Theme and time zone of a browser: two cookies without secrets, read by the server. */

export type Theme = "auto" | "light" | "dark";

export const THEMES: readonly Theme[] = ["auto", "light", "dark"];

const THEME_COOKIE = "sluice_theme";
const ZONE_COOKIE = "sluice_tz";
const YEAR_SECONDS = 365 * 24 * 3600;

/** The chosen theme; `auto` follows the system. */
export function themeOf(headers: Headers): Theme {
  const value = cookieOf(headers, THEME_COOKIE);
  return THEMES.find((theme) => theme === value) ?? "auto";
}

/** The browser's or the chosen time zone; UTC before a browser has told, or for an unknown name. */
export function timeZoneOf(headers: Headers): string {
  const zone = decodeURIComponentOr(cookieOf(headers, ZONE_COOKIE) ?? "", "");
  return isTimeZone(zone) ? zone : "UTC";
}

export function isTimeZone(zone: string): boolean {
  if (zone === "" || zone.length > 64) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** `Set-Cookie` values; readable by scripts, which tell the browser's zone before anybody chose. */
export function themeCookie(theme: Theme): string {
  return `${THEME_COOKIE}=${theme}; Path=/; SameSite=Lax; Max-Age=${YEAR_SECONDS}`;
}

export function timeZoneCookie(zone: string): string {
  const value = encodeURIComponent(zone);
  return `${ZONE_COOKIE}=${value}; Path=/; SameSite=Lax; Max-Age=${YEAR_SECONDS}`;
}

/** The browser tells its own zone again at the next page. */
export function forgottenTimeZoneCookie(): string {
  return `${ZONE_COOKIE}=; Path=/; SameSite=Lax; Max-Age=0`;
}

function cookieOf(headers: Headers, name: string): string | null {
  const pairs = (headers.get("cookie") ?? "").split(";", 50).map((pair) => pair.trim());
  const found = pairs.find((pair) => pair.startsWith(`${name}=`));
  return found === undefined ? null : found.slice(name.length + 1);
}

function decodeURIComponentOr(text: string, otherwise: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return otherwise;
  }
}
