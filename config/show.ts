import { describeSections, type FieldDescription } from "@/config/describe.ts";
import { isTable } from "@/config/fields.ts";
import { type Branch, isBranch, nodeAt, type Origin, originOf, valueOf } from "@/config/layers.ts";
import type { LoadedConfig } from "@/config/load.ts";
import { maskUrls } from "@/config/problems.ts";
import { tomlText } from "@/config/toml_text.ts";

/** One effective value, as a file would hold it. */
export interface Setting {
  /** `http.listen`, `destination.cloud.filter.devices`. */
  path: string;
  /** Keys below the section or entry. */
  keys: string[];
  /** The section, or section and name of an entry. */
  section: string[];
  repeated: boolean;
  /** Secrets are `"***"`, passwords in URLs masked. */
  text: string;
  origin: Origin;
  reload: "live" | "restart";
}

/** Every effective value with its origin, in the order of the schema. */
export function listSettings(loaded: LoadedConfig): Setting[] {
  return describeSections().flatMap((section) => {
    const node = loaded.tree.get(section.name);
    if (!section.repeated) {
      const fields = section.variants.get("") ?? [];
      return sectionSettings([section.name], { node: branchOf(node), fields, repeated: false });
    }
    return [...branchOf(node)].flatMap(([name, below]) => {
      const entry = branchOf(below);
      const type = String(valueAt(entry, ["type"]));
      const fields = section.variants.get(type) ?? [];
      const settings = sectionSettings([section.name, name], {
        node: entry,
        fields,
        repeated: true,
      });
      const typeSetting: Setting = {
        path: [section.name, name, "type"].join("."),
        keys: ["type"],
        section: [section.name, name],
        repeated: true,
        text: tomlText(type),
        origin: originOf(nodeAt(entry, ["type"])),
        reload: "live",
      };
      return [settings[0]!, typeSetting, ...settings.slice(1)];
    });
  });
}

/** The effective configuration as a file, secrets masked; `origin` adds where each value is from. */
export function showConfig(loaded: LoadedConfig, options: { origin: boolean }): string {
  const lines: string[] = [];
  let heading = "";
  for (const setting of listSettings(loaded)) {
    const own = setting.section.join(".");
    if (own !== heading) {
      const title = setting.repeated ? `[[${setting.section[0]}]]` : `[${own}]`;
      lines.push(...(lines.length > 0 ? ["", title] : [title]));
      heading = own;
    }
    const assignment = `${setting.keys.join(".")} = ${setting.text}`;
    lines.push(options.origin ? `${assignment.padEnd(44)} # ${setting.origin.name}` : assignment);
  }
  return lines.join("\n") + "\n";
}

/** Paths whose value differs, by what a reload can do about them. */
export interface ConfigChanges {
  live: string[];
  restart: string[];
}

/** What a reload from `before` to `after` would change. */
export function diffConfig(before: LoadedConfig, after: LoadedConfig): ConfigChanges {
  const changes: ConfigChanges = { live: [], restart: [] };
  const old = new Map(rawSettings(before));
  const now = new Map(rawSettings(after));
  for (const path of new Set([...old.keys(), ...now.keys()])) {
    const [was, is] = [old.get(path), now.get(path)];
    if (was?.text !== is?.text) changes[(is ?? was)!.reload].push(path);
  }
  return changes;
}

/** As `listSettings`, but with secrets in clear, for comparing only. */
function rawSettings(
  loaded: LoadedConfig,
): [string, { text: string; reload: "live" | "restart" }][] {
  return listSettings(loaded).map((setting) => {
    const node = nodeAt(loaded.tree, [...setting.section, ...setting.keys]);
    const text = node === undefined ? setting.text : tomlText(valueOf(node));
    return [setting.path, { text, reload: setting.reload }];
  });
}

function sectionSettings(
  section: string[],
  { node, fields, repeated }: { node: Branch; fields: FieldDescription[]; repeated: boolean },
): Setting[] {
  return fields.map((field) => ({
    path: [...section, ...field.keys].join("."),
    keys: field.keys,
    section,
    repeated,
    text: shownText(effectiveValue(node, field), field),
    origin: originOf(nodeAt(node, field.keys) ?? undefined),
    reload: field.reload,
  }));
}

/** A table is laid over its default key by key, as the schema does; anything else replaces it. */
export function effectiveValue(node: Branch, field: FieldDescription): unknown {
  const value = valueAt(node, field.keys);
  if (value === undefined) return field.default;
  return isTable(value) && isTable(field.default) ? { ...field.default, ...value } : value;
}

function shownText(value: unknown, field: FieldDescription): string {
  if (field.secret && value !== "" && value !== undefined) return '"***"';
  return maskUrls(tomlText(value ?? ""));
}

function valueAt(node: Branch, keys: readonly string[]): unknown {
  const found = nodeAt(node, keys);
  return found === undefined ? undefined : valueOf(found);
}

function branchOf(node: unknown): Branch {
  return node instanceof Map && isBranch(node) ? node : new Map();
}
