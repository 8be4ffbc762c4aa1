/** The command line's end of the control socket. */
import type { ConfigChanges } from "@/config/show.ts";
import { checkSocketFolder, controlSocketPath } from "@/cli/control_path.ts";
import {
  decodeFrame,
  encodeFrame,
  frames,
  type Greeting,
  PROTOCOL_VERSION,
  raisedError,
  type Reply,
} from "@/cli/control_protocol.ts";
import type { AccessOperations } from "@/cli/access_operations.ts";
import { RemoteAccess } from "@/cli/remote_access.ts";
import type {
  DestinationStatus,
  DestinationTest,
  FeedBatch,
  GatewayStatus,
  Operations,
  PageRequest,
  QueueStatus,
  SourceDeadFilter,
  TapMessage,
} from "@/cli/operations.ts";
import { PermanentError, TransientError } from "@/model/errors.ts";
import type { DeadLetter, SourceDeadLetter } from "@/model/ledger.ts";
import type { DeadFilter, Journey, Page } from "@/store/store_types.ts";

interface Waiting {
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
  item: ((item: unknown, dropped: number) => void) | null;
}

/** One item, and how many were left out before it. */
export interface StreamItem<T> {
  item: T;
  dropped: number;
}

/** How much a stream is ahead of its reader before its oldest items go. */
const STREAM_ITEMS_MAX = 10_000;

/** A connection to the gateway that runs on a data folder. */
export class ControlClient implements AsyncDisposable {
  readonly #conn: Deno.UnixConn;
  readonly #waiting = new Map<number, Waiting>();
  readonly #greeting = Promise.withResolvers<Greeting>();
  readonly #reading: Promise<void>;
  #lastId = 0;
  #sending: Promise<void> = Promise.resolve();
  #ended: Error | null = null;

  private constructor(conn: Deno.UnixConn) {
    this.#conn = conn;
    this.#greeting.promise.catch(() => {});
    this.#reading = this.#read();
  }

  /** null when no gateway runs on this data folder, or the folder does not exist. */
  static async connect(dataDir: string): Promise<ControlClient | null> {
    const conn = await open(dataDir);
    if (conn === null) return null;
    const client = new ControlClient(conn);
    const greeting = await client.#greeting.promise;
    if (greeting.sluice === PROTOCOL_VERSION) return client;
    await client[Symbol.asyncDispose]();
    throw new PermanentError(`Cannot talk to the gateway: it is version ${greeting.version}`, {
      code: "CTL-0006",
      hint: "use the command of the same version as the running gateway",
    });
  }

  /** The operations of the running gateway. */
  get operations(): Operations {
    return new RemoteOperations(this);
  }

  call<T>(operation: string, ...args: unknown[]): Promise<T> {
    return this.#start<T>(operation, args, null).result;
  }

  /** Items until the gateway ends the stream, or `signal` does. */
  async *stream<T>(
    operation: string,
    args: unknown[],
    signal: AbortSignal,
  ): AsyncGenerator<StreamItem<T>> {
    const items: StreamItem<T>[] = [];
    let wake = Promise.withResolvers<void>();
    let done = false;
    const { id, result } = this.#start(operation, args, (item, dropped) => {
      const lost = items.length < STREAM_ITEMS_MAX ? 0 : items.shift()!.dropped + 1;
      if (lost > 0) items[0]!.dropped += lost;
      items.push({ item: item as T, dropped });
      wake.resolve();
    });
    const cancel = () => this.#send({ id, cancel: true });
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
    const ended = result.finally(() => {
      done = true;
      wake.resolve();
    });
    ended.catch(() => {});
    try {
      while (!done || items.length > 0) {
        const item = items.shift();
        if (item !== undefined) yield item;
        else await wake.promise.then(() => wake = Promise.withResolvers<void>());
      }
      await ended;
    } finally {
      signal.removeEventListener("abort", cancel);
      if (!done) cancel();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#fail(new TransientError("The connection was closed", CLOSED));
    await this.#reading;
  }

  #start<T>(
    operation: string,
    args: unknown[],
    item: Waiting["item"],
  ): { id: number; result: Promise<T> } {
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (this.#ended !== null) reject(this.#ended);
    else {
      this.#waiting.set(id, { resolve, reject, item });
      this.#send({ id, operation, arguments: args });
    }
    return { id, result: promise as Promise<T> };
  }

  #send(frame: unknown): void {
    const bytes = encodeFrame(frame);
    this.#sending = this.#sending.then(async () => {
      for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
    }).catch((error) => this.#fail(goneError(error)));
  }

  async #read(): Promise<void> {
    try {
      for await (const line of frames(this.#conn.readable)) this.#take(decodeFrame(line));
      this.#fail(goneError(undefined));
    } catch (error) {
      this.#fail(goneError(error));
    }
  }

  #take(frame: unknown): void {
    if (isGreeting(frame)) {
      this.#greeting.resolve(frame);
      return;
    }
    const reply = frame as Reply;
    if ("error" in reply && reply.id === 0) throw raisedError(reply.error);
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined) return;
    if ("item" in reply) {
      waiting.item?.(reply.item, reply.dropped);
      return;
    }
    this.#waiting.delete(reply.id);
    if ("error" in reply) waiting.reject(raisedError(reply.error));
    else waiting.resolve(reply.result);
  }

  /** The end of the connection: everything that waits for an answer hears of it. */
  #fail(error: Error): void {
    if (this.#ended !== null) return;
    this.#ended = error;
    this.#greeting.reject(error);
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
    try {
      this.#conn.close();
    } catch (closing) {
      // Closed by its stream already.
      if (!(closing instanceof Deno.errors.BadResource)) throw closing;
    }
  }
}

const CLOSED = {
  code: "CTL-0007",
  hint: "repeat the command; if the gateway has stopped, its log says why",
};

function goneError(cause: unknown): Error {
  if (cause instanceof TransientError || cause instanceof PermanentError) return cause;
  return new TransientError("The gateway ended the connection", { ...CLOSED, cause });
}

async function open(dataDir: string): Promise<Deno.UnixConn | null> {
  try {
    const path = await controlSocketPath(dataDir);
    await checkSocketFolder(path, dataDir);
    return await Deno.connect({ transport: "unix", path });
  } catch (error) {
    const away = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.ConnectionRefused;
    if (away) return null;
    throw error;
  }
}

function isGreeting(frame: unknown): frame is Greeting {
  return typeof frame === "object" && frame !== null && "sluice" in frame;
}

class RemoteOperations implements Operations {
  readonly #client: ControlClient;

  constructor(client: ControlClient) {
    this.#client = client;
  }

  access(): Promise<AccessOperations> {
    return Promise.resolve(new RemoteAccess(this.#client));
  }

  status(): Promise<GatewayStatus> {
    return this.#client.call("status");
  }

  queueStatus(): Promise<QueueStatus> {
    return this.#client.call("queueStatus");
  }

  queueShow(id: string): Promise<Journey | null> {
    return this.#client.call("queueShow", id);
  }

  deadList(filter: DeadFilter, page: PageRequest): Promise<Page<DeadLetter>> {
    return this.#client.call("deadList", filter, page);
  }

  deadReplay(filter: DeadFilter, options: { payload?: string }): Promise<number> {
    return this.#client.call("deadReplay", filter, options);
  }

  deadPurge(filter: DeadFilter, by: string): Promise<number> {
    return this.#client.call("deadPurge", filter, by);
  }

  sourceDeadList(filter: SourceDeadFilter, page: PageRequest): Promise<Page<SourceDeadLetter>> {
    return this.#client.call("sourceDeadList", filter, page);
  }

  sourceDeadReplay(
    filter: SourceDeadFilter,
    options: { payload?: string },
  ): Promise<{ accepted: number; rejected: number }> {
    return this.#client.call("sourceDeadReplay", filter, options);
  }

  sourceDeadPurge(filter: SourceDeadFilter, by: string): Promise<number> {
    return this.#client.call("sourceDeadPurge", filter, by);
  }

  destinationList(): Promise<DestinationStatus[]> {
    return this.#client.call("destinationList");
  }

  destinationTest(name: string): Promise<DestinationTest> {
    return this.#client.call("destinationTest", name);
  }

  destinationPause(name: string, paused: boolean): Promise<void> {
    return this.#client.call("destinationPause", name, paused);
  }

  destinationForget(name: string): Promise<void> {
    return this.#client.call("destinationForget", name);
  }

  feed(batch: FeedBatch): Promise<void> {
    return this.#client.call("feed", batch);
  }

  async *tap(filter: string, signal: AbortSignal): AsyncIterable<TapMessage> {
    for await (const next of this.#client.stream<TapMessage>("tap", [filter], signal)) {
      yield next.dropped > 0 ? { ...next.item, dropped: next.dropped } : next.item;
    }
  }

  backupCreate(file: string): Promise<number> {
    return this.#client.call("backupCreate", file);
  }

  reload(): Promise<ConfigChanges> {
    return this.#client.call("reload");
  }

  stop(): Promise<void> {
    return this.#client.call("stop");
  }
}
