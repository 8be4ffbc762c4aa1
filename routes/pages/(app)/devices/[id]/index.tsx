import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import { Card } from "@/components/Card.tsx";
import { AccessCards } from "@/components/devices/AccessCards.tsx";
import type { NewCredentialView } from "@/components/devices/credential_views.ts";
import { devicePath, withUnit } from "@/components/devices/device_views.ts";
import { DeviceTag, STATUS_TONES } from "@/components/devices/DeviceTag.tsx";
import { ValueCards } from "@/components/devices/ValueCards.tsx";
import { HistoryCard, type RangeName } from "@/components/devices/HistoryCard.tsx";
import { formatDuration, formatNumber, measurementTitle } from "@/components/format.ts";
import { Notice, ProblemNotice } from "@/components/Notice.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import { Segments } from "@/components/Segments.tsx";
import { Table } from "@/components/Table.tsx";
import type { Texts } from "@/components/texts.ts";
import { Time } from "@/components/Time.tsx";
import DeviceLive from "@/islands/DeviceLive.tsx";
import { lateAfterMs, offlineAfterMs } from "@/model/device_status.ts";
import type { HttpError } from "@/model/errors.ts";
import { attempt, field, readForm, seeOther } from "@/routes/page_form.ts";
import { define, type PageState } from "@/routes/page_state.ts";
import { act, type ActOutcome } from "../(_parts)/device_acts.ts";
import { type DeviceDetail, isRange, readDevice } from "../(_parts)/device_detail.ts";
import { NewCredential } from "../../(_parts)/new_credential.tsx";

interface DeviceData {
  device: DeviceDetail;
  done: string | null;
  problem: HttpError | null;
  draft: { label: string | null; grants: string | null };
}

type Data = DeviceData | { credential: NewCredentialView };

const NO_DRAFT = { label: null, grants: null };

export const handler = define.handlers({
  async GET({ url, params, state }) {
    const device = await readShown(state, params.id!, url);
    const done = url.searchParams.get("done");
    return page<Data>({ device, done, problem: null, draft: NO_DRAFT });
  },

  async POST({ req, url, params, state }) {
    const form = await readForm(req);
    const id = params.id!;
    const { done, problem } = await attempt(() => act(state, { id, form }));
    if (problem === null) return await answer(state, { id, outcome: done });
    const asked = field(form, "action");
    const draft = {
      label: asked === "label" ? form.get("label") : null,
      grants: asked === "grants" ? form.get("grants") : null,
    };
    const device = await readShown(state, id, url);
    return page<Data>({ device, done: null, problem, draft }, { status: problem.status });
  },
});

async function answer(
  { services }: PageState,
  { id, outcome }: { id: string; outcome: ActOutcome },
) {
  if ("credential" in outcome) {
    return page<Data>({ credential: await services.withSnippets(outcome.credential) });
  }
  const place = outcome.done === "removed" ? "/devices" : devicePath(id);
  return seeOther(`${place}?done=${outcome.done}`);
}

async function readShown({ services, nowMs }: PageState, id: string, url: URL) {
  const asked = url.searchParams.get("range");
  const range = isRange(asked) ? asked : null;
  const measurement = url.searchParams.get("measurement");
  return await readDevice(services, { id, nowMs, range, measurement });
}

export default define.page<typeof handler>(({ data, state }) => (
  <>
    <Head>
      <link rel="stylesheet" href={asset("/ui/devices.css")} />
      <link rel="stylesheet" href={asset("/ui/charts.css")} />
    </Head>
    {"credential" in data
      ? <NewCredential credential={data.credential} state={state} />
      : <DevicePage data={data} state={state} />}
  </>
));

function DevicePage({ data, state }: { data: DeviceData; state: PageState }) {
  const { device, done, problem, draft } = data;
  const { id, signs, status, entry } = device;
  const { texts, nowMs } = state;
  const { devices } = texts;
  const note = Object.hasOwn(devices.done, done ?? "")
    ? devices.done[done as keyof typeof devices.done]
    : null;
  const { lastSeenMs } = signs;
  // Nothing live tells of a receiver itself: its packets are values of its nodes.
  const isReceiver = lastSeenMs !== null && device.measurements.length === 0 &&
    device.prediction === null && device.attributes.length === 0;
  const followed = { id, ...signs };
  return (
    <>
      <PageHead
        title={id}
        sub={entry === null || entry.label === "" ? undefined : <bdi>{entry.label}</bdi>}
      >
        <DeviceTag id={id} status={status} />
        {device.prediction !== null && (
          <a class="button" href={`/predictions/${encodeURIComponent(id)}`}>
            {devices.predictions}
          </a>
        )}
        <a class="button" href={devicePath(id, "/messages")}>{devices.messages}</a>
      </PageHead>
      {note !== null && <Notice tone="ok">{note}</Notice>}
      {problem !== null && <ProblemNotice problem={problem} />}
      {status === "stuck" && <StuckNotice device={device} texts={texts} />}
      <Values device={device} state={state} />
      {device.measurements.length > 0 && <History device={device} state={state} />}
      <h2 class="part">{devices.about}</h2>
      <div class="grid">
        <Facts device={device} state={state} />
        <Attributes device={device} state={state} />
        <AccessCards
          {...{ id, entry, draft, nowMs }}
          canRegister={device.canRegister}
          mayAct={state.identity!.role !== "viewer"}
          csrfToken={state.csrfToken}
          timeZone={state.timeZone}
        />
      </div>
      <DeviceLive
        devices={isReceiver ? [] : [followed]}
        nowMs={nowMs}
        words={devices.status}
        tones={STATUS_TONES}
        complete
      />
    </>
  );
}

function StuckNotice({ device, texts: { devices } }: { device: DeviceDetail; texts: Texts }) {
  return (
    <Notice tone="warn">
      {device.signs.stuck.map(({ measurement, results }) => (
        <p key={measurement}>
          {devices.stuckValue(
            measurement === null ? devices.score : measurementTitle(measurement),
            results,
          )}
        </p>
      ))}
    </Notice>
  );
}

function Values({ device, state }: { device: DeviceDetail; state: PageState }) {
  const { texts: { devices }, nowMs, timeZone } = state;
  const { id, cards, others, cardsFromMs, cardStepMs, signs, isYoung } = device;
  const columns = devices.valueColumns;
  const lateMs = lateAfterMs(signs.typicalIntervalMs);
  return (
    <div data-part="values">
      <h2 class="part">{devices.values}</h2>
      <ValueCards
        device={id}
        values={cards}
        {...{ nowMs, timeZone, lateMs, fromMs: cardsFromMs }}
        gapMs={Math.max(2 * cardStepMs, lateMs)}
        windowTitle={isYoung ? devices.value.hourLabel : devices.value.dayLabel}
      />
      {others.length > 0 && (
        <div class="grid others">
          <Card title={devices.moreValues}>
            <Table
              caption={devices.moreValues}
              columns={[columns.name, { title: columns.value, numeric: true }, columns.at]}
            >
              {others.map(({ measurement, unit, value, atMs }) => (
                <tr key={measurement}>
                  <td>{measurementTitle(measurement)}</td>
                  <td class="n">{withUnit(value, unit)}</td>
                  <td class="nowrap">
                    <Time {...{ atMs, nowMs, timeZone }} />
                  </td>
                </tr>
              ))}
            </Table>
          </Card>
        </div>
      )}
    </div>
  );
}

function historyPath(
  { id, range, measurement }: Pick<DeviceDetail, "id" | "range" | "measurement">,
): string {
  const query = new URLSearchParams({ range });
  if (measurement !== null) query.set("measurement", measurement);
  return `${devicePath(id)}?${query}#history`;
}

function History({ device, state }: { device: DeviceDetail; state: PageState }) {
  const { texts: { devices }, nowMs, timeZone } = state;
  const { range, history, historyFromMs, historyStepMs, measurement, measurements } = device;
  const lateMs = lateAfterMs(device.signs.typicalIntervalMs);
  const choices = (Object.keys(devices.ranges) as RangeName[]).map((value) => ({
    value,
    label: devices.ranges[value],
    href: historyPath({ ...device, range: value }),
  }));
  return (
    <>
      <div class="part-head" id="history">
        <h2 class="part">{devices.history}</h2>
        <Segments label={devices.range} options={choices} current={range} />
        {measurements.length > history.length || measurement !== null
          ? <MeasurementForm device={device} texts={state.texts} />
          : null}
      </div>
      <div class="grid" data-part="history">
        {history.map((each, i) => (
          <HistoryCard
            key={each.measurement}
            of={each}
            range={range}
            fromMs={historyFromMs}
            toMs={nowMs}
            gapMs={Math.max(2 * historyStepMs, lateMs)}
            timeZone={timeZone}
            series={(i % 6 + 1) as 1 | 2 | 3 | 4 | 5 | 6}
          />
        ))}
      </div>
    </>
  );
}

function MeasurementForm(
  { device: { id, range, measurement, measurements }, texts: { devices } }: {
    device: DeviceDetail;
    texts: Texts;
  },
) {
  return (
    <form method="get" action={devicePath(id)} class="form inline">
      <input type="hidden" name="range" value={range} />
      <label for="field-measurement">{devices.measurement}</label>
      <select id="field-measurement" name="measurement">
        <option value="" selected={measurement === null}>{devices.allMeasurements}</option>
        {measurements.map((each) => (
          <option key={each} value={each} selected={each === measurement}>
            {measurementTitle(each)}
          </option>
        ))}
      </select>
      <button type="submit" class="button">{devices.show}</button>
    </form>
  );
}

function Facts({ device, state }: { device: DeviceDetail; state: PageState }) {
  const { texts: { devices }, nowMs, timeZone } = state;
  const { signs: { lastSeenMs, typicalIntervalMs }, seen, id } = device;
  const moment = { nowMs, timeZone };
  return (
    <Card title={devices.facts} span={6}>
      <dl class="facts">
        <dt>{devices.lastSeen}</dt>
        <dd data-seen={id}>
          {lastSeenMs === null ? devices.never : <Time atMs={lastSeenMs} {...moment} />}
        </dd>
        {seen !== null && (
          <>
            <dt>{devices.firstSeen}</dt>
            <dd>
              <Time atMs={seen.firstSeenUs / 1000} {...moment} />
            </dd>
            <dt>{devices.messagesTotal}</dt>
            <dd>{formatNumber(seen.messages)}</dd>
          </>
        )}
        {seen !== null && seen.via !== id && (
          <>
            <dt>{devices.through}</dt>
            <dd>
              <a href={devicePath(seen.via)}>{seen.via}</a>
            </dd>
          </>
        )}
        {typicalIntervalMs !== null && (
          <>
            <dt>{devices.interval}</dt>
            <dd>{formatDuration(typicalIntervalMs)}</dd>
          </>
        )}
        <dt>{devices.lateAfter}</dt>
        <dd>{formatDuration(lateAfterMs(typicalIntervalMs))}</dd>
        <dt>{devices.offlineAfter}</dt>
        <dd>{formatDuration(offlineAfterMs(typicalIntervalMs))}</dd>
      </dl>
    </Card>
  );
}

function Attributes({ device, state }: { device: DeviceDetail; state: PageState }) {
  const { texts: { devices }, nowMs, timeZone } = state;
  const columns = devices.attributeColumns;
  if (device.attributes.length === 0) return null;
  return (
    <Card title={devices.attributes} span={6}>
      <Table caption={devices.attributes} columns={[columns.name, columns.value, columns.at]}>
        {device.attributes.map(({ name, value, atUs }) => (
          <tr key={name}>
            <td>{measurementTitle(name)}</td>
            <td>
              <bdi class="long-text" tabIndex={0}>{value}</bdi>
            </td>
            <td class="nowrap">
              <Time atMs={atUs / 1000} nowMs={nowMs} timeZone={timeZone} />
            </td>
          </tr>
        ))}
      </Table>
    </Card>
  );
}
