/** What a message means: its readings, predictions and attributes as tables. */
import type { ComponentChildren } from "preact";
import { formatTime, formatValue, unitSymbol } from "@/components/format.ts";
import { visible } from "@/components/payload_text.ts";
import { Table } from "@/components/Table.tsx";
import { Tag } from "@/components/Tag.tsx";
import type { Texts } from "@/components/texts.ts";
import type { Instant } from "@/model/message.ts";
import type { Normalized } from "@/model/reading.ts";

export interface MeaningProps {
  normalized: Normalized;
  texts: Texts;
  /** IANA name. */
  timeZone: string;
  /** Which one, where a page shows several. */
  title?: string;
}

export function Meaning(props: MeaningProps) {
  const { normalized, texts } = props;
  const { readings, predictions, attributes } = normalized;
  const { journey } = texts.delivery;
  if (readings.length + predictions.length + attributes.length === 0) {
    return <p>{journey.nothing}</p>;
  }
  // one message has one event time
  const { at } = [...readings, ...predictions, ...attributes][0]!;
  return (
    <div class="meaning">
      <p class="sub">{journey.columns.at} {timeOf(at, props.timeZone)}</p>
      {readings.length > 0 && <Readings {...props} />}
      {predictions.length > 0 && <Predictions {...props} />}
      {attributes.length > 0 && <Attributes {...props} />}
    </div>
  );
}

function Readings({ normalized: { readings }, texts, title }: MeaningProps) {
  const { readings: kind, columns } = texts.delivery.journey;
  const value = { title: columns.value, numeric: true };
  return (
    <Table
      caption={captionOf(kind, title)}
      columns={[columns.device, columns.measurement, value, columns.flags]}
    >
      {readings.map((reading, i) => (
        <tr key={i}>
          <td>
            <DeviceLink device={reading.device} />
          </td>
          <td>{visible(reading.measurement)}</td>
          <td class="n nowrap" title={String(reading.value)}>
            {formatValue(reading.value)} {visible(unitSymbol(reading.unit))}
          </td>
          <td>
            <Flags flags={reading.flags} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Predictions({ normalized: { predictions }, texts, title }: MeaningProps) {
  const { predictions: kind, columns } = texts.delivery.journey;
  const numeric = (text: string) => ({ title: text, numeric: true });
  return (
    <Table
      caption={captionOf(kind, title)}
      columns={[
        columns.device,
        columns.label,
        numeric(columns.score),
        numeric(columns.average),
        columns.model,
        columns.flags,
      ]}
    >
      {predictions.map((prediction, i) => (
        <tr key={i}>
          <td>
            <DeviceLink device={prediction.device} />
          </td>
          <td>{visible(prediction.label)}</td>
          <td class="n">{formatValue(prediction.score)}</td>
          <td class="n">
            {prediction.avgScore === null ? "–" : formatValue(prediction.avgScore)}
          </td>
          <td>{visible(prediction.model ?? "–")}</td>
          <td>
            <Flags flags={prediction.flags} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Attributes({ normalized: { attributes }, texts, title }: MeaningProps) {
  const { attributes: kind, columns } = texts.delivery.journey;
  return (
    <Table
      caption={captionOf(kind, title)}
      columns={[columns.device, columns.name, columns.value]}
    >
      {attributes.map((attribute, i) => (
        <tr key={i}>
          <td>
            <DeviceLink device={attribute.device} />
          </td>
          <td>{visible(attribute.name)}</td>
          <td>{visible(attribute.value.slice(0, 500))}</td>
        </tr>
      ))}
    </Table>
  );
}

function captionOf(kind: string, title: string | undefined): string {
  return title === undefined ? kind : `${title}: ${kind}`;
}

export function DeviceLink({ device }: { device: string }): ComponentChildren {
  return <a href={`/devices/${encodeURIComponent(device)}`}>{visible(device)}</a>;
}

function Flags({ flags }: { flags: readonly string[] }) {
  return (
    <>
      {flags.map((flag) => <Tag key={flag} tone="warn">{flag.replaceAll("_", " ")}</Tag>)}
    </>
  );
}

function timeOf({ us }: Instant, timeZone: string): string {
  return formatTime(us / 1000, timeZone);
}
