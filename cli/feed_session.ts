/**
 * The lines of one `sluice feed`, kept until the gateway has confirmed their commit.
 *
 *   stdin → lines, numbered → unconfirmed (bounded) → one batch at a time → confirmed, forgotten
 *
 * One batch is on its way at a time, so that lines never overtake each other; while it commits, the
 * next one collects, so a fast writer gets large batches. When the gateway is away or refuses, the
 * same lines are sent again: (session, line number) makes a repeat harmless. At the bound, reading
 * stops and the writer waits in its pipe.
 */
import type { FeedBatch } from "@/cli/operations.ts";
import { PermanentError, SluiceError, StoreFullError, TransientError } from "@/model/errors.ts";

/** About a minute of a receiver that floods its log, and 10 MB at the most. */
const UNCONFIRMED_LINES_MAX = 10_000;
const UNCONFIRMED_CHARS_MAX = 8 * 1024 * 1024;
const BATCH_LINES_MAX = 500;
const BATCH_CHARS_MAX = 1024 * 1024;
/** Longer lines are cut: no packet is near this. */
const LINE_CHARS_MAX = 16_384;
const BACKOFF_FIRST_MS = 250;
const BACKOFF_MAX_MS = 10_000;

/** Where batches go: rejects with TransientError or StoreFullError when they should come again. */
export interface FeedTarget extends AsyncDisposable {
  feed(batch: FeedBatch): Promise<void>;
}

export interface FeedOptions {
  receiver: string;
  session: number;
  /** A new connection to the gateway; null while there is none. */
  connect: () => Promise<FeedTarget | null>;
  /** Tells the operator about waiting and going on. */
  notice: (text: string) => void;
  /** Ends the reading, and any waiting for a gateway that is away. */
  signal: AbortSignal;
  random: () => number;
  /** Waits, at the most until the signal. */
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

interface Line {
  number: number;
  text: string;
}

export class FeedSession {
  readonly #options: FeedOptions;
  readonly #lines: Line[] = [];
  #chars = 0;
  #lastNumber = 0;
  #inputEnded = false;
  #changed = Promise.withResolvers<void>();

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  get unconfirmed(): number {
    return this.#lines.length;
  }

  /** Lines read so far. */
  get total(): number {
    return this.#lastNumber;
  }

  /**
   * Sends every line of the input; resolves when all are confirmed. After the signal nothing more is
   * read; what was read is still sent if the gateway answers, else `unconfirmed` says what is lost.
   */
  async run(input: ReadableStream<Uint8Array>): Promise<void> {
    const { signal } = this.#options;
    const reader = input.getReader();
    const endInput = () => {
      this.#inputEnded = true;
      this.#notify();
      reader.cancel().catch(() => {});
    };
    signal.addEventListener("abort", endInput, { once: true });
    if (signal.aborted) endInput();
    try {
      const delivered = this.#deliver().finally(endInput);
      await Promise.all([this.#read(reader), delivered]);
    } finally {
      signal.removeEventListener("abort", endInput);
    }
  }

  async #read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    while (!this.#inputEnded) {
      const { done, value } = await reader.read();
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
      const lines = rest.split("\n");
      rest = done ? "" : lines.pop()!.slice(0, LINE_CHARS_MAX);
      for (const line of lines) this.#add(line);
      if (done) break;
      while (this.#full() && !this.#inputEnded) await this.#change();
    }
    this.#inputEnded = true;
    this.#notify();
  }

  #add(line: string): void {
    const text = line.replace(/\r$/, "").slice(0, LINE_CHARS_MAX);
    if (text.trim() === "") return;
    this.#lines.push({ number: ++this.#lastNumber, text });
    this.#chars += text.length;
    this.#notify();
  }

  #full(): boolean {
    return this.#lines.length >= UNCONFIRMED_LINES_MAX || this.#chars >= UNCONFIRMED_CHARS_MAX;
  }

  async #deliver(): Promise<void> {
    const { signal, wait, random } = this.#options;
    let backoffMs = BACKOFF_FIRST_MS;
    let waiting = false;
    while (!this.#finished()) {
      try {
        await using target = await this.#options.connect();
        if (target === null) throw awayError();
        if (waiting) this.#options.notice("the gateway is back");
        waiting = false;
        await this.#sendAll(target, () => backoffMs = BACKOFF_FIRST_MS);
      } catch (error) {
        if (!isPassing(error)) throw error;
        if (signal.aborted) return;
        if (!waiting) this.#options.notice(`${error.message}; waiting, nothing is lost`);
        waiting = true;
        const ownMs = error instanceof StoreFullError ? error.retryAfterSeconds * 1000 : 0;
        // Half fixed, half random: several feeds do not come back in step.
        const pauseMs = Math.max(ownMs, backoffMs / 2 + random() * backoffMs / 2);
        backoffMs = Math.min(BACKOFF_MAX_MS, backoffMs * 2);
        await wait(pauseMs, signal);
      }
    }
  }

  #finished(): boolean {
    return this.#inputEnded && this.#lines.length === 0;
  }

  /** Sends batch after batch until the input has ended and all is confirmed. */
  async #sendAll(target: FeedTarget, onConfirmed: () => void): Promise<void> {
    const { receiver, session } = this.#options;
    while (!this.#finished()) {
      if (this.#lines.length === 0) {
        await this.#change();
        continue;
      }
      const lines = this.#nextBatch();
      await target.feed({ receiver, session, lines });
      this.#forget(lines.length);
      onConfirmed();
    }
  }

  #nextBatch(): Line[] {
    let chars = 0;
    const end = this.#lines.findIndex((line, i) =>
      i >= BATCH_LINES_MAX || (i > 0 && (chars += line.text.length) > BATCH_CHARS_MAX)
    );
    return this.#lines.slice(0, end === -1 ? this.#lines.length : end);
  }

  #forget(count: number): void {
    for (const line of this.#lines.splice(0, count)) this.#chars -= line.text.length;
    this.#notify();
  }

  #change(): Promise<void> {
    return this.#changed.promise;
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

function awayError(): TransientError {
  return new TransientError("The gateway is away", {
    code: "CLI-0009",
    hint: "start it with: sluice serve",
  });
}

/** Errors that end by themselves; another one would come again with every attempt. */
function isPassing(error: unknown): error is SluiceError {
  if (error instanceof PermanentError) return false;
  return error instanceof TransientError || error instanceof StoreFullError;
}
