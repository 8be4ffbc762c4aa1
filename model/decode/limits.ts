/** Limits of the decoders. At each of them the input is refused, never cut silently. */

/** Bytes of one payload; the body limit of HTTP ingest too. */
export const PAYLOAD_BYTES_MAX = 65_536;
/** Messages in one array. A batch of the smallest sensible messages in 64 KiB stays below it. */
export const BATCH_ELEMENTS_MAX = 4096;
/** Values and texts of one message. */
export const VALUES_MAX = 64;
/** Levels of measurement names that are joined with `_`. */
export const NAME_LEVELS_MAX = 4;
/** Levels of content that is passed on as it is: `debug` of predictions, `payload` over HTTP. */
export const OPAQUE_LEVELS_MAX = 16;
/** Characters of an attribute's text. */
export const ATTRIBUTE_CHARS_MAX = 1024;
/** Characters of a label, a model name or a unit. */
export const LABEL_CHARS_MAX = 128;
export const UNIT_CHARS_MAX = 32;
export const TAGS_MAX = 16;
export const TAG_CHARS_MAX = 256;
/** Metrics of one HTTP ingest body. */
export const METRICS_MAX = 32;
