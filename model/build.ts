/** What this program is. The release build puts its own facts in; from a checkout these stand. */
declare const SLUICE_BUILD: { commit: string; timeMs: number } | undefined;

const BUILD = typeof SLUICE_BUILD === "undefined"
  ? { commit: "checkout", timeMs: Date.UTC(2026, 10, 21) }
  : SLUICE_BUILD;

export const VERSION = "0.1.0";
export const COMMIT: string = BUILD.commit;

/** ms since 1970. A wall clock before this is not trusted: this program did not exist then. */
export const BUILD_TIME_MS: number = BUILD.timeMs;
