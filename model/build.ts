/** What this program is. The release build replaces the three values; from a checkout they stand. */
export const VERSION = "0.1.0";
export const COMMIT = "checkout";

/** ms since 1970. A wall clock before this is not trusted: this program did not exist then. */
export const BUILD_TIME_MS = Date.UTC(2026, 10, 21);
