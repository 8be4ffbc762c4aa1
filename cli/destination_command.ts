import { type Command, type CommandInput, JSON_OPTION } from "@/cli/command.ts";
import { commandConfig } from "@/cli/config_access.ts";
import { ControlClient } from "@/cli/control_client.ts";
import { accessGateway } from "@/cli/gateway_access.ts";
import { testConfigured } from "@/cli/offline_operations.ts";
import type { DestinationStatus, DestinationTest, Operations } from "@/cli/operations.ts";
import type { Surroundings } from "@/cli/surroundings.ts";
import { printable, textTable } from "@/cli/text_table.ts";

const NAME = { name: "NAME", required: true, text: "the destination's name" };

export const destinationList: Command = {
  path: ["destination", "list"],
  summary: "List destinations with their state and last error",
  options: [JSON_OPTION],
  arguments: [],
  async run(input, surroundings) {
    await using access = await accessGateway(input, surroundings);
    const found = await access.operations.destinationList();
    await surroundings.print(
      input.switches.has("json") ? JSON.stringify(found) + "\n" : listText(found),
    );
    return 0;
  },
};

export const destinationTest: Command = {
  path: ["destination", "test"],
  summary: "Connect and log in to a destination, writing nothing",
  options: [JSON_OPTION],
  arguments: [NAME],
  run: runTest,
};

export const destinationPause: Command = {
  path: ["destination", "pause"],
  summary: "Stop sending to a destination; its queue grows",
  options: [],
  arguments: [NAME],
  run: act("paused", (operations, name) => operations.destinationPause(name, true)),
};

export const destinationResume: Command = {
  path: ["destination", "resume"],
  summary: "Send to a paused destination again",
  options: [],
  arguments: [NAME],
  run: act("resumed", (operations, name) => operations.destinationPause(name, false)),
};

export const destinationForget: Command = {
  path: ["destination", "forget"],
  summary: "Drop what is kept for a destination that is no longer configured",
  text: "That is its queue, its ledger and its dead letters.",
  options: [],
  arguments: [NAME],
  run: act("forgot", (operations, name) => operations.destinationForget(name)),
};

function act(
  done: string,
  run: (operations: Operations, name: string) => Promise<void>,
): Command["run"] {
  return async (input, surroundings) => {
    const name = input.arguments[0]!;
    await using access = await accessGateway(input, surroundings);
    await run(access.operations, name);
    await surroundings.print(`${done} ${name}\n`);
    return 0;
  };
}

async function runTest(input: CommandInput, surroundings: Surroundings): Promise<number> {
  const result = await testResult(input, surroundings);
  if (input.switches.has("json")) {
    await surroundings.print(JSON.stringify(result) + "\n");
  } else {
    const hint = result.hint === "" ? "" : `\nhint: ${result.hint}`;
    const verdict = result.ok ? "ok" : "failed";
    await surroundings.print(
      `${verdict} after ${Math.round(result.durationMs)} ms: ${result.message}${hint}\n`,
    );
  }
  return result.ok ? 0 : 1;
}

/** A test needs no data folder, so that it can be the first thing to do with a new file. */
async function testResult(
  input: CommandInput,
  surroundings: Surroundings,
): Promise<DestinationTest> {
  const name = input.arguments[0]!;
  await using client = await ControlClient.connect(input.dataDir);
  if (client !== null) return await client.operations.destinationTest(name);
  const loaded = await commandConfig(input, surroundings);
  return await testConfigured(loaded, name, surroundings.parts.testDestination);
}

function listText(found: DestinationStatus[]): string {
  if (found.length === 0) return "no destinations are configured\n";
  const rows = found.map(({ name, type, mode, ledger, lastError, nextAttemptAtMs }) => [
    name,
    type ?? "removed",
    ledger.paused ? "paused" : mode ?? "stopped",
    String(ledger.enqueued + ledger.inFlight),
    String(ledger.dead),
    nextAttemptAtMs === null ? "-" : new Date(nextAttemptAtMs).toISOString(),
    printable(lastError === null ? "" : `${lastError.message} (${lastError.hint})`, 160),
  ]);
  const headings = ["NAME", "TYPE", "STATE", "QUEUED", "DEAD", "NEXT ATTEMPT", "LAST ERROR"];
  return textTable(headings, rows);
}
