/**
 * Where node 3's results go. The harness bridges the modem to `address` and later asks what has
 * been stored; Mosquitto with a subscriber is one such place, the gateway with its database
 * another.
 */
import mqtt from "mqtt";
import { fromLatin1 } from "./bytes.ts";
import { Changes } from "./changes.ts";
import type { Address } from "./esp_modem.ts";

export interface StoredPrediction {
  seq: number;
  ts?: number;
  label: string;
  score: number;
  avg: number;
  window: number;
  model: string;
  debug: { us: number; z0: number; z1: number };
}

export interface PredictionSink extends AsyncDisposable {
  readonly address: Address;
  /** The device's password, where one is needed. */
  readonly secret?: string;
  /** Stored results in the order of their storage, each once. */
  stored(): Promise<StoredPrediction[]>;
  /** Resolves once `count` results are stored. */
  until(count: number): Promise<void>;
  kill(): Promise<void>;
  restart(): Promise<void>;
}

export type OpenPredictionSink = (device: string) => Promise<PredictionSink>;

/** Mosquitto that keeps its sessions over a restart, and one persistent subscriber. */
export async function openMosquitto(device: string): Promise<PredictionSink> {
  const sink = new MosquittoSink(device, await Deno.makeTempDir({ prefix: "fw" }));
  await sink.open();
  return sink;
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

class MosquittoSink implements PredictionSink {
  readonly address: Address = { hostname: "127.0.0.1", port: freePort() };
  readonly #texts: string[] = [];
  #changes = new Changes();
  #broker: Deno.ChildProcess | null = null;
  #saying: Promise<void> = Promise.resolve();
  #subscriber: mqtt.MqttClient | null = null;

  constructor(private readonly device: string, private readonly folder: string) {}

  async open(): Promise<void> {
    const lines = [
      `listener ${this.address.port} 127.0.0.1`,
      ...["allow_anonymous true", "persistence true", `persistence_location ${this.folder}/`],
      "user root", // only heeded as root, when it would become a user who may not write there
    ];
    await Deno.writeTextFile(`${this.folder}/mosquitto.conf`, lines.join("\n") + "\n");
    await this.restart();
    await this.#subscribe();
  }

  async #subscribe(): Promise<void> {
    const { hostname, port } = this.address;
    this.#subscriber = mqtt.connect(`mqtt://${hostname}:${port}`, {
      clientId: "sink",
      clean: false,
      reconnectPeriod: 100,
    });
    this.#subscriber.on("error", () => {}); // it reconnects
    this.#subscriber.on("message", (_topic, payload) => {
      const text = new TextDecoder().decode(payload);
      // A result that is sent again has the same bytes and is stored once.
      if (!this.#texts.includes(text)) this.#texts.push(text);
      this.#changes.announce();
    });
    await this.#subscriber.subscribeAsync(`devices/${this.device}/prediction`, { qos: 1 });
  }

  stored(): Promise<StoredPrediction[]> {
    return Promise.resolve(this.#texts.map((text) => JSON.parse(text)));
  }

  until(count: number): Promise<void> {
    return this.#changes.until(() => this.#texts.length >= count, `${count} stored results`);
  }

  /** Mosquitto writes its sessions when it is asked to stop; it does not promise more. */
  async kill(): Promise<void> {
    this.#broker!.kill("SIGTERM");
    await this.#broker!.status;
    await this.#saying;
    this.#broker = null;
  }

  async restart(): Promise<void> {
    const args = ["-c", `${this.folder}/mosquitto.conf`, "-v"];
    this.#broker = new Deno.Command("mosquitto", { args, stdout: "null", stderr: "piped" }).spawn();
    const ready = Promise.withResolvers<void>();
    this.#saying = this.#listen(this.#broker.stderr, ready);
    await ready.promise;
  }

  async #listen(
    stderr: ReadableStream<Uint8Array>,
    ready: PromiseWithResolvers<void>,
  ): Promise<void> {
    let said = "";
    for await (const chunk of stderr) {
      said = (said + fromLatin1(chunk)).slice(-4000);
      if (said.includes("running")) ready.resolve();
    }
    ready.reject(new Error(`Cannot start Mosquitto: ${said}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#subscriber?.endAsync(true);
    if (this.#broker) await this.kill();
    await Deno.remove(this.folder, { recursive: true });
  }
}
