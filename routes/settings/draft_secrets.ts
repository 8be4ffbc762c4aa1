/**
 * Secrets that were typed into a form and not saved yet, so that a page can be shown again after a
 * test or a mistake without them in its HTML. Each is its person's alone, for a quarter of an hour.
 */

export type Secrets = Record<string, string>;

const LIFE_MS = 15 * 60_000;
const DRAFTS_MAX = 100;
/** A secret longer than this is not one that could be saved. */
const SECRET_CHARS_MAX = 1024;

interface Draft {
  owner: string;
  secrets: Secrets;
  untilMs: number;
}

export class DraftSecrets {
  readonly #drafts = new Map<string, Draft>();
  readonly #monotonicMs: () => number;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** Returns the word to find them by; empty when there is nothing to keep. */
  keep(owner: string, secrets: Secrets): string {
    const kept = Object.entries(secrets).filter(([, text]) => text.length <= SECRET_CHARS_MAX);
    if (kept.length === 0) return "";
    this.#forgetOld();
    const [oldest] = this.#drafts.keys();
    if (oldest !== undefined && this.#drafts.size >= DRAFTS_MAX) this.#drafts.delete(oldest);
    const word = crypto.randomUUID();
    const untilMs = this.#monotonicMs() + LIFE_MS;
    this.#drafts.set(word, { owner, secrets: Object.fromEntries(kept), untilMs });
    return word;
  }

  /** What `owner` left under this word; nothing for another one's, or when it is too long ago. */
  find(owner: string, word: string): Secrets {
    this.#forgetOld();
    const draft = this.#drafts.get(word);
    return draft?.owner === owner ? draft.secrets : {};
  }

  forget(word: string): void {
    this.#drafts.delete(word);
  }

  #forgetOld(): void {
    const nowMs = this.#monotonicMs();
    for (const [word, { untilMs }] of this.#drafts) {
      if (untilMs <= nowMs) this.#drafts.delete(word);
    }
  }
}
