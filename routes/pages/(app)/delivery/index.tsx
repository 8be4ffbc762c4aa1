/** How messages flow, each destination's ledger and state, and what an operator may do about it. */
import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import { hasRole } from "@/auth/route_policy.ts";
import { Card } from "@/components/Card.tsx";
import { DestinationCard } from "@/components/DestinationCard.tsx";
import { Flow } from "@/components/Flow.tsx";
import { formatBytes, formatDuration } from "@/components/format.ts";
import { JourneySearch } from "@/components/JourneySearch.tsx";
import { Notice } from "@/components/Notice.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import Refresh from "@/islands/Refresh.tsx";
import WorkProgress from "@/islands/WorkProgress.tsx";
import type { Texts } from "@/components/texts.ts";
import type { DeliveryView } from "@/model/live_events.ts";
import { seeOther } from "@/routes/page_form.ts";
import { define, type PageState } from "@/routes/page_state.ts";
import type { WorkView } from "@/routes/work_board.ts";

const LIVE = "delivery-live";
const EVERY_MS = 1_000;

interface DeliveryData {
  view: DeliveryView;
  /** Key of what was just done, and to which destination. */
  done: { key: string; name: string } | null;
  /** The test that was asked for last. */
  test: WorkView | null;
}

export const handler = define.handlers({
  async GET(ctx) {
    const { url, state } = ctx;
    const { services } = state;
    const message = url.searchParams.get("message")?.trim().toLowerCase() ?? "";
    if (message !== "") return seeOther(`/messages/${encodeURIComponent(message.slice(0, 200))}`);
    const view = await services.deliveryView();
    if (url.searchParams.get("part") === LIVE) {
      const alone = { skipInheritedLayouts: true, skipAppWrapper: true };
      return await ctx.render(<Live view={view} state={state} />, {}, alone);
    }
    const name = url.searchParams.get("name") ?? "";
    const known = view.destinations.some((each) => each.name === name);
    const done = known ? { key: url.searchParams.get("done") ?? "", name } : null;
    const work = services.work.get(url.searchParams.get("test") ?? "");
    const test = work?.kind === "test" ? work : null;
    if (test !== null && url.searchParams.get("format") === "json") return Response.json(test);
    return page<DeliveryData>({ view, done, test });
  },
});

export default define.page<typeof handler>(({ data, state }) => {
  const { view } = data;
  const { nav } = state.texts;
  return (
    <>
      <Head>
        <link rel="stylesheet" href={asset("/ui/delivery.css")} />
      </Head>
      <PageHead title={nav.delivery}>
        <JourneySearch texts={state.texts} />
      </PageHead>
      <Notices {...data} state={state} />
      <Live view={view} state={state} />
      <Refresh url={`/delivery?part=${LIVE}`} part={LIVE} everyMs={EVERY_MS} />
    </>
  );
});

/** What the browser keeps up to date. */
function Live({ view, state }: { view: DeliveryView; state: PageState }) {
  const { texts: { delivery }, identity, csrfToken, timeZone } = state;
  const { role } = identity!;
  return (
    <div class="grid" id={LIVE}>
      <Card>
        <Flow
          view={view}
          words={delivery.flow}
          addHref={role === "admin" ? "/settings/destinations" : null}
        />
      </Card>
      {view.destinations.map((destination) => (
        <DestinationCard
          key={destination.name}
          destination={destination}
          words={delivery.card}
          flowWords={delivery.flow}
          csrfToken={hasRole(role, "operator") ? csrfToken : null}
          nowMs={view.atMs}
          timeZone={timeZone}
        />
      ))}
      <LogCard view={view} state={state} />
    </div>
  );
}

function Notices({ done, test, state: { texts: { delivery } } }: DeliveryData & {
  state: PageState;
}) {
  const said = done === null ? undefined : delivery.done[done.key]?.(done.name);
  return (
    <>
      {said !== undefined && <Notice tone="ok">{said}</Notice>}
      {test !== null && <TestNotice test={test} words={delivery} />}
    </>
  );
}

function TestNotice(
  { test: { id, subject, outcome }, words: delivery }: { test: WorkView; words: Texts["delivery"] },
) {
  if (outcome === null) {
    const here = `/delivery?test=${id}`;
    return (
      <Notice tone="idle">
        <Head>
          <noscript>
            <meta http-equiv="refresh" content="1" />
          </noscript>
        </Head>
        {delivery.testing(subject)}
        <WorkProgress
          work={{ done: 0, total: 1, state: "running" }}
          url={`${here}&format=json`}
          doneUrl={here}
          words={{ progress: "", label: delivery.testing(subject) }}
        />
      </Notice>
    );
  }
  const { ok, message, hint } = outcome;
  if (ok) return <Notice tone="ok">{delivery.testOk(subject, message)}</Notice>;
  return (
    <Notice tone="bad">
      <p>
        <strong>{delivery.testFailed(subject, message)}</strong>
      </p>
      {hint !== "" && <p>{`${hint.charAt(0).toUpperCase()}${hint.slice(1)}.`}</p>}
    </Notice>
  );
}

function LogCard({ view, state }: { view: DeliveryView; state: PageState }) {
  const { texts: { delivery }, identity } = state;
  const { durability, full, queuedBytes, queueBytesMax, sourceDead } = view;
  const undecodable = delivery.undecodableKept(sourceDead);
  return (
    <Card title={delivery.log} id="log">
      <dl class="facts">
        <dt>{delivery.durability}</dt>
        <dd>
          {durability === "full" ? delivery.durabilityFull : delivery.durabilityRelaxed}
        </dd>
        <dt>{delivery.takes}</dt>
        <dd>{full === null ? delivery.takesYes : delivery.takesNo(full)}</dd>
        <dt>{delivery.queue}</dt>
        <dd>
          <meter min={0} max={queueBytesMax} value={queuedBytes} aria-label={delivery.queue} />{" "}
          {delivery.queueOf(formatBytes(queuedBytes), formatBytes(queueBytesMax))}
        </dd>
        <dt>{delivery.undecodable}</dt>
        <dd>
          {sourceDead > 0 && hasRole(identity!.role, "operator")
            ? <a href="/dead-letters?kind=source">{undecodable}</a>
            : undecodable}
        </dd>
        <DiskFacts view={view} state={state} />
      </dl>
    </Card>
  );
}

function DiskFacts({ view, state: { texts: { delivery } } }: {
  view: DeliveryView;
  state: PageState;
}) {
  const { diskBytes, freeBytes, writtenBytesPerDay, commitP99Ms } = view;
  const free = freeBytes === null ? null : formatBytes(freeBytes);
  return (
    <>
      <dt>{delivery.disk}</dt>
      <dd>{delivery.diskOf(formatBytes(diskBytes), free)}</dd>
      <dt>{delivery.written}</dt>
      <dd>
        {writtenBytesPerDay === null
          ? delivery.writtenUnknown
          : delivery.writtenDay(formatBytes(writtenBytesPerDay))}
      </dd>
      {commitP99Ms !== null && (
        <>
          <dt>{delivery.commit}</dt>
          <dd>{delivery.commitP99(formatDuration(commitP99Ms))}</dd>
        </>
      )}
    </>
  );
}
