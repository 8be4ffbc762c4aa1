/** What commands do on the data of a stopped gateway. Drivers are loaded when they are needed. */
import type { AccessOperations } from "@/cli/access_operations.ts";
import type { DestinationTest } from "@/cli/operations.ts";
import type {
  BackupReport as CommandBackupReport,
  RestoreReport,
  StoppedStore,
} from "@/cli/surroundings.ts";
import type { LoadedConfig } from "@/config/load.ts";
import type { Config, DestinationConfig } from "@/config/schema.ts";
import { readBoot } from "@/runtime/machine.ts";
import { destinationOptions, storeOptions } from "@/runtime/options.ts";
import type { BackupReport } from "@/store/backup.ts";

export async function openStore(loaded: LoadedConfig, dataDir: string): Promise<StoppedStore> {
  const { openStoppedStore } = await import("@/store/stopped_store.ts");
  const boot = await readBoot();
  return await openStoppedStore(storeOptions(loaded.config, { dataDir, boot }));
}

/** Nothing is live here: what would be cut is not connected, budgets start full. */
export async function openAccess(
  store: StoppedStore,
  { loaded, dataDir }: { loaded: LoadedConfig; dataDir: string },
): Promise<AccessOperations> {
  const { Auth } = await import("@/auth/auth.ts");
  const { authStoreOf } = await import("@/auth/auth_store.ts");
  const { AccessCalls } = await import("@/runtime/access_calls.ts");
  const { config } = loaded;
  const auth = await Auth.open({
    store: authStoreOf(store),
    dataDir,
    now: Date.now,
    monotonicNow: () => performance.now(),
    anonymous: () => config.mqtt.anonymous,
    autoRegistration: () => config.auth.auto_registration,
  });
  return new AccessCalls({ auth, config: () => config, listening: () => ({}) });
}

/** Only what a connection needs of the configuration is looked at. */
export async function testDestination(destination: DestinationConfig): Promise<DestinationTest> {
  await import("@/forward/driver_environment.ts");
  const { openDestination } = await import("@/forward/open_destination.ts");
  const { tryDestination } = await import("@/forward/trial.ts");
  const { systemTiming } = await import("@/forward/timing.ts");
  const config = {
    gateway: { id: "sluice", location: null },
    destination: [destination],
  } as unknown as Config;
  const [options] = destinationOptions(config, Deno.readTextFileSync);
  const { ok, detail, failure, tookMs } = await tryDestination(options!, {
    timing: systemTiming(),
    open: openDestination,
  });
  return { ok, message: failure?.message ?? detail, hint: failure?.hint ?? "", durationMs: tookMs };
}

export async function verifyBackup(file: string): Promise<CommandBackupReport> {
  const store = await import("@/store/backup.ts");
  return reportOf(store.verifyBackup(file));
}

export async function restoreBackup(file: string, dataDir: string): Promise<RestoreReport> {
  const store = await import("@/store/backup.ts");
  const { report, movedTo } = await store.restoreBackup(file, { dataDir, now: new Date() });
  return { ...reportOf(report), movedTo };
}

function reportOf({ bytes, rows, schemaVersion }: BackupReport): CommandBackupReport {
  return { bytes, messages: rows.messages ?? 0, schemaVersion };
}
