import { Card } from "@/components/Card.tsx";
import { valueAxis } from "@/components/chart_axes.ts";
import { withUnit } from "@/components/devices/device_views.ts";
import { measurementTitle } from "@/components/format.ts";
import { texts } from "@/components/texts.ts";
import { type ChartPoint, TimeChart } from "@/components/TimeChart.tsx";

export type RangeName = keyof typeof texts.devices.ranges;

export interface HistorySeries {
  measurement: string;
  unit: string | null;
  points: ChartPoint[];
  /** Mean of all values; null without any. */
  mean: number | null;
  /** Where the same is a file. */
  csv: string;
}

export interface HistoryCardProps {
  of: HistorySeries;
  range: RangeName;
  fromMs: number;
  toMs: number;
  gapMs: number;
  timeZone: string;
  series: 1 | 2 | 3 | 4 | 5 | 6;
}

/** One measurement over time. */
export function HistoryCard({ of, range, ...frame }: HistoryCardProps) {
  const { devices } = texts;
  const { measurement, unit, points, mean, csv } = of;
  const title = measurementTitle(measurement);
  const low = Math.min(...points.map(({ min }) => min));
  const high = Math.max(...points.map(({ max }) => max));
  const facts = mean === null
    ? null
    : devices.chartFacts(withUnit(low, unit), withUnit(mean, unit), withUnit(high, unit));
  const end = <a class="sub" href={csv} download aria-label={devices.csvOf(title)}>{devices.csv}
  </a>;
  const label = `${devices.chart(title, devices.rangeTitles[range])}: ${facts ?? ""}`;
  return (
    <Card title={title} sub={facts ?? undefined} end={end} span={6}>
      {points.length === 0
        ? <p class="sub no-points">{devices.noPoints}</p>
        : <TimeChart {...frame} points={points} axis={valueAxis(low, high)} label={label} />}
    </Card>
  );
}
