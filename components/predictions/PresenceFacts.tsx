/** The day in four numbers, each against the day before. */
import { Card } from "@/components/Card.tsx";
import { formatNumber } from "@/components/format.ts";
import { clockOf, minutes } from "@/components/predictions/PresenceHours.tsx";
import { texts } from "@/components/texts.ts";

interface Facts {
  /** Minutes. */
  presenceMinutes: number;
  absenceMinutes: number;
  /** 0…1; null when nothing was observed. */
  presenceRate: number | null;
  /** Beginning, ms since 1970; null without presence. */
  mostActiveHourMs: number | null;
  observations: number;
}

export interface PresenceFactsProps {
  day: Facts;
  before: Facts;
  /** False for a day that still goes on: less than a whole day says nothing then. */
  isOver: boolean;
  timeZone: string;
}

const HOUR_MS = 3_600_000;

export function PresenceFacts({ day, before, isOver, timeZone }: PresenceFactsProps) {
  const { predictions } = texts;
  const wasSeen = before.observations > 0;
  const compared = (now: number, then: number) => {
    if (!wasSeen) return predictions.before(predictions.nothing);
    return isOver ? difference(now - then, minutes) : predictions.before(minutes(then));
  };
  const hour = hourOf(timeZone);
  return (
    <>
      <Fact
        title={predictions.presence}
        sub={compared(day.presenceMinutes, before.presenceMinutes)}
      >
        {minutes(day.presenceMinutes)}
      </Fact>
      <Fact title={predictions.absence} sub={compared(day.absenceMinutes, before.absenceMinutes)}>
        {minutes(day.absenceMinutes)}
      </Fact>
      <Fact
        title={predictions.rate}
        sub={isOver ? rateCompared(day, before) : predictions.before(rate(before))}
      >
        {rate(day)}
      </Fact>
      <Fact title={predictions.mostActive} sub={predictions.before(hour(before.mostActiveHourMs))}>
        {hour(day.mostActiveHourMs)}
      </Fact>
    </>
  );
}

function Fact({ title, sub, children }: { title: string; sub: string; children: string }) {
  return (
    <Card title={title} span={3}>
      <div class="num">{children}</div>
      <div class="sub">{sub}</div>
    </Card>
  );
}

function difference(change: number, write: (size: number) => string): string {
  const { predictions } = texts;
  if (Math.abs(change) < 0.5) return predictions.same;
  return change > 0 ? predictions.more(write(change)) : predictions.less(write(-change));
}

function rate({ presenceRate }: Facts): string {
  return presenceRate === null
    ? texts.predictions.nothing
    : `${formatNumber(presenceRate * 100, 0)} %`;
}

function rateCompared(day: Facts, before: Facts): string {
  const { predictions } = texts;
  if (day.presenceRate === null || before.presenceRate === null) {
    return predictions.before(predictions.nothing);
  }
  const change = (day.presenceRate - before.presenceRate) * 100;
  return difference(change, (size) => predictions.points(formatNumber(size, 0)));
}

function hourOf(timeZone: string): (startMs: number | null) => string {
  const clock = clockOf(timeZone);
  return (startMs) =>
    startMs === null
      ? texts.predictions.nothing
      : `${clock(startMs)} – ${clock(startMs + HOUR_MS)}`;
}
