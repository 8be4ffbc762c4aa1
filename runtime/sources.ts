/** The configured sources: started, stopped and, after a reload, replaced where they changed. */
import type { Config, SourceConfig } from "@/config/schema.ts";
import type { Intake } from "@/ingest/intake.ts";
import { SerialSource } from "@/ingest/serial_source.ts";
import { SubscriberSource } from "@/ingest/subscriber_source.ts";
import { logger } from "@/observe/log.ts";
import type { Metrics } from "@/observe/metrics.ts";
import { serialOptions, subscriberOptions } from "@/runtime/options.ts";

type Source = SerialSource | SubscriberSource;

interface Running {
  /** The configuration that it was started with, to see what a reload changes. */
  fingerprint: string;
  /** Of a serial port. */
  path: string | null;
  source: Source;
}

export interface SourceParts {
  intake: Intake;
  metrics: Metrics;
  readTextFile: (path: string) => string;
}

export class Sources {
  readonly #parts: SourceParts;
  readonly #running = new Map<string, Running>();

  constructor(parts: SourceParts) {
    this.#parts = parts;
  }

  /** Name and mode of each running source. */
  modes(): { name: string; mode: string }[] {
    return [...this.#running].map(([name, { source }]) => ({ name, mode: source.mode }));
  }

  /** Serial ports that are open or being opened: path → name of the source. */
  linesInUse(): Map<string, string> {
    return new Map(
      [...this.#running].flatMap(([name, { path, source }]): [string, string][] =>
        path === null || source.mode === "waiting" ? [] : [[path, name]]
      ),
    );
  }

  /** Makes the running sources those of `config`; unchanged ones are not touched. */
  async configure(config: Config): Promise<void> {
    const wanted = new Map(
      config.source.filter((source) => source.enabled).map((source) => [source.name, source]),
    );
    for (const [name, running] of this.#running) {
      const source = wanted.get(name);
      if (source !== undefined && fingerprintOf(source, config) === running.fingerprint) continue;
      this.#running.delete(name);
      await running.source.stop();
    }
    for (const source of wanted.values()) {
      if (!this.#running.has(source.name)) this.#start(source, config);
    }
  }

  async stop(): Promise<void> {
    const running = [...this.#running.values()];
    this.#running.clear();
    await Promise.all(running.map(({ source }) => source.stop()));
  }

  #start(config: SourceConfig, whole: Config): void {
    const source = this.#create(config, whole);
    const path = config.type === "serial" ? config.path : null;
    this.#running.set(config.name, { fingerprint: fingerprintOf(config, whole), path, source });
    source.start();
  }

  #create(config: SourceConfig, whole: Config): Source {
    const { intake, metrics, readTextFile } = this.#parts;
    const log = logger("source");
    if (config.type === "serial") {
      return new SerialSource(serialOptions(config), { intake, metrics, log });
    }
    const options = subscriberOptions(config, {
      gatewayId: whole.gateway.id,
      packetBytesMax: whole.mqtt.packet_bytes_max,
      readTextFile,
    });
    return new SubscriberSource(options, { intake, metrics, log });
  }
}

function fingerprintOf(source: SourceConfig, config: Config): string {
  return JSON.stringify([source, config.gateway.id, config.mqtt.packet_bytes_max]);
}
