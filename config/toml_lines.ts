/**
 * Where in a file its values stand. The TOML reader keeps no positions, so the lines are read once
 * more for what begins with a key. A line inside a text of several lines may look like a key: it can
 * only add a place that nobody asks for, because the first place of a key counts.
 */
import { type Branch, isBranch, isEntrySection, type Leaf } from "@/config/layers.ts";

const HEADER = /^\s*(\[\[?)([^\]]+)\]\]?\s*(?:#.*)?$/;
const KEY =
  /^\s*((?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'))*)\s*=/;
const PART = /[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'/g;

/** Notes the line of each value of `tree` in its origin, as far as it is found in `text`. */
export function numberLines(tree: Branch, text: string): void {
  const lines = linesOf(text);
  for (const [section, node] of tree) {
    if (!isEntrySection(section) || !isBranch(node)) {
      note(node, { lines, keys: [section] });
      continue;
    }
    for (const [place, entry] of [...node.values()].entries()) {
      note(entry, { lines, keys: [section, String(place)] });
    }
  }
}

/** An inline table has one line for all that is in it. */
function note(
  node: Leaf | Branch,
  { lines, keys, above }: { lines: Map<string, number>; keys: string[]; above?: number },
): void {
  const line = lines.get(JSON.stringify(keys)) ?? above;
  if (!isBranch(node)) {
    if (line !== undefined) node.origin = { ...node.origin, line };
    return;
  }
  for (const [key, below] of node) note(below, { lines, keys: [...keys, key], above: line });
}

/** The first line of each path; entries of `[[name]]` are counted from 0. */
function linesOf(text: string): Map<string, number> {
  const found = new Map<string, number>();
  const counts = new Map<string, number>();
  let header: string[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    const title = HEADER.exec(line);
    if (title !== null) header = headerOf(partsOf(title[2]!), { list: title[1] === "[[", counts });
    const keys = title === null ? KEY.exec(line)?.[1] : undefined;
    const path = title !== null
      ? header
      : keys === undefined
      ? null
      : [...header, ...partsOf(keys)];
    const name = JSON.stringify(path);
    if (path !== null && !found.has(name)) found.set(name, i + 1);
  }
  return found;
}

/** `[destination.filter]` belongs to the last `[[destination]]` above it. */
function headerOf(
  parts: string[],
  { list, counts }: { list: boolean; counts: Map<string, number> },
): string[] {
  const [first = "", ...rest] = parts;
  if (list && rest.length === 0) counts.set(first, (counts.get(first) ?? -1) + 1);
  const count = counts.get(first);
  return count === undefined ? parts : [first, String(count), ...rest];
}

function partsOf(text: string): string[] {
  return [...text.matchAll(PART)].map(([part]) => {
    if (part.startsWith('"')) return unquoted(part);
    return part.startsWith("'") ? part.slice(1, -1) : part;
  });
}

/** A key with escapes that JSON does not know is rare enough to have no line. */
function unquoted(part: string): string {
  try {
    return JSON.parse(part);
  } catch {
    return part;
  }
}
