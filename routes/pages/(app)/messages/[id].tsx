/** The journey of one message: how it came, what it means, where it stands for each destination. */
import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import { hasRole } from "@/auth/route_policy.ts";
import { Card } from "@/components/Card.tsx";
import { formatBytes, formatNumber, formatTime } from "@/components/format.ts";
import { JourneySearch } from "@/components/JourneySearch.tsx";
import { DeviceLink, Meaning } from "@/components/Meaning.tsx";
import { Notice } from "@/components/Notice.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import { Payload } from "@/components/Payload.tsx";
import { visible } from "@/components/payload_text.ts";
import { Table } from "@/components/Table.tsx";
import { Tag, type Tone } from "@/components/Tag.tsx";
import { Time } from "@/components/Time.tsx";
import { DecodeError } from "@/model/errors.ts";
import { parseMessageId, type StoredMessage } from "@/model/message.ts";
import type { Normalized } from "@/model/reading.ts";
import { define, type PageState } from "@/routes/page_state.ts";
import type { Journey } from "@/store/store_types.ts";

type Delivery = Journey["deliveries"][number];

interface JourneyData {
  id: string;
  /** Null when there is no trace of it. */
  journey: Journey | null;
  /** Null without a message, or where no decoder takes it any more. */
  normalized: Normalized | null;
  problem: DecodeError | null;
  /** Numbers of its dead letters, by destination. */
  letters: Record<string, number>;
}

export const handler = define.handlers({
  async GET({ params, state: { services } }) {
    const id = (params.id ?? "").trim().toLowerCase();
    const journey = await services.store.journey(id);
    const message = journey?.message ?? null;
    const data: JourneyData = {
      ...{ id, journey },
      ...meaningOf(services, message),
      letters: journey === null ? {} : await lettersOf(services, journey),
    };
    return page(data, { status: journey === null ? 404 : 200 });
  },
});

function meaningOf(
  services: PageState["services"],
  message: StoredMessage | null,
): Pick<JourneyData, "normalized" | "problem"> {
  if (message === null) return { normalized: null, problem: null };
  try {
    return { normalized: services.decodeMessage(message), problem: null };
  } catch (error) {
    if (error instanceof DecodeError) return { normalized: null, problem: error };
    throw error;
  }
}

async function lettersOf(
  { store }: PageState["services"],
  { id, deliveries }: Journey,
): Promise<Record<string, number>> {
  if (!deliveries.some((each) => each.state === "dead")) return {};
  const filter = { ids: [id] };
  const { items } = await store.query("dead.work", { filter, payloadMax: 0, limit: 1000 });
  return Object.fromEntries(items.map(({ destination, letter }) => [destination, letter]));
}

export default define.page<typeof handler>(({ data, state }) => {
  const { journey: words } = state.texts.delivery;
  const { id, journey } = data;
  return (
    <>
      <Head>
        <link rel="stylesheet" href={asset("/ui/delivery.css")} />
      </Head>
      <PageHead
        title={journey === null ? words.unknownTitle : words.title}
        sub={journey === null ? undefined : <code>{id}</code>}
      />
      {journey === null ? <Unknown id={id} state={state} /> : (
        <div class="grid">
          <HowItCame journey={journey} state={state} />
          <Deliveries data={data} journey={journey} state={state} />
          {journey.message !== null && (
            <Content message={journey.message} data={data} state={state} />
          )}
        </div>
      )}
    </>
  );
});

function Unknown({ id, state }: { id: string; state: PageState }) {
  const { journey } = state.texts.delivery;
  const shown = visible(id.slice(0, 80));
  const isId = parseMessageId(id) !== null;
  return (
    <div class="card">
      <p>{isId ? journey.unknown(shown) : journey.badId(shown)}</p>
      {isId
        ? <ul>{journey.reasons.map((reason) => <li key={reason}>{reason}</li>)}</ul>
        : <p>{journey.badIdWhy}</p>}
      <JourneySearch texts={state.texts} />
    </div>
  );
}

function HowItCame({ journey: { message }, state }: { journey: Journey; state: PageState }) {
  const { texts: { delivery: { journey: words } } } = state;
  return (
    <Card title={words.came} id="came" span={6}>
      {message === null ? <p>{words.pruned}</p> : <CameFacts message={message} state={state} />}
    </Card>
  );
}

function CameFacts({ message, state }: { message: StoredMessage; state: PageState }) {
  const { texts: { delivery: { journey: words, flow } }, nowMs, timeZone } = state;
  const { source, sourceName, device, topic, receivedUs, seq, traceId, id, number } = message;
  const receivedMs = receivedUs / 1000;
  return (
    <dl class="facts">
      <dt>{words.source}</dt>
      <dd>{flow.sourceNames[source] ?? source} · {visible(sourceName)}</dd>
      <dt>{words.device}</dt>
      <dd>
        <DeviceLink device={device} />
      </dd>
      <dt>{words.topic}</dt>
      <dd>
        <code>{visible(topic)}</code>
      </dd>
      <dt>{words.received}</dt>
      <dd>
        <Time atMs={receivedMs} nowMs={nowMs} timeZone={timeZone} />{" "}
        <span class="sub">· {formatTime(receivedMs, timeZone)}</span>
      </dd>
      <dt>{words.seq}</dt>
      <dd>{seq === null ? "–" : formatNumber(seq)}</dd>
      <dt>{words.trace}</dt>
      <dd>
        <code>{visible(traceId ?? id)}</code>
      </dd>
      <dt>{words.number}</dt>
      <dd>{formatNumber(number)}</dd>
      {message.clockUntrusted && (
        <>
          <dt>{words.flags}</dt>
          <dd>{words.clockUntrusted}</dd>
        </>
      )}
    </dl>
  );
}

const TONES: Record<Delivery["state"], Tone> = {
  enqueued: "idle",
  in_flight: "ok",
  acked: "ok",
  dead: "bad",
  settled: "idle",
  not_for: "idle",
};

function Deliveries(
  { journey: { deliveries }, data: { letters }, state }: {
    journey: Journey;
    data: JourneyData;
    state: PageState;
  },
) {
  const { journey: words } = state.texts.delivery;
  const opens = hasRole(state.identity!.role, "operator");
  const columns = [words.destination, words.state, words.attempts, words.error];
  return (
    <Card title={words.where} id="where" span={6}>
      {deliveries.length === 0
        ? <p>{words.noDestinations}</p>
        : (
          <Table caption={words.perDestination} columns={columns}>
            {deliveries.map((delivery) => (
              <tr key={delivery.destination}>
                <td>{delivery.destination}</td>
                <td>
                  <Tag tone={TONES[delivery.state]}>{words.states[delivery.state]}</Tag>
                  <div class="sub">{words.stateHelp[delivery.state]}</div>
                </td>
                <td class="n">{delivery.attempts ?? "–"}</td>
                <td>
                  {visible(delivery.error ?? "–")}
                  {opens && letters[delivery.destination] !== undefined && (
                    <div>
                      <a href={`/dead-letters/destination/${letters[delivery.destination]}`}>
                        {words.openLetter}
                      </a>
                    </div>
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
    </Card>
  );
}

function Content(
  { message: { payload }, data: { normalized, problem }, state }: {
    message: StoredMessage;
    data: JourneyData;
    state: PageState;
  },
) {
  const { texts, timeZone } = state;
  const { journey: words } = texts.delivery;
  const bytes = new TextEncoder().encode(payload).length;
  return (
    <>
      <Card title={words.payload} sub={formatBytes(bytes)} id="payload" span={6}>
        <Payload text={payload} cutText={words.payloadCut} />
      </Card>
      <Card title={words.means} id="means" span={6}>
        {normalized !== null && <Meaning {...{ normalized, texts, timeZone }} />}
        {problem !== null && (
          <Notice tone="warn">
            <p>{words.undecodable}</p>
            <p>{visible(problem.message)}</p>
          </Notice>
        )}
      </Card>
    </>
  );
}
