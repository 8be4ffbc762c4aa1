import { onFreePort } from "@/tests/helpers/free_port.ts";
import { run, ServerProcess } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";

export interface MosquittoOptions {
  /** Username → password; without any, anonymous clients are let in. */
  users?: Record<string, string>;
  /** Text of an ACL file. */
  acl?: string;
  /** Further lines of mosquitto.conf. */
  config?: string[];
  tls?: { certificate: string; key: string };
}

/** A message as mosquitto_sub printed it. */
export interface SeenMessage {
  topic: string;
  payload: string;
  qos: number;
  retained: boolean;
}

/** A real Mosquitto on a free loopback port. */
export class Mosquitto implements AsyncDisposable {
  readonly #folder: TempDir;
  readonly #options: MosquittoOptions;
  #port = 0;
  #process: ServerProcess | null = null;
  #subscribers = 0;

  private constructor(folder: TempDir, options: MosquittoOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  static async start(options: MosquittoOptions = {}): Promise<Mosquitto> {
    const broker = new Mosquitto(await TempDir.create("sluice-mosquitto-"), options);
    try {
      await onFreePort(async (port) => {
        broker.#port = port;
        await broker.#configure();
        await broker.resume();
      });
      return broker;
    } catch (error) {
      await broker[Symbol.asyncDispose]();
      throw error;
    }
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `${this.#options.tls ? "mqtts" : "mqtt"}://127.0.0.1:${this.#port}`;
  }

  /** What the broker has logged: connections, refusals, publishes. */
  get log(): string {
    return this.#process?.stderr ?? "";
  }

  async stop(signal: Deno.Signal = "SIGTERM"): Promise<void> {
    const process = this.#process;
    this.#process = null;
    await process?.stop(signal);
  }

  async resume(): Promise<void> {
    await this.stop();
    this.#process = new ServerProcess("mosquitto", {
      args: ["-v", "-c", this.#folder.join("mosquitto.conf")],
    });
    await this.#process.untilOutput(/mosquitto version .* running/, { stream: "stderr" });
  }

  /**
   * Subscribes with mosquitto_sub and returns once the broker has acknowledged it. QoS 1 unless told
   * otherwise: under load Mosquitto 2.0.11 and its client can stall each other with QoS 2.
   */
  async subscribe(
    filter: string,
    options: { username?: string; password?: string; qos?: 0 | 1 | 2; args?: string[] } = {},
  ): Promise<MosquittoSubscription> {
    const broker = this.#process;
    if (broker === null) throw new Error("The broker is stopped");
    const id = `watcher-${++this.#subscribers}`;
    // line by line: by itself it holds messages back until its output buffer is full
    const process = new ServerProcess("stdbuf", {
      args: [
        ...[
          "-oL",
          "mosquitto_sub",
          "-h",
          "127.0.0.1",
          "-p",
          String(this.#port),
          "-V",
          "5",
          "-i",
          id,
        ],
        ...["-q", String(options.qos ?? 1), "-t", filter],
        ...["-F", "message %t %q %r %x %P"],
        ...credentials(options),
        ...options.args ?? [],
      ],
    });
    await broker.untilOutput(new RegExp(`Sending SUBACK to ${id}\\b`), { stream: "stderr" });
    return new MosquittoSubscription(process);
  }

  async publish(
    topic: string,
    payload: string,
    options: { retain?: boolean; username?: string; password?: string } = {},
  ): Promise<void> {
    await run("mosquitto_pub", {
      args: [
        ...["-h", "127.0.0.1", "-p", String(this.#port), "-q", "1", "-t", topic],
        payload === "" ? "-n" : "-s",
        ...options.retain ? ["-r"] : [],
        ...credentials(options),
      ],
      input: payload === "" ? undefined : payload,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#folder[Symbol.asyncDispose]();
  }

  async #configure(): Promise<void> {
    const { users, acl, tls, config } = this.#options;
    const lines = [`listener ${this.#port} 127.0.0.1`, "max_queued_messages 0", ...config ?? []];
    if (Deno.uid() === 0) lines.push("user root");
    if (users) lines.push(`password_file ${await this.#passwords(users)}`);
    else lines.push("allow_anonymous true");
    if (acl) lines.push(`acl_file ${await this.#write("acl", acl)}`);
    if (tls) {
      lines.push(`certfile ${await this.#write("server.pem", tls.certificate)}`);
      lines.push(`keyfile ${await this.#write("server.key", tls.key)}`);
    }
    await this.#write("mosquitto.conf", lines.join("\n") + "\n");
  }

  async #passwords(users: Record<string, string>): Promise<string> {
    const lines = Object.entries(users).map(([name, password]) => `${name}:${password}\n`);
    const file = await this.#write("passwords", lines.join(""));
    await run("mosquitto_passwd", { args: ["-U", file] });
    return file;
  }

  async #write(name: string, text: string): Promise<string> {
    const file = this.#folder.join(name);
    await Deno.writeTextFile(file, text, { mode: 0o600 });
    return file;
  }
}

/** A running mosquitto_sub. */
export class MosquittoSubscription implements AsyncDisposable {
  readonly #process: ServerProcess;

  constructor(process: ServerProcess) {
    this.#process = process;
  }

  /** All messages so far, in the order of arrival. */
  get messages(): SeenMessage[] {
    return this.#process.stdout.split("\n").flatMap(parseMessage);
  }

  /** The user properties of each message, as mosquitto_sub prints them: `name:value …`. */
  get userProperties(): string[] {
    return this.#process.stdout.split("\n").flatMap((line) => {
      const match = MESSAGE_LINE.exec(line);
      return match ? [match[5] ?? ""] : [];
    });
  }

  /** Waits until at least so many messages have come, and returns all of them. */
  async atLeast(count: number, options: { timeoutMs?: number } = {}): Promise<SeenMessage[]> {
    const look = () => this.messages.length >= count ? this.messages : null;
    const what = `${count} messages have come`;
    return await until(look, { what, ...options }).catch((error) => {
      throw new Error(`Only ${this.messages.length} messages have come`, { cause: error });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stop();
  }
}

const MESSAGE_LINE = /^message (.*) ([012]) ([01]) ([0-9a-f]*) ?(.*)$/;

function parseMessage(line: string): SeenMessage[] {
  const match = MESSAGE_LINE.exec(line);
  if (match === null) return [];
  const [, topic = "", qos, retained, hex = ""] = match;
  const payload = new TextDecoder().decode(Uint8Array.fromHex(hex));
  return [{ topic, payload, qos: Number(qos), retained: retained === "1" }];
}

function credentials(options: { username?: string; password?: string }): string[] {
  const { username, password } = options;
  return username === undefined ? [] : ["-u", username, "-P", password ?? ""];
}
