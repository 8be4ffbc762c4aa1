/**
 * Destination MQTT: every reading on its own topic, as FORMATS §2 says, and predictions as JSON.
 *
 * Publishes go out in the order of the log, many before the first is acknowledged. A message counts
 * as written when the broker has acknowledged all its publishes. A broker cannot tell a publish that
 * is repeated after a broken connection from a new one; subscribers see it twice.
 * Each publish carries the user property `sluice-gateway` (MQTT 5.0), by which a gateway that
 * subscribes there knows its own.
 */
import type {
  Batch,
  BatchEntry,
  Destination,
  DestinationEvents,
  WriteResult,
} from "@/forward/destination.ts";
import { Filter } from "@/forward/filter.ts";
import type { MqttOptions } from "@/forward/forward_types.ts";
import {
  MqttSession,
  type OutgoingPublish,
  type ProtocolVersion,
  UnsupportedVersionError,
} from "@/forward/mqtt_session.ts";
import { type PermanentError, TransientError } from "@/model/errors.ts";
import { predictionTopic, readingTopic } from "@/model/fanout.ts";
import type { Instant } from "@/model/message.ts";
import type { Reading } from "@/model/reading.ts";

/** Retained topics whose newest time is remembered; further ones are published unretained. */
const RETAINED_TOPICS_MAX = 100_000;

export class MqttDestination implements Destination {
  readonly name: string;
  readonly #options: MqttOptions;
  readonly #events: DestinationEvents;
  readonly #filter: Filter;
  /** Event time of the value that each topic retains, as far as this process knows. */
  readonly #newest = new Map<string, Instant>();
  #session: MqttSession | null = null;
  #version: ProtocolVersion = 5;

  constructor(options: MqttOptions, events: DestinationEvents) {
    this.name = options.name;
    this.#options = options;
    this.#events = events;
    this.#filter = new Filter(options.filter);
  }

  wants(entry: BatchEntry): boolean {
    return this.#filter.takesAny(entry.normalized, { attributes: false });
  }

  async prepare(signal: AbortSignal): Promise<void> {
    if (this.#session?.usable) return;
    this.#session?.destroy();
    const session = await this.#open(this.#options, { guest: false, signal });
    session.onLost = (error) => this.#events.lost(error);
    this.#session = session;
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteResult> {
    const session = this.#session;
    if (session === null || !session.usable) return undecided(notConnected(this.name));
    const outcome = new BatchOutcome(batch.length);
    const publishes = this.#publishesOf(batch);
    for (const { entry } of publishes) outcome.expect(entry);
    try {
      await session.publishAll(publishes, {
        onAnswer: ({ entry }, error) => outcome.answer(entry, error),
        signal,
      });
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      return outcome.result(error);
    }
    return outcome.result(null);
  }

  /** As a guest with a client id of its own: the delivery stays connected. */
  async test(signal: AbortSignal): Promise<string> {
    const guest = { ...this.#options, clientId: `${this.#options.clientId}-test` };
    const session = await this.#open(guest, { guest: true, signal });
    session.destroy();
    return `the broker lets us in, MQTT ${this.#version === 5 ? "5.0" : "3.1.1"}`;
  }

  async close(signal: AbortSignal): Promise<void> {
    const session = this.#session;
    this.#session = null;
    await session?.close(signal);
  }

  /** @throws TransientError */
  async #open(
    options: MqttOptions,
    { guest, signal }: { guest: boolean; signal: AbortSignal },
  ): Promise<MqttSession> {
    try {
      return await MqttSession.open(options, { version: this.#version, guest, signal });
    } catch (error) {
      if (!(error instanceof UnsupportedVersionError)) throw error;
      this.#version = this.#version === 5 ? 4 : 5;
      return await MqttSession.open(options, { version: this.#version, guest, signal });
    }
  }

  #publishesOf(batch: Batch): OutgoingPublish[] {
    const publishes: OutgoingPublish[] = [];
    batch.forEach(({ normalized }, entry) => {
      for (const reading of normalized.readings) {
        if (this.#filter.takesReading(reading)) {
          publishes.push(this.#readingPublish(reading, entry));
        }
      }
      for (const prediction of normalized.predictions) {
        if (!this.#filter.takesPrediction(prediction)) continue;
        publishes.push({ ...predictionTopic(this.#options.prefix, prediction), entry });
      }
    });
    return publishes;
  }

  #readingPublish(reading: Reading, entry: number): OutgoingPublish {
    const { topic, payload, retain } = readingTopic(this.#options.prefix, reading);
    return { topic, payload, retain: retain && this.#isNewest(topic, reading.at), entry };
  }

  /** A buffered, older value is published, but never replaces a newer retained one. */
  #isNewest(topic: string, at: Instant): boolean {
    const known = this.#newest.get(topic);
    if (known === undefined && this.#newest.size >= RETAINED_TOPICS_MAX) return false;
    const older = known !== undefined &&
      (at.us < known.us || (at.us === known.us && at.ns < known.ns));
    if (older) return false;
    this.#newest.set(topic, at);
    return true;
  }
}

/** Collects the answers to a batch's publishes; a message is written when all of its own are. */
class BatchOutcome {
  readonly #waiting: Uint32Array;
  readonly #errors = new Map<number, TransientError | PermanentError>();

  constructor(entries: number) {
    this.#waiting = new Uint32Array(entries);
  }

  expect(entry: number): void {
    this.#waiting[entry]!++;
  }

  answer(entry: number, error: TransientError | PermanentError | null): void {
    this.#waiting[entry]!--;
    if (error !== null && !this.#errors.has(entry)) this.#errors.set(entry, error);
  }

  /** The leading messages that are decided; what comes behind the first open one is sent again. */
  result(broken: TransientError | null): WriteResult {
    const result: WriteResult = { decided: 0, rejected: [], interrupted: null };
    for (let index = 0; index < this.#waiting.length; index++) {
      const error = this.#errors.get(index);
      if (error instanceof TransientError) return { ...result, interrupted: error };
      if (this.#waiting[index]! > 0) return { ...result, interrupted: broken };
      if (error !== undefined) result.rejected.push({ index, error });
      result.decided = index + 1;
    }
    return result;
  }
}

function undecided(interrupted: TransientError): WriteResult {
  return { decided: 0, rejected: [], interrupted };
}

function notConnected(name: string): TransientError {
  return new TransientError(`Cannot write to MQTT destination "${name}": not connected`, {
    code: "FWD-0300",
    hint: "Nothing to do; it connects at the next attempt",
  });
}
