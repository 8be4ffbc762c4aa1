import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import { Card } from "@/components/Card.tsx";
import { Empty } from "@/components/Empty.tsx";
import { Field } from "@/components/Form.tsx";
import { Notice } from "@/components/Notice.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import { LabelBars } from "@/components/predictions/LabelBars.tsx";
import {
  feedPath,
  type LabelCount,
  type LatestOfDevice,
  presencePath,
  type ShownPrediction,
} from "@/components/predictions/prediction_views.ts";
import { LatestPredictions, PredictionFeed } from "@/components/predictions/PredictionTables.tsx";
import { Segments } from "@/components/Segments.tsx";
import { Pager } from "@/components/Table.tsx";
import type { Texts } from "@/components/texts.ts";
import PredictionLive from "@/islands/PredictionLive.tsx";
import { define, type PageState } from "@/routes/page_state.ts";
import { shownPrediction, stuckResults } from "./(_parts)/shown_predictions.ts";

const ROWS_MAX = 30;
const LATEST_MAX = 15;
const CHOICES_MAX = 100;
const NAME_CHARS_MAX = 200;

type WindowName = keyof Texts["predictions"]["windows"];
const WINDOWS_MS: Record<WindowName, number> = {
  "1h": 3_600_000,
  "24h": 86_400_000,
  "7d": 7 * 86_400_000,
};

interface PredictionsData {
  device: string | null;
  label: string | null;
  window: WindowName;
  cursor: string | null;
  next: string | null;
  rows: ShownPrediction[];
  latest: LatestOfDevice[];
  labels: LabelCount[];
}

export const handler = define.handlers({
  async GET({ url, state }) {
    return page<PredictionsData>(await readPredictions(state, url));
  },
});

async function readPredictions(
  { services, nowMs }: PageState,
  url: URL,
): Promise<PredictionsData> {
  const { store } = services;
  const asked = (name: string) =>
    (url.searchParams.get(name) ?? "").trim().slice(0, NAME_CHARS_MAX) || null;
  const [device, label, cursor] = [asked("device"), asked("label"), asked("cursor")];
  const window = asked("window");
  const shownWindow = window !== null && Object.hasOwn(WINDOWS_MS, window)
    ? window as WindowName
    : "24h";
  const only = { device: device ?? undefined, label: label ?? undefined };
  const [feed, latest, labels] = await Promise.all([
    store.query("predictions.list", {
      ...{ ...only, limit: ROWS_MAX, cursor: cursor ?? undefined },
    }),
    store.query("predictions.latest", {}),
    store.query("predictions.labels", {
      device: only.device,
      fromUs: (nowMs - WINDOWS_MS[shownWindow]) * 1000,
      toUs: nowMs * 1000 + 1,
    }),
  ]);
  return {
    ...{ device, label, cursor, window: shownWindow, labels, next: feed.cursor },
    rows: feed.items.map(shownPrediction),
    latest: latest.map((row) => ({
      ...shownPrediction(row),
      stuckResults: stuckResults(services, row.device),
    })).sort(byUrgency),
  };
}

/** Stuck ones first, then the newest. */
function byUrgency(a: LatestOfDevice, b: LatestOfDevice): number {
  const stuck = Number(b.stuckResults !== null) - Number(a.stuckResults !== null);
  return stuck === 0 ? b.atMs - a.atMs : stuck;
}

export default define.page<typeof handler>(({ data, state }) => {
  const { texts: { nav, predictions } } = state;
  const { latest, device, label, cursor } = data;
  return (
    <>
      <Head>
        <link rel="stylesheet" href={asset("/ui/predictions.css")} />
      </Head>
      <PageHead title={nav.predictions} sub={predictions.devices(latest.length)} />
      {latest.length === 0
        ? (
          <div data-part="all">
            <Empty title={predictions.noneTitle}>
              <p>{predictions.noneText}</p>
              <pre class="example" tabIndex={0}>{predictions.example}</pre>
            </Empty>
          </div>
        )
        : <Predictions data={data} state={state} />}
      <PredictionLive
        {...{ device, label }}
        feeds={cursor === null}
        rowsMax={ROWS_MAX}
        partsMs={15_000}
      />
    </>
  );
});

function Predictions({ data, state }: { data: PredictionsData; state: PageState }) {
  const { texts, nowMs, timeZone } = state;
  const { predictions } = texts;
  const { latest, labels, window } = data;
  const moment = { nowMs, timeZone };
  const shown = latest.slice(0, LATEST_MAX);
  const windows = (Object.keys(WINDOWS_MS) as WindowName[]).map((value) => ({
    value,
    label: predictions.windows[value],
    href: feedPath({ device: data.device, label: data.label, window: value }),
  }));
  const sub = latest.length > shown.length
    ? predictions.latestMore(shown.length, latest.length)
    : undefined;
  return (
    <div data-part="all">
      <div data-part="stuck">
        <StuckNotices latest={latest} texts={texts} />
      </div>
      <div class="grid" data-part="now">
        <Card title={predictions.latest} sub={sub} span={8}>
          <LatestPredictions rows={shown} {...moment} />
        </Card>
        <Card
          title={predictions.labels}
          span={4}
          end={<Segments label={predictions.labelsWindow} options={windows} current={window} />}
        >
          <LabelBars labels={labels} filter={{ device: data.device, window }} />
        </Card>
      </div>
      <div class="grid results">
        <Feed data={data} state={state} />
      </div>
    </div>
  );
}

function StuckNotices(
  { latest, texts: { predictions } }: { latest: readonly LatestOfDevice[]; texts: Texts },
) {
  const stuck = latest.filter(({ stuckResults }) => stuckResults !== null);
  if (stuck.length === 0) return null;
  return (
    <Notice tone="warn">
      {stuck.slice(0, 5).map(({ device, stuckResults }) => (
        <p key={device}>
          <a href={presencePath(device)}>{device}</a>: {predictions.stuckDevice(stuckResults!)}
        </p>
      ))}
    </Notice>
  );
}

function Feed({ data, state }: { data: PredictionsData; state: PageState }) {
  const { texts: { predictions, common }, nowMs, timeZone } = state;
  const { rows, cursor, next, device, label, window } = data;
  const filter = { device, label, window };
  return (
    <Card title={predictions.feed} sub={cursor === null ? predictions.feedLive : undefined}>
      <FilterForm data={data} state={state} />
      {rows.length === 0
        ? (
          <div data-part="feed">
            <Empty title={predictions.feedNone}>
              <a class="button" href="/predictions">{predictions.feedAll}</a>
            </Empty>
          </div>
        )
        : <PredictionFeed rows={rows} nowMs={nowMs} timeZone={timeZone} />}
      <Pager
        next={next === null ? null : feedPath({ ...filter, cursor: next })}
        first={cursor === null ? null : feedPath(filter)}
        labels={common}
      />
    </Card>
  );
}

function FilterForm({ data, state }: { data: PredictionsData; state: PageState }) {
  const { texts: { predictions, common } } = state;
  const { device, label, window, latest, labels } = data;
  const options = (names: readonly string[]) =>
    names.slice(0, CHOICES_MAX).map((name) => <option key={name} value={name} />);
  return (
    <form method="get" action="/predictions" class="form inline feed-filter">
      <input type="hidden" name="window" value={window} />
      <Field name="device" label={predictions.device} value={device ?? ""} list="known-devices" />
      <Field name="label" label={predictions.label} value={label ?? ""} list="known-labels" />
      <datalist id="known-devices">
        {options(latest.map((row) => row.device).sort())}
      </datalist>
      <datalist id="known-labels">{options(labels.map((row) => row.label))}</datalist>
      <button type="submit" class="button">{common.filter}</button>
      {(device !== null || label !== null) && (
        <a class="button" href={feedPath({ window })}>{predictions.feedAll}</a>
      )}
    </form>
  );
}
