/** How much a counter grew, from what is left of its values after they were summed up by time. */

/** One value, or what a minute or hour of values came to. `last` is the newest one. */
export interface CounterSample {
  min: number;
  max: number;
  last: number;
}

/**
 * Growth within one sample after a value of `before`; null: nothing is known before it. A counter
 * only falls when its device restarts, and begins at zero then. Exact for at most one restart in a
 * sample.
 */
export function counterStep(before: number | null, { min, max, last }: CounterSample): number {
  if (before === null) return last < max ? last : last - min;
  if (min >= before && last >= max) return last - before;
  // A restart: what it grew before that is known when its peak is in this sample.
  const peak = max > before && last < max ? max - before : 0;
  return peak + last;
}

/** Growth over samples in the order of time; null without any. */
export function counterIncrease(samples: readonly CounterSample[]): number | null {
  let before: number | null = null;
  let total = 0;
  for (const sample of samples) {
    total += counterStep(before, sample);
    before = sample.last;
  }
  return before === null ? null : total;
}

/** 100 × part ÷ whole; null where nothing was counted. */
export function percentageOf(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || whole <= 0 ? null : 100 * part / whole;
}
