/**
 * Presence of a day, from the predictions of a device that classifies (FORMATS §6.5).
 *
 * A prediction holds until the next one, but no longer than HOLD_MS: silence is neither presence nor
 * absence. Days and hours are those of the viewer's time zone, so a day has 23, 24 or 25 hours.
 */

/** Labels that mean that somebody is there. */
export const PRESENT_LABELS: readonly string[] = ["person", "human", "present", "presence"];

const HOLD_MS = 5 * 60_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

export interface Observed {
  atMs: number;
  isPresent: boolean;
  /** 0…1 that somebody is there. */
  probability: number;
}

export interface HourOfPresence {
  startMs: number;
  presenceMinutes: number;
  absenceMinutes: number;
  /** Mean of the observations; null without any. */
  probability: number | null;
}

export interface DayOfPresence {
  startMs: number;
  endMs: number;
  hours: HourOfPresence[];
  presenceMinutes: number;
  absenceMinutes: number;
  /** Presence of what was observed, 0…1; null when nothing was. */
  presenceRate: number | null;
  /** Beginning of the hour with the most presence; null without any. */
  mostActiveHourMs: number | null;
  observations: number;
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** True for a date of the calendar, `2026-01-31`, that a time zone may be applied to. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const atMs = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(atMs) && new Date(atMs).toISOString().startsWith(text) &&
    text > "1970-01-02" && text < "9999-01-01";
}

/** `2026-01-31` in a time zone. */
export function localDate(atMs: number, timeZone: string): string {
  return new Intl.DateTimeFormat("en-CA", {
    ...{ timeZone, year: "numeric", month: "2-digit", day: "2-digit", calendar: "iso8601" },
  }).format(atMs);
}

/** The day before or after. */
export function shiftDate(date: string, days: number): string {
  const atMs = Date.parse(`${date}T00:00:00Z`) + days * 24 * HOUR_MS;
  return new Date(atMs).toISOString().slice(0, 10);
}

/**
 * The first minute of a date in a time zone, ms since 1970. Searched for, not computed: a zone may
 * begin a day at 01:00, or lie up to 14 hours from UTC. Dates are compared as texts.
 */
export function dayStartMs(date: string, timeZone: string): number {
  const midnight = Date.parse(`${date}T00:00:00Z`) / MINUTE_MS;
  let [before, from] = [midnight - 16 * 60, midnight + 16 * 60];
  while (from - before > 1) {
    const middle = Math.floor((before + from) / 2);
    if (localDate(middle * MINUTE_MS, timeZone) >= date) from = middle;
    else before = middle;
  }
  return from * MINUTE_MS;
}

/**
 * Some devices send how sure they are of the label, others how likely somebody is there, whatever the
 * label says. A label that means nobody is at least half sure in the first case and below a half in
 * the second: the smaller of the two is the probability of presence in both.
 */
export function probabilityOfPresence(score: number, isPresent: boolean): number {
  return isPresent ? score : Math.min(score, 1 - score);
}

/** Sums up a day; `observed` in the order of time, from HOLD_MS before the day on. `nowMs` ends it. */
export function sumUpDay(
  observed: readonly Observed[],
  { startMs, endMs, nowMs }: { startMs: number; endMs: number; nowMs: number },
): DayOfPresence {
  const hours = emptyHours(startMs, endMs);
  for (const [i, each] of observed.entries()) {
    const next = observed[i + 1]?.atMs ?? nowMs;
    const until = Math.min(next, each.atMs + HOLD_MS, endMs, Math.max(nowMs, each.atMs));
    addSpan(hours, { ...each, fromMs: Math.max(each.atMs, startMs), untilMs: until, startMs });
  }
  const within = observed.filter(({ atMs }) => atMs >= startMs && atMs < endMs);
  addProbabilities(hours, { observed: within, startMs });
  return {
    startMs,
    endMs,
    hours: hours.map(roundHour),
    ...totalsOf(hours),
    observations: within.length,
  };
}

/** From how far before a day observations still reach into it. */
export function lookBackMs(): number {
  return HOLD_MS;
}

function emptyHours(startMs: number, endMs: number): HourOfPresence[] {
  const count = Math.ceil((endMs - startMs) / HOUR_MS);
  return Array.from({ length: count }, (_, i) => ({
    startMs: startMs + i * HOUR_MS,
    presenceMinutes: 0,
    absenceMinutes: 0,
    probability: null,
  }));
}

function addSpan(
  hours: HourOfPresence[],
  { fromMs, untilMs, startMs, isPresent }: {
    fromMs: number;
    untilMs: number;
    startMs: number;
    isPresent: boolean;
  },
): void {
  for (let at = fromMs; at < untilMs;) {
    const hour = hours[Math.floor((at - startMs) / HOUR_MS)];
    if (hour === undefined) return;
    const end = Math.min(untilMs, hour.startMs + HOUR_MS);
    hour[isPresent ? "presenceMinutes" : "absenceMinutes"] += (end - at) / MINUTE_MS;
    at = end;
  }
}

function addProbabilities(
  hours: HourOfPresence[],
  { observed, startMs }: { observed: readonly Observed[]; startMs: number },
): void {
  const sums = hours.map(() => ({ sum: 0, count: 0 }));
  for (const { atMs, probability } of observed) {
    const sum = sums[Math.floor((atMs - startMs) / HOUR_MS)];
    if (sum === undefined) continue;
    sum.sum += probability;
    sum.count++;
  }
  for (const [i, { sum, count }] of sums.entries()) {
    const hour = hours[i];
    if (hour !== undefined && count > 0) hour.probability = rounded(sum / count, 4);
  }
}

function totalsOf(hours: readonly HourOfPresence[]) {
  const presence = hours.reduce((sum, hour) => sum + hour.presenceMinutes, 0);
  const absence = hours.reduce((sum, hour) => sum + hour.absenceMinutes, 0);
  const [most] = hours.toSorted((a, b) => b.presenceMinutes - a.presenceMinutes);
  return {
    presenceMinutes: rounded(presence, 2),
    absenceMinutes: rounded(absence, 2),
    presenceRate: presence + absence === 0 ? null : rounded(presence / (presence + absence), 4),
    mostActiveHourMs: most === undefined || most.presenceMinutes === 0 ? null : most.startMs,
  };
}

function roundHour(hour: HourOfPresence): HourOfPresence {
  return {
    ...hour,
    presenceMinutes: rounded(hour.presenceMinutes, 2),
    absenceMinutes: rounded(hour.absenceMinutes, 2),
  };
}

function rounded(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
