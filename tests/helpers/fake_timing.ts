import type { Timing } from "@/forward/timing.ts";

interface Alarm {
  atMs: number;
  run: () => void;
}

/** A clock that stands still until a test moves it, and chance that a test chooses. */
export class FakeTiming implements Timing {
  /** Next draws; 0.5 when there is none. */
  draws: number[] = [];
  #nowMs = 1_000;
  #wallOffsetMs = Date.UTC(2026, 0, 1);
  readonly #alarms = new Set<Alarm>();

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  random = (): number => this.draws.shift() ?? 0.5;

  after(ms: number, run: () => void): () => void {
    const alarm = { atMs: this.#nowMs + ms, run };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  /** ms until the next alarm; null without one. */
  get nextAlarmMs(): number | null {
    const times = [...this.#alarms].map(({ atMs }) => atMs);
    return times.length === 0 ? null : Math.min(...times) - this.#nowMs;
  }

  /** Moves time on and rings what is due, in order. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#alarms].filter(({ atMs }) => atMs <= endMs);
      const next = due.sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#alarms.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
    this.#nowMs = endMs;
  }

  /** Sets the wall clock forward or back; intervals do not notice. */
  stepWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }
}
