/** What this program is. The release build puts its own facts in; from a checkout these stand. */
declare const SLUICE_COMMIT: string | undefined;
declare const SLUICE_BUILD_TIME_MS: number | undefined;

export const VERSION = "0.1.0";
export const COMMIT: string = typeof SLUICE_COMMIT === "undefined" ? "checkout" : SLUICE_COMMIT;

/** ms since 1970. A wall clock before this is not trusted: this program did not exist then. */
export const BUILD_TIME_MS: number = typeof SLUICE_BUILD_TIME_MS === "undefined"
  ? Date.UTC(2026, 10, 21)
  : SLUICE_BUILD_TIME_MS;
