/**
 * Publishes committed readings and predictions to local MQTT subscribers (FORMATS §2).
 *
 * Retained values follow event time, not arrival: a buffered, older reading is published live but
 * never replaces a newer retained one. Retained values are rebuilt from history at the start, so they
 * need no storage of their own. What is published here never comes back in: the broker hands only
 * clients' publishes to the intake.
 */
import { predictionTopic, readingTopic } from "@/model/fanout.ts";
import type { LiveMessage } from "@/model/live.ts";
import type { Instant } from "@/model/message.ts";
import type { Reading } from "@/model/reading.ts";

/** What the fan-out needs of the broker. */
export interface LocalBroker {
  publish(message: LocalPublish): void;
}

export interface LocalPublish {
  topic: string;
  payload: Uint8Array;
  qos: 0 | 1;
  retain: boolean;
  /** The gateway rebuilds it at the start: the broker need not keep it on disk. */
  volatile: true;
}

const encoder = new TextEncoder();

export class FanOut {
  readonly #broker: LocalBroker;
  readonly #prefix: string;
  readonly #topicsMax: number;
  /** Event time of each retained topic. */
  readonly #newest = new Map<string, Instant>();

  constructor(broker: LocalBroker, options: { prefix: string; topicsMax: number }) {
    this.#broker = broker;
    this.#prefix = options.prefix;
    this.#topicsMax = options.topicsMax;
  }

  /** One committed message: each reading its topic, each prediction its own. */
  announce(live: LiveMessage): void {
    for (const reading of live.normalized.readings) this.#publishReading(reading);
    for (const prediction of live.normalized.predictions) {
      const { topic, payload } = predictionTopic(this.#prefix, prediction);
      this.#publish(topic, payload, false);
    }
  }

  /** Puts the last known values back as retained messages after a start. */
  restore(latest: Iterable<Reading>): void {
    for (const reading of latest) {
      const { topic, payload, retain } = readingTopic(this.#prefix, reading);
      if (retain && this.#isNewest(topic, reading.at)) this.#publish(topic, payload, true);
    }
  }

  /** `iiot/gateway/status`: `online` while the gateway runs, `offline` as its last word. */
  announceStatus(status: "online" | "offline"): void {
    this.#publish(`${this.#prefix}/gateway/status`, status, true);
  }

  #publishReading(reading: Reading): void {
    const { topic, payload, retain } = readingTopic(this.#prefix, reading);
    this.#publish(topic, payload, retain && this.#isNewest(topic, reading.at));
  }

  #publish(topic: string, payload: string, retain: boolean): void {
    const bytes = encoder.encode(payload);
    this.#broker.publish({ topic, payload: bytes, qos: 1, retain, volatile: true });
  }

  /** True when nothing newer is retained; beyond the bound new topics are published unretained. */
  #isNewest(topic: string, at: Instant): boolean {
    const known = this.#newest.get(topic);
    if (known === undefined && this.#newest.size >= this.#topicsMax) return false;
    if (known !== undefined && isBefore(at, known)) return false;
    this.#newest.set(topic, at);
    return true;
  }
}

function isBefore(a: Instant, b: Instant): boolean {
  return a.us < b.us || (a.us === b.us && a.ns < b.ns);
}
