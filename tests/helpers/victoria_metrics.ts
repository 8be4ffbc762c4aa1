import { onFreePort } from "@/tests/helpers/free_port.ts";
import { ServerProcess } from "@/tests/helpers/server_process.ts";
import { TempDir } from "@/tests/helpers/temp_dir.ts";
import { until } from "@/tests/helpers/until.ts";

/** One series as VictoriaMetrics exports it; times are ms since 1970. */
export interface ExportedSeries {
  labels: Record<string, string>;
  values: number[];
  timestamps: number[];
}

/** A real VictoriaMetrics on a free loopback port; it speaks InfluxDB's `/api/v2/write`. */
export class VictoriaMetrics implements AsyncDisposable {
  readonly #folder: TempDir;
  #port = 0;
  #process: ServerProcess | null = null;

  private constructor(folder: TempDir) {
    this.#folder = folder;
  }

  static async start(): Promise<VictoriaMetrics> {
    const server = new VictoriaMetrics(await TempDir.create("sluice-victoria-"));
    try {
      await onFreePort(async (port) => {
        server.#port = port;
        await server.resume();
      });
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async stop(): Promise<void> {
    const process = this.#process;
    this.#process = null;
    await process?.stop();
  }

  /** Starts again on the same port and data after `stop`. */
  async resume(): Promise<void> {
    await this.stop();
    const process = this.#launch();
    this.#process = process;
    const state = await until(() => this.#answersOrEnded(process), {
      what: "VictoriaMetrics answers",
    });
    if (state === "ended") throw new Error(process.describe("ended at its start"));
  }

  /** Every stored point of the series that `match` selects, for example `{node="node1"}`. */
  async export(match: string): Promise<ExportedSeries[]> {
    await this.#get("/internal/force_flush");
    const text = await this.#get(`/api/v1/export?match[]=${encodeURIComponent(match)}`);
    return text.split("\n").filter((line) => line !== "").map(toSeries).sort(byName);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#folder[Symbol.asyncDispose]();
  }

  #launch(): ServerProcess {
    return new ServerProcess("victoria-metrics", {
      args: [
        `-httpListenAddr=127.0.0.1:${this.#port}`,
        `-storageDataPath=${this.#folder.join("data")}`,
        // Points re-sent with the same time count once, as in InfluxDB; old points are kept.
        "-dedup.minScrapeInterval=1ms",
        "-retentionPeriod=100y",
        "-memory.allowedBytes=128MB",
        // it would wait seconds for kept-alive connections to go away
        "-http.maxGracefulShutdownDuration=10ms",
      ],
    });
  }

  async #answersOrEnded(process: ServerProcess): Promise<boolean | "ended"> {
    if (!process.running) return "ended";
    return await this.#get("/health").then((text) => text === "OK");
  }

  async #get(path: string): Promise<string> {
    const response = await fetch(this.url + path);
    const text = await response.text();
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${text}`);
    return text;
  }
}

function toSeries(line: string): ExportedSeries {
  const { metric, values, timestamps } = JSON.parse(line);
  return { labels: metric, values, timestamps };
}

function byName(a: ExportedSeries, b: ExportedSeries): number {
  return JSON.stringify(a.labels) < JSON.stringify(b.labels) ? -1 : 1;
}
