/** The MQTT port: a taken one is named and tried again, the rest of the gateway comes up. */
import { joinAddress, listenError } from "@/runtime/http_listener.ts";
import type { MqttPrincipal } from "@/ingest/mqtt_hooks.ts";
import type { Broker } from "@/mqtt/broker.ts";
import { type ListenAddress, type Listener, listenTcp } from "@/mqtt/listener.ts";
import type { Logger } from "@/observe/log.ts";

const RETRY_MS = 5_000;

export class MqttListener {
  readonly #broker: Broker<MqttPrincipal>;
  readonly #at: ListenAddress;
  readonly #log: Logger;
  #listener: Listener | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(broker: Broker<MqttPrincipal>, parts: { at: ListenAddress; log: Logger }) {
    this.#broker = broker;
    this.#at = parts.at;
    this.#log = parts.log;
  }

  /** `127.0.0.1:1883`; null while the port is taken. */
  get address(): string | null {
    const bound = this.#listener;
    return bound === null ? null : joinAddress(bound.hostname, bound.port);
  }

  async start(): Promise<void> {
    try {
      this.#listener = await listenTcp(this.#broker, this.#at);
      if (this.#stopped) await this.stop();
    } catch (error) {
      const { message, hint, code } = listenError("MQTT", this.#at, error);
      this.#log.error("{message}", { message, hint, code });
      if (!this.#stopped) this.#retry = setTimeout(() => this.start(), RETRY_MS);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    await this.#listener?.stop();
    this.#listener = null;
  }
}
