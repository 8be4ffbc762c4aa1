/** What a command may touch: streams, environment, signals, and the parts that `main.ts` gives. */
import type { AccessOperations } from "@/cli/access_operations.ts";
import type { DestinationTest } from "@/cli/operations.ts";
import type { LoadedConfig } from "@/config/load.ts";
import type { ConfigSources } from "@/config/load.ts";
import type { DestinationConfig } from "@/config/schema.ts";
import type { Store } from "@/store/store_types.ts";

export interface ServeOptions {
  loaded: LoadedConfig;
  /** To read the configuration again on a reload. */
  sources: ConfigSources;
  /** Absolute; made when it does not exist. */
  dataDir: string;
  /** Adds simulated devices that publish over real MQTT. */
  demo: boolean;
  /** Aborted by SIGTERM, SIGINT and the stop operation. */
  stop: AbortController;
  /** Calls the listener at each SIGHUP; returns how to remove it. */
  onReload: (listener: () => void) => () => void;
  /** Writes the one line of standard output. */
  print: (text: string) => Promise<void>;
}

/** What the command line needs from the rest of the program; `main.ts` joins them. */
export interface Parts {
  /** Runs the gateway until `stop` is aborted. */
  serve: (options: ServeOptions) => Promise<void>;
  /** Opens the store of a stopped gateway; throws when its data folder is in use. */
  openStore: (loaded: LoadedConfig, dataDir: string) => Promise<StoppedStore>;
  /** People, devices and certificates of a stopped gateway. */
  openAccess: (
    store: StoppedStore,
    options: { loaded: LoadedConfig; dataDir: string },
  ) => Promise<AccessOperations>;
  testDestination: (destination: DestinationConfig) => Promise<DestinationTest>;
  /** Checks a backup by a trial restore; throws with what is wrong. */
  verifyBackup: (file: string) => Promise<BackupReport>;
  /** Puts a backup in place of the data of a stopped gateway; what was there is moved aside. */
  restoreBackup: (file: string, dataDir: string) => Promise<RestoreReport>;
}

/** What commands need of the store of a stopped gateway. */
export type StoppedStore =
  & Pick<
    Store,
    | "state"
    | "snapshot"
    | "journey"
    | "listDead"
    | "replayDead"
    | "purgeDead"
    | "listSourceDead"
    | "deleteSourceDead"
    | "pauseDestination"
    | "forgetDestination"
    | "backup"
    | "query"
    | "commitAccess"
  >
  & AsyncDisposable;

export interface BackupReport {
  bytes: number;
  /** Messages of the log. */
  messages: number;
  schemaVersion: number;
}

export interface RestoreReport extends BackupReport {
  /** Where the data that was there before lies now; null when there was none. */
  movedTo: string | null;
}

export interface Surroundings {
  parts: Parts;
  /** `SLUICE_*` only. */
  environment: Record<string, string>;
  /** Standard output; the text is written as it is. */
  print: (text: string) => Promise<void>;
  /** Standard error. */
  warn: (text: string) => void;
  stdin: () => ReadableStream<Uint8Array>;
  /** Aborted by SIGINT and SIGTERM. */
  stop: AbortController;
  onReload: (listener: () => void) => () => void;
}
