/**
 * Says which messages are older than a destination's `max_age`, without believing the wall clock.
 *
 * Constraints: a wall-clock step must expire nothing (C11), and the log gives only wall times.
 * How it runs: messages that came while this thread ran are aged by the monotonic clock. Now and
 * then it is noted up to which log number messages had come; once a note is older than the limit,
 * so is every message up to that number. Messages from before are aged by the wall clock of our
 * start, moved on monotonically.
 * On failure: all errors go the same way, a message expires later than it could have.
 */
import type { Timing } from "@/forward/timing.ts";

/** Notes per limit: an age is known to within a 128th of it. */
const NOTES_PER_LIMIT = 128;

interface Note {
  atMs: number;
  throughNumber: number;
}

export class AgeLimit {
  readonly #limitMs: number;
  readonly #timing: Timing;
  readonly #startedMs: number;
  readonly #startedWallMs: number;
  /** Newest log number when we started: older ones carry only wall times. */
  readonly #headAtStart: number;
  #notes: Note[] = [];
  #latest: Note;
  #expiredThrough = 0;

  constructor(limitMs: number, { timing, head }: { timing: Timing; head: number }) {
    this.#limitMs = limitMs;
    this.#timing = timing;
    this.#startedMs = timing.monotonicMs();
    this.#startedWallMs = timing.wallMs();
    this.#headAtStart = head;
    this.#latest = { atMs: this.#startedMs, throughNumber: head };
  }

  /** The log has grown up to this number. */
  observe(head: number): void {
    if (head <= this.#latest.throughNumber) return;
    const atMs = this.#timing.monotonicMs();
    const last = this.#notes.at(-1);
    this.#latest = { atMs, throughNumber: head };
    if (last === undefined || atMs - last.atMs >= this.#limitMs / NOTES_PER_LIMIT) {
      this.#notes.push(this.#latest);
    }
  }

  isExpired(message: { number: number; receivedUs: number; clockUntrusted: boolean }): boolean {
    const nowMs = this.#timing.monotonicMs();
    if (message.number > this.#headAtStart) return message.number <= this.#passed(nowMs);
    if (message.clockUntrusted) return false;
    const wallMs = this.#startedWallMs + (nowMs - this.#startedMs);
    return wallMs - message.receivedUs / 1000 > this.#limitMs;
  }

  /** The newest log number that had certainly come longer ago than the limit. */
  #passed(nowMs: number): number {
    const isOld = (note: Note) => nowMs - note.atMs > this.#limitMs;
    while (this.#notes[0] !== undefined && isOld(this.#notes[0])) {
      this.#expiredThrough = this.#notes.shift()?.throughNumber ?? this.#expiredThrough;
    }
    if (isOld(this.#latest)) this.#expiredThrough = this.#latest.throughNumber;
    return this.#expiredThrough;
  }
}
