import type { MessageReader } from "@/forward/delivery.ts";
import type { DeliveryStore } from "@/forward/store_link.ts";
import { conserves, type Ledger } from "@/model/ledger.ts";
import type { StoredMessage } from "@/model/message.ts";
import type { DestinationCursor, Settlement } from "@/store/store_types.ts";
import { logRow, type RowOptions } from "@/tests/helpers/log_rows.ts";

interface Account extends Ledger {
  cursor: number;
  retries: Map<number, StoredMessage>;
  lease: { throughNumber: number; retryNumbers: Set<number> } | null;
}

/**
 * A log with ledgers in memory, for one or more deliveries; as strict about settlements as the
 * store: one that does not fit is refused as a whole, and its message says why.
 */
export class MemoryLog implements DeliveryStore, MessageReader {
  readonly deadLetters: { destination: string; number: number; error: string; attempts: number }[] =
    [];
  /** Text with which the next settlements are refused. */
  refusals: string[] = [];
  /** Thrown by the next reads. */
  readErrors: Error[] = [];
  readonly #rows = new Map<number, StoredMessage>();
  readonly #accounts = new Map<string, Account>();
  readonly #listeners = new Set<() => void>();
  #lastNumber = 0;
  #heldFrom = Infinity;

  constructor(destinations: string[]) {
    for (const destination of destinations) {
      this.#accounts.set(destination, newAccount(destination));
    }
  }

  get lastNumber(): number {
    return this.#lastNumber;
  }

  get stampedThrough(): number {
    return Math.min(this.#lastNumber, this.#heldFrom - 1);
  }

  /** Appends so many rows; returns their numbers. */
  append(count: number, options: (number: number) => RowOptions = () => ({})): number[] {
    const first = this.#lastNumber + 1;
    const numbers = Array.from({ length: count }, (_, index) => first + index);
    for (const number of numbers) this.#rows.set(number, logRow(number, options(number)));
    this.#lastNumber += count;
    this.#tell();
    return numbers;
  }

  /** Numbers that the log lost. */
  loseRows(numbers: number[]): void {
    for (const number of numbers) this.#rows.delete(number);
  }

  /** Rows from here on wait for a trusted clock; Infinity releases them. */
  holdFrom(number: number): void {
    this.#heldFrom = number;
    this.#tell();
  }

  pause(destination: string, paused: boolean): void {
    this.#account(destination).paused = paused;
    this.#tell();
  }

  /** The store makes room: everything up to this number counts as dropped. */
  dropThrough(destination: string, number: number): void {
    const account = this.#account(destination);
    account.dropped += number - account.cursor;
    account.cursor = number;
    this.#tell();
  }

  /** The store was salvaged and knows of less than it had confirmed. */
  setBack(destination: string, cursor: number): void {
    const account = this.#account(destination);
    account.acked -= account.cursor - cursor;
    account.cursor = cursor;
    this.#tell();
  }

  /** Sends dead letters back to the queue. */
  replay(destination: string, numbers: number[]): void {
    const account = this.#account(destination);
    for (const number of numbers) {
      const index = this.deadLetters.findIndex((dead) =>
        dead.destination === destination && dead.number === number
      );
      if (index === -1) throw new Error(`No dead letter ${number}`);
      this.deadLetters.splice(index, 1);
      account.dead--;
      account.retries.set(number, this.#rows.get(number)!);
    }
    this.#tell();
  }

  /** The ledger as it stands; throws when it does not add up. */
  ledger(destination: string): Ledger {
    const account = this.#account(destination);
    const { lease, cursor } = account;
    const leased = Math.min(lease?.throughNumber ?? 0, this.#lastNumber);
    const inFlight = Math.max(0, leased - cursor) + (lease?.retryNumbers.size ?? 0);
    const waiting = this.#lastNumber - cursor + account.retries.size;
    const ledger = {
      ...account,
      accepted: this.#lastNumber,
      inFlight,
      enqueued: waiting - inFlight,
    };
    if (!conserves(ledger)) {
      throw new Error(`The ledger does not add up: ${JSON.stringify(ledger)}`);
    }
    return ledger;
  }

  position(destination: string): DestinationCursor | null {
    const account = this.#accounts.get(destination);
    if (account === undefined) return null;
    const { cursor, paused, retries } = account;
    return { name: destination, cursor, paused, retries: retries.size };
  }

  lease(
    destination: string,
    { throughNumber, retryNumbers }: { throughNumber: number; retryNumbers: number[] },
  ): void {
    if (throughNumber > this.stampedThrough) throw new Error("Leased what is not stamped");
    this.#account(destination).lease = { throughNumber, retryNumbers: new Set(retryNumbers) };
  }

  release(destination: string): void {
    this.#account(destination).lease = null;
  }

  /** Committed a moment later, as the store does. */
  async settle(settlement: Settlement): Promise<string | null> {
    await new Promise((resolve) => setImmediate(resolve));
    const refusal = this.refusals.shift() ?? this.#misfit(settlement);
    if (refusal === null) this.#apply(settlement);
    return refusal;
  }

  noRetries(): void {}

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  read(
    afterNumber: number,
    { throughNumber, limit }: { throughNumber: number; limit: number },
  ): StoredMessage[] {
    const error = this.readErrors.shift();
    if (error !== undefined) throw error;
    const messages: StoredMessage[] = [];
    for (let number = afterNumber + 1; number <= throughNumber; number++) {
      const row = this.#rows.get(number);
      if (row !== undefined) messages.push(row);
      if (messages.length === limit) break;
    }
    return messages;
  }

  readRetries(destination: string, { limit }: { limit: number }): StoredMessage[] {
    const retries = [...this.#account(destination).retries.values()];
    return retries.sort((a, b) => a.number - b.number).slice(0, limit);
  }

  #misfit({ destination, throughNumber, rows, ...lists }: Settlement): string | null {
    const { cursor, retries } = this.#account(destination);
    if (throughNumber < cursor) return `${throughNumber} is before the cursor ${cursor}`;
    const range = [...this.#rows.keys()].filter((number) =>
      number > cursor && number <= throughNumber
    );
    if (range.length !== rows) return `it claims ${rows} rows of ${range.length}`;
    if (lists.dead.some(({ number }) => !range.includes(number))) return "dead outside the range";
    const retried = [...lists.retriesAcked, ...lists.retriesDead.map(({ number }) => number)];
    return retried.every((number) => retries.has(number)) ? null : "unknown retry";
  }

  #apply(settlement: Settlement): void {
    const { destination, throughNumber, rows, expired, dead } = settlement;
    const account = this.#account(destination);
    account.dropped += throughNumber - account.cursor - rows;
    account.cursor = throughNumber;
    account.acked += rows - expired - dead.length + settlement.retriesAcked.length;
    account.expired += expired;
    for (const number of settlement.retriesAcked) this.#endRetry(account, number);
    for (const { number } of settlement.retriesDead) this.#endRetry(account, number);
    for (const entry of [...dead, ...settlement.retriesDead]) {
      account.dead++;
      this.deadLetters.push({ destination, ...entry });
    }
  }

  #endRetry(account: Account, number: number): void {
    account.retries.delete(number);
    account.lease?.retryNumbers.delete(number);
  }

  #account(destination: string): Account {
    const account = this.#accounts.get(destination);
    if (account === undefined) throw new Error(`No destination "${destination}"`);
    return account;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

function newAccount(destination: string): Account {
  return {
    destination,
    accepted: 0,
    acked: 0,
    expired: 0,
    purged: 0,
    dropped: 0,
    enqueued: 0,
    inFlight: 0,
    dead: 0,
    oldestUs: null,
    queuedBytes: 0,
    paused: false,
    removed: false,
    cursor: 0,
    retries: new Map(),
    lease: null,
  };
}
