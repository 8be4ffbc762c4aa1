import {
  describeSections,
  environmentName,
  type FieldDescription,
  type SectionDescription,
} from "@/config/describe.ts";
import { RESERVED_NAMES } from "@/config/checks.ts";
import { tomlText } from "@/config/toml_text.ts";

const HEAD = `# Configuration reference

<!-- Generated from config/schema.ts: deno task generate -->

A value comes from the first of: a flag, the environment, \`sluice.toml\`, the settings made on the
page (\`settings.toml\` in the data folder), the default below. \`sluice config show --origin\` prints
each value with where it came from, \`sluice config check\` reports every problem at once,
\`sluice config init\` writes a commented file. Nothing is ever written back to your file.

- Environment: \`SLUICE_SECTION__KEY\`, for an entry \`SLUICE_DESTINATION__NAME__KEY\` (capitals, \`-\`
  becomes \`_\`, \`.\` becomes \`__\`). With \`_FILE\` at its end the variable names a file that holds the
  value. Lists are written with commas or as JSON, tables as JSON.
- Durations are a number and \`ms\`, \`s\`, \`m\`, \`h\`, \`d\` or \`w\` (\`"1h30m"\`); sizes a number and \`B\`,
  \`kB\`, \`KiB\`, \`MB\`, \`MiB\`, \`GB\`, \`GiB\` (\`"64KiB"\`) or plain bytes.
- Reload: *live* values change with SIGHUP, without losing a connection or a message; *restart*
  values wait for the next start, and the reload says so.
- Secrets are printed as \`***\`; so are passwords in URLs.
`;

/** The reference page `docs/reference/config.md`. */
export function configReference(): string {
  const sections = describeSections().map(sectionText);
  const reserved = RESERVED_NAMES.map((name) => `\`${name}\``).join(", ");
  return `${HEAD}\n${
    sections.join("\n")
  }\nReserved names of destinations and sources: ${reserved}.\n`;
}

function sectionText(section: SectionDescription): string {
  const title = section.repeated ? `[[${section.name}]]` : `[${section.name}]`;
  const parts = [...section.variants].map(([type, fields]) => {
    const heading = type === "" ? "" : `\n### type = "${type}"\n`;
    return `${heading}\n${fieldTable(section, fields)}`;
  });
  return `## ${title}\n\n${section.text}\n${parts.join("\n")}`;
}

function fieldTable(section: SectionDescription, fields: FieldDescription[]): string {
  const rows = fields.map((field) => {
    const name = section.repeated ? "NAME" : undefined;
    const cells = [
      `\`${field.keys.join(".")}\``,
      field.kind,
      defaultText(field),
      field.reload,
      `${field.text}${field.secret ? " Secret." : ""}`,
      `\`${environmentName(section.name, field.keys, name)}\``,
    ];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  const head =
    "| Key | Type | Default | Reload | What | Environment |\n| --- | --- | --- | --- | --- | --- |";
  return `${head}\n${rows.join("\n")}\n`;
}

function defaultText(field: FieldDescription): string {
  if (field.required) return "required";
  return field.default === "" ? "none" : `\`${tomlText(field.default)}\``;
}
