/** What the settings page changes, and what of it is not its to change. */
import { describeSections } from "@/config/describe.ts";
import { isTable } from "@/config/fields.ts";
import {
  type Branch,
  ENTRY_SECTIONS,
  isBranch,
  type Leaf,
  nodeAt,
  type Origin,
  originOf,
  valueOf,
} from "@/config/layers.ts";
import { maskUrls, type Problem } from "@/config/problems.ts";
import type { FileValues } from "@/config/settings_text.ts";

export type EntrySection = (typeof ENTRY_SECTIONS)[number];

export type SettingsChange =
  /** `["http", "metrics"]`; `value` as a file holds it, undefined goes back to the default. */
  | { kind: "set"; path: string[]; value: unknown }
  | EntryPut
  | { kind: "remove"; section: EntrySection; name: string };

/** A whole `[[destination]]` or `[[source]]`, in place of the page's entry of this name. */
export interface EntryPut {
  kind: "put";
  section: EntrySection;
  name: string;
  entry: FileValues;
  /** Keys of secrets that stay as they are. */
  keep: string[];
  isNew: boolean;
}

/** The content of settings.toml after the changes; `values` stays as it is. */
export function applyChanges(values: FileValues, changes: readonly SettingsChange[]): FileValues {
  return changes.reduce(applyChange, values);
}

function applyChange(values: FileValues, change: SettingsChange): FileValues {
  if (change.kind === "set") return withValue(values, change.path, change.value);
  const { section, name } = change;
  const entries = entriesOf(values, section);
  const place = entries.findIndex((entry) => entry.name === name);
  const others = entries.filter((_entry, i) => i !== place);
  if (change.kind === "put") {
    others.splice(place < 0 ? others.length : place, 0, withoutGaps(change.entry));
  }
  const { [section]: _before, ...rest } = values;
  return others.length === 0 ? rest : { ...rest, [section]: others };
}

function withValue(values: FileValues, path: readonly string[], value: unknown): FileValues {
  const [key = "", ...rest] = path;
  const { [key]: before, ...others } = values;
  const next = rest.length === 0 ? value : withValue(isTable(before) ? before : {}, rest, value);
  const empty = next === undefined || (rest.length > 0 && isTable(next) && isEmpty(next));
  return empty ? others : { ...others, [key]: next };
}

/** The entry of this name in settings.toml, or null. */
export function entryIn(
  values: FileValues,
  { section, name }: { section: EntrySection; name: string },
): FileValues | null {
  return entriesOf(values, section).find((entry) => entry.name === name) ?? null;
}

function entriesOf(values: FileValues, section: EntrySection): FileValues[] {
  const list = values[section];
  return Array.isArray(list) ? list.filter(isTable) : [];
}

/** What is undefined has its default; a file has no word for that. */
function withoutGaps(table: FileValues): FileValues {
  const kept = Object.entries(table).map(([key, value]): [string, unknown] => {
    return [key, isTable(value) ? withoutGaps(value) : value];
  });
  return Object.fromEntries(
    kept.filter(([, value]) => value !== undefined && !(isTable(value) && isEmpty(value))),
  );
}

function isEmpty(table: FileValues): boolean {
  return Object.keys(table).length === 0;
}

/** True for what a flag, the environment or the admin's file sets: the page shows it only. */
export function isManaged(origin: Origin): boolean {
  return ["file", "environment", "flag"].includes(origin.kind);
}

/** The strongest hand on a value: of a table, the first one that is not the page's. */
export function managingOrigin(node: Leaf | Branch | undefined): Origin {
  const leaves = node === undefined ? [] : leavesOf(node, []).map(({ leaf }) => leaf.origin);
  return leaves.find(isManaged) ?? originOf(node);
}

/** Who an entry belongs to: who gave it its name. */
export function entryOrigin(tree: Branch, at: { section: EntrySection; name: string }): Origin {
  return originOf(nodeAt(tree, [at.section, at.name, "name"]));
}

/** Changes of what is set elsewhere, and entries that are not where they are said to be. */
export function refusals(changes: readonly SettingsChange[], tree: Branch): Problem[] {
  return changes.flatMap((change) => {
    if (change.kind !== "set") return entryRefusals(change, tree);
    const origin = managingOrigin(nodeAt(tree, change.path));
    return isManaged(origin) ? [managedProblem(change.path, origin)] : [];
  });
}

function entryRefusals(
  change: Exclude<SettingsChange, { kind: "set" }>,
  tree: Branch,
): Problem[] {
  const { section, name } = change;
  const path = [section, name];
  const node = nodeAt(tree, path);
  const origin = entryOrigin(tree, change);
  if (node !== undefined && isManaged(origin)) return [managedProblem([...path, "name"], origin)];
  if (change.kind === "put" && change.isNew && node !== undefined) return [nameTaken(path, origin)];
  if ((change.kind === "remove" || !change.isNew) && node === undefined) return [gone(path)];
  if (change.kind === "remove" || !isBranch(node)) return [];
  const managed = leavesOf(node, []).filter(({ leaf }) => isManaged(leaf.origin));
  const changed = managed.filter(({ keys, leaf }) => {
    const given = valueIn(change.entry, keys);
    return given !== undefined && !same(given, valueOf(leaf));
  });
  return [
    ...changed.map(({ keys, leaf }) => managedProblem([...path, ...keys], leaf.origin)),
    ...ledElsewhere(change, { node, managed }),
  ];
}

/** A secret of the environment is for the server that it was given for. */
function ledElsewhere(
  { section, name, entry }: EntryPut,
  { node, managed }: { node: Branch; managed: Found[] },
): Problem[] {
  const address = node.get("url");
  const secret = managed.find(({ keys }) => SECRET_KEYS.has(keys.join(".")));
  if (secret === undefined || address === undefined || isBranch(address)) return [];
  const url = restoredUrl(String(entry.url ?? ""), address.value);
  if (url === null || sameServer(url, address.value)) return [];
  const { origin } = secret.leaf;
  return [{
    path: [section, name, "url"].join("."),
    shown: null,
    message: `leads to another server, for which ${placeOf(origin)} was not given`,
    hint: "set the address where that secret is set, or remove it there",
    origin,
  }];
}

/** Of all kinds of entries. */
const SECRET_KEYS = new Set(
  describeSections().filter(({ repeated }) => repeated)
    .flatMap(({ variants }) => [...variants.values()].flat())
    .filter(({ secret }) => secret).map(({ keys }) => keys.join(".")),
);

interface Found {
  keys: string[];
  leaf: Leaf;
}

function leavesOf(node: Leaf | Branch, keys: string[]): Found[] {
  if (!isBranch(node)) return [{ keys, leaf: node }];
  return [...node].flatMap(([key, below]) => leavesOf(below, [...keys, key]));
}

function valueIn(table: unknown, keys: readonly string[]): unknown {
  return keys.reduce<unknown>((at, key) => isTable(at) ? at[key] : undefined, table);
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function managedProblem(path: readonly string[], origin: Origin): Problem {
  return {
    path: path.join("."),
    shown: null,
    message: `is set by ${placeOf(origin)} and cannot be changed here`,
    hint: origin.kind === "file"
      ? "change it in that file, or remove it there to set it here"
      : "change it where the gateway is started, or remove it there to set it here",
    origin,
  };
}

/** `sluice.toml, line 4`, `SLUICE_HTTP__METRICS`, `the flag --http`. */
export function placeOf({ kind, name, line }: Origin): string {
  if (kind === "flag") return `the flag ${name}`;
  return line === undefined ? name : `${name}, line ${line}`;
}

function nameTaken(path: readonly string[], origin: Origin): Problem {
  return {
    path: [...path, "name"].join("."),
    shown: JSON.stringify(path[1]),
    message: `is the name of another ${path[0]}`,
    hint: "choose another name, or change that one",
    origin,
  };
}

function gone(path: readonly string[]): Problem {
  return {
    path: [...path, "name"].join("."),
    shown: JSON.stringify(path[1]),
    message: `is no ${path[0]} any more`,
    hint: "somebody removed it meanwhile; add it anew where that was not intended",
    origin: { kind: "settings", name: "settings.toml" },
  };
}

/** Stands where a password is not shown. */
const KEPT = "***";

/** The URL that was meant where a masked one came back unchanged; null where `***` means nothing. */
export function restoredUrl(typed: string, before: unknown): string | null {
  if (!typed.includes(KEPT)) return typed;
  return typeof before === "string" && typed === maskUrls(before) ? before : null;
}

/** A URL without the login in it, and that login, for which there are fields. */
export function splitLogin(url: string): { url: string; username: string; password: string } {
  const parsed = URL.parse(url);
  if (parsed === null) return { url, username: "", password: "" };
  const [username, password] = [decoded(parsed.username), decoded(parsed.password)];
  return { url: url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, "$1"), username, password };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The entry with the secrets that were left as they are. One that is kept goes to the server that it
 * was given for: with another address it must be given again, or whoever may edit the address could
 * have it sent to a server of their own and read it there.
 */
export function withKeptSecrets(
  { entry, keep, section, name }: EntryPut,
  before: FileValues | null,
): { entry: FileValues; problems: Problem[] } {
  const problem = (key: string, message: string, hint: string): Problem => ({
    ...{ path: [section, name, key].join("."), shown: null, message, hint },
    origin: { kind: "settings", name: "settings.toml" },
  });
  const url = restoredUrl(String(entry.url ?? ""), before?.url);
  if (url === null) {
    const hint = "write the whole address, and the password in its own field";
    return { entry, problems: [problem("url", "has *** where a password should be", hint)] };
  }
  const kept = keep.filter((key) => before?.[key] !== undefined);
  const values = Object.fromEntries(kept.map((key) => [key, before?.[key]]));
  const problems = kept.length === 0 || sameServer(url, before?.url) ? [] : kept.map((key) => {
    return problem(
      key,
      "was given for another server and is not sent to this one",
      "give it again",
    );
  });
  const address = entry.url === undefined ? {} : { url };
  return { entry: { ...entry, ...address, ...values }, problems };
}

function sameServer(one: string, other: unknown): boolean {
  const [a, b] = [URL.parse(one), URL.parse(String(other))];
  return a !== null && b !== null && a.protocol === b.protocol && a.host === b.host;
}
