import { PageHead } from "@/components/PageHead.tsx";
import { Card } from "@/components/Card.tsx";
import { define } from "@/routes/page_state.ts";

export default define.page(({ state: { texts, identity } }) => (
  <>
    <PageHead title={texts.nav.account} />
    <div class="grid">
      <Card title={identity!.name} sub={identity!.role} />
    </div>
  </>
));
