/**
 * Reads the configuration: flag > environment > the admin's file > settings made on the page >
 * default. Nothing is ever written back. All problems are reported at once.
 */
import { parse as parseToml, TomlError } from "smol-toml";
import type { z } from "zod";
import { crossCheck } from "@/config/checks.ts";
import {
  describeSections,
  entrySchema,
  type SectionDescription,
  sectionSchema,
} from "@/config/describe.ts";
import { environmentTree, type ReadTextFile } from "@/config/environment.ts";
import {
  type Branch,
  DEFAULT_ORIGIN,
  ENTRY_SECTIONS,
  isBranch,
  type Leaf,
  nodeAt,
  type Origin,
  originOf,
  overlay,
  setLeaf,
  treeOf,
  valueOf,
} from "@/config/layers.ts";
import { nearest } from "@/config/nearest.ts";
import { type Problem, type ProblemPlace, problemsError, problemsOf } from "@/config/problems.ts";
import type { Config } from "@/config/schema.ts";
import { numberLines } from "@/config/toml_lines.ts";
import type { Parsed } from "@/config/values.ts";

/** A file above this is no configuration. */
const FILE_BYTES_MAX = 1024 * 1024;

export interface ConfigSources {
  /** The admin's file; null reads none. It must exist when `configFileRequired`. */
  configFile: string | null;
  configFileRequired: boolean;
  /** `settings.toml` of the data folder; null reads none. It need not exist. */
  settingsFile: string | null;
  /** `SLUICE_*` variables, from `readEnvironment()`. */
  environment: Record<string, string>;
  /** Values of flags in the form of a file. */
  flags: { path: string[]; value: unknown; flag: string }[];
  readTextFile?: ReadTextFile;
}

export interface LoadedConfig {
  config: Config;
  /** Every value that was set, with its origin; what is not in it has its default. */
  tree: Branch;
}

export type ConfigResult =
  | { ok: true; loaded: LoadedConfig }
  | { ok: false; problems: Problem[] };

/** The configuration; throws `ConfigError` with all problems. */
export async function loadConfig(sources: ConfigSources): Promise<LoadedConfig> {
  const result = await checkConfig(sources);
  if (!result.ok) throw problemsError(result.problems);
  return result.loaded;
}

/** Reads and checks everything, without throwing for what an operator wrote. */
export async function checkConfig(sources: ConfigSources): Promise<ConfigResult> {
  const readTextFile = sources.readTextFile ?? Deno.readTextFile;
  const settings = await readFileTree(sources.settingsFile, {
    kind: "settings",
    required: false,
    readTextFile,
  });
  const file = await readFileTree(sources.configFile, {
    kind: "file",
    required: sources.configFileRequired,
    readTextFile,
  });
  const files = overlay(settings.tree, file.tree, { patch: false });
  const environment = await environmentTree(sources.environment, {
    entryNames: {
      destination: entryKeys(files, "destination"),
      source: entryKeys(files, "source"),
    },
    readTextFile,
  });
  const tree = overlay(overlay(files, environment.tree, { patch: true }), flagTree(sources), {
    patch: true,
  });
  const checked = checkTree(tree);
  const problems = [
    ...settings.problems,
    ...file.problems,
    ...environment.problems,
    ...checked.problems,
  ];
  return problems.length > 0
    ? { ok: false, problems }
    : { ok: true, loaded: { config: checked.config, tree } };
}

async function readFileTree(
  path: string | null,
  options: { kind: "file" | "settings"; required: boolean; readTextFile: ReadTextFile },
): Promise<{ tree: Branch; problems: Problem[] }> {
  if (path === null) return { tree: new Map(), problems: [] };
  const origin: Origin = { kind: options.kind, name: path };
  const failed = (message: string, hint: string) => ({
    tree: new Map(),
    problems: [{ path, shown: null, message, hint, origin }],
  });
  try {
    const text = await options.readTextFile(path);
    if (text.length > FILE_BYTES_MAX) {
      return failed("is larger than 1 MiB", "is it the right file?");
    }
    const tree = treeOf(parseToml(text), origin);
    numberLines(tree, text);
    return { tree, problems: [] };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && !options.required) {
      return { tree: new Map(), problems: [] };
    }
    if (error instanceof TomlError) return failed(...tomlProblem(error));
    const message = `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    return failed(message, "check the path and its rights, or make one with: sluice config init");
  }
}

/** The tables and values of a TOML text. */
export function tomlValues(text: string): Parsed<Record<string, unknown>> {
  try {
    return { value: parseToml(text) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [message, hint] = tomlProblem(error);
    return { message, hint };
  }
}

function tomlProblem(error: TomlError): [message: string, hint: string] {
  const [reason = "unknown"] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
  return [
    `is not TOML at line ${error.line}, column ${error.column}: ${reason}`,
    "texts need quotes, sections stand in [brackets]",
  ];
}

function flagTree(sources: ConfigSources): Branch {
  const tree: Branch = new Map();
  for (const { path, value, flag } of sources.flags) {
    setLeaf(tree, path, { value, origin: { kind: "flag", name: flag } });
  }
  return tree;
}

function entryKeys(tree: Branch, section: string): string[] {
  const node = tree.get(section);
  return isBranch(node) ? [...node.keys()] : [];
}

/** Checks section by section, so that one mistake hides no other. */
function checkTree(tree: Branch): { config: Config; problems: Problem[] } {
  const problems = unknownSections(tree);
  const config: Record<string, unknown> = {};
  for (const section of describeSections()) {
    const node = tree.get(section.name);
    const checked = section.repeated ? checkEntries(section, node) : checkSection(section, node);
    config[section.name] = checked.value;
    problems.push(...checked.problems);
  }
  const names = {
    destination: entryNames(tree, "destination"),
    source: entryNames(tree, "source"),
  };
  const findings = crossCheck(config as Config, names);
  problems.push(...findings.map(({ keys, ...finding }) => ({
    ...finding,
    path: keys.join("."),
    origin: originOf(nodeAt(tree, keys) ?? nodeAt(tree, keys.slice(0, -1))),
  })));
  return { config: config as Config, problems };
}

function unknownSections(tree: Branch): Problem[] {
  const known = describeSections().map((section) => section.name);
  return [...tree].filter(([name]) => !known.includes(name as keyof Config)).map(([name, node]) => {
    const candidate = nearest(name, known);
    return {
      path: name,
      shown: null,
      message: isBranch(node) ? "is not a known section" : "stands outside of any section",
      hint: candidate === null ? `sections are ${known.join(", ")}` : `did you mean ${candidate}?`,
      origin: originOf(node),
    };
  });
}

interface Checked {
  value: unknown;
  problems: Problem[];
}

function checkSection(section: SectionDescription, node: Leaf | Branch | undefined): Checked {
  const schema = sectionSchema(section.name)!;
  const value = node === undefined ? {} : valueOf(node);
  const fields = section.variants.get("") ?? [];
  const place = placeOf(section.name, { fields, types: [], value, node });
  const checked = check(schema, value, place);
  // What depends on this section is checked against its defaults instead.
  return checked.problems.length === 0 ? checked : { ...checked, value: schema.parse({}) };
}

function checkEntries(section: SectionDescription, node: Leaf | Branch | undefined): Checked {
  if (node === undefined) return { value: [], problems: [] };
  const types = [...section.variants.keys()];
  if (!isBranch(node)) return { value: [], problems: [notAList(section.name, node)] };
  const schema = entrySchema(section.name as "destination" | "source");
  const results = [...node].map(([name, entry]) => {
    const value = valueOf(entry);
    const type = (value as { type?: unknown } | null)?.type;
    const fields = section.variants.get(String(type)) ?? [];
    return check(
      schema,
      value,
      placeOf(`${section.name}.${name}`, { fields, types, value, node: entry }),
    );
  });
  const valid = results.filter((result) => result.problems.length === 0);
  return {
    value: valid.map((result) => result.value),
    problems: results.flatMap((result) => result.problems),
  };
}

function check(schema: z.ZodType, value: unknown, place: ProblemPlace): Checked {
  const result = schema.safeParse(value);
  if (result.success) return { value: result.data, problems: [] };
  return { value: null, problems: result.error.issues.flatMap((i) => problemsOf(i, place)) };
}

function placeOf(
  path: string,
  rest: Omit<ProblemPlace, "path" | "originOf"> & { node: Leaf | Branch | undefined },
): ProblemPlace {
  const { node, ...place } = rest;
  const originAt = (keys: string[]): Origin => {
    const found = isBranch(node) ? nodeAt(node, keys) : undefined;
    return originOf(found ?? node);
  };
  return { path, ...place, originOf: originAt };
}

function notAList(name: string, leaf: Leaf): Problem {
  return {
    path: name,
    shown: null,
    message: "is not a list of entries",
    hint: `write [[${name}]] above the keys of each entry`,
    origin: leaf.origin ?? DEFAULT_ORIGIN,
  };
}

/** Names as written, so that one used twice is seen although both entries are kept. */
function entryNames(tree: Branch, section: (typeof ENTRY_SECTIONS)[number]): string[] {
  const node = tree.get(section);
  if (!isBranch(node)) return [];
  return [...node.values()].flatMap((entry) => {
    const name = isBranch(entry) ? entry.get("name") : undefined;
    return name !== undefined && !isBranch(name) && typeof name.value === "string"
      ? [name.value]
      : [];
  });
}
