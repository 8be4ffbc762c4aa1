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
        {endLabels(panel, scale).map(({ label, colour, at }, i) => (
          <text key={i} class={`s${colour}`} x="6" y={at + 4}>{label}</text>
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
  const { fromMs, toMs, timeZone } = frame;
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

/**
 * Paths count in steps and tenths of pixels, relative to the point before: half of what absolute
 * places would be, and a page has thousands of points.
 */
function Shape({ panel, series, frame, scale, i }: ShapeProps) {
  const { points, colour } = series;
  if (points === null || points.value.length === 0) return null;
  const perMs = WIDTH / (frame.toMs - frame.fromMs);
  const left = round((points.firstMs - frame.fromMs) * perMs);
  const transform = `translate(${left} 0) scale(${(points.stepMs * perMs).toFixed(4)} .1)`;
  const y = (value: number) => Math.round(10 * yOf(value, scale));
  if (panel.kind === "bar") {
    const d = barsPath(points, y, { i, count: panel.series.length });
    return <path class={`s${colour} bars`} transform={transform} d={d} />;
  }
  const runs = unbrokenRuns(points, gapAfter(series.intervalMs, points.stepMs));
  const hasBand = points.min !== undefined && points.max !== undefined;
  return (
    <g class={`s${colour} dash${Math.floor(i / 3)}`} transform={transform}>
      {hasBand && <path class="band" d={runs.map((run) => bandPath(points, run, y)).join("")} />}
      <path class="line" d={runs.map((run) => linePath(points, run, y)).join("")} />
    </g>
  );
}

type Height = (value: number) => number;

function linePath({ value }: PointColumns, run: number[], y: Height): string {
  const line = pathThrough(run.map((i) => [i, y(value[i]!)]));
  // A single value gets a short line, or it would not be seen.
  return run.length === 1 ? `${line}h.3` : line;
}

function bandPath({ value, min = [], max = [] }: PointColumns, run: number[], y: Height): string {
  const upper = run.map((i) => [i, y(max[i] ?? value[i]!)] as const);
  const lower = run.toReversed().map((i) => [i, y(min[i] ?? value[i]!)] as const);
  return `${pathThrough([...upper, ...lower])}z`;
}

function pathThrough(places: readonly (readonly [x: number, y: number])[]): string {
  return places.map(([x, y], i) => {
    const before = places[i - 1];
    if (before === undefined) return `M${x} ${y}`;
    const [dx, dy] = [x - before[0], y - before[1]];
    return `l${dx}${dy < 0 ? "" : " "}${dy}`;
  }).join("");
}

function barsPath(
  { value }: PointColumns,
  y: Height,
  { i: place, count }: { i: number; count: number },
): string {
  const width = round(0.8 / count);
  return value.map((each, i) => {
    if (each === null) return "";
    const base = y(0);
    return `M${round(i + place * width)} ${base}V${y(each)}h${width}V${base}z`;
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
