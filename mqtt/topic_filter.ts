/**
 * Topic names and topic filters (MQTT 5.0 §4.7, §4.8.2). A filter is validated once, when it is
 * subscribed; matching trusts it.
 */

/** The parts of a filter as subscribed. */
export interface ParsedFilter {
  /** share name of `$share/name/filter`, null for an ordinary subscription */
  shareName: string | null;
  /** the filter itself, without the share prefix */
  filter: string;
}

const SHARE_PREFIX = "$share/";

/** Longest UTF-8 string on the wire [MQTT-4.7.3-3]. */
const TEXT_BYTES_MAX = 65_535;

/** True for a name that may be published to: not empty, no wildcard, no U+0000 [MQTT-3.3.2-2]. */
export function isTopicName(topic: string): boolean {
  if (topic.length === 0 || topic.length > TEXT_BYTES_MAX) return false;
  for (let i = 0; i < topic.length; i++) {
    const unit = topic.charCodeAt(i);
    if (unit === 0x2b || unit === 0x23 || unit === 0) return false;
  }
  return true;
}

/** True for a well-formed filter without share prefix [MQTT-4.7.1-1, -2, 4.7.3-1]. */
export function isTopicFilter(filter: string): boolean {
  if (filter.length === 0 || filter.length > TEXT_BYTES_MAX) return false;
  for (let i = 0; i < filter.length; i++) {
    const unit = filter.charCodeAt(i);
    if (unit === 0) return false;
    if (unit === 0x2b && !(isLevelStart(filter, i) && isLevelEnd(filter, i))) return false;
    if (unit === 0x23 && !(isLevelStart(filter, i) && i === filter.length - 1)) return false;
  }
  return true;
}

function isLevelStart(filter: string, i: number): boolean {
  return i === 0 || filter.charCodeAt(i - 1) === 0x2f;
}

function isLevelEnd(filter: string, i: number): boolean {
  return i === filter.length - 1 || filter.charCodeAt(i + 1) === 0x2f;
}

/**
 * Splits `$share/name/filter`; null when the text is no valid subscription. The share name has at
 * least one character and no wildcard [MQTT-4.8.2-1, -2].
 */
export function parseFilter(text: string): ParsedFilter | null {
  if (!text.startsWith(SHARE_PREFIX)) {
    return isTopicFilter(text) ? { shareName: null, filter: text } : null;
  }
  const nameEnd = text.indexOf("/", SHARE_PREFIX.length);
  if (nameEnd < 0) return null;
  const shareName = text.slice(SHARE_PREFIX.length, nameEnd);
  const filter = text.slice(nameEnd + 1);
  return isTopicName(shareName) && isTopicFilter(filter) ? { shareName, filter } : null;
}

/** Number of levels of a topic name or filter: separators plus one. */
export function countLevels(text: string): number {
  let levels = 1;
  for (let i = text.indexOf("/"); i >= 0; i = text.indexOf("/", i + 1)) levels++;
  return levels;
}

/**
 * Whether a valid `filter` (without share prefix) matches a valid topic name. A filter that starts
 * with a wildcard does not match a name that starts with `$` [MQTT-4.7.2-1].
 */
export function filterMatches(filter: string, topic: string): boolean {
  const first = filter.charCodeAt(0);
  if (topic.charCodeAt(0) === 0x24 && (first === 0x2b || first === 0x23)) return false;
  const wanted = filter.split("/");
  const levels = topic.split("/");
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i] === "#") return true;
    if (i >= levels.length) return false;
    if (wanted[i] !== "+" && wanted[i] !== levels[i]) return false;
    // "sport/#" matches "sport" too: the number sign stands for the parent as well.
    if (i === levels.length - 1 && wanted[i + 1] === "#") return true;
  }
  return wanted.length === levels.length;
}
