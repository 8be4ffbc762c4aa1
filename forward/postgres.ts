/**
 * Destination PostgreSQL: one row per reading, prediction and attribute (CONTRACT §5).
 *
 * A batch goes out in statements of about 1 000 rows over one connection; while the server works on
 * one, the next is being built. Each statement writes whole messages or nothing, and leaves rows
 * alone that are already there, so that sending again is harmless.
 */
import {
  type Batch,
  type BatchEntry,
  type Destination,
  type DestinationEvents,
  type RejectedEntry,
  toWriteError,
  type WriteResult,
} from "@/forward/destination.ts";
import { Filter } from "@/forward/filter.ts";
import type { PostgresOptions } from "@/forward/forward_types.ts";
import { type RowChunk, RowEncoder } from "@/forward/postgres_rows.ts";
import { INSERT_CHUNK, INSERT_READINGS } from "@/forward/postgres_schema.ts";
import { PostgresSession } from "@/forward/postgres_session.ts";
import { PostgresTables } from "@/forward/postgres_tables.ts";
import { parsePostgresUrl } from "@/forward/postgres_url.ts";
import { TransientError } from "@/model/errors.ts";

/** Statements sent before the first of them is answered. */
const STATEMENTS_IN_FLIGHT_MAX = 2;

export class PostgresDestination implements Destination {
  readonly name: string;
  readonly #options: PostgresOptions;
  readonly #events: DestinationEvents;
  readonly #filter: Filter;
  readonly #encoder: RowEncoder;
  #session: PostgresSession | null = null;

  constructor(options: PostgresOptions, events: DestinationEvents) {
    this.name = options.name;
    this.#options = options;
    this.#events = events;
    this.#filter = new Filter(options.filter);
    this.#encoder = new RowEncoder(this.#filter);
  }

  wants(entry: BatchEntry): boolean {
    return this.#filter.takesAny(entry.normalized, { attributes: true });
  }

  async prepare(signal: AbortSignal): Promise<void> {
    if (this.#session?.usable) {
      await new PostgresTables(this.#session).prepare(signal);
      return;
    }
    const session = await this.#open(signal);
    try {
      const tables = new PostgresTables(session);
      await tables.prepare(signal);
      await this.#setRetention(tables, signal);
    } catch (error) {
      session.destroy();
      throw error;
    }
    session.onLost = (error) => this.#events.lost(error);
    this.#session = session;
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteResult> {
    const result: WriteResult = { decided: 0, rejected: [], interrupted: null };
    const inFlight: { chunk: RowChunk; done: Promise<Error | null> }[] = [];
    let next = 0;
    while (result.interrupted === null && result.decided < batch.length) {
      while (next < batch.length && inFlight.length < STATEMENTS_IN_FLIGHT_MAX) {
        const chunk = this.#encoder.encode(batch, next);
        next = chunk.end;
        inFlight.push({ chunk, done: this.#writeChunk(chunk, signal) });
      }
      const { chunk, done } = inFlight.shift()!;
      settleChunk(result, { chunk, error: await done });
    }
    await Promise.all(inFlight.map(({ done }) => done));
    return result;
  }

  async test(signal: AbortSignal): Promise<string> {
    const session = await this.#open(signal);
    try {
      return await new PostgresTables(session).describe(signal);
    } finally {
      await session.close(signal);
    }
  }

  async close(signal: AbortSignal): Promise<void> {
    const session = this.#session;
    this.#session = null;
    await session?.close(signal);
  }

  async #open(signal: AbortSignal): Promise<PostgresSession> {
    return await PostgresSession.open(parsePostgresUrl(this.#options), {
      statementTimeoutMs: this.#options.timeoutMs,
      signal,
    });
  }

  /** Never rejects: several chunks are under way, and only the first failure counts. */
  async #writeChunk(chunk: RowChunk, signal: AbortSignal): Promise<Error | null> {
    const { readings, predictions, attributes } = chunk;
    const gateway = this.#options.gatewayId;
    const onlyReadings = predictions === null && attributes === null;
    if (onlyReadings && readings === null) return null;
    const session = this.#session;
    if (session === null) return notPrepared(this.name);
    try {
      await session.run(onlyReadings ? INSERT_READINGS : INSERT_CHUNK, {
        parameters: onlyReadings
          ? [readings, gateway]
          : [readings, predictions, attributes, gateway],
        action: `Cannot write to PostgreSQL destination "${this.name}"`,
        signal,
      });
      return null;
    } catch (error) {
      return toWriteError(error);
    }
  }

  async #setRetention(tables: PostgresTables, signal: AbortSignal): Promise<void> {
    const { retentionMs } = this.#options;
    if (retentionMs === null || await tables.setRetention(retentionMs, signal)) return;
    this.#events.notice({
      level: "warn",
      code: "FWD-0116",
      message: `Retention of PostgreSQL destination "${this.name}" is not set`,
      hint: "It needs the extension timescaledb; without it delete old rows with a job of yours",
    });
  }
}

/** Adds the outcome of one chunk; the chunks before it are all written. */
function settleChunk(
  result: WriteResult,
  { chunk, error }: { chunk: RowChunk; error: Error | null },
): void {
  if (error !== null) {
    result.interrupted = toWriteError(error);
    result.refusedEnd = chunk.end;
    return;
  }
  result.decided = chunk.end;
  result.rejected.push(...chunk.rejected satisfies RejectedEntry[]);
}

function notPrepared(name: string): TransientError {
  return new TransientError(`Cannot write to PostgreSQL destination "${name}": not connected`, {
    code: "FWD-0100",
    hint: "Nothing to do; it connects at the next attempt",
  });
}
