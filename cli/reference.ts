import { COMMANDS, generalHelp } from "@/cli/command_line.ts";
import { commandHelp } from "@/cli/command.ts";

/** The reference page `docs/reference/commands.md`: what `--help` prints. */
export function commandReference(): string {
  const sections = COMMANDS.map((command) =>
    `## sluice ${command.path.join(" ")}\n\n${block(commandHelp(command))}`
  );
  return `# Commands

<!-- Generated from the descriptions in cli/: deno task generate -->

From a checkout \`sluice\` is \`deno task sluice\`. Commands work on the running gateway of the data
folder through its socket, and, where that makes sense, on the data of a stopped one. Errors go to
standard error with a hint.

${block(generalHelp())}
${sections.join("\n")}`;
}

function block(text: string): string {
  return `\`\`\`text\n${text.trimEnd()}\n\`\`\`\n`;
}
