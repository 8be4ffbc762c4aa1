import { describeSections, type FieldDescription } from "@/config/describe.ts";
import { tomlText } from "@/config/toml_text.ts";

const WIDTH = 98;

const HEAD = `# Sluice configuration.
#
# Everything here is optional: without this file the gateway runs with the values shown.
# Remove the # in front of a key to change it. Check with: sluice config check
# A flag or an environment variable SLUICE_SECTION__KEY wins over this file; a secret is best kept
# in a file of its own, named by SLUICE_SECTION__KEY_FILE.
# Durations: ms, s, m, h, d, w ("90s", "7d"). Sizes: B, kB, KiB, MB, MiB, GB, GiB ("64KiB", "2GB").
`;

/** The commented file of `config init`, made from the schema. */
export function configTemplate(): string {
  const parts = describeSections().map((section) => {
    const title = section.repeated ? `[[${section.name}]]` : `[${section.name}]`;
    const text = comment(section.text);
    if (!section.repeated) {
      const fields = section.variants.get("") ?? [];
      return [...text, title, "", ...fields.flatMap((field) => [...fieldLines(field), ""])];
    }
    return [
      ...text,
      "",
      ...[...section.variants].flatMap(([type, fields]) => {
        return [`#${title}`, ...entryLines(type, fields), ""];
      }),
    ];
  });
  const lines = parts.flatMap((part) => [rule(), ...part]);
  return [HEAD, ...lines].join("\n").replace(/\n{3,}/g, "\n\n").trimEnd() + "\n";
}

function entryLines(type: string, fields: FieldDescription[]): string[] {
  return fields.flatMap((field) => {
    const lines = fieldLines(field);
    return field.keys.join() === "name" ? [...lines, `#type = ${tomlText(type)}`] : lines;
  });
}

function fieldLines(field: FieldDescription): string[] {
  const unset = field.required || (field.default === "" && field.example !== undefined);
  const value = unset ? field.example : field.default;
  const example = !unset && field.example !== undefined && !field.required
    ? ` Example: ${tomlText(field.example)}`
    : "";
  return [...comment(field.text + example), `#${field.keys.join(".")} = ${tomlText(value)}`];
}

function rule(): string {
  return "# " + "-".repeat(WIDTH - 2);
}

function comment(text: string): string[] {
  const lines: string[] = [];
  let line = "#";
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = "#";
    }
    line += " " + word;
  }
  return [...lines, line];
}
