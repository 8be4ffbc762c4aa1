/** Time and chance as a delivery sees them; a test turns them by hand. */
export interface Timing {
  /** ms since some instant, never stepping: for intervals and deadlines. */
  monotonicMs(): number;
  /** ms since 1970: only for showing. */
  wallMs(): number;
  /** 0 ≤ x < 1 */
  random(): number;
  /** Calls `run` once after so many ms; the returned function cancels it. */
  after(ms: number, run: () => void): () => void;
}

export function systemTiming(): Timing {
  return {
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    random: () => Math.random(),
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
  };
}
