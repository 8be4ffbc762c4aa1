import { type Command, JSON_OPTION } from "@/cli/command.ts";
import { ControlClient } from "@/cli/control_client.ts";
import type { GatewayStatus } from "@/cli/operations.ts";
import { BUILD_TIME_MS, COMMIT, VERSION } from "@/model/build.ts";

export const version: Command = {
  path: ["version"],
  summary: "Print version, commit and runtime, and those of the running gateway",
  options: [JSON_OPTION],
  arguments: [],
  async run(input, surroundings) {
    const json = input.switches.has("json");
    await surroundings.print(await versionText(input.dataDir, { json }));
    return 0;
  },
};

/** What the command prints; the release answers it before the whole program is loaded. */
export async function versionText(dataDir: string, { json = false } = {}): Promise<string> {
  const own = {
    version: VERSION,
    commit: COMMIT,
    built: new Date(BUILD_TIME_MS).toISOString(),
    runtime: `deno ${Deno.version.deno} v8 ${Deno.version.v8}`,
    platform: Deno.build.target,
  };
  const gateway = await runningStatus(dataDir);
  if (json) return JSON.stringify({ ...own, gateway }) + "\n";
  const lines = [
    `sluice ${own.version} (${own.commit}, ${own.built})`,
    `${own.runtime} (${own.platform})`,
    ...(gateway === null ? [] : [runningText(gateway)]),
  ];
  return lines.join("\n") + "\n";
}

async function runningStatus(dataDir: string): Promise<GatewayStatus | null> {
  await using client = await ControlClient.connect(dataDir);
  return client === null ? null : await client.operations.status();
}

function runningText(gateway: GatewayStatus): string {
  const addresses = Object.entries(gateway.listening).map(([name, at]) => `${name}=${at}`);
  return `running: ${gateway.version} (${gateway.commit}), process ${gateway.pid}, ` +
    `${gateway.phase} since ${new Date(gateway.startedAtMs).toISOString()}, ${addresses.join(" ")}`;
}
