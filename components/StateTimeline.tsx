/** What state each series was in, as coloured pieces of time; a gap stays empty. */
import { formatValue } from "@/components/format.ts";
import { stateText } from "@/components/panel_state.ts";
import type { PanelFrame } from "@/components/panel_words.ts";
import type { Tone } from "@/components/Tag.tsx";
import { gapAfter } from "@/model/chart_steps.ts";
import { momentLabel, timeTicks } from "@/model/chart_scale.ts";
import { type Threshold, thresholdState } from "@/model/dashboard.ts";
import type { PanelView, SeriesView } from "@/model/dashboard_view.ts";

const [ROW, BAR, AXIS] = [30, 20, 22];

interface Piece {
  fromMs: number;
  toMs: number;
  tone: Tone;
  text: string;
}

export function StateTimeline({ panel, frame }: { panel: PanelView; frame: PanelFrame }) {
  const { fromMs, toMs, timeZone } = frame;
  const height = panel.series.length * ROW + AXIS;
  const x = (atMs: number) => {
    const part = (Math.min(toMs, Math.max(fromMs, atMs)) - fromMs) / (toMs - fromMs);
    return Math.round(part * 10_000) / 100;
  };
  return (
    <div class="timeline">
      <svg class="timeline-names" height={height} aria-hidden="true">
        {panel.series.map(({ label }, row) => (
          <text key={row} x="0" y={row * ROW + BAR - 5}>{label}</text>
        ))}
      </svg>
      <svg
        class="timeline-states"
        width="100%"
        height={height}
        role="img"
        aria-label={spoken(panel)}
      >
        {panel.series.flatMap((series, row) =>
          piecesOf(series, panel.thresholds, frame).map((piece) => (
            <rect
              key={`${row} ${piece.fromMs}`}
              class={piece.tone}
              x={`${x(piece.fromMs)}%`}
              width={`${Math.max(0.2, x(piece.toMs) - x(piece.fromMs))}%`}
              y={row * ROW}
              height={BAR}
            >
              <title>{`${piece.text}, ${spanText(piece, frame)}`}</title>
            </rect>
          ))
        )}
        {timeTicks({ fromMs, toMs }, { timeZone, ticksMax: 6 }).map(({ atMs, label }) => (
          <text key={atMs} class="time" x={`${x(atMs)}%`} y={height - 6}>{label}</text>
        ))}
      </svg>
    </div>
  );
}

function spanText({ fromMs, toMs }: Piece, { timeZone, ...frame }: PanelFrame): string {
  const span = frame.toMs - frame.fromMs;
  return `${momentLabel(fromMs, timeZone, span)} – ${momentLabel(toMs, timeZone, span)}`;
}

function spoken({ title, series }: PanelView): string {
  const states = series.map(({ label, value, unit }) =>
    `${label} ${value === null ? "–" : `${formatValue(value)} ${unit}`}`
  );
  return `${title}: ${states.join(", ")}`;
}

/** Steps of the same state that follow each other are one piece. */
export function piecesOf(
  { points, intervalMs }: SeriesView,
  thresholds: readonly Threshold[],
  { words }: Pick<PanelFrame, "words">,
): Piece[] {
  if (points === null) return [];
  const gapMs = gapAfter(intervalMs, points.stepMs);
  const pieces: Piece[] = [];
  points.value.forEach((value, i) => {
    if (value === null) return;
    const fromMs = points.firstMs + i * points.stepMs;
    const state = thresholdState(value, thresholds);
    const tone = state?.tone ?? "idle";
    const text = state === null ? formatValue(value) : stateText(state, words.ok);
    const last = pieces.at(-1);
    const follows = last !== undefined && fromMs - last.toMs <= gapMs;
    if (follows) last.toMs = fromMs;
    if (follows && last.text === text) last.toMs = fromMs + points.stepMs;
    else pieces.push({ fromMs, toMs: fromMs + points.stepMs, tone, text });
  });
  return pieces;
}
