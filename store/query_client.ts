/** Starts the query Worker with the first query and ends it after a minute without one. */
import type { Queries, QueryName } from "@/store/queries.ts";
import type { FromQueryWorker, ToQueryWorker } from "@/store/query_worker.ts";

const IDLE_MS = 60_000;
/** Queries that wait at the most; more are refused at once. */
const WAITING_MAX = 1000;

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

export class QueryClient implements Disposable {
  readonly #path: string;
  readonly #waiting: Map<number, Waiting> = new Map();
  #worker: Worker | null = null;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  #nextToken = 1;

  constructor(path: string) {
    this.#path = path;
  }

  /** Loads the thread ahead of the first query. */
  load(): void {
    this.#started();
  }

  async query<Name extends QueryName>(
    name: Name,
    parameters: Queries[Name]["parameters"],
  ): Promise<Queries[Name]["result"]> {
    const token = this.#nextToken++;
    const result = await this.#ask(token, { type: "query", token, name, parameters });
    return result as Queries[Name]["result"];
  }

  /** Copies the database; resolves with the copy's bytes. */
  async backup(file: string): Promise<number> {
    const token = this.#nextToken++;
    return Number(await this.#ask(token, { type: "backup", token, file }));
  }

  #ask(token: number, message: ToQueryWorker): Promise<unknown> {
    if (this.#waiting.size >= WAITING_MAX) {
      return Promise.reject(new Error(`Cannot query: ${WAITING_MAX} queries are waiting already`));
    }
    clearTimeout(this.#idleTimer);
    return new Promise((resolve, reject) => {
      this.#waiting.set(token, { resolve, reject });
      this.#started().postMessage(message);
    });
  }

  #started(): Worker {
    if (this.#worker !== null) return this.#worker;
    const worker = new Worker(new URL("./query_worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = (event: MessageEvent<FromQueryWorker>) => this.#answered(event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#end(new Error(`The query thread ended: ${event.message}`));
    };
    worker.postMessage({ type: "open", path: this.#path } satisfies ToQueryWorker);
    this.#worker = worker;
    return worker;
  }

  #answered({ token, result, error }: FromQueryWorker): void {
    const waiting = this.#waiting.get(token);
    this.#waiting.delete(token);
    if (error === null) waiting?.resolve(result);
    else waiting?.reject(new Error(error));
    if (this.#waiting.size > 0) return;
    this.#idleTimer = setTimeout(() => this.#end(new Error("The query thread was idle")), IDLE_MS);
    this.#idleTimer.unref();
  }

  #end(error: Error): void {
    clearTimeout(this.#idleTimer);
    this.#worker?.terminate();
    this.#worker = null;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  /** The database file was replaced: the next query opens the new one. */
  restart(): void {
    this.#end(new Error("The database was replaced, ask again"));
  }

  [Symbol.dispose](): void {
    this.#end(new Error("The store is closed"));
  }
}
