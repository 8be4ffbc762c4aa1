import { formatValue } from "@/components/format.ts";
import type { Tone } from "@/components/Tag.tsx";
import { type Threshold, thresholdAt } from "@/model/dashboard.ts";

export interface GaugeProps {
  /** Null: no needle. */
  value: number | null;
  min: number;
  max: number;
  thresholds: readonly Threshold[];
  /** Says value and state for those who do not see it. */
  label: string;
}

const [WIDTH, HEIGHT, RADIUS, STROKE] = [240, 132, 92, 14];
const CENTRE = { x: WIDTH / 2, y: 112 };
/** Between two colours, in parts of the half circle. */
const SPACE = 0.008;

/** Half a circle in the colours of the thresholds, and a needle. */
export function GaugePicture({ value, min, max, thresholds, label }: GaugeProps) {
  const part = (at: number) => Math.min(1, Math.max(0, (at - min) / (max - min)));
  return (
    <svg class="gauge" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
      {arcsOf(thresholds, part).map(({ from, to, tone }) => (
        <path key={from} class={tone} d={arcPath(from, to)} stroke-width={STROKE} />
      ))}
      {value !== null && <Needle at={part(value)} />}
      <text x={CENTRE.x - RADIUS} y={HEIGHT - 4}>{formatValue(min)}</text>
      <text x={CENTRE.x + RADIUS} y={HEIGHT - 4}>{formatValue(max)}</text>
    </svg>
  );
}

interface Arc {
  from: number;
  to: number;
  tone: Tone;
}

function arcsOf(thresholds: readonly Threshold[], part: (at: number) => number): Arc[] {
  const steps = thresholds.map((each) => ({ at: thresholdAt(each), tone: each.tone }));
  if (steps.length === 0) return [{ from: 0, to: 1, tone: "ok" }];
  const first: Tone = steps[0]!.at === null ? steps[0]!.tone : "idle";
  const arcs: Arc[] = [{ from: 0, to: 1, tone: first }];
  for (const { at, tone } of steps) {
    if (at === null) continue;
    arcs.at(-1)!.to = part(at);
    arcs.push({ from: part(at), to: 1, tone });
  }
  return arcs.filter(({ from, to }) => to > from);
}

function arcPath(from: number, to: number): string {
  const [start, end] = [from === 0 ? 0 : from + SPACE, to === 1 ? 1 : to - SPACE];
  return `M${pointAt(start, RADIUS)}A${RADIUS} ${RADIUS} 0 0 1 ${pointAt(end, RADIUS)}`;
}

function Needle({ at }: { at: number }) {
  return (
    <>
      <path class="needle" d={`M${CENTRE.x} ${CENTRE.y}L${pointAt(at, RADIUS - 14)}`} />
      <circle class="needle-foot" cx={CENTRE.x} cy={CENTRE.y} r="5" />
    </>
  );
}

/** From the left end over the top to the right one. */
function pointAt(part: number, radius: number): string {
  const angle = Math.PI * (1 - part);
  const x = CENTRE.x + radius * Math.cos(angle);
  const y = CENTRE.y - radius * Math.sin(angle);
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}
