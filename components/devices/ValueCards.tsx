/** Newest values of a device as cards; the island `DeviceLive` keeps them up to date. */
import { formatValue, measurementTitle, unitSymbol } from "@/components/format.ts";
import { Sparkline } from "@/components/Sparkline.tsx";
import { texts } from "@/components/texts.ts";
import { Time } from "@/components/Time.tsx";
import type { ChartedValue } from "@/components/devices/device_views.ts";

export interface CardValue extends ChartedValue {
  flags: readonly string[];
  /** Of the last 24 hours; null without any. */
  min: number | null;
  max: number | null;
}

export interface ValueCardsProps {
  device: string;
  values: readonly CardValue[];
  nowMs: number;
  timeZone: string;
  /** Of the small charts. */
  fromMs: number;
  gapMs: number;
  /** What the small charts show, in words. */
  windowTitle: string;
  /** Silence after which a value is late. */
  lateMs: number;
}

export function ValueCards(props: ValueCardsProps) {
  const { values } = props;
  if (values.length === 0) return <p class="sub">{texts.devices.noValues}</p>;
  return (
    <div class="grid">
      {values.map((value, i) => (
        <ValueCard key={value.measurement} {...props} value={value} place={i} />
      ))}
    </div>
  );
}

type CardProps = ValueCardsProps & { value: CardValue; place: number };

function ValueCard(props: CardProps) {
  const { device, value: shown, place, nowMs, lateMs, timeZone, windowTitle } = props;
  const { measurement, unit, value, atMs, min, max, points } = shown;
  const { devices } = texts;
  const isLate = nowMs - atMs > lateMs;
  const [tone, state] = stateOf(shown.flags, isLate);
  const title = measurementTitle(measurement);
  return (
    <section class={`card c3 value-card ${isLate ? "late" : ""}`} data-ok={devices.value.ok}>
      <div class="card-head">
        <h3>{title}</h3>
        <span class="card-end">
          <span class={`tag ${tone}`}>{state}</span>
        </span>
      </div>
      <div class="num">
        <span data-live={`${device}/${measurement}`} data-at={atMs}>{formatValue(value)}</span>
        {unit !== null && <small>{unitSymbol(unit)}</small>}
      </div>
      {points.length === 0 ? <div class="no-line" /> : (
        <Sparkline
          points={points}
          fromMs={props.fromMs}
          toMs={nowMs}
          gapMs={props.gapMs}
          label={`${title}, ${windowTitle}`}
          series={(place % 6 + 1) as 1 | 2 | 3 | 4 | 5 | 6}
        />
      )}
      <div class="sub">
        <Time atMs={atMs} nowMs={nowMs} timeZone={timeZone} />
        {min !== null && max !== null &&
          ` · ${devices.value.day} ${formatValue(min)} – ${formatValue(max)}`}
      </div>
    </section>
  );
}

function stateOf(flags: readonly string[], isLate: boolean): [tone: string, text: string] {
  const { value } = texts.devices;
  if (flags.includes("implausible")) return ["warn", value.implausible];
  if (flags.includes("ts_future")) return ["warn", value.future];
  return isLate ? ["idle", value.late] : ["ok", value.ok];
}
