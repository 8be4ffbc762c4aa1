import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import { Card } from "@/components/Card.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import FlowLive from "@/islands/FlowLive.tsx";
import type { DeliveryView } from "@/model/live_events.ts";
import { define } from "@/routes/page_state.ts";

interface DeliveryData {
  view: DeliveryView;
}

export const handler = define.handlers({
  async GET({ state: { services } }) {
    return page<DeliveryData>({ view: await services.deliveryView() });
  },
});

export default define.page<typeof handler>(({ data: { view }, state: { texts, identity } }) => (
  <>
    <Head>
      <link rel="stylesheet" href={asset("/ui/delivery.css")} />
    </Head>
    <PageHead title={texts.nav.delivery} />
    <div class="grid">
      <Card>
        <FlowLive
          view={view}
          words={texts.delivery.flow}
          addHref={identity?.role === "admin" ? "/settings/destinations" : null}
        />
      </Card>
    </div>
  </>
));
