/** What the tag of a panel says, and how its number looks. */
import { formatValue, THIN_SPACE } from "@/components/format.ts";
import type { PanelFrame } from "@/components/panel_words.ts";
import type { Tone } from "@/components/Tag.tsx";
import { lateAfter } from "@/model/chart_steps.ts";
import { type Threshold, type ThresholdState, thresholdState } from "@/model/dashboard.ts";
import type { PanelView, SeriesView } from "@/model/dashboard_view.ts";

export interface ShownState {
  tone: Tone;
  text: string;
}

/** Null where there is nothing to say: fresh, and without thresholds. */
export function shownState(
  { thresholds }: Pick<PanelView, "thresholds">,
  series: SeriesView,
  { nowMs, words }: Pick<PanelFrame, "nowMs" | "words">,
): ShownState | null {
  if (series.latest === null) return { tone: "idle", text: words.noData };
  if (isLate(series, nowMs)) return { tone: "idle", text: words.late };
  if (series.latest.implausible && series.isNewest) {
    return { tone: "warn", text: words.implausible };
  }
  if (series.value === null) return null;
  const state = thresholdState(series.value, thresholds);
  return state === null ? null : { tone: state.tone, text: stateText(state, words.ok) };
}

/** `≥ 30`, `excellent > 10`, `ok`. */
export function stateText({ tone, label, limit }: ThresholdState, ok: string): string {
  const reason = limit === null ? "" : `${limit.sign}${THIN_SPACE}${formatValue(limit.at)}`;
  const text = [label ?? "", reason].filter((part) => part !== "").join(" ");
  return text === "" ? (tone === "ok" ? ok : tone) : text;
}

export function isLate({ latest, intervalMs }: SeriesView, nowMs: number): boolean {
  return latest !== null && nowMs - latest.atMs > lateAfter(intervalMs);
}

const SEVERITY: Record<Tone, number> = { ok: 0, idle: 1, warn: 2, bad: 3 };

/** Lines of thresholds; each has the colour of its worse side. */
export function thresholdLines(thresholds: readonly Threshold[]): { at: number; tone: Tone }[] {
  return thresholds.flatMap((threshold, i) => {
    const at = threshold.above ?? threshold.from;
    if (at === undefined) return [];
    const below = thresholds[i - 1]?.tone ?? "ok";
    const tone = SEVERITY[below] > SEVERITY[threshold.tone] && below !== "idle"
      ? below
      : threshold.tone;
    return [{ at, tone }];
  });
}
