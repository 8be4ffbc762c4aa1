/** The executable as an administrator runs it: from an empty folder, its data in another one. */
import { MetricsText } from "@/tests/helpers/gateway_process.ts";
import { run, ServerProcess } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";

/** An emulated machine takes 20 s of processor time to start, which others may want as well. */
const PATIENCE_MS = 600_000;

export interface Program {
  command: string;
  args: string[];
  env?: Record<string, string>;
}

export class ReleasedGateway implements AsyncDisposable {
  readonly #process: ServerProcess;
  readonly #flags: string[];
  #http = "";
  #mqttPort = 0;

  private constructor(flags: string[], process: ServerProcess) {
    this.#flags = flags;
    this.#process = process;
  }

  /** `folder` holds sluice.toml and the data. */
  static async start(program: Program, folder: TempDir): Promise<ReleasedGateway> {
    const flags = ["--config", folder.join("sluice.toml"), "--data", folder.join("data")];
    const ports = ["--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0"];
    await Deno.mkdir(folder.join("empty"), { recursive: true });
    const process = new ServerProcess(program.command, {
      args: [...program.args, "serve", ...ports, ...flags],
      cwd: folder.join("empty"),
      env: program.env,
      stopTimeoutMs: PATIENCE_MS,
    });
    const gateway = new ReleasedGateway(flags, process);
    try {
      await gateway.#untilListening();
      return gateway;
    } catch (error) {
      await gateway.kill();
      throw error;
    }
  }

  async #untilListening(): Promise<void> {
    const [, http, mqtt] = await this.#process.untilOutput(
      /^listening http=(\S+) mqtt=\S+:(\d+)/m,
      { timeoutMs: PATIENCE_MS },
    );
    this.#http = `http://${http}`;
    this.#mqttPort = Number(mqtt);
  }

  get http(): string {
    return this.#http;
  }

  get mqttPort(): number {
    return this.#mqttPort;
  }

  get stderr(): string {
    return this.#process.stderr;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** A command for the same data, by this program or the one of another machine. */
  async command(program: Program, ...args: string[]): Promise<string> {
    return await run(program.command, { args: [...program.args, ...args, ...this.#flags] });
  }

  async metrics(): Promise<MetricsText> {
    return new MetricsText(await (await fetch(`${this.#http}/metrics`)).text());
  }

  async untilMetric(sample: string, value: number): Promise<void> {
    await until(async () => (await this.metrics()).value(sample) === value, {
      what: `${sample} is ${value}`,
      everyMs: 100,
      timeoutMs: PATIENCE_MS,
    });
  }

  signal(signal: Deno.Signal): void {
    this.#process.signal(signal);
  }

  /** Waits for an end that something else has asked for. */
  async untilExit(): Promise<number> {
    return (await this.#process.exited).code;
  }

  async kill(): Promise<void> {
    await this.#process.stop("SIGKILL");
  }

  async stop(): Promise<number> {
    return (await this.#process.stop()).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stop("SIGKILL");
  }
}
