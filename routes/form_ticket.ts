/**
 * A ticket in a public form says when the form was shown, signed with a key of this process: who
 * answers it faster than a person can type is a program, without a script in the page.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** Reading the page and typing a name take longer. */
const SOONEST_MS = 3_000;
/** A form left open over a day is asked for once more. */
const LATEST_MS = 24 * 3_600_000;

export class FormTickets {
  readonly #key = randomBytes(32);
  readonly #now: () => number;

  /** `now`: ms of a clock that is never set. */
  constructor(now: () => number) {
    this.#now = now;
  }

  issue(): string {
    const at = Math.floor(this.#now()).toString(36);
    return `${at}.${this.#sign(at)}`;
  }

  /** `stale`: too old, or of another process, or none of ours. */
  check(ticket: string): "good" | "too_soon" | "stale" {
    const [at = "", signature = ""] = ticket.split(".", 2);
    const [sent, own] = [signature, this.#sign(at)].map((text) => new TextEncoder().encode(text));
    if (sent!.length !== own!.length || !timingSafeEqual(sent!, own!)) return "stale";
    const ageMs = this.#now() - parseInt(at, 36);
    if (ageMs > LATEST_MS) return "stale";
    return ageMs < SOONEST_MS ? "too_soon" : "good";
  }

  #sign(at: string): string {
    return createHmac("sha256", this.#key).update(at).digest("base64url");
  }
}
