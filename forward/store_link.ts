/** The forward Worker's end of the store's port: where each cursor stands, leases, settlements. */
import type {
  DestinationCursor,
  ForwardToStore,
  Settlement,
  StoreToForward,
} from "@/store/store_types.ts";

/** What a delivery needs of the store. */
export interface DeliveryStore {
  /** null while the store does not know the destination. */
  position(destination: string): DestinationCursor | null;
  readonly lastNumber: number;
  /** Messages up to here have their final time. */
  readonly stampedThrough: number;
  /** Announces what is being sent; replaces the lease before. */
  lease(destination: string, what: { throughNumber: number; retryNumbers: number[] }): void;
  release(destination: string): void;
  /** Resolves with null once committed, or with what went wrong; then nothing was applied. */
  settle(settlement: Settlement): Promise<string | null>;
  /** Replayed messages were read and none is left. */
  noRetries(destination: string): void;
  /** Called after every change of position or head; returns how to end that. */
  onChange(listener: () => void): () => void;
}

export class StoreLink implements DeliveryStore {
  readonly #port: MessagePort;
  #positions = new Map<string, DestinationCursor>();
  readonly #waiting = new Map<number, (error: string | null) => void>();
  readonly #listeners = new Set<() => void>();
  #nextToken = 1;
  #headKnown = false;
  #lastNumber = 0;
  #stampedThrough = 0;

  constructor(port: MessagePort) {
    this.#port = port;
    port.onmessage = (event: MessageEvent<StoreToForward>) => this.#receive(event.data);
  }

  get lastNumber(): number {
    return this.#lastNumber;
  }

  get stampedThrough(): number {
    return this.#stampedThrough;
  }

  position(destination: string): DestinationCursor | null {
    return this.#headKnown ? this.#positions.get(destination) ?? null : null;
  }

  lease(destination: string, what: { throughNumber: number; retryNumbers: number[] }): void {
    this.#send({ type: "lease", destination, ...what });
  }

  release(destination: string): void {
    this.#send({ type: "release", destination });
  }

  async settle(settlement: Settlement): Promise<string | null> {
    const token = this.#nextToken++;
    const { promise, resolve } = Promise.withResolvers<string | null>();
    this.#waiting.set(token, resolve);
    this.#send({ type: "settle", token, settlement });
    const error = await promise;
    const position = this.#positions.get(settlement.destination);
    if (error === null && position !== undefined) {
      position.cursor = Math.max(position.cursor, settlement.throughNumber);
    }
    return error;
  }

  noRetries(destination: string): void {
    const position = this.#positions.get(destination);
    if (position !== undefined) position.retries = 0;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#port.close();
  }

  #send(message: ForwardToStore): void {
    this.#port.postMessage(message);
  }

  #receive(message: StoreToForward): void {
    if (message.type === "settled") {
      this.#waiting.get(message.token)?.(message.error);
      this.#waiting.delete(message.token);
      return;
    }
    if (message.type === "head") {
      this.#headKnown = true;
      this.#lastNumber = message.lastNumber;
      this.#stampedThrough = message.stampedThrough;
    } else if (message.type === "destinations") {
      this.#positions = new Map(message.destinations.map((known) => [known.name, { ...known }]));
    } else {
      const position = this.#positions.get(message.destination);
      if (position !== undefined) position.retries = Math.max(1, position.retries);
    }
    for (const listener of this.#listeners) listener();
  }
}
