/**
 * What a command is, how its arguments are read, and how its help is written. One description per
 * command gives all three; mistakes are answered with the nearest name.
 */
import { parseArgs } from "node:util";
import { nearest } from "@/config/nearest.ts";
import { ConfigError } from "@/model/errors.ts";
import type { Surroundings } from "@/cli/surroundings.ts";

export interface OptionDescription {
  name: string;
  /** Word for the value in the help; absent for a switch. */
  value?: string;
  text: string;
}

export interface ArgumentDescription {
  /** As in the usage: `ID`. */
  name: string;
  required: boolean;
  repeated?: boolean;
  text: string;
}

export interface Command {
  /** `["queue", "status"]` */
  path: string[];
  /** One line. */
  summary: string;
  /** Further lines of the help. */
  text?: string;
  options: OptionDescription[];
  arguments: ArgumentDescription[];
  /** Resolves with the exit code. */
  run: (input: CommandInput, surroundings: Surroundings) => Promise<number>;
}

/** The arguments of one call, read and checked by their description. */
export interface CommandInput {
  /** `--config`; null where it was not given. */
  configFile: string | null;
  /** `--data`; `./data` where it was not given. */
  dataDir: string;
  switches: ReadonlySet<string>;
  values: ReadonlyMap<string, string>;
  arguments: string[];
}

/** Code of every mistake in the command line; it ends the program with exit code 2. */
export const USAGE_CODE = "CLI-0001";

/** A mistake in the command line. */
export function usageError(message: string, hint: string): ConfigError {
  return new ConfigError(message, { code: USAGE_CODE, hint });
}

/** Options of every command. */
export const COMMON_OPTIONS: OptionDescription[] = [
  {
    name: "config",
    value: "FILE",
    text: "configuration (default SLUICE_CONFIG, else ./sluice.toml if there)",
  },
  { name: "data", value: "DIR", text: "data folder (default SLUICE_DATA, else ./data)" },
  { name: "help", text: "this text" },
];

export const JSON_OPTION: OptionDescription = { name: "json", text: "JSON instead of text" };

/** Reads the arguments after the command's name. */
export function readInput(
  command: Command,
  args: string[],
  environment: Record<string, string>,
): CommandInput {
  const options = [...command.options, ...COMMON_OPTIONS];
  const { tokens } = parseArgs({
    args,
    options: Object.fromEntries(options.map((option) => [option.name, {
      type: option.value === undefined ? "boolean" as const : "string" as const,
    }])),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const switches = new Set<string>();
  const values = new Map<string, string>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const option = findOption(token.rawName, options, command);
    if (option.value === undefined) switches.add(switchOf(option, token.value));
    else values.set(option.name, valueOf(option, token.value));
  }
  if (!switches.has("help")) checkArguments(command, positionals);
  return {
    configFile: values.get("config") ?? environment.SLUICE_CONFIG ?? null,
    dataDir: values.get("data") ?? environment.SLUICE_DATA ?? "./data",
    switches,
    values,
    arguments: positionals,
  };
}

/** The help of one command. */
export function commandHelp(command: Command): string {
  const usage = command.arguments.map((argument) => {
    const name = argument.repeated ? `${argument.name}…` : argument.name;
    return argument.required ? name : `[${name}]`;
  });
  const parts = [
    `${command.summary}\n`,
    ...(command.text === undefined ? [] : [`${command.text}\n`]),
    `Usage: ${["sluice", ...command.path, "[options]", ...usage].join(" ")}\n`,
  ];
  if (command.arguments.length > 0) {
    parts.push(`Arguments:\n${columns(command.arguments.map(({ name, text }) => [name, text]))}`);
  }
  const options = [...command.options, ...COMMON_OPTIONS];
  parts.push(`Options:\n${columns(options.map((option) => [optionUsage(option), option.text]))}`);
  return parts.join("\n");
}

/** Two columns, the second one aligned. */
export function columns(rows: [string, string][]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join("");
}

/** A whole number given to an option; null where it was not given. */
export function integerOption(
  input: CommandInput,
  name: string,
  limits: { min: number; max: number },
): number | null {
  const text = input.values.get(name);
  if (text === undefined) return null;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= limits.min && value <= limits.max) return value;
  throw usageError(
    `Option --${name} has the value ${JSON.stringify(text)}`,
    `give a whole number from ${limits.min} to ${limits.max}`,
  );
}

function optionUsage({ name, value }: OptionDescription): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`;
}

function findOption(
  rawName: string,
  options: OptionDescription[],
  command: Command,
): OptionDescription {
  const name = rawName === "-h" ? "help" : rawName.replace(/^--/, "");
  const option = options.find((item) => item.name === name);
  if (option !== undefined) return option;
  const candidate = nearest(name, options.map((item) => item.name));
  throw usageError(
    `Unknown option ${rawName}`,
    candidate === null
      ? `see: ${["sluice", ...command.path, "--help"].join(" ")}`
      : `did you mean --${candidate}?`,
  );
}

function switchOf(option: OptionDescription, value: string | undefined): string {
  if (value === undefined) return option.name;
  throw usageError(`Option --${option.name} takes no value`, `write --${option.name} alone`);
}

function valueOf(option: OptionDescription, value: string | undefined): string {
  if (value !== undefined && value !== "") return value;
  throw usageError(`Option --${option.name} has no value`, `write ${optionUsage(option)}`);
}

function checkArguments(command: Command, given: string[]): void {
  const required = command.arguments.filter((argument) => argument.required);
  const open = command.arguments.some((argument) => argument.repeated);
  const help = `see: ${["sluice", ...command.path, "--help"].join(" ")}`;
  const missing = required[given.length];
  if (missing !== undefined) throw usageError(`Argument ${missing.name} is missing`, help);
  const extra = given[command.arguments.length];
  if (extra === undefined || open) return;
  throw usageError(`Unexpected argument ${JSON.stringify(extra)}`, help);
}
