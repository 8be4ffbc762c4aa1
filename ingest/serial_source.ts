/**
 * A receiver board on a serial port.
 *
 * Deno can open a terminal device only with all permissions, so two small programs do it: `stty` sets
 * the line once, `cat` reads it. Unplugging ends `cat`, which is seen as the end of its output; the
 * source then opens the port again, 1 s doubling to 60 s.
 *
 * What was read is committed before more is read (at most PENDING_MAX packets wait), so a slow disk
 * leaves bytes in the kernel's buffer instead of in memory, and a stop loses only a half line.
 */
import { LineDecoder } from "@/ingest/lines.ts";
import type { Intake } from "@/ingest/intake.ts";
import { pause, ReconnectDelay } from "@/ingest/reconnect.ts";
import type { Logger } from "@/observe/log.ts";
import type { Metrics } from "@/observe/metrics.ts";

export interface SerialOptions {
  /** Name of the `[[source]]`. */
  name: string;
  /** `/dev/ttyACM0` */
  path: string;
  baud: number;
  /** Id of the receiver, the `<receiver>` of `gateways/<receiver>/packet`. */
  receiver: string;
}

export type SerialMode = "opening" | "reading" | "waiting" | "stopped";

const PENDING_MAX = 256;

/** How long a refused packet waits before it is offered to the log again. */
const REFUSED_RETRY_MS = 500;

export class SerialSource implements AsyncDisposable {
  readonly #options: SerialOptions;
  readonly #intake: Intake;
  readonly #metrics: Metrics;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  #mode: SerialMode = "stopped";
  #running: Promise<void> = Promise.resolve();

  constructor(options: SerialOptions, parts: { intake: Intake; metrics: Metrics; log: Logger }) {
    this.#options = options;
    this.#metrics = parts.metrics;
    this.#intake = parts.intake;
    this.#log = parts.log;
  }

  get mode(): SerialMode {
    return this.#mode;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#mode = "stopped";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(): Promise<void> {
    const delay = new ReconnectDelay();
    while (!this.#stop.signal.aborted) {
      this.#mode = "opening";
      const failure = await this.#readUntilEnd(() => delay.succeeded());
      if (this.#stop.signal.aborted) return;
      this.#mode = "waiting";
      const delayMs = delay.failed();
      this.#log.warn("Serial port {path} is away, trying again in {delayMs} ms", {
        source: this.#options.name,
        path: this.#options.path,
        delayMs,
        cause: failure,
      });
      await pause(delayMs, this.#stop.signal);
    }
  }

  /** Reads until the port goes away; resolves with the reason in words. */
  async #readUntilEnd(onData: () => void): Promise<string> {
    const setUp = await runStty(this.#options);
    if (setUp !== null) return setUp;
    const child = new Deno.Command("cat", {
      args: [this.#options.path],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const kill = () => endChild(child);
    this.#stop.signal.addEventListener("abort", kill);
    try {
      const [, errors] = await Promise.all([
        this.#consume(child.stdout, onData),
        new Response(child.stderr).text(),
        child.status,
      ]);
      return errors.trim() || "the line ended (unplugged or closed)";
    } finally {
      this.#stop.signal.removeEventListener("abort", kill);
    }
  }

  async #consume(stdout: ReadableStream<Uint8Array>, onData: () => void): Promise<void> {
    const decoder = new LineDecoder();
    for await (const chunk of stdout) {
      this.#mode = "reading";
      onData();
      await this.#commitAll(decoder.push(chunk));
    }
    await this.#commitAll(decoder.end());
  }

  async #commitAll(lines: ReturnType<LineDecoder["push"]>): Promise<void> {
    const waiting = new Set<Promise<void>>();
    for (const line of lines) {
      if (line.kind === "log") {
        this.#metrics.logLines.inc({ source: "serial" });
        this.#log.debug("Line of {receiver}", {
          receiver: this.#options.receiver,
          line: line.text,
        });
        continue;
      }
      const commit = this.#commit(line.json);
      waiting.add(commit);
      commit.finally(() => waiting.delete(commit));
      if (waiting.size >= PENDING_MAX) await Promise.race(waiting);
    }
    await Promise.all(waiting);
  }

  /** A serial line cannot repeat itself: a packet that is refused is offered until it is taken. */
  async #commit(json: string): Promise<void> {
    const payload = new TextEncoder().encode(json);
    const topic = `gateways/${this.#options.receiver}/packet`;
    for (;;) {
      const result = await new Promise<{ refused: Error | null }>((resolve) =>
        this.#intake.take(
          { source: "serial", sourceName: this.#options.name, topic, payload },
          resolve,
        )
      );
      if (result.refused === null || this.#stop.signal.aborted) return;
      await pause(REFUSED_RETRY_MS, this.#stop.signal);
    }
  }
}

/** Null on success, else what `stty` said. */
export async function runStty(options: SerialOptions): Promise<string | null> {
  const output = await new Deno.Command("stty", {
    args: ["-F", options.path, String(options.baud), "raw", "-echo", "-echoe", "-echok", "-hupcl"],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (output.success) return null;
  const said = new TextDecoder().decode(output.stderr).trim();
  return said.includes("Permission denied")
    ? `${said}, add the gateway's user to group "dialout"`
    : said;
}

export function endChild(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGTERM");
  } catch {
    // It ended by itself in between.
  }
}
