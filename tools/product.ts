/**
 * How the product is started from a checkout. Its permissions are written once, in the task
 * `sluice` of deno.json; whoever needs them as a list gets them here.
 */
import { fileURLToPath } from "node:url";

/** The repository's folder, with a slash at its end. */
export const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));

/** Flags of `deno run` in the task `sluice`: everything between `run` and the module. */
export function productFlags(): string[] {
  const { tasks } = JSON.parse(Deno.readTextFileSync(`${REPOSITORY}deno.json`)) as {
    tasks: { sluice?: { command?: string } };
  };
  const found = /^deno run (.*) main\.ts$/.exec(tasks.sluice?.command ?? "");
  if (found?.[1] === undefined) {
    throw new Error(
      'Cannot read the permissions: the task "sluice" of deno.json has another shape',
    );
  }
  return found[1].split(/\s+/).map((flag) => flag.replaceAll("'", "").replaceAll('"', ""));
}

/** Program and arguments that run `sluice …` with the permissions of the shipped program. */
export function sluiceCommand(args: string[]): { command: string; args: string[] } {
  return {
    command: Deno.execPath(),
    args: ["run", ...productFlags(), `${REPOSITORY}main.ts`, ...args],
  };
}
