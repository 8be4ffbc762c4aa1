/**
 * Publishes committed readings and predictions to local MQTT subscribers (FORMATS §2).
 *
 * Retained values follow event time, not arrival: a buffered, older reading is published live but
 * never replaces a newer retained one. Retained values are rebuilt from history at the start, so they
 * need no storage of their own. What is published here never comes back in: the broker hands only
 * clients' publishes to the intake.
 *
 * Most readings have no subscriber; only the newest of a topic matters then. Those are not published
 * one by one (11 µs a message of 7 readings) but remembered (1 µs) and put into the broker all
 * LAG_MS, and before any client subscribes, so that nobody can see the difference.
 */
import { predictionTopic, readingTopic } from "@/model/fanout.ts";
import type { LiveMessage } from "@/model/live.ts";
import type { Instant } from "@/model/message.ts";
import type { Reading } from "@/model/reading.ts";

/** What the fan-out needs of the broker. */
export interface LocalBroker {
  publish(message: LocalPublish): void;
  /** True when a subscription matches the topic now. */
  hasSubscribers(topic: string): boolean;
}

export interface LocalPublish {
  topic: string;
  payload: Uint8Array;
  qos: 0 | 1;
  retain: boolean;
  /** The gateway rebuilds it at the start: the broker need not keep it on disk. */
  volatile: true;
}

export interface FanOutOptions {
  prefix: string;
  /** Series whose newest value is remembered; readings of further ones are published unretained. */
  seriesMax: number;
}

/** One topic: what is retained there, or will be. */
interface Series {
  topic: string;
  /** Signal and statistics are not. */
  retained: boolean;
  at: Instant | null;
  /** Not yet in the broker. */
  waiting: Reading | null;
}

const LAG_MS = 250;

const encoder = new TextEncoder();

export class FanOut {
  readonly #broker: LocalBroker;
  readonly #options: FanOutOptions;
  /** By device, then measurement: no text is put together for a reading of a known series. */
  readonly #devices = new Map<string, Map<string, Series>>();
  #seriesCount = 0;
  #waiting: Series[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(broker: LocalBroker, options: FanOutOptions) {
    this.#broker = broker;
    this.#options = options;
  }

  /** One committed message: each reading its topic, each prediction its own. */
  announce({ normalized }: LiveMessage): void {
    for (const reading of normalized.readings) this.#announceReading(reading);
    for (const prediction of normalized.predictions) {
      const { topic, payload } = predictionTopic(this.#options.prefix, prediction);
      this.#publish(topic, payload, false);
    }
  }

  /** Puts the last known values back as retained messages after a start. */
  restore(latest: Iterable<Reading>): void {
    for (const reading of latest) this.#announceReading(reading);
    this.flush();
  }

  /** `iiot/gateway/status`: `online` while the gateway runs, `offline` as its last word. */
  announceStatus(status: "online" | "offline"): void {
    this.#publish(`${this.#options.prefix}/gateway/status`, status, true);
  }

  /** Brings the broker's retained values up to date; called before a client subscribes. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const series of waiting) {
      const reading = series.waiting;
      series.waiting = null;
      if (reading !== null) this.#publishReading(reading, true);
    }
  }

  #announceReading(reading: Reading): void {
    const series = this.#seriesOf(reading);
    const newest = series !== null && series.retained && isNewest(reading, series.at);
    if (newest) series.at = reading.at;
    if (series === null || this.#broker.hasSubscribers(series.topic)) {
      if (newest) series.waiting = null;
      this.#publishReading(reading, newest);
    } else if (newest) this.#postpone(series, reading);
  }

  #postpone(series: Series, reading: Reading): void {
    if (series.waiting === null) this.#waiting.push(series);
    series.waiting = reading;
    this.#timer ??= setTimeout(() => this.flush(), LAG_MS);
  }

  #publishReading(reading: Reading, newest: boolean): void {
    const { topic, payload, retain } = readingTopic(this.#options.prefix, reading);
    this.#publish(topic, payload, retain && newest);
  }

  #publish(topic: string, payload: string, retain: boolean): void {
    const bytes = encoder.encode(payload);
    this.#broker.publish({ topic, payload: bytes, qos: 1, retain, volatile: true });
  }

  /** Null beyond the bound. */
  #seriesOf(reading: Reading): Series | null {
    let measurements = this.#devices.get(reading.device);
    const known = measurements?.get(reading.measurement);
    if (known !== undefined) return known;
    if (this.#seriesCount >= this.#options.seriesMax) return null;
    if (measurements === undefined) {
      measurements = new Map();
      this.#devices.set(reading.device, measurements);
    }
    const { topic, retain } = readingTopic(this.#options.prefix, { ...reading, flags: [] });
    const series: Series = { topic, retained: retain, at: null, waiting: null };
    measurements.set(reading.measurement, series);
    this.#seriesCount++;
    return series;
  }
}

/** A time in the future is never the newest. */
function isNewest({ at, flags }: Reading, known: Instant | null): boolean {
  if (flags.includes("ts_future")) return false;
  return known === null || at.us > known.us || (at.us === known.us && at.ns >= known.ns);
}
