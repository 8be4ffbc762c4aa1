import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import plus from "lucide/plus.mjs";
import { Card } from "@/components/Card.tsx";
import { DeviceList } from "@/components/devices/DeviceList.tsx";
import { STATUS_TONES } from "@/components/devices/DeviceTag.tsx";
import type { DeviceEntry, DeviceRow } from "@/components/devices/device_views.ts";
import { Empty } from "@/components/Empty.tsx";
import { PostForm } from "@/components/Form.tsx";
import { formatNumber } from "@/components/format.ts";
import { Icon, type IconData } from "@/components/Icon.tsx";
import { Notice, ProblemNotice } from "@/components/Notice.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import { Pager, Table } from "@/components/Table.tsx";
import type { Texts } from "@/components/texts.ts";
import { Time } from "@/components/Time.tsx";
import DeviceLive from "@/islands/DeviceLive.tsx";
import { DEVICE_STATUSES, type DeviceStatus } from "@/model/device_status.ts";
import type { HttpError } from "@/model/errors.ts";
import { attempt, field, readForm, seeOther } from "@/routes/page_form.ts";
import { define, type PageState } from "@/routes/page_state.ts";
import {
  countByStatus,
  listDevices,
  matches,
  readRows,
  ROW_WINDOW_MS,
} from "./(_parts)/device_rows.ts";

const ROWS_MAX = 25;
const SEARCH_CHARS_MAX = 100;

interface DevicesData {
  search: string;
  status: DeviceStatus | null;
  rows: DeviceRow[];
  /** All that match the search, by status. */
  counts: Record<DeviceStatus, number>;
  matching: number;
  known: number;
  cursor: string | null;
  next: string | null;
  pending: PageState["services"]["auth"]["devices"]["pending"];
  done: string | null;
  problem: HttpError | null;
}

export const handler = define.handlers({
  async GET({ url, state }) {
    return page<DevicesData>(await readDevices(state, url));
  },

  async POST({ req, url, state }) {
    const form = await readForm(req);
    const { devices } = state.services.auth;
    const by = { name: state.identity!.name, address: state.remoteAddress };
    const request = field(form, "request");
    const approves = field(form, "action") === "approve";
    const { problem } = await attempt<unknown>(() =>
      approves ? devices.approve(request, by) : devices.dismiss(request, by)
    );
    if (problem === null) return seeOther(`/devices?done=${approves ? "approved" : "dismissed"}`);
    const data = { ...await readDevices(state, url), problem };
    return page<DevicesData>(data, { status: problem.status });
  },
});

async function readDevices(state: PageState, url: URL): Promise<DevicesData> {
  const { services, nowMs, identity } = state;
  const search = (url.searchParams.get("q") ?? "").trim().slice(0, SEARCH_CHARS_MAX);
  const asked = url.searchParams.get("status");
  const status = DEVICE_STATUSES.find((each) => each === asked) ?? null;
  const cursor = url.searchParams.get("cursor");
  const all = listDevices(services, nowMs);
  const found = all.filter((entry) => matches(entry, search));
  const listed = found.filter((entry) => status === null || entry.status === status);
  const rest = cursor === null ? listed : listed.filter(({ id }) => id > cursor);
  const entries = rest.slice(0, ROWS_MAX);
  return {
    ...{ search, status, cursor, counts: countByStatus(found) },
    ...{ matching: listed.length, known: all.length, done: url.searchParams.get("done") },
    rows: await readRows(services, { entries, nowMs }),
    next: rest.length > ROWS_MAX ? entries.at(-1)!.id : null,
    pending: identity!.role === "viewer" ? [] : services.auth.devices.pending,
    problem: null,
  };
}

function pathOf(
  { search, status, cursor = null }: {
    search: string;
    status: DeviceStatus | null;
    cursor?: string | null;
  },
): string {
  const query = new URLSearchParams();
  if (search !== "") query.set("q", search);
  if (status !== null) query.set("status", status);
  if (cursor !== null) query.set("cursor", cursor);
  return query.size === 0 ? "/devices" : `/devices?${query}`;
}

export default define.page<typeof handler>(({ data, state }) => {
  const { texts, nowMs, timeZone, identity } = state;
  const { devices, common } = texts;
  const isOperator = identity!.role !== "viewer";
  const { rows, known, matching, next, cursor, done, problem } = data;
  const note = Object.hasOwn(devices.done, done ?? "")
    ? devices.done[done as keyof typeof devices.done]
    : null;
  return (
    <>
      <Head>
        <link rel="stylesheet" href={asset("/ui/devices.css")} />
      </Head>
      <PageHead title={texts.nav.devices} sub={devices.shown(matching, known)}>
        {isOperator && (
          <a class="button primary" href="/add-device">
            <Icon of={plus as IconData} /> {devices.add}
          </a>
        )}
      </PageHead>
      {note !== null && <Notice tone="ok">{note}</Notice>}
      {problem !== null && <ProblemNotice problem={problem} />}
      {data.pending.length > 0 && <Pending data={data} state={state} />}
      {known === 0 ? <NoDevices texts={texts} isOperator={isOperator} /> : (
        <>
          <Finder data={data} texts={texts} />
          {rows.length === 0
            ? (
              <Empty title={devices.nothingFound}>
                <a class="button" href="/devices">{devices.showAll}</a>
              </Empty>
            )
            : (
              <div data-part="devices">
                <DeviceList rows={rows} fromMs={nowMs - ROW_WINDOW_MS} {...{ nowMs, timeZone }} />
              </div>
            )}
          <Pager
            next={next === null ? null : pathOf({ ...data, cursor: next })}
            first={cursor === null ? null : pathOf({ ...data, cursor: null })}
            labels={common}
          />
          <DeviceLive
            devices={rows.filter(isHeardItself).map(followed)}
            nowMs={nowMs}
            words={devices.status}
            tones={STATUS_TONES}
          />
        </>
      )}
    </>
  );
});

/** A receiver sends values of its nodes only: nothing live tells of itself. */
function isHeardItself({ values, prediction, signs }: DeviceRow): boolean {
  return values.length > 0 || prediction !== null || signs.lastSeenMs === null;
}

function followed({ id, signs }: DeviceEntry) {
  return { id, ...signs };
}

function NoDevices({ texts: { devices }, isOperator }: { texts: Texts; isOperator: boolean }) {
  return (
    <Empty title={devices.noneTitle}>
      <p>{isOperator ? devices.noneText : devices.noneViewer}</p>
      {isOperator && <a class="button primary" href="/add-device">{devices.add}</a>}
    </Empty>
  );
}

function Finder(
  { data: { search, status, counts }, texts: { devices, common } }: {
    data: DevicesData;
    texts: Texts;
  },
) {
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  const choices = [
    { value: null, label: devices.statusTitles.all, count: total },
    ...DEVICE_STATUSES.map((value) => ({
      value,
      label: devices.statusTitles[value],
      count: counts[value],
    })).filter(({ value, count }) => count > 0 || value === status),
  ];
  return (
    <div class="finder">
      <form method="get" action="/devices" class="form inline" role="search">
        {status !== null && <input type="hidden" name="status" value={status} />}
        <div class="field">
          <label class="visually-hidden" for="device-search">{devices.searchLabel}</label>
          <input
            id="device-search"
            type="search"
            name="q"
            value={search}
            maxLength={SEARCH_CHARS_MAX}
            placeholder={devices.searchLabel}
          />
        </div>
        <button type="submit" class="button">{common.search}</button>
      </form>
      <nav class="seg" aria-label={devices.statusFilter}>
        {choices.map(({ value, label, count }) => (
          <a
            key={label}
            href={pathOf({ search, status: value })}
            aria-current={value === status ? "true" : undefined}
          >
            {label} <span class="seg-count">{formatNumber(count)}</span>
          </a>
        ))}
      </nav>
    </div>
  );
}

function Pending(
  { data: { pending }, state }: { data: DevicesData; state: PageState },
) {
  const { devices } = state.texts;
  const columns = devices.pendingColumns;
  return (
    <div class="grid pending">
      <Card title={devices.pending}>
        <p class="sub">{devices.pendingText}</p>
        <Table
          caption={devices.pending}
          columns={[
            ...[columns.device, columns.proof, columns.address],
            { title: columns.attempts, numeric: true },
            columns.last,
            { title: columns.act, hidden: true },
          ]}
        >
          {pending.map(({ requestId, deviceId, proof, address, attempts, lastSeenAtMs }) => (
            <tr key={requestId}>
              <td class="mono">{deviceId}</td>
              <td>{devices.proofs[proof]}</td>
              <td class="mono">{address}</td>
              <td class="n">{formatNumber(attempts)}</td>
              <td class="nowrap">
                <Time atMs={lastSeenAtMs} nowMs={state.nowMs} timeZone={state.timeZone} />
              </td>
              <td>
                <Decision state={state} requestId={requestId} device={deviceId} />
              </td>
            </tr>
          ))}
        </Table>
      </Card>
    </div>
  );
}

function Decision(
  { state, requestId, device }: { state: PageState; requestId: string; device: string },
) {
  const { devices } = state.texts;
  return (
    <PostForm csrfToken={state.csrfToken} action="/devices" class="decision">
      <input type="hidden" name="request" value={requestId} />
      <button
        type="submit"
        class="button primary"
        name="action"
        value="approve"
        aria-label={devices.approve(device)}
      >
        {devices.approveShort}
      </button>
      <button
        type="submit"
        class="button"
        name="action"
        value="dismiss"
        aria-label={devices.dismiss(device)}
      >
        {devices.dismissShort}
      </button>
    </PostForm>
  );
}
