/** Values of the configuration as a form of text fields shows and takes them. */
import type { FieldDescription } from "@/config/describe.ts";
import { isTable } from "@/config/fields.ts";
import { tomlValues } from "@/config/load.ts";
import { maskUrls } from "@/config/problems.ts";
import { tomlKey, tomlText } from "@/config/toml_text.ts";
import type { Parsed } from "@/config/values.ts";

/** How a field is filled in. */
export type InputShape = "choice" | "lines" | "table" | "number" | "text";

type Kind = Pick<FieldDescription, "kind">;

export function inputShape({ kind }: Kind): InputShape {
  if (wordsOf(kind).length > 1) return "choice";
  if (kind.startsWith("list")) return "lines";
  if (kind.startsWith("table")) return "table";
  return kind === "integer" ? "number" : "text";
}

/** What a field of a choice may be: `true | false`, `"a" | "b"`, `0 | 1 | 2`. */
export function inputChoices({ kind }: Kind): string[] {
  return wordsOf(kind).map(String);
}

/** The value as text; a list has one item a line, a table one entry. A secret is never shown. */
export function inputText(field: FieldDescription, value: unknown): string {
  if (field.secret || value === undefined || value === null) return "";
  if (Array.isArray(value)) return value.join("\n");
  if (!isTable(value)) return maskUrls(String(value));
  return Object.entries(value).map(([key, item]) => `${tomlKey(key)} = ${tomlText(item)}`)
    .join("\n");
}

/**
 * The value that a file would hold for this text; undefined for an empty one, which leaves the
 * default. Only what is no value at all is refused here, the rest is the schema's.
 */
export function inputValue(field: FieldDescription, text: string): Parsed<unknown> {
  const trimmed = field.secret ? text : text.replaceAll("\r\n", "\n").trim();
  if (trimmed === "") return { value: undefined };
  switch (inputShape(field)) {
    case "choice":
      return { value: wordsOf(field.kind).find((word) => String(word) === trimmed) ?? trimmed };
    case "lines":
      return { value: trimmed.split("\n").map((line) => line.trim()).filter(Boolean) };
    case "table":
      return tomlValues(trimmed);
    case "number":
      return { value: /^-?\d{1,15}$/.test(trimmed) ? Number(trimmed) : trimmed };
    case "text":
      return { value: trimmed };
  }
}

/** The words of a choice as values; none for kinds that are no choice. */
function wordsOf(kind: string): (string | number | boolean)[] {
  const words = kind.split(" | ");
  return words.length > 1 ? words.map((word) => JSON.parse(word)) : [];
}
