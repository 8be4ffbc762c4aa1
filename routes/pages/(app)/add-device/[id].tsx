import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import { notThere } from "@/auth/refusals.ts";
import { devicePath } from "@/components/devices/device_views.ts";
import { Card } from "@/components/Card.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import { seeOther } from "@/routes/page_form.ts";
import { define } from "@/routes/page_state.ts";
import { Waiting } from "../(_parts)/new_credential.tsx";

/** Where to wait without the credential: its page must not be loaded again. */
export const handler = define.handlers({
  GET({ params, state: { services } }) {
    const id = params.id!;
    if (services.deviceWatch.signs(id).lastSeenMs !== null) return seeOther(devicePath(id));
    if (services.auth.devices.find(id) === null) throw notThere("device", id);
    return page<{ id: string }>({ id });
  },
});

export default define.page<typeof handler>(({ data: { id }, state }) => {
  const { devices } = state.texts;
  const here = `/add-device/${encodeURIComponent(id)}`;
  return (
    <>
      <Head>
        <link rel="stylesheet" href={asset("/ui/devices.css")} />
      </Head>
      <PageHead title={devices.waitPage(id)} />
      <div class="grid">
        <Card span={6}>
          <Waiting device={id} state={state} />
          <p>
            <a class="button" href={here}>{devices.reload}</a>
          </p>
        </Card>
        <Card span={6}>
          <p>{devices.waitNoSecret}</p>
          <p>
            <a href={devicePath(id)}>{devices.openDevice}</a>
          </p>
        </Card>
      </div>
    </>
  );
});
