import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import { notThere } from "@/auth/refusals.ts";
import { Card } from "@/components/Card.tsx";
import { devicePath } from "@/components/devices/device_views.ts";
import { Empty } from "@/components/Empty.tsx";
import { SelectField } from "@/components/Form.tsx";
import { formatNumber } from "@/components/format.ts";
import { Notice } from "@/components/Notice.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import { LabelBars } from "@/components/predictions/LabelBars.tsx";
import { feedPath, presencePath } from "@/components/predictions/prediction_views.ts";
import { PredictionFeed, Score } from "@/components/predictions/PredictionTables.tsx";
import { PresenceFacts } from "@/components/predictions/PresenceFacts.tsx";
import { PresenceHours } from "@/components/predictions/PresenceHours.tsx";
import { Time } from "@/components/Time.tsx";
import { TimeChart } from "@/components/TimeChart.tsx";
import { zoneChoices } from "@/components/zones.ts";
import PredictionLive from "@/islands/PredictionLive.tsx";
import { PRESENT_LABELS, shiftDate } from "@/routes/api/presence.ts";
import { define, type PageState } from "@/routes/page_state.ts";
import { type PresenceView, readPresenceView } from "./(_parts)/presence_view.ts";

const ROWS_MAX = 10;

interface Data {
  device: string;
  view: PresenceView | null;
  here: string;
}

export const handler = define.handlers({
  async GET({ params, url, state }) {
    const { services, timeZone, nowMs } = state;
    const device = params.device!;
    const view = await readPresenceView(services, {
      ...{ device, timeZone, nowMs, date: url.searchParams.get("date") },
      presenceLabel: url.searchParams.get("label") || null,
    });
    const { auth, deviceWatch } = services;
    const isKnown = auth.devices.find(device) !== null || deviceWatch.via(device) !== null;
    if (view === null && !isKnown) throw notThere("device", device);
    return page<Data>({ device, view, here: url.pathname + url.search });
  },
});

export default define.page<typeof handler>(({ data: { device, view, here }, state }) => {
  const { predictions } = state.texts;
  return (
    <>
      <Head>
        <link rel="stylesheet" href={asset("/ui/predictions.css")} />
        <link rel="stylesheet" href={asset("/ui/charts.css")} />
      </Head>
      <PageHead
        title={predictions.of(device)}
        sub={view === null || view.label === "" ? undefined : <bdi>{view.label}</bdi>}
      >
        <a class="button" href={devicePath(device)}>{predictions.toDevice}</a>
      </PageHead>
      {view === null
        ? (
          <Empty title={predictions.noneOfDevice}>
            <p>{predictions.noneText}</p>
            <pre class="example" tabIndex={0}>{predictions.example}</pre>
          </Empty>
        )
        : <Presence view={view} here={here} state={state} />}
      <PredictionLive
        device={device}
        label={null}
        feeds
        rowsMax={ROWS_MAX}
        partsMs={5_000}
      />
    </>
  );
});

interface ViewProps {
  view: PresenceView;
  state: PageState;
}

function Presence({ view, here, state }: ViewProps & { here: string }) {
  const { texts: { predictions }, nowMs, timeZone } = state;
  const { device, recent, stuckResults, isBadDay } = view;
  return (
    <>
      {isBadDay && <Notice tone="warn">{predictions.badDay}</Notice>}
      {stuckResults !== null && (
        <Notice tone="warn">{device}: {predictions.stuckDevice(stuckResults)}</Notice>
      )}
      <div class="day-choice">
        <DayForm view={view} state={state} />
        <ZoneForm here={here} state={state} />
      </div>
      <Day view={view} state={state} />
      <div class="grid results">
        <div class="c4 newest-column">
          <Card title={predictions.now}>
            <Newest view={view} state={state} />
          </Card>
          <Card title={predictions.labels} sub={view.date}>
            <div data-part="labels">
              <LabelBars labels={view.dayLabels} filter={{ device }} />
            </div>
          </Card>
        </div>
        <Card
          title={predictions.feed}
          sub={predictions.feedLive}
          span={8}
          end={<a href={feedPath({ device })}>{predictions.allOf(device)}</a>}
        >
          <PredictionFeed rows={recent} nowMs={nowMs} timeZone={timeZone} />
        </Card>
      </div>
    </>
  );
}

function dayPath({ device, presenceLabel }: PresenceView, date: string): string {
  const query = new URLSearchParams({ date });
  if (presenceLabel !== null) query.set("label", presenceLabel);
  return `${presencePath(device)}?${query}`;
}

function DayForm({ view, state: { texts: { predictions } } }: ViewProps) {
  const { device, date, today, presenceLabel, labels } = view;
  const usual = predictions.presenceLabelAny(PRESENT_LABELS.join(", "));
  const choices = [...new Set([...labels, ...presenceLabel === null ? [] : [presenceLabel]])];
  return (
    <form method="get" action={presencePath(device)} class="form inline">
      <a class="button" href={dayPath(view, shiftDate(date, -1))}>{predictions.dayBefore}</a>
      <div class="field">
        <label for="field-date">{predictions.day}</label>
        <input id="field-date" type="date" name="date" value={date} max={today} required />
      </div>
      <SelectField
        name="label"
        label={predictions.presenceLabel}
        value={presenceLabel ?? ""}
        options={[
          { value: "", label: usual },
          ...choices.map((label) => ({ value: label, label: label.slice(0, 60) })),
        ]}
      />
      <button type="submit" class="button primary">{predictions.showDay}</button>
      {date < today && (
        <>
          <a class="button" href={dayPath(view, shiftDate(date, 1))}>{predictions.dayAfter}</a>
          <a class="button" href={dayPath(view, today)}>{predictions.today}</a>
        </>
      )}
    </form>
  );
}

function ZoneForm({ here, state: { texts: { predictions }, timeZone } }: {
  here: string;
  state: PageState;
}) {
  return (
    <form method="post" action="/appearance" class="form inline">
      <input type="hidden" name="back" value={here} />
      <SelectField
        name="time_zone"
        label={predictions.timeZone}
        value={timeZone}
        options={zoneChoices(timeZone).map((zone) => ({ value: zone, label: zone }))}
      />
      <button type="submit" class="button">{predictions.setTimeZone}</button>
    </form>
  );
}

/** The probability's axis is always all of it. */
const WHOLE = {
  from: 0,
  to: 1,
  ticks: [0, 0.25, 0.5, 0.75, 1].map((value) => ({ value, label: formatNumber(value, 2) })),
};

function Day({ view, state }: ViewProps) {
  const { texts: { predictions }, timeZone } = state;
  const { date, today, day, before, hours, probability, scores, startMs, endMs, gapMs } = view;
  if (day.observations === 0) {
    return (
      <div data-part="day">
        <Empty title={`${predictions.noDay}: ${date}`} />
      </div>
    );
  }
  const frame = { fromMs: startMs, toMs: endMs, gapMs, axis: WHOLE, timeZone };
  return (
    <div class="grid presence" data-part="day">
      <PresenceFacts {...{ day, before, timeZone }} isOver={date < today} />
      <Card title={predictions.probability} sub={predictions.observations(day.observations)}>
        <TimeChart
          {...frame}
          points={probability}
          label={predictions.probabilityLabel(date, meanOf(probability))}
        />
      </Card>
      <Card title={predictions.hours} span={6}>
        <PresenceHours date={date} hours={hours} timeZone={timeZone} />
        <p class="sub">{predictions.unobserved}</p>
      </Card>
      <Card title={predictions.scores} span={6}>
        <TimeChart
          {...frame}
          points={scores}
          series={4}
          height={150}
          label={predictions.scoresLabel(date, meanOf(scores))}
        />
      </Card>
    </div>
  );
}

function meanOf(points: readonly { value: number }[]): string {
  return formatNumber(points.reduce((sum, { value }) => sum + value, 0) / points.length, 2);
}

function Newest({ view: { newest, device }, state }: ViewProps) {
  const { texts: { predictions }, nowMs, timeZone } = state;
  if (newest === null) return <p class="sub">{predictions.nothing}</p>;
  const { label, score, avgScore, window, atMs } = newest;
  const average = avgScore === null
    ? null
    : window === null
    ? predictions.averageOnly(formatNumber(avgScore))
    : predictions.average(formatNumber(avgScore), formatNumber(window));
  return (
    <div class="newest" data-latest={device}>
      <p class="num">
        <bdi class="clipped" data-cell="label" title={label}>{label}</bdi>
      </p>
      <Score score={score} />
      <p class="sub">
        <Time {...{ atMs, nowMs, timeZone }} />
        {average !== null && ` · ${average}`}
      </p>
    </div>
  );
}
