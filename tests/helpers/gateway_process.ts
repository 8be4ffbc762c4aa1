import { run, ServerProcess } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";
import { sluiceCommand } from "@/tools/product.ts";

export interface GatewayOptions {
  /** Text of sluice.toml. */
  config?: string;
  /** Keeps the same folder over several processes; made and removed by the caller then. */
  folder?: TempDir;
  /** Fixed ports for clients that reconnect after a restart; 0 picks a free one. */
  httpPort?: number;
  mqttPort?: number;
  args?: string[];
  env?: Record<string, string>;
}

/**
 * The real program as an operator runs it: own process, own permissions, own data folder.
 * SIGKILL and SIGTERM reach the gateway itself, not a task runner around it.
 */
export class GatewayProcess implements AsyncDisposable {
  readonly folder: TempDir;
  readonly #ownsFolder: boolean;
  readonly #process: ServerProcess;
  #http = "";
  #mqtt = "";
  #addresses: Record<string, string> = {};

  private constructor(folder: TempDir, ownsFolder: boolean, process: ServerProcess) {
    this.folder = folder;
    this.#ownsFolder = ownsFolder;
    this.#process = process;
  }

  static async start(options: GatewayOptions = {}): Promise<GatewayProcess> {
    const gateway = await GatewayProcess.launch(options);
    await gateway.untilListening();
    return gateway;
  }

  /** Starts the program without waiting for it to be ready. */
  static async launch(options: GatewayOptions = {}): Promise<GatewayProcess> {
    const folder = options.folder ?? await TempDir.create("sluice-gateway-");
    await Deno.writeTextFile(folder.join("sluice.toml"), options.config ?? "");
    const { command, args } = sluiceCommand([
      "serve",
      ...folderArgs(folder),
      ...["--http", `127.0.0.1:${options.httpPort ?? 0}`],
      ...["--mqtt", `127.0.0.1:${options.mqttPort ?? 0}`],
      ...options.args ?? [],
    ]);
    const process = new ServerProcess(command, { args, env: options.env });
    return new GatewayProcess(folder, options.folder === undefined, process);
  }

  async untilListening(): Promise<void> {
    const found = await this.#process.untilOutput(/^listening (.*)$/m, { timeoutMs: 60_000 });
    const addresses = Object.fromEntries(
      (found[1] ?? "").split(" ").map((pair) => pair.split("=") as [string, string]),
    );
    this.#addresses = addresses;
    this.#http = addresses.http ?? "";
    this.#mqtt = addresses.mqtt ?? "";
  }

  /** Of the line on stdout, by protocol. */
  get addresses(): Readonly<Record<string, string>> {
    return this.#addresses;
  }

  /** `http://127.0.0.1:8000` */
  get httpUrl(): string {
    return this.#http.includes("://") ? this.#http : `http://${this.#http}`;
  }

  get httpPort(): number {
    return Number(new URL(this.httpUrl).port);
  }

  get mqttPort(): number {
    return Number(this.#mqtt.split(":").at(-1));
  }

  get mqttUrl(): string {
    return `mqtt://127.0.0.1:${this.mqttPort}`;
  }

  get dataDir(): string {
    return this.folder.join("data");
  }

  get stdout(): string {
    return this.#process.stdout;
  }

  get stderr(): string {
    return this.#process.stderr;
  }

  get pid(): number {
    return this.#process.pid;
  }

  get running(): boolean {
    return this.#process.running;
  }

  /** Waits for the end of a process that ends by itself. */
  async untilExit(): Promise<number> {
    const { code } = await this.#process.exited;
    await this.#process.stop();
    return code;
  }

  signal(signal: Deno.Signal): void {
    this.#process.signal(signal);
  }

  /** Power cut, as far as a process can feel it. */
  async kill(): Promise<void> {
    await this.#process.stop("SIGKILL");
  }

  /** SIGTERM; returns the exit code. */
  async stop(): Promise<number> {
    return (await this.#process.stop()).code;
  }

  /** Runs another command of the program against the same folder. */
  async command(args: string[], options: { input?: string } = {}): Promise<string> {
    const [name = "", ...rest] = args;
    const { command, args: all } = sluiceCommand([name, ...rest, ...folderArgs(this.folder)]);
    return await run(command, { args: all, ...options });
  }

  async metrics(): Promise<MetricsText> {
    const response = await fetch(`${this.httpUrl}/metrics`);
    return new MetricsText(await response.text());
  }

  /** Waits until a sample has reached a value. */
  async untilMetric(sample: string, value: number, timeoutMs = 30_000): Promise<void> {
    await until(async () => ((await this.metrics()).value(sample) ?? -1) >= value, {
      what: `${sample} is at least ${value}`,
      timeoutMs,
      everyMs: 50,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stop("SIGKILL");
    if (this.#ownsFolder) await this.folder[Symbol.asyncDispose]();
  }
}

function folderArgs(folder: TempDir): string[] {
  return ["--config", folder.join("sluice.toml"), "--data", folder.join("data")];
}

/** One scrape of `/metrics`. */
export class MetricsText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** The value of `name{label="…"}` as it is written in the text; null where it is not. */
  value(sample: string): number | null {
    for (const line of this.text.split("\n")) {
      if (line.startsWith(sample + " ")) return Number(line.slice(sample.length + 1));
    }
    return null;
  }

  /** The ledger of a destination, read off the contract's names. */
  ledger(destination: string): Record<string, number> {
    const state = (name: string) =>
      this.value(`sluice_queue_messages{destination="${destination}",state="${name}"}`) ?? NaN;
    const outcome = (name: string) =>
      this.value(`sluice_forward_messages_total{destination="${destination}",outcome="${name}"}`) ??
        NaN;
    return {
      accepted: this.value(`sluice_ledger_accepted_total{destination="${destination}"}`) ?? NaN,
      acked: outcome("acked"),
      expired: outcome("expired"),
      purged: outcome("purged"),
      dropped: outcome("dropped"),
      enqueued: state("enqueued"),
      in_flight: state("in_flight"),
      dead: state("dead"),
    };
  }
}

/** True when a ledger adds up; false also when a number is missing. */
export function addsUp(ledger: Record<string, number>): boolean {
  const { accepted, ...rest } = ledger;
  return accepted === Object.values(rest).reduce((sum, count) => sum + count, 0);
}
