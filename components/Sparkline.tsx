export interface SparklinePoint {
  atMs: number;
  value: number;
}

export interface SparklineProps {
  points: readonly SparklinePoint[];
  /** Window in ms since 1970. */
  fromMs: number;
  toMs: number;
  /** Points further apart than this are a gap; drawn as one. */
  gapMs: number;
  /** Names it for those who do not see it. */
  label: string;
  series?: 1 | 2 | 3 | 4 | 5 | 6;
}

const [WIDTH, HEIGHT, PAD] = [200, 36, 3];

/** A small line without axes; where data is missing it is dashed. */
export function Sparkline({ points, label, series = 1, ...frame }: SparklineProps) {
  const place = placer(points, frame);
  const runs = runsOf(points, frame.gapMs);
  return (
    <svg
      class={`sparkline s${series}`}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {gapsOf(runs, frame.toMs, frame.gapMs).map(([from, to]) => (
        <path key={from.atMs} class="gap" d={pathOf([from, to], place)} />
      ))}
      {runs.map((run) => <path key={run[0]!.atMs} d={pathOf(run, place)} />)}
    </svg>
  );
}

type Place = (point: SparklinePoint) => string;

function placer(
  points: readonly SparklinePoint[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
): Place {
  const values = points.map(({ value }) => value);
  const [min, max] = [Math.min(...values), Math.max(...values)];
  const x = (atMs: number) => (atMs - fromMs) / Math.max(1, toMs - fromMs) * WIDTH;
  const y = (value: number) =>
    max === min ? HEIGHT / 2 : HEIGHT - PAD - (value - min) / (max - min) * (HEIGHT - 2 * PAD);
  return ({ atMs, value }) => `${x(atMs).toFixed(1)} ${y(value).toFixed(1)}`;
}

function runsOf(points: readonly SparklinePoint[], gapMs: number): SparklinePoint[][] {
  const runs: SparklinePoint[][] = [];
  for (const point of points) {
    const run = runs.at(-1);
    if (run !== undefined && point.atMs - run.at(-1)!.atMs <= gapMs) run.push(point);
    else runs.push([point]);
  }
  return runs;
}

/** Between runs, and from the last value to now when that is long ago. */
function gapsOf(runs: SparklinePoint[][], toMs: number, gapMs: number) {
  const gaps: [SparklinePoint, SparklinePoint][] = [];
  runs.forEach((run, i) => {
    const last = run.at(-1)!;
    const next = runs[i + 1]?.[0];
    if (next !== undefined) gaps.push([last, next]);
    else if (toMs - last.atMs > gapMs) gaps.push([last, { atMs: toMs, value: last.value }]);
  });
  return gaps;
}

function pathOf(points: readonly SparklinePoint[], place: Place): string {
  // A single point gets a short line, or it would not be seen.
  const [first] = points;
  const dot = points.length === 1 ? "h1" : "";
  return `M${place(first!)}${points.slice(1).map((point) => `L${place(point)}`).join("")}${dot}`;
}
