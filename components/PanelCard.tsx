/** One panel of a dashboard: the same markup on the server and in the browser. */
import type { FunctionComponent } from "preact";
import { Card } from "@/components/Card.tsx";
import { ChartPicture, type ChartProps } from "@/components/ChartPicture.tsx";
import { formatDuration, formatValue, THIN_SPACE } from "@/components/format.ts";
import { GaugePicture } from "@/components/GaugePicture.tsx";
import { isLate, type ShownState, shownState } from "@/components/panel_state.ts";
import type { PanelFrame } from "@/components/panel_words.ts";
import { Sparkline } from "@/components/Sparkline.tsx";
import { StateTimeline } from "@/components/StateTimeline.tsx";
import { Tag } from "@/components/Tag.tsx";
import { Time } from "@/components/Time.tsx";
import { DAY_MS, gapAfter } from "@/model/chart_steps.ts";
import type { DashboardView, PanelView, SeriesView } from "@/model/dashboard_view.ts";
import { Table } from "@/components/Table.tsx";

export interface PanelGridProps {
  view: DashboardView;
  frame: PanelFrame;
  /** Draws charts; a picture without it. */
  Chart?: FunctionComponent<ChartProps>;
}

export function PanelGrid({ view, frame, Chart = ChartPicture }: PanelGridProps) {
  return (
    <div class="grid panels">
      {numberedTitles(view.panels).map((panel, i) => (
        <PanelCard key={i} {...{ panel, frame, Chart, i }} title={view.panels[i]!.title} />
      ))}
    </div>
  );
}

/** Panels of one title get a number, for who moves from heading to heading. */
function numberedTitles(panels: readonly PanelView[]): PanelView[] {
  const seen = new Map<string, number>();
  return panels.map((panel) => {
    const n = (seen.get(panel.title) ?? 0) + 1;
    seen.set(panel.title, n);
    return n === 1 ? panel : { ...panel, title: `${panel.title} ${n}` };
  });
}

type PanelCardProps = Required<Pick<PanelGridProps, "frame" | "Chart">> & {
  /** Its title may have a number at its end. */
  panel: PanelView;
  title: string;
  i: number;
};

function PanelCard({ panel, title, frame, Chart, i }: PanelCardProps) {
  const first = panel.series[0]!;
  const single = panel.kind === "stat" || panel.kind === "gauge";
  const isKnown = panel.series.some(({ known }) => known);
  const state = single && isKnown ? shownState(panel, first, frame) : null;
  const end = state === null
    ? single || !isKnown ? undefined : <Legend panel={panel} />
    : <Tag tone={state.tone}>{state.text}</Tag>;
  return (
    <Card
      title={<PanelTitle {...{ panel, title }} />}
      id={`panel-${i}`}
      span={panel.width}
      end={end}
    >
      {isKnown
        ? <PanelBody {...{ panel, frame, Chart, state }} />
        : <Unknown panel={panel} frame={frame} />}
      {panel.note !== null && <p class="sub panel-note">{panel.note}</p>}
    </Card>
  );
}

/** The place is kept: what comes later must not push other panels away. */
function Unknown({ panel, frame: { words } }: { panel: PanelView; frame: PanelFrame }) {
  const names = [...new Set(panel.series.map(({ device }) => device))].join(", ");
  return (
    <div class={`unknown ${panel.kind}`}>
      {(panel.kind === "stat" || panel.kind === "gauge") && <div class="num late">–</div>}
      <p class="sub">{`${words.never} ${names}`}</p>
    </div>
  );
}

function PanelTitle({ panel, title }: Pick<PanelCardProps, "panel" | "title">) {
  const number = panel.title.slice(title.length);
  return number === "" ? title : (
    <>
      {title}
      <span class="visually-hidden">{number}</span>
    </>
  );
}

function PanelBody(
  { panel, frame, Chart, state }: Pick<PanelCardProps, "panel" | "frame" | "Chart"> & {
    state: ShownState | null;
  },
) {
  switch (panel.kind) {
    case "stat":
      return <StatBody {...{ panel, frame, state }} />;
    case "gauge":
      return <GaugeBody {...{ panel, frame, state }} />;
    case "table":
      return <TableBody {...{ panel, frame }} />;
    case "state_timeline":
      return <StateTimeline {...{ panel, frame }} />;
    case "time_series":
    case "bar":
      return (
        <>
          <div class="chart" role="img" aria-label={chartLabel(panel, frame)}>
            <Chart panel={panel} frame={frame} />
          </div>
          <Numbers {...{ panel, frame }} />
        </>
      );
  }
}

interface BodyProps {
  panel: PanelView;
  frame: PanelFrame;
}

type SingleProps = BodyProps & { state: ShownState | null };

function StatBody({ panel, frame, state }: SingleProps) {
  const series = panel.series[0]!;
  const { spark } = series;
  const { nowMs, words } = frame;
  return (
    <>
      <HeroNumber {...{ panel, frame, state }} />
      {spark !== null && (
        <Sparkline
          points={spark.value.flatMap((value, i) =>
            value === null ? [] : [{ atMs: spark.firstMs + i * spark.stepMs, value }]
          )}
          fromMs={nowMs - DAY_MS}
          toMs={nowMs}
          gapMs={gapAfter(series.intervalMs, spark.stepMs)}
          label={`${panel.title}, ${words.day}`}
          series={series.colour as 1}
        />
      )}
      <Underline {...{ panel, frame }} />
    </>
  );
}

function GaugeBody({ panel, frame, state }: SingleProps) {
  const series = panel.series[0]!;
  const text = valueText(series);
  return (
    <div class="gauge-box">
      <GaugePicture
        value={series.value}
        min={panel.min ?? 0}
        max={panel.max ?? 1}
        thresholds={panel.thresholds}
        label={[`${panel.title} ${text}`, state?.text].filter(Boolean).join(", ")}
      />
      <HeroNumber {...{ panel, frame, state }} />
      <Underline {...{ panel, frame }} />
    </div>
  );
}

/** The value in the colour of its state; grey when it is old. */
function HeroNumber({ panel, frame, state }: SingleProps) {
  const series = panel.series[0]!;
  const late = isLate(series, frame.nowMs);
  const tone = late ? "late" : state?.tone === "warn" || state?.tone === "bad" ? state.tone : "";
  const { value, unit } = series;
  return (
    <div class={`num ${tone}`} key={`${panel.title} value`}>
      {value === null ? "–" : formatValue(value)}
      {unit !== "" && <small>{unit}</small>}
    </div>
  );
}

function Underline({ panel, frame }: BodyProps) {
  const { nowMs, timeZone, words, range } = frame;
  const series = panel.series[0]!;
  const { latest, day, value } = series;
  if (latest === null) return <div class="sub">{words.noData}</div>;
  const age = <Time atMs={latest.atMs} nowMs={nowMs} timeZone={timeZone} />;
  if (isLate(series, nowMs)) {
    return (
      <div class="sub">{words.noValueSince} {formatDuration(nowMs - latest.atMs)} · {age}</div>
    );
  }
  if (panel.aggregation !== "last") {
    const why = value === null ? words.nothingCounted : range;
    return <div class="sub">{why} · {age}</div>;
  }
  const ends = day === null
    ? ""
    : ` · ${words.day} ${formatValue(day.min)}${THIN_SPACE}–${THIN_SPACE}${formatValue(day.max)}`;
  return <div class="sub">{age}{ends}</div>;
}

function valueText({ value, unit }: SeriesView): string {
  if (value === null) return "–";
  return unit === "" ? formatValue(value) : `${formatValue(value)}${THIN_SPACE}${unit}`;
}

function Legend({ panel }: { panel: PanelView }) {
  if (panel.kind === "table" || panel.kind === "state_timeline") return null;
  return (
    <span class="legend">
      {panel.series.map((series, i) => (
        <span key={i} class={`legend-entry s${series.colour}`}>
          <i aria-hidden="true" class={`dash${Math.floor(i / 3)}`} />
          {series.label} <b data-series={i}>{valueText(series)}</b>
        </span>
      ))}
    </span>
  );
}

function chartLabel({ title, series }: PanelView, { range }: PanelFrame): string {
  const values = series.map((each) => `${each.label} ${valueText(each)}`);
  return `${title}, ${range}: ${values.join(", ")}`;
}

/** The chart in numbers, for who cannot or does not want to read lines. */
function Numbers({ panel, frame }: BodyProps) {
  return (
    <details class="numbers">
      <summary>{frame.words.table}</summary>
      <TableBody {...{ panel, frame }} />
    </details>
  );
}

function TableBody({ panel, frame }: BodyProps) {
  const { words, nowMs, timeZone } = frame;
  const numeric = [words.now, words.min, words.mean, words.max]
    .map((title) => ({ title, numeric: true }));
  return (
    <Table
      caption={`${panel.title}, ${frame.range}`}
      columns={[words.device, words.measurement, ...numeric, words.seen, words.state]}
    >
      {panel.series.map((series, i) => {
        const state = shownState(panel, series, frame);
        const { window } = series;
        const ends = [window?.min, window?.mean, window?.max];
        return (
          <tr key={i}>
            <td>{series.device}</td>
            <td>{series.measurement}</td>
            <td class="n nowrap">{valueText(series)}</td>
            {ends.map((value, j) => (
              <td key={j} class="n nowrap">{value === undefined ? "–" : formatValue(value)}</td>
            ))}
            <td class="nowrap">
              {series.latest === null
                ? "–"
                : <Time atMs={series.latest.atMs} nowMs={nowMs} timeZone={timeZone} />}
            </td>
            <td>{state !== null && <Tag tone={state.tone}>{state.text}</Tag>}</td>
          </tr>
        );
      })}
    </Table>
  );
}
