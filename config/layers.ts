/**
 * Where values come from, from the weakest to the strongest: default, settings made on the page,
 * the admin's file, environment, flag.
 *
 * Every source is read into a tree of the same shape, in which each value carries its origin; the
 * trees are laid over each other. Entries of `[[destination]]` and `[[source]]` are known by name: an
 * entry of a stronger file replaces the weaker one as a whole, the environment patches single keys.
 */
import { isTable } from "@/config/fields.ts";

export interface Origin {
  kind: "flag" | "environment" | "file" | "settings" | "default";
  /** `--http`, `SLUICE_HTTP__LISTEN`, the path of the file, or `default`. */
  name: string;
  /** Of a file, counted from 1, where it is known. */
  line?: number;
}

export const DEFAULT_ORIGIN: Origin = { kind: "default", name: "default" };

export interface Leaf {
  value: unknown;
  origin: Origin;
}

/** A table of the file. */
export type Branch = Map<string, Leaf | Branch>;

/** Sections whose content is a list of named entries. */
export const ENTRY_SECTIONS = ["destination", "source"] as const;

/** Turns the content of a file into a tree; entries are keyed by their name. */
export function treeOf(values: Record<string, unknown>, origin: Origin): Branch {
  const tree: Branch = new Map();
  for (const [key, value] of Object.entries(values)) {
    const entries = isEntrySection(key) && Array.isArray(value) && value.every(isTable);
    tree.set(key, entries ? entriesOf(value, origin) : nodeOf(value, origin));
  }
  return tree;
}

/** Lays `over` on `under`; `patch` merges same-named entries instead of replacing them. */
export function overlay(under: Branch, over: Branch, options: { patch: boolean }): Branch {
  const merged: Branch = new Map(under);
  for (const [key, node] of over) {
    const below = merged.get(key);
    if (isEntrySection(key) && !options.patch) {
      merged.set(key, isBranch(below) && isBranch(node) ? new Map([...below, ...node]) : node);
    } else {
      merged.set(key, isBranch(below) && isBranch(node) ? overlay(below, node, options) : node);
    }
  }
  return merged;
}

/** Puts one value at a path, making the tables above it. */
export function setLeaf(tree: Branch, path: readonly string[], leaf: Leaf): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) {
    tree.set(key, leaf);
    return;
  }
  let below = tree.get(key);
  if (!isBranch(below)) tree.set(key, below = new Map());
  setLeaf(below, rest, leaf);
}

/** The node at a path, or undefined. */
export function nodeAt(tree: Branch, path: readonly string[]): Leaf | Branch | undefined {
  let node: Leaf | Branch | undefined = tree;
  for (const key of path) node = isBranch(node) ? node.get(key) : undefined;
  return node;
}

/** The plain value of a node, as a file would hold it. */
export function valueOf(node: Leaf | Branch): unknown {
  if (!isBranch(node)) return node.value;
  const table: Record<string, unknown> = {};
  for (const [key, below] of node) {
    // A file may use any key; defineProperty keeps "__proto__" an ordinary one.
    const value = valueOf(below);
    Object.defineProperty(table, key, { value, enumerable: true, configurable: true });
  }
  return table;
}

/** The origin of a node; of a table, that of its first value. */
export function originOf(node: Leaf | Branch | undefined): Origin {
  if (node === undefined) return DEFAULT_ORIGIN;
  if (!isBranch(node)) return node.origin;
  const [first] = node.values();
  return originOf(first);
}

export function isBranch(node: Leaf | Branch | undefined): node is Branch {
  return node instanceof Map;
}

export function isEntrySection(key: string): key is (typeof ENTRY_SECTIONS)[number] {
  return (ENTRY_SECTIONS as readonly string[]).includes(key);
}

function nodeOf(value: unknown, origin: Origin): Leaf | Branch {
  if (!isTable(value)) return { value, origin };
  return new Map(Object.entries(value).map(([key, below]) => [key, nodeOf(below, origin)]));
}

/** An entry without a usable name is keyed by its place; a name used twice keeps both entries. */
function entriesOf(values: Record<string, unknown>[], origin: Origin): Branch {
  const entries: Branch = new Map();
  for (const [i, value] of values.entries()) {
    const name = typeof value.name === "string" && value.name !== "" ? value.name : `${i + 1}`;
    entries.set(entries.has(name) ? `${name} (${i + 1})` : name, nodeOf(value, origin));
  }
  return entries;
}
