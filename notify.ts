/// <reference lib="deno.unstable" />
/**
 * Tells systemd how the service is doing (sd_notify), for a unit of `Type=notify` with a watchdog.
 *
 * The protocol is datagrams of `NAME=value` lines to the socket in NOTIFY_SOCKET. Deno sends one
 * only from a socket that is bound to a path (`--unstable-net`), so a socket of our own is bound in
 * the data folder and its name removed at once: nothing is left behind, also after SIGKILL.
 */

/** Longest path that fits into a socket address. */
const SOCKET_PATH_BYTES_MAX = 107;

/** systemd shows one line. */
const STATUS_CHARS_MAX = 200;

export interface NotifierOptions {
  /** Value of NOTIFY_SOCKET; undefined where no service manager started us. */
  socket: string | undefined;
  /** Value of WATCHDOG_USEC; undefined where the unit has no watchdog. */
  watchdogUsec: string | undefined;
  /** Absolute path of a folder that is ours. */
  folder: string;
  /** Asked before each sign of life; none is sent while it says false. */
  isAlive: () => boolean;
  /** Told of what could not be sent; the gateway goes on. */
  onError: (error: Error) => void;
}

/** The wire to the service manager. Its methods return at once and never throw. */
export class ServiceNotifier implements AsyncDisposable {
  readonly #socket: Deno.DatagramConn;
  readonly #options: NotifierOptions & { socket: string };
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Datagrams arrive in the order of the calls. */
  #sent: Promise<void> = Promise.resolve();

  private constructor(socket: Deno.DatagramConn, options: NotifierOptions & { socket: string }) {
    this.#socket = socket;
    this.#options = options;
  }

  /** Null where no service manager listens. Throws where one does and cannot be reached. */
  static open(options: NotifierOptions): ServiceNotifier | null {
    const { socket, folder } = options;
    if (socket === undefined || socket === "") return null;
    if (!socket.startsWith("/")) {
      throw new Error(
        `Cannot notify the service manager at "${socket}": only sockets with a path are supported`,
      );
    }
    const notifier = new ServiceNotifier(bindIn(folder), { ...options, socket });
    notifier.#startWatchdog();
    return notifier;
  }

  /** The start, or a reload, is done. */
  ready(status: string): void {
    this.#send(["READY=1", statusLine(status)]);
  }

  /** Configuration is read again; `ready` ends it. */
  reloading(): void {
    this.#send(["RELOADING=1", statusLine("reloading the configuration")]);
  }

  /** What `systemctl status` shows. */
  status(text: string): void {
    this.#send([statusLine(text)]);
  }

  stopping(): void {
    this.#send(["STOPPING=1", statusLine("stopping")]);
  }

  /** Waits for what is still being sent. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#sent;
    this.#socket.close();
  }

  /** Twice per period, as systemd advises. */
  #startWatchdog(): void {
    const periodMs = Number(this.#options.watchdogUsec ?? 0) / 1000;
    if (!(periodMs > 0)) return;
    this.#timer = setInterval(() => {
      if (this.#options.isAlive()) this.#send(["WATCHDOG=1"]);
    }, periodMs / 2);
  }

  #send(lines: string[]): void {
    const bytes = new TextEncoder().encode(lines.map((line) => line + "\n").join(""));
    const address: Deno.UnixAddr = { transport: "unixpacket", path: this.#options.socket };
    this.#sent = this.#sent.then(async () => {
      try {
        await this.#socket.send(bytes, address);
      } catch (cause) {
        this.#options.onError(
          new Error(`Cannot notify the service manager at "${address.path}": ${cause}`, { cause }),
        );
      }
    });
  }
}

function bindIn(folder: string): Deno.DatagramConn {
  const path = `${folder}/notify-${Deno.pid}.sock`;
  if (new TextEncoder().encode(path).length > SOCKET_PATH_BYTES_MAX) {
    throw new Error(
      `Cannot notify the service manager: "${path}" is longer than ${SOCKET_PATH_BYTES_MAX} ` +
        "bytes, use a data folder with a shorter path",
    );
  }
  const socket = Deno.listenDatagram({ transport: "unixpacket", path });
  Deno.removeSync(path);
  return socket;
}

function statusLine(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return `STATUS=${line.slice(0, STATUS_CHARS_MAX)}`;
}
