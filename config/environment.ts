import { describeSections, environmentWord, type FieldDescription } from "@/config/describe.ts";
import { type Branch, ENTRY_SECTIONS, setLeaf } from "@/config/layers.ts";
import { nearest } from "@/config/nearest.ts";
import type { Problem } from "@/config/problems.ts";
import { ConfigError } from "@/model/errors.ts";

/** Reads a file named by a `…_FILE` variable. */
export type ReadTextFile = (path: string) => Promise<string>;

/**
 * All `SLUICE_*` variables of this process.
 * @throws ConfigError when they cannot be listed: running without what they say would be worse
 */
export async function readEnvironment(
  path = `/proc/${Deno.pid}/environ`,
): Promise<Record<string, string>> {
  const environment: Record<string, string> = {};
  for (const entry of (await readThroughCat(path)).split("\0")) {
    const at = entry.indexOf("=");
    if (entry.startsWith("SLUICE_") && at > 0) {
      environment[entry.slice(0, at)] = entry.slice(at + 1);
    }
  }
  return environment;
}

/**
 * Listing the environment from inside needs the right to read all of it. The shipped program may read
 * SLUICE_* only, so the list comes from the kernel through cat, which it may run; with an empty
 * environment for cat, because a variable such as LD_LIBRARY_PATH would need the right to run all.
 */
async function readThroughCat(path: string): Promise<string> {
  const output = await new Deno.Command("cat", {
    args: [path],
    clearEnv: true,
    stdout: "piped",
    stderr: "piped",
  }).output().catch((cause) => {
    throw unreadable(path, cause);
  });
  const decoder = new TextDecoder();
  if (!output.success) throw unreadable(path, new Error(decoder.decode(output.stderr).trim()));
  return decoder.decode(output.stdout);
}

function unreadable(path: string, cause: Error): ConfigError {
  return new ConfigError(`Cannot read the environment: ${cause.message}`, {
    code: "CFG-0002",
    hint: `"cat ${path}" must work for the gateway's user: is /proc mounted, is cat installed?`,
    cause,
  });
}

export interface EnvironmentOptions {
  /** Names of the entries that files define, per section. */
  entryNames: Record<(typeof ENTRY_SECTIONS)[number], string[]>;
  readTextFile: ReadTextFile;
}

/**
 * Turns `SLUICE_SECTION__KEY` variables into a tree. Names without `__` are not ours to judge: an
 * orchestrator sets `SLUICE_PORT` and the like for a service of this name.
 */
export async function environmentTree(
  environment: Record<string, string>,
  options: EnvironmentOptions,
): Promise<{ tree: Branch; problems: Problem[] }> {
  const tree: Branch = new Map();
  const problems: Problem[] = [];
  for (const [name, raw] of Object.entries(environment).sort()) {
    if (!name.startsWith("SLUICE_") || !name.includes("__")) continue;
    const target = findTarget(name, options);
    if (target === null || (target.fromFile && environment[name.slice(0, -5)] !== undefined)) {
      problems.push(target === null ? unknownName(name, options) : givenTwice(name));
      continue;
    }
    const text = target.fromFile ? await readSecret(name, raw, options) : raw;
    if (typeof text !== "string") {
      problems.push(text);
      continue;
    }
    const origin = { kind: "environment", name } as const;
    setLeaf(tree, target.path, { value: convert(text, target.kind), origin });
  }
  nameEntries(tree);
  return { tree, problems };
}

interface Target {
  path: string[];
  kind: string;
  fromFile: boolean;
}

function findTarget(name: string, options: EnvironmentOptions): Target | null {
  const words = name.slice("SLUICE_".length).toLowerCase().split("__");
  const exact = targetOf(words, options);
  if (exact !== null || !name.endsWith("_FILE")) return exact && { ...exact, fromFile: false };
  const last = words.length - 1;
  const shorter = words.map((word, i) => i === last ? word.slice(0, -"_file".length) : word);
  const secret = targetOf(shorter, options);
  return secret && { ...secret, fromFile: true };
}

function targetOf(words: string[], options: EnvironmentOptions): Omit<Target, "fromFile"> | null {
  const section = describeSections().find(({ name }) => name === words[0]);
  if (section === undefined) return null;
  const keys = words.slice(section.repeated ? 2 : 1);
  const field = [...section.variants.values()].flat().find((item) => sameKeys(item, keys));
  const kind = field?.kind ?? (section.repeated && keys.join() === "type" ? "text" : null);
  if (kind === null) return null;
  const entry = section.repeated ? [entryName(section.name, words[1] ?? "", options)] : [];
  return { path: [section.name, ...entry, ...keys], kind };
}

function sameKeys(field: FieldDescription, keys: string[]): boolean {
  return field.keys.length === keys.length && field.keys.every((key, i) => key === keys[i]);
}

/** The entry that a file defines under this word, else a new one of this name. */
function entryName(section: string, word: string, options: EnvironmentOptions): string {
  const known = options.entryNames[section as (typeof ENTRY_SECTIONS)[number]] ?? [];
  return known.find((name) => environmentWord(name) === word) ?? word;
}

/** An entry that only the environment defines has no `name` key yet. */
function nameEntries(tree: Branch): void {
  for (const section of ENTRY_SECTIONS) {
    const entries = tree.get(section);
    if (!(entries instanceof Map)) continue;
    for (const [name, entry] of entries) {
      if (!(entry instanceof Map) || entry.has("name") || !entry.has("type")) continue;
      const [first] = entry.values();
      if (first !== undefined && !(first instanceof Map)) {
        entry.set("name", { value: name, origin: first.origin });
      }
    }
  }
}

/** The environment knows texts only; what is no text in a file is read as one would write it there. */
function convert(text: string, kind: string): unknown {
  if (kind.startsWith("true")) return text === "true" ? true : text === "false" ? false : text;
  if (kind.startsWith("list") && !text.trimStart().startsWith("[")) {
    return text === "" ? [] : text.split(",").map((item) => item.trim());
  }
  if (kind.startsWith("list") || kind.startsWith("table")) return parseJson(text);
  const numeric = kind === "integer" || /^\d/.test(kind);
  return numeric && /^-?\d+$/.test(text) ? Number(text) : text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function readSecret(
  name: string,
  path: string,
  options: EnvironmentOptions,
): Promise<string | Problem> {
  try {
    return (await options.readTextFile(path)).replace(/\r?\n$/, "");
  } catch (error) {
    return {
      path: name,
      shown: JSON.stringify(path),
      message: `names a file that cannot be read: ${(error as Error).message}`,
      hint: "check the path and the rights of the user that runs the gateway",
      origin: { kind: "environment", name },
    };
  }
}

function givenTwice(name: string): Problem {
  return {
    path: name,
    shown: null,
    message: `is set together with ${name.slice(0, -"_FILE".length)}`,
    hint: "keep one of the two",
    origin: { kind: "environment", name },
  };
}

function unknownName(name: string, options: EnvironmentOptions): Problem {
  const candidate = nearest(name, knownNames(options));
  return {
    path: name,
    shown: null,
    message: "is not a name of the configuration",
    hint: candidate === null
      ? "write SLUICE_SECTION__KEY with a section and key of the reference"
      : `did you mean ${candidate}?`,
    origin: { kind: "environment", name },
  };
}

function knownNames(options: EnvironmentOptions): string[] {
  return describeSections().flatMap((section) => {
    const fields = [...section.variants.values()].flat();
    const entries: (string | null)[] = section.repeated
      ? options.entryNames[section.name as (typeof ENTRY_SECTIONS)[number]]
      : [null];
    return entries.flatMap((entry) => {
      const middle = entry === null ? [] : [environmentWord(entry)];
      return fields.flatMap(({ keys }) => {
        const name = ["SLUICE_" + section.name, ...middle, ...keys].join("__").toUpperCase();
        return [name, `${name}_FILE`];
      });
    });
  });
}
