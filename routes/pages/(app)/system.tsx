/** The process and the machine: disk, memory, connections, versions, addresses, certificates. */
import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import { Fragment } from "preact";
import { Card } from "@/components/Card.tsx";
import { SystemCards } from "@/components/SystemCards.tsx";
import { formatTime } from "@/components/format.ts";
import { Notice } from "@/components/Notice.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import { visible } from "@/components/payload_text.ts";
import { Table } from "@/components/Table.tsx";
import { Tag } from "@/components/Tag.tsx";
import { Time } from "@/components/Time.tsx";
import Refresh from "@/islands/Refresh.tsx";
import type { SystemData } from "@/model/system_view.ts";
import type { PageServices } from "@/routes/page_services.ts";
import { define, type PageState } from "@/routes/page_state.ts";
import type { CertificateShown } from "@/routes/settings/settings_port.ts";

const LIVE = "system-live";
const EVERY_MS = 3_000;

interface SystemPage {
  data: SystemData;
  addresses: Record<string, string>;
  certificates: CertificateShown[];
}

export const handler = define.handlers({
  async GET(ctx) {
    const { services } = ctx.state;
    const data = await systemData(services);
    if (ctx.url.searchParams.get("part") === LIVE) {
      const alone = { skipInheritedLayouts: true, skipAppWrapper: true };
      return await ctx.render(<Live data={data} state={ctx.state} />, {}, alone);
    }
    const certificates = await services.settings.certificates();
    return page<SystemPage>({ data, addresses: services.addresses(), certificates });
  },
});

async function systemData(services: PageServices): Promise<SystemData> {
  const [delivery, sizes] = await Promise.all([
    services.deliveryView(),
    services.store.query("database.sizes", {}),
  ]);
  const { durability, full, queuedBytes, queueBytesMax } = delivery;
  const { writtenBytesPerDay, commitP99Ms } = delivery;
  const { firstNumber, lastNumber, historyFromUs, ...same } = sizes;
  return {
    system: services.systemView(),
    delivery: {
      ...{ durability, full, queuedBytes, queueBytesMax, writtenBytesPerDay, commitP99Ms },
    },
    history: {
      ...same,
      messages: firstNumber === null || lastNumber === null ? 0 : lastNumber - firstNumber + 1,
      fromMs: historyFromUs === null ? null : historyFromUs / 1000,
    },
  };
}

export default define.page<typeof handler>(({ data: shown, state }) => {
  const { nav, system, common } = state.texts;
  const { data, addresses, certificates } = shown;
  return (
    <>
      <Head>
        <link rel="stylesheet" href={asset("/ui/delivery.css")} />
      </Head>
      <PageHead title={nav.system} sub={system.api} />
      <Salvaged salvaged={data.system.salvaged} state={state} />
      <noscript>
        <p class="sub">{common.noScript}</p>
      </noscript>
      <Live data={data} state={state} />
      <Refresh url={`/system?part=${LIVE}`} part={LIVE} everyMs={EVERY_MS} />
      <div class="grid system-more">
        <Addresses addresses={addresses} state={state} />
        <Certificates certificates={certificates} state={state} />
      </div>
    </>
  );
});

/** What the browser keeps up to date. */
function Live({ data, state }: { data: SystemData; state: PageState }) {
  return (
    <div class="grid system" id={LIVE}>
      <SystemCards data={data} words={state.texts.system.cards} timeZone={state.timeZone} />
    </div>
  );
}

function Salvaged(
  { salvaged, state: { texts: { system } } }: {
    salvaged: SystemData["system"]["salvaged"];
    state: PageState;
  },
) {
  if (salvaged === null) return null;
  return (
    <Notice tone="warn">
      <p>
        <strong>{system.salvagedTitle}</strong> {system.salvaged(salvaged.recovered, salvaged.lost)}
      </p>
      <p>
        {system.salvagedWhere} <code>{salvaged.movedTo}</code>: {visible(salvaged.damage)}
      </p>
    </Notice>
  );
}

function Addresses(
  { addresses, state: { texts: { system } } }: {
    addresses: Record<string, string>;
    state: PageState;
  },
) {
  return (
    <Card title={system.addresses} id="addresses" span={4}>
      <dl class="facts">
        {Object.entries(addresses).map(([protocol, address]) => (
          <Fragment key={protocol}>
            <dt>{protocol.toUpperCase()}</dt>
            <dd>
              <code>{address}</code>
            </dd>
          </Fragment>
        ))}
      </dl>
    </Card>
  );
}

const ENDING_MS = 21 * 86_400_000;

function Certificates(
  { certificates, state }: { certificates: readonly CertificateShown[]; state: PageState },
) {
  const { texts: { system }, nowMs, timeZone } = state;
  return (
    <Card title={system.certificates} id="certificates" span={8}>
      {certificates.length === 0 ? <p class="sub">{system.noCertificates}</p> : (
        <Table
          caption={`${system.certificates}: ${system.state}`}
          columns={[system.use, system.name, system.until, system.state]}
        >
          {certificates.map(({ use, commonName, notAfterMs }) => (
            <tr key={use}>
              <td>{system.certificateUses[use] ?? use}</td>
              <td>{visible(commonName ?? "–")}</td>
              <td>
                {formatTime(notAfterMs, timeZone)}{" "}
                <span class="sub">
                  · <Time atMs={notAfterMs} nowMs={nowMs} timeZone={timeZone} />
                </span>
              </td>
              <td>
                <CertificateState leftMs={notAfterMs - nowMs} state={state} />
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Card>
  );
}

function CertificateState(
  { leftMs, state: { texts: { system } } }: { leftMs: number; state: PageState },
) {
  if (leftMs <= 0) return <Tag tone="bad">{system.ended}</Tag>;
  if (leftMs < ENDING_MS) return <Tag tone="warn">{system.ending}</Tag>;
  return <Tag tone="ok">{system.valid}</Tag>;
}
