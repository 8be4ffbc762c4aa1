/** The page of one dashboard, for `/` and `/dashboards/:id`. */
import { asset, Head } from "fresh/runtime";
import { hasRole } from "@/auth/route_policy.ts";
import { DoneNotice } from "@/components/DoneNotice.tsx";
import { Empty } from "@/components/Empty.tsx";
import { PostForm } from "@/components/Form.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import { Segments } from "@/components/Segments.tsx";
import DashboardBoard from "@/islands/DashboardBoard.tsx";
import FlowLive from "@/islands/FlowLive.tsx";
import { ALL_DEVICES_ID, devicesOf } from "@/model/built_in_dashboards.ts";
import {
  type Range,
  RANGE_MS,
  RANGES,
  type Refresh,
  REFRESH_MS,
  REFRESHES,
} from "@/model/chart_steps.ts";
import type { DeliveryView } from "@/model/live_events.ts";
import type { DashboardView } from "@/model/dashboard_view.ts";
import type { BookEntry, DashboardBook, ListedDashboard } from "@/routes/dashboard_book.ts";
import { firstPoints, rangeWindow, readView } from "@/routes/dashboard_data.ts";
import type { PageState } from "@/routes/page_state.ts";

export interface DashboardPageData {
  entry: BookEntry;
  list: readonly ListedDashboard[];
  view: DashboardView;
  range: Range;
  refresh: Refresh;
  /** The flow picture above the panels, on the first page. */
  flow?: DeliveryView;
}

/** Of the three devices of a LoRa packet, ready to be pasted. */
const PACKET = `mosquitto_pub -q 1 -t gateways/N2/packet -m '{"ts":194500,"id":"N2",` +
  `"n1":{"t":28.3,"h":52.6,"g":461235},"n2":{"t":27.8,"h":48.8},` +
  `"sig":{"rssi":-32,"snr":12},"sts":{"rx":1,"err":0}}'`;

const TABS_MAX = 8;

/** Reads what the page shows; unknown words in the query are the defaults. */
export async function readDashboardPage(
  { services: { store }, nowMs }: PageState,
  url: URL,
  { book, entry }: { book: DashboardBook; entry: BookEntry },
): Promise<DashboardPageData> {
  const range = RANGES.find((each) => each === url.searchParams.get("range")) ?? "1h";
  const refresh = REFRESHES.find((each) => each === url.searchParams.get("refresh")) ?? "live";
  const pointsMax = firstPoints(entry.dashboard);
  const options = { ...rangeWindow(nowMs, RANGE_MS[range]), pointsMax };
  const view = await readView(store, entry.dashboard, options);
  return { entry, list: book.list, view, range, refresh };
}

interface DashboardPageProps {
  data: DashboardPageData;
  state: PageState;
  url: URL;
}

export function DashboardStyle() {
  return (
    <Head>
      <link rel="stylesheet" href={asset("/ui/dashboard.css")} />
    </Head>
  );
}

export function DashboardPage({ data, state, url }: DashboardPageProps) {
  const { entry, view, range, refresh } = data;
  const { texts: { dashboard: texts }, timeZone } = state;
  const isEmpty = view.panels.every(({ series }) => series.every(({ known }) => !known));
  return (
    <>
      <DashboardStyle />
      <PageHead title={entry.title}>
        <Choices {...{ data, state, url }} />
      </PageHead>
      <Tabs {...{ data, state, url }} />
      <Done state={state} url={url} />
      {data.flow !== undefined && <FlowCard flow={data.flow} state={state} />}
      {entry.dashboard.note !== undefined && <p class="sub">{entry.dashboard.note}</p>}
      {isEmpty && <NothingYet data={data} state={state} />}
      <DashboardBoard
        id={entry.id}
        data={JSON.stringify(view)}
        range={range}
        rangeText={texts.ranges[range]}
        rangeMs={RANGE_MS[range]}
        refreshMs={REFRESH_MS[refresh]}
        firstPoints={firstPoints(entry.dashboard)}
        timeZone={timeZone}
        words={texts.panelWords}
      />
      <Acts {...{ data, state }} />
      <noscript>
        <p class="sub">{state.texts.common.noScript}</p>
      </noscript>
    </>
  );
}

function FlowCard({ flow, state: { texts, identity } }: { flow: DeliveryView; state: PageState }) {
  return (
    <div class="card dashboard-flow">
      <Head>
        <link rel="stylesheet" href={asset("/ui/delivery.css")} />
      </Head>
      <FlowLive
        view={flow}
        words={texts.delivery.flow}
        addHref={identity?.role === "admin" ? "/settings/destinations" : null}
        compact
      />
    </div>
  );
}

function Choices(
  { data: { range, refresh }, state: { texts: { dashboard } }, url }: DashboardPageProps,
) {
  const link = (changes: Record<string, string>) =>
    `${url.pathname}?${new URLSearchParams({ range, refresh, ...changes })}`;
  return (
    <>
      <Segments
        label={dashboard.range}
        current={range}
        options={RANGES.map((value) => ({
          value,
          label: dashboard.ranges[value],
          href: link({ range: value }),
        }))}
      />
      <Segments
        label={dashboard.refresh}
        current={refresh}
        options={REFRESHES.map((value) => ({
          value,
          label: value === "live" ? dashboard.refreshLive : value.replace("s", "\u202fs"),
          href: link({ refresh: value }),
        }))}
      />
    </>
  );
}

function Tabs({ data: { entry, list, range, refresh }, state, url }: DashboardPageProps) {
  const { dashboard: texts } = state.texts;
  const query = url.search === "" ? "" : `?${new URLSearchParams({ range, refresh })}`;
  return (
    <nav class="tabs" aria-label={texts.list}>
      {list.slice(0, TABS_MAX).map(({ id, title }) => (
        <a
          key={id}
          href={`/dashboards/${encodeURIComponent(id)}${query}`}
          aria-current={id === entry.id ? "page" : undefined}
        >
          {title}
        </a>
      ))}
      <a class="all" href="/dashboards">{texts.all}</a>
    </nav>
  );
}

/** What was just done, by its key in the address. */
export function Done({ state: { texts: { dashboard } }, url }: { state: PageState; url: URL }) {
  return <DoneNotice url={url} words={dashboard.done} />;
}

function NothingYet({ data, state }: Omit<DashboardPageProps, "url">) {
  const { texts: { dashboard: texts }, identity } = state;
  const others = data.list.some(({ id }) => id === ALL_DEVICES_ID);
  const mayAdd = identity !== null && hasRole(identity.role, "operator");
  return (
    <div class="card waiting">
      <Empty title={texts.emptyTitle}>
        <p>{texts.emptyText(devicesOf(data.entry.dashboard).join(", "))} {texts.emptyHint}</p>
        <pre>{PACKET}</pre>
        {mayAdd && <a class="button primary" href="/add-device">{texts.emptyButton}</a>}
        {others && <a class="button" href={`/dashboards/${ALL_DEVICES_ID}`}>{texts.emptyOther}</a>}
      </Empty>
    </div>
  );
}

function Acts({ data: { entry }, state }: Omit<DashboardPageProps, "url">) {
  const { texts: { dashboard: texts }, identity, csrfToken } = state;
  const path = `/dashboards/${encodeURIComponent(entry.id)}`;
  const mayChange = identity !== null && hasRole(identity.role, "operator");
  return (
    <div class="dashboard-acts">
      {mayChange && <a class="button" href={`${path}/edit`}>{texts.edit}</a>}
      {mayChange && (
        <PostForm action={path} csrfToken={csrfToken} act="copy" class="">
          <button type="submit" class="button">{texts.copy}</button>
        </PostForm>
      )}
      <a class="button" href={`${path}/export`} download>{texts.export}</a>
    </div>
  );
}
