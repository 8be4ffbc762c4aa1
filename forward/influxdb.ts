/**
 * Destination InfluxDB, by the write API of version 2, which version 3 and VictoriaMetrics speak too.
 *
 * A batch goes out in requests of at most 5 000 points, one after the other, gzipped. A point that
 * is sent again replaces itself: same series, same time. Attributes are texts about a device and
 * are not written.
 */
import { gzipSync } from "node:zlib";
import {
  abortedError,
  allAccepted,
  type Batch,
  type BatchEntry,
  type Destination,
  type DestinationEvents,
  type WriteResult,
} from "@/forward/destination.ts";
import { Filter } from "@/forward/filter.ts";
import type { InfluxOptions } from "@/forward/forward_types.ts";
import { failure, type InfluxAnswer, judgeWrite, retryAfterMs } from "@/forward/influx_answer.ts";
import { type LineChunk, LineEncoder } from "@/forward/influx_lines.ts";
import { PermanentError, TransientError } from "@/model/errors.ts";

/** Points of one request; more cost memory at both ends and gain nothing. */
const POINTS_MAX = 5_000;
/** Of an answer's body; it may name every line of the request. */
const ANSWER_CHARS_MAX = 2_000_000;
/** No points, but everything else of a write: endpoint, token, organisation, bucket. */
const PROBE = "# sluice\n";

export class InfluxDestination implements Destination {
  readonly name: string;
  readonly #options: InfluxOptions;
  readonly #events: DestinationEvents;
  readonly #filter: Filter;
  readonly #encoder: LineEncoder;
  #client: Deno.HttpClient | null = null;
  #policyDone: boolean;
  /** Learned from a 413: the server takes no more at once. */
  #pointsMax = POINTS_MAX;

  constructor(options: InfluxOptions, events: DestinationEvents) {
    this.name = options.name;
    this.#options = options;
    this.#events = events;
    this.#filter = new Filter(options.filter);
    this.#encoder = new LineEncoder(this.#filter, options);
    this.#policyDone = options.retentionMs === null;
  }

  wants(entry: BatchEntry): boolean {
    return this.#filter.takesAny(entry.normalized, { attributes: false });
  }

  async prepare(signal: AbortSignal): Promise<void> {
    if (!this.#policyDone) await this.#setPolicy(signal);
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteResult> {
    const result: WriteResult = { decided: 0, rejected: [], interrupted: null };
    while (result.interrupted === null && result.decided < batch.length) {
      const chunk = this.#encoder.encode(batch, {
        start: result.decided,
        pointsMax: this.#pointsMax,
      });
      await this.#writeChunk(chunk, { result, signal });
    }
    return result.rejected.length === 0 && result.interrupted === null
      ? allAccepted(batch)
      : result;
  }

  async test(signal: AbortSignal): Promise<string> {
    const answer = await this.#write(PROBE, signal);
    // versions that refuse a write without points do so after token and bucket
    if (answer.status < 300 || answer.status === 400) {
      return `bucket "${this.#options.bucket}" takes writes`;
    }
    throw failure(
      `Cannot write to InfluxDB destination "${this.name}": ${answer.status} ${answer.body}`,
      answer,
    );
  }

  close(): Promise<void> {
    this.#client?.close();
    this.#client = null;
    return Promise.resolve();
  }

  /** Sends one request and enters what became of its messages. */
  async #writeChunk(
    chunk: LineChunk,
    { result, signal }: { result: WriteResult; signal: AbortSignal },
  ): Promise<void> {
    try {
      const refused = chunk.lines.length === 0 ? new Map() : await this.#send(chunk, signal);
      if (refused === "smaller") return;
      const own = [...refused].map(([index, error]) => ({ index, error }));
      result.rejected.push(...[...chunk.rejected, ...own].sort((a, b) => a.index - b.index));
      result.decided = chunk.end;
    } catch (error) {
      if (!(error instanceof TransientError || error instanceof PermanentError)) throw error;
      result.interrupted = error;
      result.refusedEnd = chunk.end;
    }
  }

  /**
   * @returns messages of the chunk that were refused; `smaller` when smaller requests are to be tried
   * @throws TransientError, PermanentError
   */
  async #send(
    chunk: LineChunk,
    signal: AbortSignal,
  ): Promise<Map<number, PermanentError> | "smaller"> {
    const answer = await this.#write(chunk.lines.join("\n"), signal);
    const verdict = judgeWrite(answer, this.name);
    switch (verdict.kind) {
      case "stored":
        return new Map();
      case "lines_refused":
        return this.#ownersOf(chunk, verdict.lines);
      case "too_large":
        return this.#shrink(chunk, verdict.error);
      case "unclear":
        await this.#assertEndpoint(verdict.error, signal);
        throw verdict.error;
      default:
        throw verdict.error;
    }
  }

  #ownersOf(chunk: LineChunk, lines: Map<number, string>): Map<number, PermanentError> {
    const refused = new Map<number, PermanentError>();
    for (const [number, reason] of lines) {
      const owner = chunk.owners[number - 1];
      if (owner === undefined || refused.has(owner)) continue;
      const line = chunk.lines[number - 1]!.slice(0, 200);
      refused.set(
        owner,
        new PermanentError(`InfluxDB refuses the point "${line}": ${reason}`, {
          code: "FWD-0212",
          hint: "Edit the message and replay it; a field may have another type in the bucket",
        }),
      );
    }
    return refused;
  }

  /** Halves the requests from now on; a message that is too large alone is refused. */
  #shrink(chunk: LineChunk, error: PermanentError): Map<number, PermanentError> | "smaller" {
    const owner = chunk.owners[0]!;
    if (chunk.owners.at(-1) === owner) return new Map([[owner, error]]);
    this.#pointsMax = Math.max(1, Math.floor(chunk.lines.length / 2));
    return "smaller";
  }

  /**
   * A refusal that does not say why may mean the endpoint, not the points: then a write without
   * points fails as well, and no message is at fault.
   *
   * @throws TransientError
   */
  async #assertEndpoint(refusal: PermanentError, signal: AbortSignal): Promise<void> {
    const answer = await this.#write(PROBE, signal);
    if (answer.status < 300) return;
    throw new TransientError(refusal.message, {
      code: "FWD-0207",
      hint: "Check url, org and bucket: the server refuses every write",
      cause: refusal,
    });
  }

  /** @throws TransientError */
  async #write(lines: string, signal: AbortSignal): Promise<InfluxAnswer> {
    const { org, bucket } = this.#options;
    const query = new URLSearchParams({ org, bucket, precision: "ns" });
    return await this.#request(`/api/v2/write?${query}`, {
      method: "POST",
      headers: { "content-type": "text/plain; charset=utf-8", "content-encoding": "gzip" },
      body: new Uint8Array(gzipSync(lines, { level: 1 })),
      signal,
    });
  }

  /** Tells the bucket how long to keep data; a server that does not let us is only reported. */
  async #setPolicy(signal: AbortSignal): Promise<void> {
    const { org, bucket, retentionMs } = this.#options;
    const query = new URLSearchParams({ org, name: bucket });
    const found = await this.#request(`/api/v2/buckets?${query}`, { method: "GET", signal });
    if (found.status >= 500 || found.status === 429) return; // asked again at the next prepare
    this.#policyDone = true;
    const id = bucketId(found.body);
    const everySeconds = Math.max(3600, Math.round((retentionMs ?? 0) / 1000)); // InfluxDB's minimum
    const answer = id === null ? found : await this.#request(`/api/v2/buckets/${id}`, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ retentionRules: [{ type: "expire", everySeconds }] }),
      signal,
    });
    if (id !== null && answer.status < 300) return;
    this.#events.notice({
      level: "warn",
      code: "FWD-0208",
      message: `Retention of bucket "${bucket}" is not set: ${answer.status} ${
        answer.body.slice(0, 200)
      }`,
      hint: "Set it at the server, or give the token the right to write buckets",
    });
  }

  /** @throws TransientError */
  async #request(
    path: string,
    init: RequestInit & { signal: AbortSignal },
  ): Promise<InfluxAnswer> {
    this.#client ??= Deno.createHttpClient({
      caCerts: this.#options.tls.ca === null ? [] : [this.#options.tls.ca],
      poolMaxIdlePerHost: 1,
    });
    try {
      const response = await fetch(this.#options.url.replace(/\/+$/, "") + path, {
        ...init,
        headers: { ...init.headers, authorization: `Token ${this.#options.token}` },
        redirect: "manual", // the token must not go anywhere else
        client: this.#client,
      });
      const body = await boundedText(response);
      return {
        status: response.status,
        body,
        retryAfterMs: retryAfterMs(response.headers, Date.now()),
      };
    } catch (error) {
      if (init.signal.aborted) throw abortedError(`Writing to "${this.name}"`, init.signal);
      throw new TransientError(
        `Cannot reach InfluxDB destination "${this.name}": ${deepestMessage(error)}`,
        {
          code: "FWD-0209",
          hint: "Check that the server runs and can be reached at the url's host and port",
          cause: error,
        },
      );
    }
  }
}

/** Reads a body up to the bound and leaves the rest. */
async function boundedText(response: Response): Promise<string> {
  let text = "";
  if (response.body === null) return text;
  const decoder = new TextDecoder();
  for await (const bytes of response.body) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > ANSWER_CHARS_MAX) break;
  }
  return text;
}

function bucketId(body: string): string | null {
  try {
    const id = JSON.parse(body)?.buckets?.[0]?.id;
    return typeof id === "string" && /^[0-9a-f]+$/.test(id) ? id : null;
  } catch {
    return null;
  }
}

/** fetch wraps what went wrong in words that say only that something did. */
function deepestMessage(error: unknown): string {
  let deepest = error;
  while (deepest instanceof Error && deepest.cause instanceof Error) deepest = deepest.cause;
  return deepest instanceof Error ? deepest.message : String(deepest);
}
