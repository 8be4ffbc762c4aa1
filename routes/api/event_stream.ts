/**
 * Server-sent events that follow the log.
 *
 *   live     committed messages go through a queue of at most QUEUE_MAX
 *   behind   the queue was full, or `Last-Event-ID` came: the log is read from the last sent place,
 *            page by page, until its end; then live again
 *
 * So a slow reader costs a bounded memory and loses nothing that the log still has. What it has no
 * more is told by an event `gap`. Nothing is read for a reader that does not take what it has. A
 * stream ends in the turn in which its sign-in ends, and when the gateway stops.
 */
import type { Context } from "hono";
import type { Revocations } from "@/auth/revocations.ts";
import { HttpError } from "@/model/errors.ts";
import type { LiveListener } from "@/model/live.ts";
import { parseMessageId, type StoredMessage } from "@/model/message.ts";
import type { Normalized } from "@/model/reading.ts";
import { identityOf } from "@/routes/access.ts";
import type { HttpEnv } from "@/routes/http_env.ts";

/** What streams need of the gateway. */
export interface LogFeed {
  listen(listener: LiveListener): () => void;
  /** The log after a number, oldest first. */
  after(number: number, limit: number): Promise<StoredMessage[]>;
  /** Null for a message that no decoder takes any more. */
  normalize(message: StoredMessage): Normalized | null;
  epochHex(): string;
}

export interface StreamEvent {
  event: string;
  data: unknown;
  /** Place within the message. */
  item: number;
}

/** The events that one message comes to, by place. */
export type EventsOf = (normalized: Normalized, message: StoredMessage) => StreamEvent[];

const QUEUE_MAX = 256;
const PAGE = 200;
const HEARTBEAT_MS = 15_000;
const RETRY_MS = 2_000;

export interface LiveStreamsOptions {
  feed: LogFeed;
  revocations: Revocations;
  streamsMax: () => number;
  heartbeatMs?: number;
}

export class LiveStreams {
  readonly #options: LiveStreamsOptions;
  readonly #open = new Set<LogStream>();

  constructor(options: LiveStreamsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Throws HttpError 503 when too many are open. */
  answer(c: Context<HttpEnv>, eventsOf: EventsOf): Response {
    const { feed, revocations, streamsMax, heartbeatMs = HEARTBEAT_MS } = this.#options;
    const { userId, sessionId, expiresAtMs } = identityOf(c);
    if (c.req.raw.method === "HEAD") return new Response(null, { headers: STREAM_HEADERS });
    if (this.#open.size >= streamsMax()) throw tooManyStreams(streamsMax());
    const lastEventId = c.req.header("last-event-id") ?? null;
    const stream = new LogStream({ feed, eventsOf, heartbeatMs, lastEventId });
    this.#open.add(stream);
    const holder = { kind: "person", userId, sessionId, expiresAtMs } as const;
    const unwatch = revocations.watch(holder, () => stream.end());
    stream.onEnd(() => {
      this.#open.delete(stream);
      unwatch();
    });
    return new Response(stream.readable, { headers: STREAM_HEADERS });
  }

  /** Ends all of them. */
  stop(): void {
    for (const stream of [...this.#open]) stream.end();
  }
}

export const STREAM_HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-store",
  "X-Accel-Buffering": "no",
};

interface Place {
  number: number;
  /** Sent through this item; Infinity when the message is done. */
  item: number;
}

class LogStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #feed: LogFeed;
  readonly #eventsOf: EventsOf;
  readonly #heartbeatMs: number;
  readonly #unlisten: () => void;
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #queue: { message: StoredMessage; normalized: Normalized }[] = [];
  /** Null until the first message: what was before is not asked for. */
  #place: Place | null = null;
  #isBehind = false;
  #hasEnded = false;
  #pending = `retry: ${RETRY_MS}\n\n`;
  #wake = () => {};
  #onEnd = () => {};

  constructor(
    options: { feed: LogFeed; eventsOf: EventsOf; heartbeatMs: number; lastEventId: string | null },
  ) {
    this.#feed = options.feed;
    this.#eventsOf = options.eventsOf;
    this.#heartbeatMs = options.heartbeatMs;
    if (options.lastEventId !== null) this.#resume(options.lastEventId);
    this.#unlisten = options.feed.listen((live) => this.#hear(live));
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      pull: (controller) => this.#pull(controller),
      cancel: () => this.end(),
    }, { highWaterMark: 0 });
  }

  onEnd(listener: () => void): void {
    this.#onEnd = listener;
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#unlisten();
    this.#queue = [];
    this.#wake();
    this.#onEnd();
    try {
      this.#controller?.close();
    } catch (error) {
      // A cancelled stream is closed already.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  #resume(lastEventId: string): void {
    const [id = "", item = ""] = lastEventId.split(".", 2);
    const known = parseMessageId(id);
    if (known === null || known.epochHex !== this.#feed.epochHex()) {
      this.#pending += eventText({ event: "gap", data: { missing: null } });
      return;
    }
    const place = /^\d{1,6}$/.test(item) ? Number(item) : Infinity;
    this.#place = { number: known.number, item: place };
    this.#isBehind = true;
  }

  #hear({ message, normalized }: { message: StoredMessage; normalized: Normalized }): void {
    if (this.#isBehind) return;
    if (this.#queue.length >= QUEUE_MAX) {
      this.#place ??= { number: (this.#queue[0]?.message.number ?? 1) - 1, item: Infinity };
      this.#queue = [];
      this.#isBehind = true;
    } else this.#queue.push({ message, normalized });
    this.#wake();
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    while (!this.#hasEnded) {
      const text = await this.#next();
      if (this.#hasEnded) return;
      if (text !== "") return controller.enqueue(this.#encoder.encode(text));
      if (this.#isBehind || this.#queue.length > 0) continue;
      if (await this.#sleep()) return controller.enqueue(this.#encoder.encode(": still here\n\n"));
    }
  }

  async #next(): Promise<string> {
    const pending = this.#pending;
    this.#pending = "";
    if (pending !== "") return pending;
    if (this.#isBehind) return await this.#readLog();
    const queue = this.#queue;
    this.#queue = [];
    return queue.map(({ message, normalized }) => this.#textOf(message, normalized)).join("");
  }

  /** One page of the log. Hearing begins again before the read, so that nothing falls between. */
  async #readLog(): Promise<string> {
    const place = this.#place ?? { number: 0, item: Infinity };
    this.#isBehind = false;
    const after = place.item === Infinity ? place.number : place.number - 1;
    const page = await this.#feed.after(after, PAGE);
    if (page.length === PAGE) {
      this.#isBehind = true;
      this.#queue = [];
    }
    const missing = (page[0]?.number ?? 0) - after - 1;
    const gap = missing > 0 ? eventText({ event: "gap", data: { missing } }) : "";
    return gap + page.map((message) => {
      const normalized = this.#feed.normalize(message);
      return normalized === null ? "" : this.#textOf(message, normalized);
    }).join("");
  }

  #textOf(message: StoredMessage, normalized: Normalized): string {
    const place = this.#place;
    if (place !== null && message.number < place.number) return "";
    const sent = place !== null && message.number === place.number ? place.item : -1;
    this.#place = { number: message.number, item: Infinity };
    return this.#eventsOf(normalized, message).filter(({ item }) => item > sent)
      .map((event) => eventText({ ...event, id: `${message.id}.${event.item}` })).join("");
  }

  /** True when it is time for a heartbeat, false when there is something to send. */
  #sleep(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(true), this.#heartbeatMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(false);
      };
    });
  }
}

/** JSON has no line feed of its own, so one `data` line is enough. */
function eventText({ id, event, data }: { id?: string; event: string; data: unknown }): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${
    JSON.stringify(data)
  }\n\n`;
}

function tooManyStreams(max: number): HttpError {
  return new HttpError(503, `There are ${max} live streams already`, {
    code: "HTTP-0503",
    hint: "close streams that nobody watches; http.streams_max sets the limit",
    headers: { "Retry-After": "10" },
  });
}
