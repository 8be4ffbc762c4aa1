/**
 * The gateway's end of the control socket. Bounded in connections, calls and bytes that wait for a
 * slow client; what one client does or sends reaches no other one.
 */
import { CALLS, STREAMS } from "@/cli/control_calls.ts";
import { controlSocketPath, prepareSocketFolder } from "@/cli/control_path.ts";
import {
  type Call,
  type Cancel,
  decodeFrame,
  encodeFrame,
  frames,
  PROTOCOL_VERSION,
  wireError,
} from "@/cli/control_protocol.ts";
import type { Operations } from "@/cli/operations.ts";
import { nearest } from "@/config/nearest.ts";
import { PermanentError, TransientError } from "@/model/errors.ts";

/** Above it a new connection is told so and closed. */
const CONNECTIONS_MAX = 32;
/** Calls and streams of one connection at a time; more are refused. */
const CALLS_MAX = 64;
/** Items of a stream are dropped, and counted, while this much waits for the client. */
const STREAM_WAITING_BYTES_MAX = 1024 * 1024;
/** A client that lets this much wait is disconnected: two of the largest answers. */
const WAITING_BYTES_MAX = 32 * 1024 * 1024;
/** How long a stop waits for a client to take its last answers. */
const LAST_WORDS_MS = 300;

export interface ControlServerOptions {
  /** Must exist. */
  dataDir: string;
  version: string;
}

export class ControlServer implements AsyncDisposable {
  readonly #operations: Operations;
  readonly #options: ControlServerOptions;
  readonly #connections = new Set<Connection>();
  #listener: Deno.UnixListener | null = null;
  #accepting: Promise<void> = Promise.resolve();

  constructor(operations: Operations, options: ControlServerOptions) {
    this.#operations = operations;
    this.#options = options;
  }

  /** Opens the socket. The caller holds the lock of the data folder: a socket left there is stale. */
  async start(): Promise<void> {
    const path = await controlSocketPath(this.#options.dataDir);
    await prepareSocketFolder(path, this.#options.dataDir);
    await Deno.remove(path).catch(ignoreMissing);
    this.#listener = Deno.listen({ transport: "unix", path });
    await Deno.chmod(path, 0o600);
    this.#accepting = this.#accept(this.#listener);
  }

  /** Closes the socket and every connection; running calls are left to end by themselves. */
  async stop(): Promise<void> {
    const listener = this.#listener;
    if (listener === null) return;
    this.#listener = null;
    listener.close();
    await this.#accepting;
    await Promise.all([...this.#connections].map((connection) => connection.close()));
    await Deno.remove((listener.addr as Deno.UnixAddr).path).catch(ignoreMissing);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #accept(listener: Deno.UnixListener): Promise<void> {
    for await (const conn of listener) {
      const connection = new Connection(conn, this.#operations);
      if (this.#connections.size >= CONNECTIONS_MAX) {
        connection.refuse(`Cannot serve more than ${CONNECTIONS_MAX} control connections`);
        continue;
      }
      this.#connections.add(connection);
      connection.run(this.#options.version).finally(() => this.#connections.delete(connection));
    }
  }
}

class Connection {
  readonly #conn: Deno.UnixConn;
  readonly #operations: Operations;
  readonly #calls = new Map<number, AbortController>();
  readonly #closed = Promise.withResolvers<void>();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #writing = false;
  #written: Promise<void> = Promise.resolve();
  #open = true;

  constructor(conn: Deno.UnixConn, operations: Operations) {
    this.#conn = conn;
    this.#operations = operations;
  }

  /** Reads calls until the client goes, or sends what is no call. */
  async run(version: string): Promise<void> {
    this.#send({ sluice: PROTOCOL_VERSION, version, pid: Deno.pid });
    try {
      for await (const line of frames(this.#conn.readable)) this.#take(decodeFrame(line));
    } catch {
      // A broken frame or a broken connection: there is nobody to tell.
    } finally {
      this.#end();
      this.#closed.resolve();
    }
  }

  /** Tells why and closes. */
  refuse(message: string): void {
    const hint = "wait until other commands have ended";
    const error = wireError(new TransientError(message, { code: "CTL-0003", hint }));
    const closing = this.#conn.write(encodeFrame({ id: 0, error })).catch(() => 0);
    closing.finally(() => this.#end());
  }

  /** Lets answers that are on their way arrive, then closes. */
  async close(): Promise<void> {
    for (const call of this.#calls.values()) call.abort();
    const timer = setTimeout(() => this.#end(), LAST_WORDS_MS);
    await this.#written;
    clearTimeout(timer);
    this.#end();
    await this.#closed.promise;
  }

  #end(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const call of this.#calls.values()) call.abort();
    try {
      this.#conn.close();
    } catch (error) {
      // The stream of a connection that the client closed has closed it already.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  #take(frame: unknown): void {
    if (isCancel(frame)) {
      this.#calls.get(frame.id)?.abort();
      return;
    }
    if (!isCall(frame) || this.#calls.has(frame.id)) throw new SyntaxError("Not a call");
    if (this.#calls.size >= CALLS_MAX) {
      const hint = "wait for answers before the next call";
      const message = `Cannot take more than ${CALLS_MAX} calls of one connection`;
      const error = wireError(new TransientError(message, { code: "CTL-0004", hint }));
      this.#send({ id: frame.id, error });
      return;
    }
    const abort = new AbortController();
    this.#calls.set(frame.id, abort);
    this.#answer(frame, abort.signal).finally(() => this.#calls.delete(frame.id));
  }

  async #answer(call: Call, signal: AbortSignal): Promise<void> {
    try {
      const stream = STREAMS.get(call.operation);
      if (stream !== undefined) {
        const items = stream(this.#operations, call.arguments, signal);
        await this.#sendItems(call.id, items, signal);
        this.#send({ id: call.id, result: null });
        return;
      }
      const run = CALLS.get(call.operation) ?? unknownOperation(call.operation);
      this.#send({ id: call.id, result: await run(this.#operations, call.arguments) ?? null });
    } catch (error) {
      this.#send({ id: call.id, error: wireError(error) });
    }
  }

  /** Never waits for the client: what watches the data path must not slow it. */
  async #sendItems(
    id: number,
    items: AsyncIterable<unknown>,
    signal: AbortSignal,
  ): Promise<void> {
    let dropped = 0;
    for await (const item of items) {
      if (signal.aborted || !this.#open) return;
      if (this.#waitingBytes > STREAM_WAITING_BYTES_MAX) {
        dropped++;
        continue;
      }
      this.#send({ id, item, dropped });
      dropped = 0;
    }
  }

  #send(frame: unknown): void {
    if (!this.#open) return;
    const bytes = encodeFrame(frame);
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > WAITING_BYTES_MAX) this.#end();
    else if (!this.#writing) this.#written = this.#write();
  }

  async #write(): Promise<void> {
    this.#writing = true;
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        for (let at = 0; at < next.length;) at += await this.#conn.write(next.subarray(at));
        this.#waitingBytes -= next.length;
      }
    } catch {
      this.#end();
    }
    this.#writing = false;
  }
}

function isCall(frame: unknown): frame is Call {
  const call = frame as Call | null;
  return typeof call === "object" && call !== null && Number.isSafeInteger(call.id) &&
    typeof call.operation === "string" && Array.isArray(call.arguments);
}

function isCancel(frame: unknown): frame is Cancel {
  const cancel = frame as Cancel | null;
  return typeof cancel === "object" && cancel !== null && Number.isSafeInteger(cancel.id) &&
    cancel.cancel === true;
}

function unknownOperation(name: string): never {
  const known = [...CALLS.keys(), ...STREAMS.keys()];
  const candidate = nearest(name, known);
  throw new PermanentError(`Unknown operation ${JSON.stringify(name)}`, {
    code: "CTL-0005",
    hint: candidate === null
      ? "use the same version of the command and the gateway"
      : `did you mean ${candidate}?`,
  });
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
