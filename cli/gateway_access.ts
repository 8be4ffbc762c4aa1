import { resolve } from "node:path";
import type { AccessOperations } from "@/cli/access_operations.ts";
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

/**
 * The running gateway of the data folder; without one, its store. `create` makes a data folder where
 * there is none, for what may be done before the first start.
 */
export async function accessGateway(
  input: CommandInput,
  surroundings: Surroundings,
  options: { create?: boolean } = {},
): Promise<GatewayAccess> {
  const client = await ControlClient.connect(input.dataDir);
  if (client !== null) return overSocket(client);
  if (options.create !== true) await checkDataFolder(input.dataDir);
  const loaded = await commandConfig(input, surroundings);
  const { openStore, openAccess, testDestination } = surroundings.parts;
  const dataDir = resolve(input.dataDir);
  const store = await openStore(loaded, dataDir);
  const access = () => openAccess(store, { loaded, dataDir });
  return {
    operations: new OfflineOperations({ store, loaded, testDestination, openAccess: access }),
    running: false,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** One act on people, devices or certificates; also before the first start of the gateway. */
export async function withAccess<T>(
  { input, surroundings }: { input: CommandInput; surroundings: Surroundings },
  run: (access: AccessOperations) => Promise<T>,
): Promise<T> {
  await using gateway = await accessGateway(input, surroundings, { create: true });
  return await run(await gateway.operations.access());
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
