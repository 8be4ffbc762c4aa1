import battery from "lucide/battery-medium.mjs";
import signal from "lucide/signal.mjs";
import { DeviceTag } from "@/components/devices/DeviceTag.tsx";
import {
  type ChartedValue,
  devicePath,
  type DeviceRow,
  type ShownValue,
} from "@/components/devices/device_views.ts";
import {
  formatNumber,
  formatValue,
  measurementTitle,
  THIN_SPACE,
  unitSymbol,
} from "@/components/format.ts";
import { Icon, type IconData } from "@/components/Icon.tsx";
import { Sparkline } from "@/components/Sparkline.tsx";
import { texts } from "@/components/texts.ts";
import { Time } from "@/components/Time.tsx";
import { lateAfterMs } from "@/model/device_status.ts";

export interface DeviceListProps {
  rows: readonly DeviceRow[];
  fromMs: number;
  nowMs: number;
  timeZone: string;
}

/** One line for each device; the island `DeviceLive` keeps values, ages and tags up to date. */
export function DeviceList(props: DeviceListProps) {
  return (
    <ul class="device-list" aria-label={texts.devices.list}>
      {props.rows.map((row) => <DeviceLine key={row.id} row={row} {...props} />)}
    </ul>
  );
}

function DeviceLine({ row, ...frame }: DeviceListProps & { row: DeviceRow }) {
  const { id, status, signs, values, prediction, receives, health, more } = row;
  return (
    <li class={`card device ${status}`}>
      <Name row={row} />
      <div class="device-state">
        <DeviceTag id={id} status={status} />
        <span class="sub" data-seen={id}>
          {signs.lastSeenMs === null
            ? texts.devices.never
            : <Time atMs={signs.lastSeenMs} {...frame} />}
        </span>
      </div>
      <div class="device-values">
        {values.map((value, i) => (
          <Value
            key={value.measurement}
            id={id}
            value={value}
            series={i + 1}
            row={row}
            {...frame}
          />
        ))}
        {prediction !== null && <LastPrediction of={prediction} />}
        {receives > 0 && values.length === 0 && (
          <span class="sub">{texts.devices.receives(receives)}</span>
        )}
        {more > 0 && <a class="sub" href={devicePath(id)}>{`+${more}`}</a>}
      </div>
      <div class="device-health sub">
        {health.map((each) => <Health key={each.measurement} id={id} of={each} />)}
      </div>
      <StuckNote row={row} />
    </li>
  );
}

function LastPrediction({ of: { label, score } }: { of: { label: string; score: number } }) {
  return (
    <div class="device-value">
      <span class="sub">{texts.devices.prediction}</span>
      <span class="device-number">
        <bdi class="clipped">
          <b>{label}</b>
        </bdi>{" "}
        <small>{formatNumber(score, 2)}</small>
      </span>
    </div>
  );
}

function StuckNote({ row: { signs, status } }: { row: DeviceRow }) {
  const [longest] = signs.stuck;
  if (longest === undefined || status !== "stuck") return null;
  const { measurement, results } = longest;
  const name = measurement === null ? texts.devices.score : measurementTitle(measurement);
  return <p class="device-note">{texts.devices.stuckValue(name, results)}</p>;
}

function Name({ row: { id, label, registered, disabled, via } }: { row: DeviceRow }) {
  const { devices } = texts;
  const marks = [
    ...via === null ? [] : [devices.via(via)],
    ...disabled ? [devices.disabled] : [],
    ...registered || via !== null ? [] : [devices.unregistered],
  ];
  return (
    <div class="device-name">
      <a href={devicePath(id)}>{id}</a>
      {label !== "" && <bdi class="device-label">{label}</bdi>}
      {marks.length > 0 && <span class="sub">{marks.join(" · ")}</span>}
    </div>
  );
}

function Value(
  { id, value: shown, series, row, fromMs, nowMs }: DeviceListProps & {
    id: string;
    value: ChartedValue;
    series: number;
    row: DeviceRow;
  },
) {
  const { measurement, value, unit, points } = shown;
  const title = measurementTitle(measurement);
  const gapMs = lateAfterMs(Math.max(row.signs.typicalIntervalMs ?? 0, 120_000));
  return (
    <div class="device-value">
      <span class="sub">{title}</span>
      <span class="device-number">
        <b data-live={`${id}/${measurement}`} data-at={shown.atMs}>{formatValue(value)}</b>
        {unit !== null && <small>{THIN_SPACE + unitSymbol(unit)}</small>}
      </span>
      {points.length > 0 && (
        <Sparkline
          points={points}
          fromMs={fromMs}
          toMs={nowMs}
          gapMs={gapMs}
          label={texts.devices.sparkline(title)}
          series={series === 2 ? 3 : 1}
        />
      )}
    </div>
  );
}

function Health({ id, of: { measurement, value, unit, atMs } }: { id: string; of: ShownValue }) {
  const isCharge = measurement.includes("battery");
  const label = isCharge ? texts.devices.battery : texts.devices.signal;
  return (
    <span class="device-sign" title={measurementTitle(measurement)}>
      <Icon of={(isCharge ? battery : signal) as IconData} label={label} />
      <span>
        <span data-live={`${id}/${measurement}`} data-at={atMs}>{formatValue(value)}</span>
        {unit !== null && THIN_SPACE + unitSymbol(unit)}
      </span>
    </span>
  );
}
