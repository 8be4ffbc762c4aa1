/** Presence of a day hour by hour: bars, and the same as a table. */
import { formatDuration, formatNumber } from "@/components/format.ts";
import { Table } from "@/components/Table.tsx";
import { texts } from "@/components/texts.ts";

export interface PresenceHour {
  startMs: number;
  endMs: number;
  /** Minutes. */
  presenceMinutes: number;
  absenceMinutes: number;
  /** 0…1; null without observations. */
  probability: number | null;
}

export interface PresenceHoursProps {
  date: string;
  hours: readonly PresenceHour[];
  timeZone: string;
}

const HEIGHT = 130;
const WORDS_HEIGHT = 20;
const HOUR_MINUTES = 60;
const WORD_EVERY_HOURS = 3;

export function PresenceHours({ date, hours, timeZone }: PresenceHoursProps) {
  const { predictions } = texts;
  const clock = clockOf(timeZone);
  const present = hours.filter(({ presenceMinutes }) => presenceMinutes > 0);
  const words = present.map((hour) => `${clock(hour.startMs)} ${minutes(hour.presenceMinutes)}`);
  const label = predictions.hoursLabel(date, words.join(", ") || predictions.nothing);
  return (
    <>
      <svg class="hours" height={HEIGHT} role="img" aria-label={label}>
        {hours.map((hour, i) => (
          <HourBar key={hour.startMs} hour={hour} place={i} of={hours.length} clock={clock} />
        ))}
      </svg>
      <details>
        <summary>{predictions.asTable}</summary>
        <HourTable hours={hours} clock={clock} />
      </details>
    </>
  );
}

function HourBar(
  { hour, place, of, clock }: {
    hour: PresenceHour;
    place: number;
    of: number;
    clock: (atMs: number) => string;
  },
) {
  const { startMs, endMs, presenceMinutes, absenceMinutes } = hour;
  const full = HEIGHT - WORDS_HEIGHT;
  const tall = (length: number) => length / HOUR_MINUTES * full;
  const [presence, absence] = [tall(presenceMinutes), tall(absenceMinutes)];
  const across = { x: percent((place + 0.12) / of), width: percent(0.76 / of) };
  return (
    <g>
      <title>
        {texts.predictions.hour(
          clock(startMs),
          clock(endMs),
          minutes(presenceMinutes),
          minutes(absenceMinutes),
        )}
      </title>
      <rect class="unseen" {...across} y="0" height={full} rx="2" />
      {absence > 0 && (
        <rect class="absence" {...across} y={full - presence - absence} height={absence} rx="2" />
      )}
      {presence > 0 && (
        <rect class="presence" {...across} y={full - presence} height={presence} rx="2" />
      )}
      {place % WORD_EVERY_HOURS === 0 && (
        <text class="axis-word" x={percent((place + 0.12) / of)} y={HEIGHT - 5}>
          {clock(startMs)}
        </text>
      )}
    </g>
  );
}

function HourTable(
  { hours, clock }: { hours: readonly PresenceHour[]; clock: (atMs: number) => string },
) {
  const { hourColumns, nothing, hours: caption } = texts.predictions;
  return (
    <Table
      caption={caption}
      columns={[
        hourColumns.hour,
        { title: hourColumns.presence, numeric: true },
        { title: hourColumns.absence, numeric: true },
        { title: hourColumns.probability, numeric: true },
      ]}
    >
      {hours.map(({ startMs, endMs, presenceMinutes, absenceMinutes, probability }) => (
        <tr key={startMs}>
          <td class="nowrap">{clock(startMs)} – {clock(endMs)}</td>
          <td class="n">{minutes(presenceMinutes)}</td>
          <td class="n">{minutes(absenceMinutes)}</td>
          <td class="n">{probability === null ? nothing : formatNumber(probability, 2)}</td>
        </tr>
      ))}
    </Table>
  );
}

/** `14:00` in a zone. */
export function clockOf(timeZone: string): (atMs: number) => string {
  const format = new Intl.DateTimeFormat("en-GB", {
    ...{ timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  });
  return (atMs) => format.format(atMs);
}

/** Whole minutes: `3 h 12 min`. */
export function minutes(count: number): string {
  return count < 0.5 ? `0 ${texts.predictions.minute}` : formatDuration(Math.round(count) * 60_000);
}

function percent(share: number): string {
  return `${Math.round(share * 10_000) / 100}%`;
}
