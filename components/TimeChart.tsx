/**
 * A chart that the server draws: mean line, band from min to max, gaps as gaps, round lines behind.
 * Words keep their size whatever the width: the outer picture has no view box and places them by
 * percent, only the lines inside are stretched.
 */
import { type Tick, timeTicks, type ValueAxis } from "@/components/chart_axes.ts";

export interface ChartPoint {
  /** Beginning of its step, ms since 1970. */
  atMs: number;
  value: number;
  min: number;
  max: number;
}

export interface TimeChartProps {
  points: readonly ChartPoint[];
  fromMs: number;
  toMs: number;
  /** Points further apart than this are a gap. */
  gapMs: number;
  axis: ValueAxis;
  /** IANA name. */
  timeZone: string;
  /** Says in words what is seen. */
  label: string;
  series?: 1 | 2 | 3 | 4 | 5 | 6;
  height?: number;
}

/** Of the stretched picture inside. */
const WIDTH = 1000;
const WORDS_HEIGHT = 20;
/** Above the highest line, so that its word is not cut. */
const TOP = 8;

export function TimeChart(props: TimeChartProps) {
  const { points, gapMs, fromMs, toMs, axis, timeZone, label, series = 1, height = 180 } = props;
  const plotHeight = height - WORDS_HEIGHT;
  const place = { ...props, plotHeight };
  return (
    <div class={`time-chart s${series}`} role="img" aria-label={label}>
      <svg class="value-words" width={wordsWidth(axis)} height={height} aria-hidden="true">
        {axis.ticks.map(({ value, label }) => (
          <text key={value} class="axis-word" x="0" y={yOf(value, place) + 4}>{label}</text>
        ))}
      </svg>
      <svg class="plot" height={height} aria-hidden="true">
        {axis.ticks.map(({ value }) => (
          <line key={value} class="grid-line" x2="100%" {...sameY(yOf(value, place))} />
        ))}
        {timeTicks(fromMs, toMs, timeZone).map((tick) => (
          <TimeWord
            key={tick.value}
            tick={tick}
            share={shareOf(tick.value, props)}
            height={height}
          />
        ))}
        <svg
          width="100%"
          height={plotHeight}
          viewBox={`0 0 ${WIDTH} ${plotHeight}`}
          preserveAspectRatio="none"
        >
          {runsOf(points, gapMs).map((run) => <Run key={run[0]!.atMs} run={run} place={place} />)}
        </svg>
      </svg>
    </div>
  );
}

function sameY(y: number) {
  return { y1: y, y2: y };
}

/** Figures of 11 px are 7 px wide. */
function wordsWidth({ ticks }: ValueAxis): number {
  return 8 + 7 * Math.max(...ticks.map(({ label }) => label.length));
}

interface Place extends Pick<TimeChartProps, "fromMs" | "toMs" | "axis"> {
  plotHeight: number;
}

function Run({ run, place }: { run: ChartPoint[]; place: Place }) {
  const at = (point: ChartPoint, value: number) =>
    `${Math.round(shareOf(point.atMs, place) * WIDTH)} ${Math.round(yOf(value, place))}`;
  const line = run.map((point) => at(point, point.value));
  const hasBand = run.some(({ min, max }) => max > min);
  const band = [
    ...run.map((point) => at(point, point.max)),
    ...run.toReversed().map((point) => at(point, point.min)),
  ];
  return (
    <>
      {hasBand && run.length > 1 && <path class="band" d={`M${band.join("L")}Z`} />}
      {
        // A line without length is drawn as a dot, by its round ends.
        run.length === 1
          ? <path class="line dot" d={`M${line[0]}h0`} />
          : <path class="line" d={`M${line.join("L")}`} />
      }
    </>
  );
}

function TimeWord({ tick, share, height }: { tick: Tick; share: number; height: number }) {
  const atEdge = share < 0.01 || share > 0.99;
  if (!atEdge && (share < 0.05 || share > 0.95)) return null;
  const anchor = !atEdge ? "middle" : share < 0.5 ? "start" : "end";
  return (
    <text class="axis-word" x={percent(share)} y={height - 5} text-anchor={anchor}>
      {tick.label}
    </text>
  );
}

function percent(share: number): string {
  return `${Math.round(share * 10_000) / 100}%`;
}

function shareOf(atMs: number, { fromMs, toMs }: Pick<TimeChartProps, "fromMs" | "toMs">): number {
  return Math.max(0, Math.min(1, (atMs - fromMs) / Math.max(1, toMs - fromMs)));
}

function yOf(value: number, { axis, plotHeight }: Pick<Place, "axis" | "plotHeight">): number {
  const share = (value - axis.from) / (axis.to - axis.from);
  return Math.round((plotHeight - share * (plotHeight - TOP)) * 10) / 10 - 1;
}

function runsOf(points: readonly ChartPoint[], gapMs: number): ChartPoint[][] {
  const runs: ChartPoint[][] = [];
  for (const point of points) {
    const run = runs.at(-1);
    if (run !== undefined && point.atMs - run.at(-1)!.atMs <= gapMs) run.push(point);
    else runs.push([point]);
  }
  return runs;
}
