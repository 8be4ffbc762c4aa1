/**
 * Finds the messages that a destination refuses within a batch that it refuses as a whole.
 *
 * How it runs: of a refused range the first half is tried next. Accepted, the bad one is in the
 * other half; refused, it is in this one. So each try halves the range and settles from the front:
 * the order is kept, and nothing that was accepted is sent twice. A bad message among 500 costs 9
 * tries and one for the rest behind it, which is sent whole.
 * A range of one needs no try of its own when it was refused in two ranges before: all others of
 * them were accepted, so their error is this message's. After a single refusal, which may have been
 * a whim, it is tried alone; that is the case only for the last one of a batch, with nothing behind.
 * Where one bad message follows another the tries get smaller, so that a batch that is all bad costs
 * about one try per message instead of ten.
 */
import type { PermanentError } from "@/model/errors.ts";

export class PoisonSearch {
  /** So many messages at the front hold at least one that is refused; 0: nothing is known. */
  #suspects = 0;
  #error: PermanentError | null = null;
  /** Messages refused without an accepted try in between. */
  #found = 0;
  /** Refusals that the message at the front, if it is the bad one, was part of. */
  #attempts = 0;
  #alone = false;

  /** Forgets everything: the messages at the front are others now. */
  reset(): void {
    this.#suspects = 0;
    this.#error = null;
    this.#attempts = 0;
    this.#alone = false;
  }

  /** How many of the available messages to try next. */
  nextSize(available: number): number {
    if (this.#suspects > 0) return Math.min(available, Math.ceil(this.#suspects / 2));
    // from the second bad one on a quarter each time: 2000, 500, 125, …
    const doubtful = Math.max(0, this.#found - 1);
    return Math.max(1, Math.floor(available / 4 ** Math.min(doubtful, 15)));
  }

  /** The first so many messages were accepted (or refused one by one). */
  accepted(count: number): void {
    if (count === 0) return;
    this.#suspects = Math.max(0, this.#suspects - count);
    if (this.#suspects > 0) return;
    this.reset(); // the refusal was a whim, if there was one
    this.#found = Math.max(0, this.#found - 1);
  }

  /** The first so many messages were refused together. */
  refused(count: number, error: PermanentError): void {
    this.#suspects = count;
    this.#error = error;
    this.#attempts++;
    this.#alone = count === 1;
  }

  /** The error of the message at the front when it is known to be bad; asking ends the search. */
  verdict(): { error: PermanentError; attempts: number } | null {
    if (this.#suspects !== 1 || this.#error === null) return null;
    if (!this.#alone && this.#attempts < 2) return null;
    const verdict = { error: this.#error, attempts: this.#attempts };
    this.reset();
    this.#found++;
    return verdict;
  }
}
