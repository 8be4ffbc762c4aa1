/**
 * What a running gateway does for the command line, over the control socket. The composition root
 * implements it; while the gateway is stopped, a part of it works on the store alone
 * (`offline_operations.ts`).
 *
 * Everything here is plain data: it travels as JSON (bytes as base64). Times are ms since 1970.
 */
import type { AccessOperations } from "@/cli/access_operations.ts";
import type { ConfigChanges } from "@/config/show.ts";
import type { Envelope } from "@/model/envelope.ts";
import type { DeadLetter, Ledger, SourceDeadLetter } from "@/model/ledger.ts";
import type { SourceKind } from "@/model/message.ts";
import type { DeadFilter, Journey, Page } from "@/store/store_types.ts";

export interface GatewayStatus {
  version: string;
  commit: string;
  pid: number;
  startedAtMs: number;
  phase: "starting" | "ready" | "draining";
  /** `http` → `127.0.0.1:8000`, as on the line that `serve` prints. */
  listening: Record<string, string>;
  durability: "full" | "relaxed";
}

export interface QueueStatus {
  ledgers: Ledger[];
  /** Messages settled per second, lately, per destination; absent while the gateway is stopped. */
  drainPerSecond: Record<string, number>;
  /** Dead letters of sources that are kept now. */
  sourceDead: number;
  lastNumber: number;
  durability: "full" | "relaxed";
  /** Why new data is refused; null when it is not. */
  full: string | null;
  queuedBytes: number;
  diskBytes: number;
  freeBytes: number | null;
}

export interface DestinationStatus {
  name: string;
  /** null when it is no longer configured. */
  type: string | null;
  ledger: Ledger;
  /** Mode of its state machine, a bounded word; null while the gateway is stopped. */
  mode: string | null;
  up: boolean | null;
  lastError: { message: string; hint: string; atMs: number } | null;
  nextAttemptAtMs: number | null;
}

export interface DestinationTest {
  ok: boolean;
  /** What was found: server and version, or the error. */
  message: string;
  /** What to do next; empty when it works. */
  hint: string;
  durationMs: number;
}

export interface SourceDeadFilter {
  reason?: string;
  ids?: number[];
}

export interface PageRequest {
  limit: number;
  cursor?: string;
}

/** Lines of a receiver's output, numbered from 1 within a session of `sluice feed`. */
export interface FeedBatch {
  receiver: string;
  /** Random and the same for all lines of one run: (session, number) tells a repeated line. */
  session: number;
  lines: { number: number; text: string }[];
}

export interface TapMessage {
  id: string;
  source: SourceKind;
  envelope: Envelope;
  /** Messages left out before this one because the reader was too slow; absent for none. */
  dropped?: number;
}

export interface Operations {
  status(): Promise<GatewayStatus>;

  queueStatus(): Promise<QueueStatus>;
  /** The journey of one message; null when it was never here or is pruned. */
  queueShow(id: string): Promise<Journey | null>;

  deadList(filter: DeadFilter, page: PageRequest): Promise<Page<DeadLetter>>;
  /** Back to enqueued; `payload` replaces the content of a single one. Resolves with how many. */
  deadReplay(filter: DeadFilter, options: { payload?: string }): Promise<number>;
  deadPurge(filter: DeadFilter, by: string): Promise<number>;

  sourceDeadList(filter: SourceDeadFilter, page: PageRequest): Promise<Page<SourceDeadLetter>>;
  /** Takes the inputs in again; what is still undecodable stays. `payload` replaces a single one. */
  sourceDeadReplay(
    filter: SourceDeadFilter,
    options: { payload?: string },
  ): Promise<{ accepted: number; rejected: number }>;
  sourceDeadPurge(filter: SourceDeadFilter, by: string): Promise<number>;

  destinationList(): Promise<DestinationStatus[]>;
  /** Connects and logs in, writes nothing; rejects only when no such destination is configured. */
  destinationTest(name: string): Promise<DestinationTest>;
  destinationPause(name: string, paused: boolean): Promise<void>;
  destinationForget(name: string): Promise<void>;

  /** Resolves when every line is committed, or known to hold no packet. */
  feed(batch: FeedBatch): Promise<void>;
  /** Accepted messages whose source topic matches the filter, from now on, until aborted. */
  tap(filter: string, signal: AbortSignal): AsyncIterable<TapMessage>;

  /** People, devices and certificates. */
  access(): Promise<AccessOperations>;

  /** Online copy of the data into a file that does not exist yet; resolves with its bytes. */
  backupCreate(file: string): Promise<number>;
  /** As SIGHUP. */
  reload(): Promise<ConfigChanges>;
  /** As SIGTERM; resolves when the stop has begun. */
  stop(): Promise<void>;
}
