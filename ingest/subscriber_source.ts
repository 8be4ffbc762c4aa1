/**
 * An outside broker as a source: subscribes with a persistent session, acknowledges to that broker
 * after the commit, and comes back by itself (1 s doubling to 60 s).
 *
 * Several gateways divide the messages by the same `share` name (MQTT 5 shared subscription).
 * What this gateway has published itself (it marks it) is acknowledged and left alone.
 */
import type { Intake } from "@/ingest/intake.ts";
import { pause, ReconnectDelay } from "@/ingest/reconnect.ts";
import { isOwnMark } from "@/model/loop_mark.ts";
import { telemetryRoute } from "@/model/topic.ts";
import type { PublishPacket } from "@/mqtt/codec/packet.ts";
import { ReceivingClient, type ReceivingClientOptions } from "@/mqtt/receiving_client.ts";
import type { Logger } from "@/observe/log.ts";
import type { Metrics } from "@/observe/metrics.ts";

export interface SubscriberOptions
  extends Omit<ReceivingClientOptions, "alwaysSubscribe" | "cleanStart"> {
  /** Name of the `[[source]]`. */
  name: string;
  /** Of this gateway, by whose mark it knows what it published itself. */
  gatewayId: string;
}

export type SubscriberMode = "connecting" | "subscribing" | "receiving" | "waiting" | "stopped";

export interface SubscriberParts {
  intake: Intake;
  metrics: Metrics;
  log: Logger;
}

export class SubscriberSource implements AsyncDisposable {
  readonly #options: SubscriberOptions;
  readonly #parts: SubscriberParts;
  readonly #stop = new AbortController();
  readonly #unreleased = new Set<number>();
  #client: ReceivingClient | null = null;
  #running: Promise<void> = Promise.resolve();
  #subscribedOnce = false;

  constructor(options: SubscriberOptions, parts: SubscriberParts) {
    this.#options = options;
    this.#parts = parts;
  }

  get mode(): SubscriberMode {
    if (this.#stop.signal.aborted) return "stopped";
    const state = this.#client?.state ?? "closed";
    return state === "closed" ? "waiting" : state;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Acknowledges what is committed; the rest comes again after the next start. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#client?.close();
    await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(): Promise<void> {
    const delay = new ReconnectDelay();
    while (!this.#stop.signal.aborted) {
      this.#client = new ReceivingClient(
        { ...this.#options, alwaysSubscribe: !this.#subscribedOnce },
        {
          take: (publish, done) => this.#take(publish, done),
          unreleased: this.#unreleased,
          receiving: () => {
            this.#subscribedOnce = true;
            delay.succeeded();
          },
        },
      );
      const reason = await this.#client.closed;
      if (this.#stop.signal.aborted || reason === null) return;
      const delayMs = delay.failed();
      const { name: source } = this.#options;
      const { message, hint, code } = reason;
      this.#parts.log.warn("{message}", { source, message, hint, code, delayMs });
      await pause(delayMs, this.#stop.signal);
    }
  }

  #take(publish: PublishPacket, done: (taken: boolean) => void): void {
    const { gatewayId } = this.#options;
    if (isOwnMark(publish.properties?.userProperties, gatewayId)) return done(true);
    if (telemetryRoute(publish.topic) === null) return this.#skip(done);
    this.#parts.intake.take({
      source: "subscriber",
      sourceName: this.#options.name,
      topic: publish.topic,
      payload: publish.payload,
    }, (result) => done(result.refused === null));
  }

  /** No decoder takes this topic: acknowledged and counted, or that broker would send it for ever. */
  #skip(done: (taken: boolean) => void): void {
    this.#parts.metrics.countIngest("subscriber", "rejected");
    this.#parts.metrics.ingestRejected.inc({ reason: "not_telemetry" });
    done(true);
  }
}
