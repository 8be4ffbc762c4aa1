/**
 * A chart as the server draws it: all of the data without script, and the same place, axes and colours
 * as the chart that takes its place in the browser. Heights are pixels, widths follow the card.
 */
import { formatNumber, formatValue, THIN_SPACE } from "@/components/format.ts";
import { thresholdLines } from "@/components/panel_state.ts";
import type { PanelFrame } from "@/components/panel_words.ts";
import { gapAfter } from "@/model/chart_steps.ts";
import { type Scale, timeTicks, valueScale, withThresholds } from "@/model/chart_scale.ts";
import {
  panelEnds,
  type PanelView,
  type PointColumns,
  type SeriesView,
  unbrokenRuns,
} from "@/model/dashboard_view.ts";

/** Of the plot alone, px; the axis with times is below. */
export const PLOT = { top: 8, height: 180, axisHeight: 24, axisWidth: 54, endWidth: 74 };
const HEIGHT = PLOT.top + PLOT.height + PLOT.axisHeight;
const WIDTH = 1000;
/** Labels at the ends of lines stay readable. */
const LABEL_DISTANCE = 14;
const TICKS_MAX = 6;

export interface ChartProps {
  panel: PanelView;
  frame: PanelFrame;
}

/** Axis of a panel's values. */
export function scaleOf(panel: PanelView): Scale {
  const ends = panelEnds(panel);
  const shown = panel.kind === "bar" && ends !== null
    ? { min: Math.min(0, ends.min), max: Math.max(0, ends.max) }
    : ends;
  const limits = thresholdLines(panel.thresholds).map(({ at }) => at);
  return valueScale(withThresholds(shown, limits), panel);
}

export function ChartPicture({ panel, frame }: ChartProps) {
  const scale = scaleOf(panel);
  const y = (value: number) => yOf(value, scale);
  return (
    <div class="chart-picture" aria-hidden="true">
      <svg class="chart-values" width={PLOT.axisWidth} height={HEIGHT}>
        {scale.ticks.map((tick) => (
          <text key={tick} x={PLOT.axisWidth - 6} y={y(tick) + 4}>{axisText(tick)}</text>
        ))}
      </svg>
      <svg class="chart-plot" width="100%" height={HEIGHT}>
        {scale.ticks.map((tick) => (
          <line key={tick} class="grid-line" x1="0" x2="100%" y1={y(tick)} y2={y(tick)} />
        ))}
        {thresholdLines(panel.thresholds).filter(({ at }) => at >= scale.min && at <= scale.max)
          .map(({ at, tone }) => (
            <line key={at} class={`limit ${tone}`} x1="0" x2="100%" y1={y(at)} y2={y(at)} />
          ))}
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" height={HEIGHT}>
          {panel.series.map((series, i) => (
            <Shape
              key={i}
              {...{ panel, series, frame, scale, i }}
            />
          ))}
        </svg>
        <TimeAxis frame={frame} />
      </svg>
      <svg class="chart-ends" width={PLOT.endWidth} height={HEIGHT}>
        {endLabels(panel, scale).map(({ label, colour, at }) => (
          <text key={label} class={`s${colour}`} x="6" y={at + 4}>{label}</text>
        ))}
      </svg>
    </div>
  );
}

/** Short enough for the axis. */
export function axisText(value: number): string {
  if (Math.abs(value) < 1e6) return formatValue(value);
  return Math.abs(value) < 1e9
    ? `${formatNumber(value / 1e6, 2)}${THIN_SPACE}M`
    : value.toExponential(1);
}

function yOf(value: number, { min, max }: Scale): number {
  const part = max === min ? 0.5 : (value - min) / (max - min);
  return round(PLOT.top + PLOT.height * (1 - Math.min(1, Math.max(0, part))));
}

function TimeAxis({ frame }: { frame: PanelFrame }) {
  const { fromMs, nowMs: toMs, timeZone } = frame;
  return (
    <>
      {timeTicks({ fromMs, toMs }, { timeZone, ticksMax: TICKS_MAX }).map(({ atMs, label }) => (
        <text
          key={atMs}
          class="time"
          x={`${round((atMs - fromMs) / (toMs - fromMs) * 100)}%`}
          y={HEIGHT - 7}
        >
          {label}
        </text>
      ))}
    </>
  );
}

interface ShapeProps extends ChartProps {
  series: SeriesView;
  scale: Scale;
  i: number;
}

function Shape({ panel, series, frame, scale, i }: ShapeProps) {
  const { points, colour } = series;
  if (points === null) return null;
  const { fromMs, nowMs } = frame;
  const place = {
    x: (atMs: number) => round((atMs - fromMs) / (nowMs - fromMs) * WIDTH),
    y: (value: number) => yOf(value, scale),
  };
  if (panel.kind === "bar") {
    const width = points.stepMs / (nowMs - fromMs) * WIDTH;
    const slot = width * 0.8 / panel.series.length;
    return <path class={`s${colour} bars`} d={barsPath(points, place, { slot, i })} />;
  }
  const runs = unbrokenRuns(points, gapAfter(series.intervalMs, points.stepMs));
  const { min, max } = points;
  return (
    <g class={`s${colour} dash${Math.floor(i / 3)}`}>
      {min !== undefined && max !== undefined && (
        <path
          class="band"
          d={runs.map((run) => bandPath(points, run, place)).join("")}
        />
      )}
      <path class="line" d={runs.map((run) => linePath(points, run, place)).join("")} />
    </g>
  );
}

interface Place {
  x: (atMs: number) => number;
  y: (value: number) => number;
}

function timeOf({ firstMs, stepMs }: PointColumns, i: number): number {
  return firstMs + i * stepMs;
}

function linePath(points: PointColumns, run: number[], { x, y }: Place): string {
  const steps = run.map((i) => `${x(timeOf(points, i))} ${y(points.value[i]!)}`);
  // A single value gets a short line, or it would not be seen.
  return `M${steps.join("L")}${run.length === 1 ? "h2" : ""}`;
}

function bandPath({ ...points }: PointColumns, run: number[], { x, y }: Place): string {
  const { min = [], max = [] } = points;
  const upper = run.map((i) => `${x(timeOf(points, i))} ${y(max[i] ?? points.value[i]!)}`);
  const lower = run.toReversed().map((i) =>
    `${x(timeOf(points, i))} ${y(min[i] ?? points.value[i]!)}`
  );
  return `M${upper.join("L")}L${lower.join("L")}Z`;
}

function barsPath(
  points: PointColumns,
  { x, y }: Place,
  { slot, i: place }: { slot: number; i: number },
): string {
  return points.value.map((value, i) => {
    if (value === null) return "";
    const [left, top, base] = [x(timeOf(points, i)) + place * slot, y(value), y(0)];
    return `M${round(left)} ${base}V${top}h${round(slot)}V${base}Z`;
  }).join("");
}

/** Names at the ends of lines, moved apart where they would lie on each other. */
export function endLabels(
  { series, kind }: PanelView,
  scale: Scale,
): { label: string; colour: number; at: number }[] {
  if (kind === "bar") return [];
  const labels = series.flatMap(({ points, label, colour }) => {
    const last = points?.value.findLast((value) => value !== null) ?? null;
    return last === null ? [] : [{ label, colour, at: yOf(last, scale) }];
  }).sort((a, b) => a.at - b.at);
  labels.forEach((label, i) => {
    const above = labels[i - 1];
    if (above !== undefined) label.at = Math.max(label.at, above.at + LABEL_DISTANCE);
  });
  const bottom = PLOT.top + PLOT.height;
  labels.toReversed().forEach((label, i, reversed) => {
    const below = reversed[i - 1];
    label.at = Math.min(label.at, below === undefined ? bottom : below.at - LABEL_DISTANCE);
  });
  return labels;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
