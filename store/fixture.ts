/** What the tests of this folder share: a data folder, a writer with clocks to turn, messages. */
import type { NewMessage } from "@/model/message.ts";
import { DEFAULT_RULES } from "@/model/normalize.ts";
import { LogWriter, type WriterEnvironment, type WriterOptions } from "@/store/log_writer.ts";
import type { Settlement, StoreNotice, StoreOptions } from "@/store/store_types.ts";
import { SOURCE_KINDS } from "@/model/message.ts";
import type { CommitBatch, CommitResult } from "@/store/worker_protocol.ts";

/** 2026-01-01, a time after the build time of the fixtures. */
export const START_MS = Date.UTC(2026, 0, 1);
const BUILD_MS = Date.UTC(2025, 11, 1);

export class TempDir implements Disposable {
  readonly path: string = Deno.makeTempDirSync({ prefix: "sluice-store-" });

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

export function storeOptions(dataDir: string, changes: Partial<StoreOptions> = {}): StoreOptions {
  return {
    dataDir,
    durability: "full",
    lingerMs: 0,
    queueBytesMax: 1 << 30,
    freeBytesMin: 0,
    whenFull: "refuse",
    keepMs: 3_600_000,
    keepBytesMax: 1 << 30,
    sourceDeadMax: 100,
    history: { readingsKeepMs: 86_400_000, minutesKeepMs: 86_400_000, hoursKeepMs: 86_400_000 },
    normalize: DEFAULT_RULES,
    buildTimeMs: BUILD_MS,
    boot: { id: "boot-1", uptimeUs: 1_000_000, atMs: performance.now() },
    ...changes,
  };
}

export function writerOptions(
  dataDir: string,
  changes: Partial<WriterOptions> = {},
): WriterOptions {
  const { boot: _boot, lingerMs: _lingerMs, ...options } = storeOptions(dataDir);
  return { ...options, bootId: "boot-1", ...changes };
}

/** Surroundings that a test turns. */
export class TestEnvironment implements WriterEnvironment {
  wallMs: number = START_MS;
  monotonicMs: number = 1000;
  free: number | null = null;
  readonly notices: StoreNotice[] = [];
  readonly retries: string[] = [];
  destinationChanges = 0;

  /** Both clocks go on. */
  advance(ms: number): void {
    this.wallMs += ms;
    this.monotonicMs += ms;
  }

  clock() {
    return { wallUs: this.wallMs * 1000, monotonicUs: this.monotonicMs * 1000 };
  }

  freeBytes(): number | null {
    return this.free;
  }

  notice(notice: StoreNotice): void {
    this.notices.push(notice);
  }

  destinationsChanged(): void {
    this.destinationChanges++;
  }

  retriesAdded(destination: string): void {
    this.retries.push(destination);
  }
}

/** A writer in this thread, with its folder. */
export class TestWriter implements Disposable {
  readonly dir: TempDir;
  readonly environment: TestEnvironment;
  writer: LogWriter;
  #changes: Partial<WriterOptions>;

  private constructor(
    writer: LogWriter,
    { dir, environment, changes }: {
      dir: TempDir;
      environment: TestEnvironment;
      changes: Partial<WriterOptions>;
    },
  ) {
    this.writer = writer;
    this.dir = dir;
    this.environment = environment;
    this.#changes = changes;
  }

  static async open(
    changes: Partial<WriterOptions> = {},
    environment: TestEnvironment = new TestEnvironment(),
  ): Promise<TestWriter> {
    const dir = new TempDir();
    const writer = await LogWriter.open(writerOptions(dir.path, changes), environment);
    return new TestWriter(writer, { dir, environment, changes });
  }

  get databasePath(): string {
    return `${this.dir.path}/sluice.db`;
  }

  /** Opens again; `kill` leaves the database as a killed process would. */
  async reopen(
    { kill = true, changes = {}, suspect = null }: {
      kill?: boolean;
      changes?: Partial<WriterOptions>;
      suspect?: string | null;
    } = {},
  ): Promise<void> {
    this.end(kill);
    this.#changes = { ...this.#changes, ...changes };
    const options = writerOptions(this.dir.path, this.#changes);
    this.writer = await LogWriter.open(options, this.environment, { suspect });
  }

  end(kill: boolean): void {
    if (!this.writer.database.isOpen) return;
    if (kill) this.writer.abandon();
    else this.writer.close();
  }

  commit(messages: NewMessage[]): CommitResult {
    return this.writer.commit(batchOf(messages));
  }

  /** Commits and answers the log numbers; 0 is a duplicate. */
  append(...messages: NewMessage[]): number[] {
    const { outcome, error } = this.commit(messages);
    if (outcome === null) throw new Error(error.message);
    return [...outcome.numbers];
  }

  /** Settles at once. */
  settle(changes: Partial<Settlement> & { destination: string }): Error | null {
    let failed: Error | null = null;
    this.writer.settleLater(settlement(changes), (error) => failed = error);
    this.writer.flush();
    return failed;
  }

  /** Upkeep until nothing waits. */
  upkeep(): void {
    for (let turn = 0; this.writer.maintain(); turn++) {
      if (turn > 100_000) throw new Error("Upkeep does not come to an end");
    }
  }

  [Symbol.dispose](): void {
    this.end(true);
    this.dir[Symbol.dispose]();
  }
}

export function settlement(changes: Partial<Settlement> & { destination: string }): Settlement {
  return {
    throughNumber: 0,
    rows: 0,
    expired: 0,
    dead: [],
    retriesAcked: [],
    retriesDead: [],
    retriesExpired: [],
    ...changes,
  };
}

/** A telemetry message that decodes. */
export function message(device: string, changes: Partial<NewMessage> = {}): NewMessage {
  return {
    source: "mqtt",
    sourceName: "broker",
    device,
    topic: `devices/${device}/telemetry`,
    payload: `{"temperature":21.5}`,
    seq: null,
    sentAt: null,
    traceId: null,
    idempotencyKey: null,
    fromReceiver: false,
    ...changes,
  };
}

export function batchOf(messages: NewMessage[]): CommitBatch {
  return {
    messages: {
      sources: messages.map((m) => SOURCE_KINDS.indexOf(m.source)),
      sourceNames: messages.map((m) => m.sourceName),
      devices: messages.map((m) => m.device),
      topics: messages.map((m) => m.topic),
      payloads: messages.map((m) => m.payload),
      seqs: messages.map((m) => m.seq),
      sentUs: messages.map((m) => m.sentAt?.us ?? null),
      sentNs: messages.map((m) => m.sentAt?.ns ?? 0),
      traceIds: messages.map((m) => m.traceId),
      idempotencyKeys: messages.map((m) => m.idempotencyKey),
      fromReceiver: messages.map((m) => m.fromReceiver),
      agesUs: messages.map(() => 0),
    },
    rejections: [],
    stateOps: [],
  };
}
