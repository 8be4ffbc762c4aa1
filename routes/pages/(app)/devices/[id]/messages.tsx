import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import { notThere } from "@/auth/refusals.ts";
import { devicePath } from "@/components/devices/device_views.ts";
import { MessageList } from "@/components/devices/MessageList.tsx";
import { Empty } from "@/components/Empty.tsx";
import { Notice } from "@/components/Notice.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import { Pager } from "@/components/Table.tsx";
import type { StoredMessage } from "@/model/message.ts";
import { define } from "@/routes/page_state.ts";

const MESSAGES_MAX = 20;

interface MessagesData {
  id: string;
  /** Whose messages these are: the device, or the receiver that it comes through. */
  sender: string;
  messages: StoredMessage[];
  cursor: string | null;
  next: string | null;
}

export const handler = define.handlers({
  async GET({ params, url, state: { services } }) {
    const { store, auth, deviceWatch } = services;
    const id = params.id!;
    const via = deviceWatch.via(id);
    if (via === null && auth.devices.find(id) === null) throw notThere("device", id);
    const sender = via ?? id;
    const cursor = url.searchParams.get("cursor");
    const { items, cursor: next } = await store.query("messages.list", {
      ...{ device: sender, limit: MESSAGES_MAX, cursor: cursor ?? undefined },
    });
    return page<MessagesData>({ id, sender, messages: items, cursor, next });
  },
});

export default define.page<typeof handler>(({ data, state }) => {
  const { texts: { devices, common }, nowMs, timeZone } = state;
  const { id, sender, messages, cursor, next } = data;
  const here = devicePath(id, "/messages");
  return (
    <>
      <Head>
        <link rel="stylesheet" href={asset("/ui/devices.css")} />
      </Head>
      <PageHead title={devices.messagesOf(id)}>
        <a class="button" href={devicePath(id)}>{devices.backToDevice}</a>
      </PageHead>
      {sender !== id && <Notice tone="idle">{devices.messagesBy(sender)}</Notice>}
      {messages.length === 0
        ? (
          <Empty title={devices.noMessages}>
            <p>{next === null ? devices.noMessagesText : devices.searchedOn}</p>
          </Empty>
        )
        : <MessageList messages={messages} nowMs={nowMs} timeZone={timeZone} />}
      <Pager
        next={next === null ? null : `${here}?cursor=${encodeURIComponent(next)}`}
        first={cursor === null ? null : here}
        labels={common}
      />
    </>
  );
});
