/**
 * Messages between being read and being settled, in order, and what is known about them.
 *
 * A message is sendable until it has a verdict. Verdicts fall in order of sending; `drain` takes the
 * leading messages that have one, which is exactly what a settlement can carry.
 */
import type { BatchEntry, WriteResult } from "@/forward/destination.ts";
import { PoisonSearch } from "@/forward/poison.ts";
import { PermanentError } from "@/model/errors.ts";
import type { StoredMessage } from "@/model/message.ts";

export type Verdict = "acked" | "expired" | { error: string; attempts: number };

export interface LaneItem {
  message: StoredMessage;
  /** null: there is nothing to send, the verdict says why. */
  entry: BatchEntry | null;
  verdict: Verdict | null;
}

export interface DecidedItem extends LaneItem {
  verdict: Verdict;
}

export class Lane {
  readonly #search = new PoisonSearch();
  #items: LaneItem[] = [];
  #sendable = 0;

  /** Messages without a verdict. */
  get sendable(): number {
    return this.#sendable;
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  push(items: LaneItem[]): void {
    for (const item of items) {
      this.#items.push(item);
      if (item.verdict === null) this.#sendable++;
    }
  }

  clear(): void {
    this.#items = [];
    this.#sendable = 0;
    this.#search.reset();
  }

  /** Forgets messages up to this number: they are settled without us. */
  dropThrough(number: number): void {
    if ((this.#items[0]?.message.number ?? Infinity) > number) return;
    this.#items = this.#items.filter((item) => item.message.number > number);
    this.#sendable = this.#items.filter((item) => item.verdict === null).length;
    this.#search.reset();
  }

  /** Gives messages that have become too old their verdict. */
  expire(isExpired: (message: StoredMessage) => boolean): void {
    for (const item of this.#items) {
      if (item.verdict !== null) continue;
      if (!isExpired(item.message)) return; // later ones are younger
      this.#decide(item, "expired");
      this.#search.reset();
    }
  }

  /** The next messages to send: at most so many, fewer while a bad one is searched for. */
  take(max: number): LaneItem[] {
    const taken: LaneItem[] = [];
    const size = this.#search.nextSize(Math.min(max, this.#sendable));
    if (this.#sendable === 0) return taken;
    for (const item of this.#items) {
      if (item.verdict !== null) continue;
      taken.push(item);
      if (taken.length === size) break;
    }
    return taken;
  }

  /** Enters what became of messages that `take` returned. */
  apply(taken: LaneItem[], result: WriteResult): void {
    const rejected = new Map(result.rejected.map(({ index, error }) => [index, error]));
    for (let index = 0; index < result.decided; index++) {
      const error = rejected.get(index);
      const verdict = error === undefined ? "acked" : { error: error.message, attempts: 1 };
      this.#decide(taken[index]!, verdict);
    }
    this.#search.accepted(result.decided);
    if (!(result.interrupted instanceof PermanentError)) return;
    const end = Math.max(result.refusedEnd ?? taken.length, result.decided + 1);
    this.#search.refused(end - result.decided, result.interrupted);
  }

  /** Removes and returns the leading messages that have a verdict. */
  drain(): DecidedItem[] {
    this.#judgeFront();
    let decided = 0;
    while (this.#items[decided] !== undefined && this.#items[decided]!.verdict !== null) decided++;
    return this.#items.splice(0, decided) as DecidedItem[];
  }

  /** The search may end with the message at the front as the bad one. */
  #judgeFront(): void {
    const found = this.#search.verdict();
    if (found === null) return;
    const front = this.#items.find((item) => item.verdict === null);
    if (front === undefined) return;
    this.#decide(front, { error: found.error.message, attempts: found.attempts });
  }

  #decide(item: LaneItem, verdict: Verdict): void {
    item.verdict = verdict;
    this.#sendable--;
  }
}
