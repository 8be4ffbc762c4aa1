/**
 * Runs a firmware ELF in `qemu-system-arm -M netduinoplus2` (an STM32F405, whose UARTs sit where
 * the STM32F446 has them). The lines are TCP connections on the loopback, or a pty for the virtual
 * COM port; the monitor is used to press reset. Leaving the scope cuts the power.
 */
import { fromLatin1, latin1 } from "./bytes.ts";

/** The UARTs in the order of the emulator's `-serial` options. */
const UARTS = ["usart1", "usart2", "usart3", "uart4", "uart5", "usart6"] as const;
export type UartName = typeof UARTS[number];

/** One end of a serial line. Bytes from the firmware go to `receive`. */
export class Line {
  receive: (bytes: Uint8Array) => void = () => {};
  #connection: Deno.Conn;
  #writing: Promise<void> = Promise.resolve();
  readonly ended: Promise<void>;

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
    this.ended = this.#read();
  }

  /** Sends in the order of the calls; bytes for a machine without power are lost, as on a board. */
  send(bytes: Uint8Array): void {
    this.#writing = this.#writing.then(() => this.#write(bytes)).catch(() => {});
  }

  say(text: string): void {
    this.send(latin1(text));
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(4096);
    for (;;) {
      const count = await this.#connection.read(buffer).catch(() => null);
      if (count === null) return;
      this.receive(buffer.slice(0, count));
    }
  }

  async close(): Promise<void> {
    await this.#writing;
    this.#connection.close();
    await this.ended;
  }
}

export interface EmulatorOptions {
  elf: string;
  /** The UARTs that get a line; the others are left open. */
  lines: UartName[];
  /** Makes USART2 a pty, as the board's virtual COM port, reachable by a link at this path. */
  ptyLink?: string;
  /** Instruction counting: 2^shift nanoseconds of virtual time each. */
  icountShift?: number;
}

export class Emulator implements AsyncDisposable {
  readonly lines = new Map<UartName, Line>();
  #process: Deno.ChildProcess | null = null;
  #monitor: Line | null = null;
  #output: Promise<void>[] = [];

  private constructor(private readonly options: EmulatorOptions) {}

  static async start(options: EmulatorOptions): Promise<Emulator> {
    const emulator = new Emulator(options);
    await emulator.#start();
    return emulator;
  }

  line(name: UartName): Line {
    const line = this.lines.get(name);
    if (!line) throw new Error(`The emulator was started without ${name}`);
    return line;
  }

  /** Presses the reset button: RAM keeps its content, as on the board. */
  reset(): void {
    this.#monitor!.say('{"execute":"system_reset"}\n');
  }

  async #start(): Promise<void> {
    const listeners = new Map<string, Deno.TcpListener>();
    /** A line of one byte at a time: without nodelay each of them would wait 40 ms for the next. */
    const listen = (name: string) => {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      listeners.set(name, listener);
      return `socket,id=${name},host=127.0.0.1,port=${listener.addr.port},nodelay=on`;
    };
    const args = ["-M", "netduinoplus2", "-kernel", this.options.elf, "-display", "none"];
    args.push("-chardev", listen("monitor"), "-mon", "chardev=monitor,mode=control");
    args.push(...UARTS.flatMap((name) => this.#serial(name, listen)));
    const shift = this.options.icountShift;
    if (shift !== undefined) args.push("-icount", `shift=${shift},align=off,sleep=on`);
    this.#process = new Deno.Command("qemu-system-arm", {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    await this.#watchOutput();
    await this.#connect(listeners);
  }

  #serial(name: UartName, listen: (name: string) => string): string[] {
    if (name === "usart2" && this.options.ptyLink) {
      return ["-chardev", "pty,id=vcp", "-serial", "chardev:vcp"];
    }
    if (!this.options.lines.includes(name)) return ["-serial", "null"];
    return ["-chardev", listen(name), "-serial", `chardev:${name}`];
  }

  /** QEMU tells the path of the pty on its output. */
  async #watchOutput(): Promise<void> {
    let said = "";
    const found = Promise.withResolvers<string>();
    const watch = async (stream: ReadableStream<Uint8Array>) => {
      for await (const chunk of stream) {
        said += fromLatin1(chunk);
        const path = /redirected to (\S+)/.exec(said)?.[1];
        if (path) found.resolve(path);
      }
      found.reject(new Error(`Cannot start the emulator: ${said || "it ended at once"}`));
    };
    this.#output = [watch(this.#process!.stdout), watch(this.#process!.stderr)];
    found.promise.catch(() => {});
    if (this.options.ptyLink) await this.#linkPty(await found.promise);
  }

  /** As a board that is plugged in again gets its old name back. */
  async #linkPty(path: string): Promise<void> {
    const link = this.options.ptyLink!;
    await Deno.remove(link).catch(() => {});
    await Deno.symlink(path, link);
  }

  async #connect(listeners: Map<string, Deno.TcpListener>): Promise<void> {
    for (const [name, listener] of listeners) {
      const connection = await listener.accept();
      connection.setNoDelay(true);
      const line = new Line(connection);
      listener.close();
      if (name === "monitor") {
        this.#monitor = line;
        line.say('{"execute":"qmp_capabilities"}\n');
      } else {
        this.lines.set(name as UartName, line);
      }
    }
  }

  /** Cuts the power. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#process?.status;
    await Promise.all(this.#output);
    for (const line of this.lines.values()) await line.close();
    await this.#monitor?.close();
  }
}
