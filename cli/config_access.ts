import type { CommandInput } from "@/cli/command.ts";
import type { Surroundings } from "@/cli/surroundings.ts";
import { type ConfigSources, loadConfig, type LoadedConfig } from "@/config/load.ts";

/** The file that is read when `--config` is not given. */
export const USUAL_CONFIG_FILE = "./sluice.toml";

/** Where the configuration of a command comes from. */
export function configSources(
  input: CommandInput,
  surroundings: Pick<Surroundings, "environment">,
  flags: ConfigSources["flags"] = [],
): ConfigSources {
  return {
    configFile: input.configFile ?? USUAL_CONFIG_FILE,
    configFileRequired: input.configFile !== null,
    settingsFile: `${input.dataDir}/settings.toml`,
    environment: surroundings.environment,
    flags,
  };
}

/** The configuration for a command; throws with all its problems. */
export function commandConfig(
  input: CommandInput,
  surroundings: Pick<Surroundings, "environment">,
): Promise<LoadedConfig> {
  return loadConfig(configSources(input, surroundings));
}
