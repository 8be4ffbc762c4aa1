/**
 * The HTTP listener. A taken port does not stop the gateway: it is named with what to do, the rest
 * comes up, and the port is tried again until it is free.
 */
import type { Logger } from "@/observe/log.ts";
import { joinAddress, listenError } from "@/runtime/listen_error.ts";

export interface HttpListenerOptions {
  hostname: string;
  port: number;
  /** Answers a request of `remoteAddress`. */
  handler: (request: Request, remoteAddress: string) => Response | Promise<Response>;
}

const RETRY_MS = 5_000;

export class HttpListener {
  readonly #options: HttpListenerOptions;
  readonly #log: Logger;
  readonly #cut = new AbortController();
  #server: Deno.HttpServer<Deno.NetAddr> | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(options: HttpListenerOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
  }

  /** `127.0.0.1:8000`; null while the port is taken. */
  get address(): string | null {
    const address = this.#server?.addr;
    return address === undefined ? null : joinAddress(address.hostname, address.port);
  }

  /** The same as a pair; null while the port is taken. */
  get bound(): { host: string; port: number } | null {
    const address = this.#server?.addr;
    return address === undefined ? null : { host: address.hostname, port: address.port };
  }

  /** Binds, or plans the next attempt. */
  start(): void {
    try {
      this.#server = this.#serve();
    } catch (error) {
      const failure = listenError("HTTP", this.#options, error);
      this.#log.error("{message}", { message: failure.message, hint: failure.hint });
      this.#retry = setTimeout(() => this.start(), RETRY_MS);
    }
  }

  /** Lets running requests finish for up to `graceMs`, then cuts them. */
  async stop(graceMs: number): Promise<void> {
    clearTimeout(this.#retry);
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    const cutLater = setTimeout(() => this.#cut.abort(), graceMs);
    await server.shutdown().catch(() => {}); // a request that was cut is no failure of the stop
    clearTimeout(cutLater);
  }

  #serve(): Deno.HttpServer<Deno.NetAddr> {
    const { hostname, port, handler } = this.#options;
    return Deno.serve({
      hostname,
      port,
      signal: this.#cut.signal,
      onListen: () => {},
      onError: () => new Response(null, { status: 500 }),
    }, (request, info) => handler(request, info.remoteAddr.hostname));
  }
}
