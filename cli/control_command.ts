import type { Command } from "@/cli/command.ts";
import { accessRunningGateway } from "@/cli/gateway_access.ts";

export const reload: Command = {
  path: ["reload"],
  summary: "Make the running gateway read its configuration again, as SIGHUP does",
  options: [],
  arguments: [],
  async run(input, surroundings) {
    await using access = await accessRunningGateway(input);
    const { live, restart } = await access.operations.reload();
    const lines = [
      ...live.map((path) => `applied ${path}\n`),
      ...restart.map((path) => `waits for a restart: ${path}\n`),
    ];
    await surroundings.print(lines.length === 0 ? "nothing has changed\n" : lines.join(""));
    return 0;
  },
};

export const stop: Command = {
  path: ["stop"],
  summary: "Stop the running gateway, as SIGTERM does",
  options: [],
  arguments: [],
  async run(input, surroundings) {
    await using access = await accessRunningGateway(input);
    await access.operations.stop();
    await surroundings.print("stopping\n");
    return 0;
  },
};
