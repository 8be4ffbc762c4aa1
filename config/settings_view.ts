/** The configuration as the settings page shows it: every field with its value and its origin. */
import { describeSections, type FieldDescription } from "@/config/describe.ts";
import { inputText } from "@/config/field_input.ts";
import { isTable } from "@/config/fields.ts";
import { type Branch, isBranch, nodeAt, type Origin } from "@/config/layers.ts";
import type { LoadedConfig } from "@/config/load.ts";
import type { Config } from "@/config/schema.ts";
import {
  entryOrigin,
  type EntrySection,
  isManaged,
  managingOrigin,
} from "@/config/settings_change.ts";
import { effectiveValue } from "@/config/show.ts";

export interface FieldView {
  field: FieldDescription;
  /** `http.metrics`, `destination.cloud.filter.devices` */
  path: string;
  /** The effective value as a form shows it; empty for a secret. */
  text: string;
  /** The default as a form shows it; empty where there is none. */
  preset: string;
  /** True when there is a value; of a secret, all that is told. */
  isSet: boolean;
  origin: Origin;
  /** Set by a flag, the environment or the admin's file: shown, not to be changed here. */
  managed: boolean;
}

export interface SectionView {
  name: keyof Config;
  text: string;
  fields: FieldView[];
}

/** One `[[destination]]` or `[[source]]`. */
export interface EntryView {
  section: EntrySection;
  name: string;
  type: string;
  origin: Origin;
  /** True for an entry of the admin's file or the environment: none of it is the page's. */
  managed: boolean;
  fields: FieldView[];
}

/** The sections that are no lists. */
export function viewSections(loaded: LoadedConfig): SectionView[] {
  return describeSections().filter(({ repeated }) => !repeated).map(({ name, text, variants }) => ({
    ...{ name, text },
    fields: fieldViews(variants.get("") ?? [], { tree: loaded.tree, path: [name] }),
  }));
}

export function viewEntries(loaded: LoadedConfig, section: EntrySection): EntryView[] {
  const node = loaded.tree.get(section);
  if (!isBranch(node)) return [];
  return [...node].map(([name, entry]) => {
    const at = { section, name };
    const typeNode = nodeAt(isBranch(entry) ? entry : new Map(), ["type"]);
    const type = typeNode === undefined || isBranch(typeNode) ? "" : String(typeNode.value);
    const origin = entryOrigin(loaded.tree, at);
    return {
      ...{ ...at, type, origin, managed: isManaged(origin) },
      fields: fieldViews(entryFields(section, type), { tree: loaded.tree, path: [section, name] }),
    };
  });
}

/** An entry that is yet to be made, with its defaults. */
export function newEntry(section: EntrySection, type: string): EntryView {
  const origin: Origin = { kind: "default", name: "default" };
  const fields = fieldViews(entryFields(section, type), { tree: new Map(), path: [section, ""] });
  return { section, name: "", type, origin, managed: false, fields };
}

/** The words that `type` may be. */
export function entryTypes(section: EntrySection): string[] {
  return [...variantsOf(section).keys()];
}

/** The fields of an entry; none for an unknown type. */
export function entryFields(section: EntrySection, type: string): FieldDescription[] {
  return variantsOf(section).get(type) ?? [];
}

function variantsOf(section: EntrySection): Map<string, FieldDescription[]> {
  return describeSections().find(({ name }) => name === section)?.variants ?? new Map();
}

function fieldViews(
  fields: readonly FieldDescription[],
  { tree, path }: { tree: Branch; path: string[] },
): FieldView[] {
  const branch = nodeAt(tree, path);
  const below = isBranch(branch) ? branch : new Map();
  return fields.map((field) => {
    const value = effectiveValue(below, field);
    const origin = managingOrigin(nodeAt(below, field.keys));
    return {
      ...{ field, path: [...path, ...field.keys].join("."), origin, managed: isManaged(origin) },
      text: inputText(field, value),
      preset: inputText(field, field.default),
      isSet: isGiven(value),
    };
  });
}

function isGiven(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (isTable(value)) return Object.keys(value).length > 0;
  return value !== undefined && value !== null && value !== "";
}
