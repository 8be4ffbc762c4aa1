import { resolve } from "node:path";
import type { CommandInput } from "@/cli/command.ts";
import { commandConfig } from "@/cli/config_access.ts";
import { ControlClient } from "@/cli/control_client.ts";
import { OfflineOperations } from "@/cli/offline_operations.ts";
import type { Operations } from "@/cli/operations.ts";
import type { Surroundings } from "@/cli/surroundings.ts";
import { ConfigError, TransientError } from "@/model/errors.ts";

/** Operations for one command, and how to let go of what they hold. */
export interface GatewayAccess extends AsyncDisposable {
  operations: Operations;
  running: boolean;
}

/** The running gateway of the data folder; without one, its store. */
export async function accessGateway(
  input: CommandInput,
  surroundings: Surroundings,
): Promise<GatewayAccess> {
  const client = await ControlClient.connect(input.dataDir);
  if (client !== null) return overSocket(client);
  await checkDataFolder(input.dataDir);
  const loaded = await commandConfig(input, surroundings);
  const { openStore, testDestination } = surroundings.parts;
  const store = await openStore(loaded, resolve(input.dataDir));
  return {
    operations: new OfflineOperations({ store, loaded, testDestination }),
    running: false,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** For what only a running gateway can do. */
export async function accessRunningGateway(input: CommandInput): Promise<GatewayAccess> {
  const client = await ControlClient.connect(input.dataDir);
  if (client !== null) return overSocket(client);
  throw new TransientError(`No gateway runs on the data folder ${JSON.stringify(input.dataDir)}`, {
    code: "CLI-0003",
    hint: "start it with: sluice serve, or name its data folder with --data",
  });
}

function overSocket(client: ControlClient): GatewayAccess {
  return {
    operations: client.operations,
    running: true,
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** Looking at data must not make an empty store where there is none. */
async function checkDataFolder(dataDir: string): Promise<void> {
  const found = await Deno.stat(dataDir).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  if (found?.isDirectory) return;
  throw new ConfigError(`Cannot find the data folder ${JSON.stringify(dataDir)}`, {
    code: "CLI-0004",
    hint: "name it with --data, or start a gateway with: sluice serve",
  });
}
