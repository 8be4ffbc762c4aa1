/** The command line as a whole: finds the command, runs it, and says what went wrong. */
import { backupCreate, backupRestore, backupVerify } from "@/cli/backup_command.ts";
import { certCa, certDevice, certRevoke, certServer } from "@/cli/cert.ts";
import {
  columns,
  type Command,
  commandHelp,
  COMMON_OPTIONS,
  readInput,
  USAGE_CODE,
  usageError,
} from "@/cli/command.ts";
import { configCheck, configInit, configShow } from "@/cli/config_command.ts";
import { reload, stop } from "@/cli/control_command.ts";
import { deadExport, deadList, deadPurge, deadReplay, deadShow } from "@/cli/dead_command.ts";
import {
  destinationForget,
  destinationList,
  destinationPause,
  destinationResume,
  destinationTest,
} from "@/cli/destination_command.ts";
import {
  deviceAdd,
  deviceApprove,
  deviceDisable,
  deviceDismiss,
  deviceEnable,
  deviceGrant,
  deviceList,
  devicePending,
  deviceRemove,
  deviceRotate,
} from "@/cli/device.ts";
import { feed } from "@/cli/feed_command.ts";
import { queueShow, queueStatus } from "@/cli/queue_command.ts";
import { serve } from "@/cli/serve_command.ts";
import { simulate } from "@/cli/simulate_command.ts";
import type { Surroundings } from "@/cli/surroundings.ts";
import { tap } from "@/cli/tap_command.ts";
import { userAdd, userList, userPassword, userRemove, userRole } from "@/cli/user.ts";
import { version } from "@/cli/version_command.ts";
import { nearest } from "@/config/nearest.ts";
import { SluiceError } from "@/model/errors.ts";

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  serve,
  configInit,
  configCheck,
  configShow,
  userAdd,
  userList,
  userPassword,
  userRole,
  userRemove,
  deviceAdd,
  deviceList,
  deviceRotate,
  deviceDisable,
  deviceEnable,
  deviceRemove,
  deviceGrant,
  devicePending,
  deviceApprove,
  deviceDismiss,
  certCa,
  certServer,
  certDevice,
  certRevoke,
  queueStatus,
  queueShow,
  deadList,
  deadShow,
  deadReplay,
  deadPurge,
  deadExport,
  destinationList,
  destinationTest,
  destinationPause,
  destinationResume,
  destinationForget,
  feed,
  tap,
  backupCreate,
  backupVerify,
  backupRestore,
  reload,
  stop,
  simulate,
  version,
];

/** Exit codes. */
const FAILURE = 1;
const USAGE = 2;

/** Runs one command line; resolves with the exit code, errors are on standard error by then. */
export async function runCommandLine(
  args: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  try {
    return await dispatch([...args], surroundings);
  } catch (error) {
    // The reader of a pipe (`sluice tap | head`) has seen enough.
    if (error instanceof Deno.errors.BrokenPipe) return 0;
    surroundings.warn(errorText(error));
    return error instanceof SluiceError && error.code === USAGE_CODE ? USAGE : FAILURE;
  }
}

async function dispatch(args: string[], surroundings: Surroundings): Promise<number> {
  const [first] = args;
  if (first === "--version") return await dispatch(["version"], surroundings);
  if (first === "--help" || first === "-h" || first === "help") {
    await surroundings.print(generalHelp());
    return 0;
  }
  const { command, rest } = findCommand(args);
  if (command === null) {
    await surroundings.print(groupHelp(args[0]!));
    return 0;
  }
  const input = readInput(command, rest, surroundings.environment);
  if (input.switches.has("help")) {
    await surroundings.print(commandHelp(command));
    return 0;
  }
  return await command.run(input, surroundings);
}

/** Without a command, or with options first, it is `serve`; null asks for the help of a group. */
function findCommand(args: string[]): { command: Command | null; rest: string[] } {
  if (args.length === 0 || args[0]!.startsWith("-")) return { command: serve, rest: args };
  const matching = COMMANDS.filter((command) => command.path[0] === args[0]);
  if (matching.length === 0) throw unknownCommand(args[0]!, COMMANDS.map((item) => item.path[0]!));
  const [single] = matching;
  if (single?.path.length === 1) return { command: single, rest: args.slice(1) };
  const second = args[1];
  if (second === "--help" || second === "-h") return { command: null, rest: [] };
  const words = matching.map((command) => command.path[1]!);
  if (second === undefined) {
    throw usageError(
      `Command ${args[0]} is not complete`,
      `write one of: ${words.map((word) => `sluice ${args[0]} ${word}`).join(", ")}`,
    );
  }
  const command = matching.find((item) => item.path[1] === second);
  if (command === undefined) throw unknownCommand(second, words, args[0]);
  return { command, rest: args.slice(2) };
}

function unknownCommand(word: string, known: string[], group?: string) {
  const prefix = group === undefined ? "sluice" : `sluice ${group}`;
  const candidate = nearest(word, known);
  return usageError(
    `Unknown command ${JSON.stringify(group === undefined ? word : `${group} ${word}`)}`,
    candidate === null ? `see: ${prefix} --help` : `did you mean: ${prefix} ${candidate}?`,
  );
}

/** The help without a command. */
export function generalHelp(): string {
  return "Sluice: an IoT edge gateway that never loses an acknowledged message.\n\n" +
    "Usage: sluice [command] [options]\n\n" +
    `Commands:\n${commandList(COMMANDS)}\n` +
    `Options of every command:\n${
      columns(COMMON_OPTIONS.map(({ name, value, text }) => [
        value === undefined ? `--${name}` : `--${name} ${value}`,
        text,
      ]))
    }\n` +
    "Without a command it is serve. Configuration: flag, environment SLUICE_SECTION__KEY,\n" +
    "sluice.toml, settings made on the page, default. Exit codes: 0 done, 1 failed, 2 usage.\n";
}

function groupHelp(group: string): string {
  const commands = COMMANDS.filter((command) => command.path[0] === group);
  return `Usage: sluice ${group} <command> [options]\n\nCommands:\n${commandList(commands)}`;
}

function commandList(commands: readonly Command[]): string {
  return columns(commands.map(({ path, summary }) => [path.join(" "), summary]));
}

/** What an operator reads: the error, its cause, and what to do next. */
export function errorText(error: unknown): string {
  if (!(error instanceof SluiceError)) {
    return `error: ${error instanceof Error ? error.message : String(error)}`;
  }
  const cause = error.cause instanceof Error && !error.message.includes(error.cause.message)
    ? `: ${error.cause.message}`
    : "";
  return `error: ${error.message}${cause}\nhint: ${error.hint}`;
}
