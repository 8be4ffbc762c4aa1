/**
 * The live connections of pages. What arrives is merged for each page and series until the next
 * tick, so that a page costs four updates a second whatever the devices send. A page that does not
 * read keeps one entry for each of its series and gets them merged when it reads again.
 */
import type { Identity } from "@/auth/access_tokens.ts";
import type { Revocations } from "@/auth/revocations.ts";
import { HttpError } from "@/model/errors.ts";
import type { LiveListener } from "@/model/live.ts";
import type { DeliveryView, LiveHello, LivePrediction, LiveSeries } from "@/model/live_events.ts";
import type { Prediction, Reading } from "@/model/reading.ts";
import { logger } from "@/observe/log.ts";
import { STREAM_HEADERS } from "@/routes/api/event_stream.ts";

const TICK_MS = 250;
const DELIVERY_TICKS = 4;
const BEAT_TICKS = 20;
const RETRY_MS = 1_000;
/** For each page; what is beyond is told at the next reload. */
const SERIES_MAX = 5_000;
const PREDICTIONS_MAX = 50;

/** What one page follows. */
export interface LiveWants {
  /** Everything of these devices; `all` of every device. */
  devices: ReadonlySet<string>;
  /** `device/measurement`. */
  series: ReadonlySet<string>;
  all: boolean;
  predictions: boolean;
  delivery: boolean;
}

export interface LiveBoardParts {
  listen: (listener: LiveListener) => () => void;
  deliveryView: () => Promise<DeliveryView>;
  revocations: Revocations;
  hello: LiveHello;
  streamsMax: () => number;
}

export class LiveBoard {
  readonly #parts: LiveBoardParts;
  readonly #pages = new Set<LivePage>();
  #unlisten: (() => void) | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #ticks = 0;

  constructor(parts: LiveBoardParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#pages.size;
  }

  /** Throws HttpError 503 when too many pages are open. */
  open(identity: Identity, wants: LiveWants): Response {
    const { revocations, streamsMax, hello } = this.#parts;
    if (this.#pages.size >= streamsMax()) throw tooManyPages(streamsMax());
    const page = new LivePage(wants, hello);
    const { userId, sessionId, expiresAtMs } = identity;
    const holder = { kind: "person", userId, sessionId, expiresAtMs } as const;
    const unwatch = revocations.watch(holder, () => page.end());
    page.onEnd(() => {
      unwatch();
      this.#remove(page);
    });
    this.#add(page);
    return new Response(page.readable, { headers: STREAM_HEADERS });
  }

  stop(): void {
    for (const page of [...this.#pages]) page.end();
  }

  #add(page: LivePage): void {
    this.#pages.add(page);
    this.#unlisten ??= this.#parts.listen(({ message, normalized }) => {
      for (const each of this.#pages) {
        each.hear(normalized.readings);
        each.hearPredictions(message.id, normalized.predictions);
      }
    });
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
    if (page.wants.delivery) void this.#tellDelivery([page]);
  }

  #remove(page: LivePage): void {
    this.#pages.delete(page);
    if (this.#pages.size > 0) return;
    this.#unlisten?.();
    this.#unlisten = null;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    this.#ticks++;
    const beats = this.#ticks % BEAT_TICKS === 0;
    for (const page of this.#pages) page.tick({ beats });
    if (this.#ticks % DELIVERY_TICKS !== 0) return;
    const followers = [...this.#pages].filter(({ wants }) => wants.delivery);
    if (followers.length > 0) void this.#tellDelivery(followers);
  }

  async #tellDelivery(pages: LivePage[]): Promise<void> {
    try {
      const view = await this.#parts.deliveryView();
      for (const page of pages) page.tell("delivery", view);
    } catch (error) {
      logger("http").warn("The delivery view was left out", { cause: String(error) });
    }
  }
}

class LivePage {
  readonly wants: LiveWants;
  readonly readable: ReadableStream<Uint8Array>;
  readonly #series = new Map<string, LiveSeries>();
  readonly #encoder = new TextEncoder();
  #predictions: LivePrediction[] = [];
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #hasEnded = false;
  #onEnd = () => {};

  constructor(wants: LiveWants, hello: LiveHello) {
    this.wants = wants;
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
        controller.enqueue(this.#encoder.encode(`retry: ${RETRY_MS}\n\n`));
      },
      cancel: () => this.end(),
    }, { highWaterMark: 8 });
    this.tell("hello", hello);
  }

  onEnd(listener: () => void): void {
    this.#onEnd = listener;
  }

  hear(readings: readonly Reading[]): void {
    for (const reading of readings) {
      const { device, measurement } = reading;
      const key = `${device}/${measurement}`;
      const { all, devices, series } = this.wants;
      if (!all && !devices.has(device) && !series.has(key)) continue;
      const known = this.#series.get(key);
      if (known !== undefined) merge(known, reading);
      else if (this.#series.size < SERIES_MAX) this.#series.set(key, begin(reading));
    }
  }

  hearPredictions(messageId: string, predictions: readonly Prediction[]): void {
    if (!this.wants.predictions) return;
    for (const { debug: _debug, at, ...same } of predictions) {
      this.#predictions.push({ ...same, messageId, atMs: at.us / 1000 });
    }
    if (this.#predictions.length > PREDICTIONS_MAX) {
      this.#predictions = this.#predictions.slice(-PREDICTIONS_MAX);
    }
  }

  /** Sends what came together, unless the page has not read the last ones yet. */
  tick({ beats }: { beats: boolean }): void {
    if ((this.#controller.desiredSize ?? 0) <= 0) return;
    if (this.#series.size > 0) {
      this.tell("readings", { series: [...this.#series.values()] });
      this.#series.clear();
    }
    for (const prediction of this.#predictions) this.tell("prediction", prediction);
    this.#predictions = [];
    if (beats) this.tell("beat", {});
  }

  tell(event: string, data: unknown): void {
    if (this.#hasEnded) return;
    const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    this.#controller.enqueue(this.#encoder.encode(text));
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#onEnd();
    try {
      this.#controller.close();
    } catch (error) {
      // A cancelled stream is closed already.
      if (!(error instanceof TypeError)) throw error;
    }
  }
}

function begin({ device, measurement, unit, value, at, flags }: Reading): LiveSeries {
  const ends = { value, min: value, max: value, count: 1 };
  return { device, measurement, unit, atMs: at.us / 1000, ...ends, flags };
}

function merge(known: LiveSeries, { value, at, flags, unit }: Reading): void {
  known.count++;
  known.min = Math.min(known.min, value);
  known.max = Math.max(known.max, value);
  if (at.us / 1000 < known.atMs) return;
  known.value = value;
  known.atMs = at.us / 1000;
  known.flags = flags;
  known.unit = unit;
}

function tooManyPages(max: number): HttpError {
  return new HttpError(503, `There are ${max} live pages already`, {
    code: "HTTP-0503",
    hint: "close pages that nobody watches; http.streams_max sets the limit",
    headers: { "Retry-After": "10" },
  });
}
