/** The store of a stopped gateway, in the process of a command: the same writer, without threads. */
import type { StoreAdmin, StoreNotice, StoreOptions, StoreState } from "@/store/store_types.ts";
import type {
  AuditActor,
  AuditEntry,
  DeadFilter,
  Journey,
  Page,
  PageRequest,
  Snapshot,
  SourceDeadFilter,
} from "@/store/store_types.ts";
import type { DeadLetter, SourceDeadLetter } from "@/model/ledger.ts";
import type { AccessChange } from "@/store/auth_tables.ts";
import { copyDatabase } from "@/store/backup.ts";
import type { DashboardChange, DashboardRemoval } from "@/store/dashboards_table.ts";
import { DataLock, makeDataDir } from "@/store/data_folder.ts";
import { LogWriter } from "@/store/log_writer.ts";
import type { OrderChange } from "@/store/orders_table.ts";
import { type Queries, type QueryName, runQuery } from "@/store/queries.ts";
import { toError } from "@/store/room.ts";
import { freeBytes, systemClock } from "@/store/surroundings.ts";
import { workerOptions } from "@/store/worker_protocol.ts";

/**
 * Opens the store of a data folder that no gateway uses.
 * @throws ConfigError when one does, or the folder cannot be used
 */
export async function openStoppedStore(
  options: StoreOptions,
  notice: (notice: StoreNotice) => void = () => undefined,
): Promise<StoppedStore> {
  makeDataDir(options.dataDir);
  const lock = DataLock.take(options.dataDir);
  try {
    const { uptimeUs, ...writerOptions } = workerOptions(options);
    const writer = await LogWriter.open(writerOptions, {
      clock: systemClock(uptimeUs),
      freeBytes,
      notice,
      destinationsChanged: () => undefined,
      retriesAdded: () => undefined,
    });
    return new StoppedStore(writer, lock, options.durability);
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

export class StoppedStore implements StoreAdmin, AsyncDisposable {
  readonly #writer: LogWriter;
  readonly #lock: DataLock;
  readonly #durability: "full" | "relaxed";

  constructor(writer: LogWriter, lock: DataLock, durability: "full" | "relaxed") {
    this.#writer = writer;
    this.#lock = lock;
    this.#durability = durability;
  }

  get state(): StoreState {
    const { status } = this.#writer;
    const full = status.full === null ? null : toError(status.full);
    return { ...status, full, durability: this.#durability };
  }

  async syncDestinations(names: string[]): Promise<void> {
    this.#writer.syncDestinations(names);
  }

  async forgetDestination(name: string): Promise<void> {
    this.#writer.forgetDestination(name);
  }

  async pauseDestination(name: string, paused: boolean): Promise<void> {
    this.#writer.pauseDestination(name, paused);
  }

  backfillDestination(
    name: string,
    window: { fromUs: number; throughUs: number },
  ): Promise<number> {
    return this.#writer.backfillDestination(name, window);
  }

  async snapshot(): Promise<Snapshot> {
    return this.#writer.snapshot();
  }

  async journey(id: string): Promise<Journey | null> {
    return this.#writer.journey(id);
  }

  replayDead(filter: DeadFilter, options: { payload?: string }): Promise<number> {
    return this.#writer.replayDead(filter, options);
  }

  purgeDead(filter: DeadFilter, by: AuditActor | null): Promise<number> {
    return this.#writer.purgeDead(filter, by);
  }

  deleteSourceDead(filter: SourceDeadFilter, by: AuditActor | null): Promise<number> {
    return this.#writer.deleteSourceDead(filter, by);
  }

  async query<Name extends QueryName>(
    name: Name,
    parameters: Queries[Name]["parameters"],
  ): Promise<Queries[Name]["result"]> {
    return runQuery(this.#writer.database, name, parameters);
  }

  listDead(filter: DeadFilter, page: PageRequest): Promise<Page<DeadLetter>> {
    return this.query("dead.list", { filter, ...page });
  }

  listSourceDead(filter: SourceDeadFilter, page: PageRequest): Promise<Page<SourceDeadLetter>> {
    return this.query("source_dead.list", { filter, ...page });
  }

  backup(file: string): Promise<number> {
    return copyDatabase(this.#writer.database, file);
  }

  async audit(entry: AuditEntry): Promise<void> {
    this.#writer.audit(entry);
  }

  async commitAccess(changes: AccessChange[]): Promise<void> {
    this.#writer.commitAccess(changes);
  }

  async changeDashboard(
    change: DashboardChange | DashboardRemoval,
    trail: AccessChange[],
  ): Promise<void> {
    this.#writer.changeDashboard(change, trail);
  }

  async changeOrder(change: OrderChange, trail: AccessChange[]): Promise<void> {
    this.#writer.changeOrder(change, trail);
  }

  async setSetting(key: string, value: string | null): Promise<void> {
    this.#writer.setSetting(key, value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#writer.close();
    this.#lock[Symbol.dispose]();
  }
}
