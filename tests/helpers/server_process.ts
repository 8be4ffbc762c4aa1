import { until } from "@/tests/helpers/until.ts";

export interface ServerProcessOptions {
  args?: string[];
  env?: Record<string, string>;
  cwd?: string;
  stdin?: "null" | "piped";
  /** Signal that asks the program to stop; default SIGTERM. */
  stopSignal?: Deno.Signal;
  /** ms after which a program that does not stop is killed; default 10 000. */
  stopTimeoutMs?: number;
}

/** Characters of each stream that are kept: the newest ones. */
const OUTPUT_CHARS_MAX = 4 * 1024 * 1024;

/** A program started by a test, with its output captured; stopping it also closes the streams. */
export class ServerProcess implements AsyncDisposable {
  readonly #name: string;
  readonly #child: Deno.ChildProcess;
  readonly #options: ServerProcessOptions;
  readonly #drained: Promise<unknown>;
  readonly exited: Promise<Deno.CommandStatus>;
  #stdout = "";
  #stderr = "";
  #status: Deno.CommandStatus | null = null;

  constructor(command: string, options: ServerProcessOptions = {}) {
    this.#name = command;
    this.#options = options;
    this.#child = new Deno.Command(command, {
      args: options.args ?? [],
      env: options.env,
      cwd: options.cwd,
      stdin: options.stdin ?? "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#drained = Promise.all([
      collect(this.#child.stdout, (text) => this.#stdout = keepTail(this.#stdout + text)),
      collect(this.#child.stderr, (text) => this.#stderr = keepTail(this.#stderr + text)),
    ]);
    this.exited = this.#child.status.then((status) => this.#status = status);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get running(): boolean {
    return this.#status === null;
  }

  /** Only with `stdin: "piped"`. */
  get stdin(): WritableStream<Uint8Array> {
    return this.#child.stdin;
  }

  signal(signal: Deno.Signal): void {
    if (this.#status === null) this.#child.kill(signal);
  }

  /** Waits for `look` to find something in the output; fails at once when the program has ended. */
  async untilOutput(
    pattern: RegExp,
    options: { stream?: "stdout" | "stderr"; timeoutMs?: number } = {},
  ): Promise<RegExpExecArray> {
    const stream = options.stream ?? "stdout";
    const found = await until(
      () => pattern.exec(stream === "stdout" ? this.#stdout : this.#stderr) ?? this.#endedInstead(),
      { what: `"${this.#name}" prints ${pattern}`, timeoutMs: options.timeoutMs },
    );
    if (found === "ended") throw new Error(this.describe(`ended before printing ${pattern}`));
    return found;
  }

  /** The story of a failed start: what happened, exit code and output. */
  describe(what: string): string {
    const code = this.#status === null ? "running" : `exit code ${this.#status.code}`;
    return `"${this.#name}" ${what} (${code})\n${this.#stdout}\n${this.#stderr}`;
  }

  /** Asks the program to stop, kills it after the time-out, and waits for its end. */
  async stop(signal?: Deno.Signal): Promise<Deno.CommandStatus> {
    this.signal(signal ?? this.#options.stopSignal ?? "SIGTERM");
    const killer = setTimeout(
      () => this.signal("SIGKILL"),
      this.#options.stopTimeoutMs ?? 10_000,
    );
    const status = await this.exited;
    clearTimeout(killer);
    await this.#closeStdin();
    await this.#drained;
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #endedInstead(): "ended" | null {
    return this.#status === null ? null : "ended";
  }

  async #closeStdin(): Promise<void> {
    if (this.#options.stdin !== "piped") return;
    try {
      await this.#child.stdin.close();
    } catch {
      // The test has closed or locked it already.
    }
  }
}

async function collect(stream: ReadableStream<Uint8Array>, add: (text: string) => void) {
  for await (const text of stream.pipeThrough(new TextDecoderStream() as never)) {
    add(text as unknown as string);
  }
}

function keepTail(text: string): string {
  return text.length > OUTPUT_CHARS_MAX ? text.slice(-OUTPUT_CHARS_MAX / 2) : text;
}

/** Runs a program to its end and returns its output; throws with both streams when it fails. */
export async function run(
  command: string,
  options: { args?: string[]; env?: Record<string, string>; input?: string; cwd?: string } = {},
): Promise<string> {
  const child = new Deno.Command(command, {
    args: options.args ?? [],
    env: options.env,
    cwd: options.cwd,
    stdin: options.input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (options.input !== undefined) await feed(child, options.input);
  const output = await child.output();
  const [out, err] = [output.stdout, output.stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (!output.success) {
    throw new Error(`"${command}" failed (exit code ${output.code})\n${out}\n${err}`);
  }
  return out ?? "";
}

async function feed(child: Deno.ChildProcess, input: string): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(input));
  } finally {
    await writer.close().catch(() => {}); // the program ended without reading it all
  }
}
