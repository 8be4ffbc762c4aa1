import type { Command, CommandInput } from "@/cli/command.ts";
import { commandConfig, configSources, USUAL_CONFIG_FILE } from "@/cli/config_access.ts";
import type { Surroundings } from "@/cli/surroundings.ts";
import { checkConfig } from "@/config/load.ts";
import { describeProblems } from "@/config/problems.ts";
import { showConfig } from "@/config/show.ts";
import { configTemplate } from "@/config/template.ts";
import { ConfigError } from "@/model/errors.ts";

export const configInit: Command = {
  path: ["config", "init"],
  summary: "Write a commented configuration file",
  text: "Every key is there with its default or an example, commented out. An existing file is\n" +
    "never overwritten.",
  options: [{ name: "print", text: "print the file instead of writing it" }],
  arguments: [],
  run: runInit,
};

export const configCheck: Command = {
  path: ["config", "check"],
  summary: "Check the configuration and report all problems at once",
  options: [],
  arguments: [],
  run: runCheck,
};

export const configShow: Command = {
  path: ["config", "show"],
  summary: "Print the effective configuration, secrets masked",
  options: [{ name: "origin", text: "say where each value comes from" }],
  arguments: [],
  async run(input, surroundings) {
    const loaded = await commandConfig(input, surroundings);
    await surroundings.print(showConfig(loaded, { origin: input.switches.has("origin") }));
    return 0;
  },
};

async function runInit(input: CommandInput, surroundings: Surroundings): Promise<number> {
  if (input.switches.has("print")) {
    await surroundings.print(configTemplate());
    return 0;
  }
  const file = input.configFile ?? USUAL_CONFIG_FILE;
  try {
    // Secrets may be written into it later.
    await Deno.writeTextFile(file, configTemplate(), { createNew: true, mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    throw new ConfigError(`Cannot write ${JSON.stringify(file)}: it exists already`, {
      code: "CLI-0005",
      hint: "see what it would hold with: sluice config init --print",
    });
  }
  await surroundings.print(`wrote ${file}\n`);
  return 0;
}

async function runCheck(input: CommandInput, surroundings: Surroundings): Promise<number> {
  const result = await checkConfig(configSources(input, surroundings));
  if (!result.ok) {
    surroundings.warn(describeProblems(result.problems));
    return 1;
  }
  const { destination, source } = result.loaded.config;
  await surroundings.print(
    `the configuration is valid: ${destination.length} destinations, ${source.length} sources\n`,
  );
  return 0;
}
