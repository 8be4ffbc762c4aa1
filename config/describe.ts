import { z } from "zod";
import { type FieldInfo, fieldInfos } from "@/config/fields.ts";
import { type Config, configSchema, SECTION_TEXTS } from "@/config/schema.ts";

/** One field of the schema, found by walking it. */
export interface FieldDescription extends FieldInfo {
  /** Keys below the section: `["filter", "devices"]`. */
  keys: string[];
  required: boolean;
  /** In the form of a file; undefined where the field is required. */
  default: unknown;
}

export interface SectionDescription {
  name: keyof Config;
  text: string;
  /** `type` → fields for a list of entries, one unnamed variant for a plain section. */
  variants: Map<string, FieldDescription[]>;
  /** True for `[[name]]`. */
  repeated: boolean;
}

/** Every section in the order of the schema. */
export function describeSections(): SectionDescription[] {
  return Object.entries(configSchema.shape).map(([name, schema]) => {
    const inner = unwrap(schema);
    const key = name as keyof Config;
    const variants = inner instanceof z.ZodArray ? entryVariants(inner) : sectionVariant(inner);
    return { name: key, text: SECTION_TEXTS[key], variants, repeated: inner instanceof z.ZodArray };
  });
}

/** The schema of one section, without its default. */
export function sectionSchema(name: string): z.ZodType | null {
  const schema = (configSchema.shape as Record<string, z.ZodType>)[name];
  return schema === undefined || !Object.hasOwn(configSchema.shape, name) ? null : schema;
}

/** The schema of one entry of `[[destination]]` or `[[source]]`. */
export function entrySchema(name: "destination" | "source"): z.ZodType {
  const list = unwrap(configSchema.shape[name]);
  if (!(list instanceof z.ZodArray)) throw new TypeError(`${name} is not a list`);
  return list.element as z.ZodType;
}

/** Name of the environment variable of a field; `name` is the entry's for a repeated section. */
export function environmentName(section: string, keys: readonly string[], name?: string): string {
  const entry = name === undefined ? [] : [environmentWord(name)];
  return ["SLUICE_" + section, ...entry, ...keys].join("__").toUpperCase();
}

/** Two entry names with the same word cannot be told apart in the environment. */
export function environmentWord(name: string): string {
  return name.toLowerCase().replaceAll("-", "_");
}

function sectionVariant(schema: z.ZodType): Map<string, FieldDescription[]> {
  return new Map([["", fieldsOf(schema, [])]]);
}

function entryVariants(list: z.ZodArray): Map<string, FieldDescription[]> {
  const union = list.element;
  if (!(union instanceof z.ZodDiscriminatedUnion)) throw new TypeError("Entries need a type");
  return new Map(
    union.options.map((option) => {
      const shape = (option as z.ZodObject).shape as Record<string, z.ZodType>;
      const type = shape.type;
      if (!(type instanceof z.ZodLiteral)) throw new TypeError("An entry needs a literal type");
      return [String(type.value), fieldsOf(option as z.ZodType, [])];
    }),
  );
}

function fieldsOf(schema: z.ZodType, above: string[]): FieldDescription[] {
  const inner = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([key, field]) => {
    const keys = [...above, key];
    const info = fieldInfos.get(field);
    if (info === undefined) return fieldsOf(field, keys);
    const required = !(field instanceof z.ZodPrefault);
    const preset = field instanceof z.ZodPrefault ? field.def.defaultValue : undefined;
    return [{ ...info, keys, required, default: preset }];
  });
}

function unwrap(schema: unknown): z.ZodType {
  return schema instanceof z.ZodPrefault ? schema.def.innerType as z.ZodType : schema as z.ZodType;
}
