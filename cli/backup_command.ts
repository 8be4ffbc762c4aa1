import { resolve } from "node:path";
import type { Command, CommandInput } from "@/cli/command.ts";
import { ControlClient } from "@/cli/control_client.ts";
import { accessGateway } from "@/cli/gateway_access.ts";
import type { BackupReport, Surroundings } from "@/cli/surroundings.ts";
import { bytesText } from "@/cli/text_table.ts";
import { TransientError } from "@/model/errors.ts";

const FILE = { name: "FILE", required: true, text: "the backup" };

export const backupCreate: Command = {
  path: ["backup", "create"],
  summary: "Copy the data into a new file, also while the gateway runs",
  text: "The copy is consistent and checked before the command ends. It holds the data, not the\n" +
    "configuration file.",
  options: [],
  arguments: [FILE],
  async run(input, surroundings) {
    await using access = await accessGateway(input, surroundings);
    const file = resolve(input.arguments[0]!);
    const bytes = await access.operations.backupCreate(file);
    await surroundings.print(`wrote ${file}, ${bytesText(bytes)}\n`);
    return 0;
  },
};

export const backupVerify: Command = {
  path: ["backup", "verify"],
  summary: "Check a backup by a trial restore",
  options: [],
  arguments: [FILE],
  async run(input, surroundings) {
    const report = await surroundings.parts.verifyBackup(resolve(input.arguments[0]!));
    await surroundings.print(`the backup is good: ${reportText(report)}\n`);
    return 0;
  },
};

export const backupRestore: Command = {
  path: ["backup", "restore"],
  summary: "Put a backup in place of the data of a stopped gateway",
  text:
    "What was there is moved aside, not deleted. Message ids given from then on never repeat\n" +
    "ids given after the backup.",
  options: [],
  arguments: [FILE],
  run: runRestore,
};

async function runRestore(input: CommandInput, surroundings: Surroundings): Promise<number> {
  await using client = await ControlClient.connect(input.dataDir);
  if (client !== null) {
    throw new TransientError("Cannot restore: a gateway runs on this data folder", {
      code: "CLI-0008",
      hint: "stop it first with: sluice stop",
    });
  }
  const [file, dataDir] = [resolve(input.arguments[0]!), resolve(input.dataDir)];
  const report = await surroundings.parts.restoreBackup(file, dataDir);
  const moved = report.movedTo === null ? "" : `\nthe data before it is now ${report.movedTo}`;
  await surroundings.print(`restored ${dataDir}: ${reportText(report)}${moved}\n`);
  return 0;
}

function reportText({ bytes, messages, schemaVersion }: BackupReport): string {
  return `${messages} messages, ${bytesText(bytes)}, schema version ${schemaVersion}`;
}
