/** The operations that work on the store of a stopped gateway. */
import type { AccessOperations } from "@/cli/access_operations.ts";
import type {
  DestinationStatus,
  DestinationTest,
  GatewayStatus,
  Operations,
  PageRequest,
  QueueStatus,
  SourceDeadFilter,
} from "@/cli/operations.ts";
import type { Parts, StoppedStore } from "@/cli/surroundings.ts";
import type { LoadedConfig } from "@/config/load.ts";
import { nearest } from "@/config/nearest.ts";
import { ConfigError, TransientError } from "@/model/errors.ts";
import type { DeadLetter, Ledger, SourceDeadLetter } from "@/model/ledger.ts";
import type { DeadFilter, Journey, Page } from "@/store/store_types.ts";

export interface OfflineOptions {
  store: StoppedStore;
  loaded: LoadedConfig;
  testDestination: Parts["testDestination"];
  openAccess: () => Promise<AccessOperations>;
}

export class OfflineOperations implements Operations {
  readonly #store: StoppedStore;
  readonly #loaded: LoadedConfig;
  readonly #testDestination: Parts["testDestination"];
  readonly #openAccess: () => Promise<AccessOperations>;

  constructor(options: OfflineOptions) {
    this.#store = options.store;
    this.#loaded = options.loaded;
    this.#testDestination = options.testDestination;
    this.#openAccess = options.openAccess;
  }

  async queueStatus(): Promise<QueueStatus> {
    const { ledgers, sourceDead, lastNumber } = await this.#store.snapshot();
    const { durability, full, queuedBytes, diskBytes, freeBytes } = this.#store.state;
    return {
      ledgers,
      drainPerSecond: {},
      sourceDead,
      lastNumber,
      durability,
      full: full === null ? null : full.message,
      queuedBytes,
      diskBytes,
      freeBytes,
    };
  }

  queueShow(id: string): Promise<Journey | null> {
    return this.#store.journey(id);
  }

  deadList(filter: DeadFilter, page: PageRequest): Promise<Page<DeadLetter>> {
    return this.#store.listDead(filter, page);
  }

  deadReplay(filter: DeadFilter, options: { payload?: string }): Promise<number> {
    return this.#store.replayDead(filter, options);
  }

  deadPurge(filter: DeadFilter, by: string): Promise<number> {
    return this.#store.purgeDead(filter, { name: by, address: "local" });
  }

  sourceDeadList(filter: SourceDeadFilter, page: PageRequest): Promise<Page<SourceDeadLetter>> {
    return this.#store.listSourceDead(filter, page);
  }

  sourceDeadReplay(): Promise<{ accepted: number; rejected: number }> {
    return Promise.reject(notRunning("take inputs in again"));
  }

  sourceDeadPurge(filter: SourceDeadFilter, by: string): Promise<number> {
    return this.#store.deleteSourceDead(filter, { name: by, address: "local" });
  }

  async destinationList(): Promise<DestinationStatus[]> {
    const { ledgers } = await this.#store.snapshot();
    const configured = new Map(this.#loaded.config.destination.map((item) => [item.name, item]));
    return ledgers.map((ledger) => ({
      name: ledger.destination,
      type: configured.get(ledger.destination)?.type ?? null,
      ledger,
      mode: null,
      up: null,
      lastError: null,
      nextAttemptAtMs: null,
    }));
  }

  destinationTest(name: string): Promise<DestinationTest> {
    return testConfigured(this.#loaded, name, this.#testDestination);
  }

  async destinationPause(name: string, paused: boolean): Promise<void> {
    await this.#known(name);
    await this.#store.pauseDestination(name, paused);
  }

  async destinationForget(name: string): Promise<void> {
    await this.#known(name);
    await this.#store.forgetDestination(name);
  }

  access(): Promise<AccessOperations> {
    return this.#openAccess();
  }

  backupCreate(file: string): Promise<number> {
    return this.#store.backup(file);
  }

  status(): Promise<GatewayStatus> {
    return Promise.reject(notRunning("tell its status"));
  }

  feed(): Promise<void> {
    return Promise.reject(notRunning("take lines"));
  }

  tap(): AsyncIterable<never> {
    throw notRunning("show live messages");
  }

  reload(): Promise<never> {
    return Promise.reject(notRunning("reload"));
  }

  stop(): Promise<void> {
    return Promise.reject(notRunning("stop"));
  }

  async #known(name: string): Promise<Ledger> {
    const { ledgers } = await this.#store.snapshot();
    const ledger = ledgers.find((item) => item.destination === name);
    if (ledger === undefined) throw unknownDestination(name, ledgers.map((l) => l.destination));
    return ledger;
  }
}

/** Tests a destination of the configuration, which needs no store. */
export function testConfigured(
  loaded: LoadedConfig,
  name: string,
  test: Parts["testDestination"],
): Promise<DestinationTest> {
  const { destination } = loaded.config;
  const found = destination.find((item) => item.name === name);
  return found === undefined
    ? Promise.reject(unknownDestination(name, destination.map((item) => item.name)))
    : test(found);
}

/** The error for a name that no destination has, with the nearest one that exists. */
export function unknownDestination(name: string, known: string[]): ConfigError {
  const candidate = nearest(name, known);
  const list = known.length === 0 ? "there are none" : `there are ${known.join(", ")}`;
  return new ConfigError(`Unknown destination ${JSON.stringify(name)}`, {
    code: "CLI-0002",
    hint: candidate === null ? list : `did you mean ${JSON.stringify(candidate)}?`,
  });
}

function notRunning(what: string): TransientError {
  return new TransientError(`Cannot ${what}: no gateway runs on this data folder`, {
    code: "CLI-0003",
    hint: "start it with: sluice serve, or name its data folder with --data",
  });
}
