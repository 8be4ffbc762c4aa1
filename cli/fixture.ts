/** For the tests of this folder: a gateway that is only its operations, and a captured terminal. */
import type { AccessOperations } from "@/cli/access_operations.ts";
import type {
  DestinationStatus,
  DestinationTest,
  FeedBatch,
  GatewayStatus,
  Operations,
  PageRequest,
  QueueStatus,
  SourceDeadFilter,
  TapMessage,
} from "@/cli/operations.ts";
import type { Parts, Surroundings } from "@/cli/surroundings.ts";
import type { ConfigChanges } from "@/config/show.ts";
import { PermanentError, TransientError } from "@/model/errors.ts";
import type { DeadLetter, Ledger, SourceDeadLetter } from "@/model/ledger.ts";
import type { DeadFilter, Journey, Page } from "@/store/store_types.ts";

export function ledgerOf(destination: string, numbers: Partial<Ledger> = {}): Ledger {
  return {
    destination,
    accepted: 0,
    acked: 0,
    expired: 0,
    purged: 0,
    dropped: 0,
    enqueued: 0,
    inFlight: 0,
    dead: 0,
    oldestUs: null,
    queuedBytes: 0,
    paused: false,
    removed: false,
    ...numbers,
  };
}

/** Remembers what was asked; the tests set what is answered. */
export class RecordingOperations implements Operations {
  readonly calls: unknown[][] = [];
  dead: DeadLetter[] = [];
  sourceDead: SourceDeadLetter[] = [];
  ledgers: Ledger[] = [];
  journey: Journey | null = null;
  /** Fed lines by session and number: as the log's duplicate check, a repeat changes nothing. */
  readonly fed = new Map<string, string>();
  /** Decides about a batch before it is taken. */
  beforeFeed: (batch: FeedBatch) => Promise<void> | void = () => {};
  tapItems: (signal: AbortSignal) => AsyncIterable<TapMessage> = async function* () {};

  status(): Promise<GatewayStatus> {
    return Promise.resolve({
      version: "9.9.9",
      commit: "abc",
      pid: 4242,
      startedAtMs: 0,
      phase: "ready",
      listening: { http: "127.0.0.1:8000" },
      durability: "full",
    });
  }

  queueStatus(): Promise<QueueStatus> {
    return Promise.resolve({
      ledgers: this.ledgers,
      drainPerSecond: { cloud: 12.5 },
      sourceDead: this.sourceDead.length,
      lastNumber: 7,
      durability: "full",
      full: null,
      queuedBytes: 10,
      diskBytes: 4096,
      freeBytes: 1e9,
    });
  }

  queueShow(id: string): Promise<Journey | null> {
    this.calls.push(["queueShow", id]);
    return Promise.resolve(this.journey);
  }

  deadList(filter: DeadFilter, page: PageRequest): Promise<Page<DeadLetter>> {
    this.calls.push(["deadList", filter, page]);
    return Promise.resolve(pageOf(this.dead, page));
  }

  deadReplay(filter: DeadFilter, options: { payload?: string }): Promise<number> {
    this.calls.push(["deadReplay", filter, options]);
    return Promise.resolve(this.dead.length);
  }

  deadPurge(filter: DeadFilter, by: string): Promise<number> {
    this.calls.push(["deadPurge", filter, by]);
    return Promise.resolve(this.dead.length);
  }

  sourceDeadList(filter: SourceDeadFilter, page: PageRequest): Promise<Page<SourceDeadLetter>> {
    this.calls.push(["sourceDeadList", filter, page]);
    return Promise.resolve(pageOf(this.sourceDead, page));
  }

  sourceDeadReplay(
    filter: SourceDeadFilter,
    options: { payload?: string },
  ): Promise<{ accepted: number; rejected: number }> {
    this.calls.push(["sourceDeadReplay", filter, options]);
    return Promise.resolve({ accepted: this.sourceDead.length, rejected: 0 });
  }

  sourceDeadPurge(filter: SourceDeadFilter, by: string): Promise<number> {
    this.calls.push(["sourceDeadPurge", filter, by]);
    return Promise.resolve(this.sourceDead.length);
  }

  destinationList(): Promise<DestinationStatus[]> {
    return Promise.resolve(this.ledgers.map((ledger) => ({
      name: ledger.destination,
      type: "influxdb",
      ledger,
      mode: "backing_off",
      up: false,
      lastError: { message: "Cannot connect", hint: "start it", atMs: 0 },
      nextAttemptAtMs: 1_767_225_600_000,
    })));
  }

  destinationTest(name: string): Promise<DestinationTest> {
    const ok = name === "good";
    const [message, hint] = ok ? ["PostgreSQL 15", ""] : ["Cannot log in", "check the token"];
    return Promise.resolve({ ok, message: message!, hint: hint!, durationMs: 12 });
  }

  destinationPause(name: string, paused: boolean): Promise<void> {
    this.calls.push(["destinationPause", name, paused]);
    return Promise.resolve();
  }

  destinationForget(name: string): Promise<void> {
    const hint = "remove it from the configuration first";
    const message = `Cannot forget ${name}: it is configured`;
    return Promise.reject(new PermanentError(message, { code: "TST-0001", hint }));
  }

  async feed(batch: FeedBatch): Promise<void> {
    await this.beforeFeed(batch);
    for (const { number, text } of batch.lines) this.fed.set(`${batch.session}:${number}`, text);
    this.calls.push(["feed", batch]);
  }

  tap(filter: string, signal: AbortSignal): AsyncIterable<TapMessage> {
    this.calls.push(["tap", filter]);
    return this.tapItems(signal);
  }

  access(): Promise<AccessOperations> {
    return Promise.reject(unavailable("act on people and devices"));
  }

  backupCreate(file: string): Promise<number> {
    this.calls.push(["backupCreate", file]);
    return Promise.resolve(1234);
  }

  reload(): Promise<ConfigChanges> {
    return Promise.resolve({ live: ["log.level"], restart: ["mqtt.listen"] });
  }

  stop(): Promise<void> {
    this.calls.push(["stop"]);
    return Promise.resolve();
  }
}

function pageOf<T>(items: T[], { limit, cursor }: PageRequest): Page<T> {
  const start = Number(cursor ?? 0);
  const end = start + limit;
  return { items: items.slice(start, end), cursor: end < items.length ? String(end) : null };
}

/** Parts of a program that has no store and no gateway. */
export const NO_PARTS: Parts = {
  serve: () => Promise.reject(unavailable("serve")),
  openAccess: () => Promise.reject(unavailable("open access")),
  openStore: () => Promise.reject(unavailable("open the store")),
  testDestination: () => Promise.reject(unavailable("test")),
  verifyBackup: () => Promise.reject(unavailable("verify")),
  restoreBackup: () => Promise.reject(unavailable("restore")),
};

function unavailable(what: string): TransientError {
  const details = { code: "TST-0002", hint: "give the test this part" };
  return new TransientError(`Cannot ${what}: this test has no such part`, details);
}

/** A terminal whose output is kept. */
export class CapturedTerminal {
  stdout = "";
  stderr = "";
  readonly stop = new AbortController();
  readonly surroundings: Surroundings;

  constructor(options: { parts?: Partial<Parts>; environment?: Record<string, string> } = {}) {
    this.surroundings = {
      parts: { ...NO_PARTS, ...options.parts },
      environment: options.environment ?? {},
      print: (text) => {
        this.stdout += text;
        return Promise.resolve();
      },
      warn: (text) => this.stderr += text + "\n",
      stdin: () => new ReadableStream({ start: (controller) => controller.close() }),
      stop: this.stop,
      onReload: () => () => {},
    };
  }
}

/** A folder of its own, removed at the end. */
export class Folder implements AsyncDisposable {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<Folder> {
    return new Folder(await Deno.makeTempDir({ prefix: "sluice-cli-" }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Deno.remove(this.path, { recursive: true });
  }
}
