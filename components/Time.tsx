import { formatAge, formatTime } from "@/components/format_moment.ts";

export interface TimeProps {
  /** ms since 1970. */
  atMs: number;
  nowMs: number;
  /** IANA name for the absolute time in the title. */
  timeZone: string;
}

/** A moment, relative in the text and absolute on hover; `LiveBar` keeps the text up to date. */
export function Time({ atMs, nowMs, timeZone }: TimeProps) {
  const isDate = Number.isFinite(atMs) && Math.abs(atMs) <= 8.64e15;
  if (!isDate) return <span>–</span>;
  return (
    <time
      dateTime={new Date(atMs).toISOString()}
      title={formatTime(atMs, timeZone)}
      data-age={atMs}
    >
      {formatAge(atMs, nowMs)}
    </time>
  );
}
