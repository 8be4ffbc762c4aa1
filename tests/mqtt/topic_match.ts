/** The rules of §4.7 once more, written apart from the product's. */

/** Whether a valid filter matches a valid topic name. */
export function filterMatches(filter: string, topic: string): boolean {
  if (topic.startsWith("$") && /^[+#]/.test(filter)) return false;
  const escaped = filter.split("/").map((level) => {
    if (level === "+") return "[^/]*";
    return level === "#" ? ".*" : level.replaceAll(/[.*?^${}()|[\]\\]/g, "\\$&");
  }).join("/");
  // The number sign stands for the level above as well.
  const pattern = escaped === ".*" ? ".*" : escaped.replace(/\/\.\*$/, "(/.*)?");
  return new RegExp(`^${pattern}$`, "su").test(topic);
}
