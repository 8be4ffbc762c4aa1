import { isTable } from "@/config/fields.ts";
import { isEntrySection } from "@/config/layers.ts";
import { tomlKey, tomlText } from "@/config/toml_text.ts";

/** What a file of the configuration holds: sections of keys, lists of entries. */
export type FileValues = Record<string, unknown>;

const HEAD =
  `# Settings made on the page. The gateway writes this file whole at each save: values that
# are changed here by hand stay, comments do not. sluice.toml, the environment and flags win over it.
`;

/** The text of settings.toml: one line a key, so that two versions can be compared. */
export function settingsText(values: FileValues): string {
  const blocks = Object.entries(values).flatMap(([name, value]) => {
    if (isEntrySection(name) && Array.isArray(value)) {
      return value.map((entry) => block(`[[${tomlKey(name)}]]`, entry));
    }
    return isTable(value) && Object.keys(value).length === 0
      ? []
      : [block(`[${tomlKey(name)}]`, value)];
  });
  return [HEAD, ...blocks].join("\n");
}

function block(title: string, table: unknown): string {
  const lines = Object.entries(isTable(table) ? table : {}).map(([key, value]) => {
    return `${tomlKey(key)} = ${tomlText(value)}`;
  });
  return [title, ...lines, ""].join("\n");
}
