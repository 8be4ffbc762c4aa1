import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import { Empty } from "@/components/Empty.tsx";
import { Notice, ProblemNotice } from "@/components/Notice.tsx";
import { OrderCard } from "@/components/OrderCard.tsx";
import { OrderTable } from "@/components/OrderTable.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import { Segments } from "@/components/Segments.tsx";
import { Pager } from "@/components/Table.tsx";
import type { Texts } from "@/components/texts.ts";
import { HttpError } from "@/model/errors.ts";
import { type Order, ORDER_LIMITS, ORDER_STATES, type OrderState } from "@/model/order.ts";
import { attempt, field, readForm, seeOther } from "@/routes/page_form.ts";
import { define, type PageState } from "@/routes/page_state.ts";
import type { OrderChange } from "@/store/orders_table.ts";

const PAGE_ROWS = 50;

interface OrdersData {
  view: View;
  orders: Order[];
  next: string | null;
  counts: Record<OrderState, number>;
  /** The one that is shown in full; undefined where none is asked for. */
  shown: Order | null | undefined;
  done: keyof Texts["visitors"]["ordersDone"] | null;
  problem: HttpError | null;
}

/** What of the list is shown, as the query of the URL says. */
interface View {
  state: OrderState | null;
  cursor: string | null;
  show: number | null;
}

export const handler = define.handlers({
  GET: async ({ url, state }) => page(await ordersData(state, { view: viewOf(url), url })),

  async POST({ req, url, state }) {
    const form = await readForm(req);
    const view = viewOf(url);
    const { done, problem } = await attempt(() => change(state, form));
    if (problem === null) {
      return seeOther(pathOf({ ...view, show: done === "saved" ? view.show : null }, done));
    }
    const data = await ordersData(state, { view, url });
    return page<OrdersData>({ ...data, problem }, { status: problem.status });
  },
});

function viewOf({ searchParams }: URL): View {
  const show = Number(searchParams.get("show") ?? NaN);
  return {
    state: ORDER_STATES.find((each) => each === searchParams.get("state")) ?? null,
    cursor: searchParams.get("cursor"),
    show: Number.isSafeInteger(show) ? show : null,
  };
}

function pathOf({ state, cursor, show }: View, done?: string): string {
  const query = new URLSearchParams();
  if (state !== null) query.set("state", state);
  if (cursor !== null) query.set("cursor", cursor);
  if (show !== null) query.set("show", String(show));
  if (done !== undefined) query.set("done", done);
  return query.size === 0 ? "/orders" : `/orders?${query}`;
}

async function ordersData(
  { services: { store } }: PageState,
  { view, url }: { view: View; url: URL },
): Promise<OrdersData> {
  const [list, counts, shown] = await Promise.all([
    store.query("orders.list", {
      limit: PAGE_ROWS,
      cursor: view.cursor ?? undefined,
      state: view.state ?? undefined,
    }),
    store.query("orders.counts", {}),
    view.show === null ? undefined : store.query("orders.one", { id: view.show }),
  ]);
  const key = url.searchParams.get("done");
  const done = key === "saved" || key === "deleted" ? key : null;
  const { items: orders, cursor: next } = list;
  return { view, orders, next, counts, shown, done, problem: null };
}

async function change(state: PageState, form: URLSearchParams): Promise<"saved" | "deleted"> {
  const { store, auth } = state.services;
  const id = Number(field(form, "id"));
  const order = Number.isSafeInteger(id) ? await store.query("orders.one", { id }) : null;
  if (order === null) throw noOrder();
  const by = { name: state.identity!.name, address: state.remoteAddress };
  const subject = order.reference;
  if (field(form, "action") === "delete") {
    const entry = auth.audit.entry({ by, action: "order.delete", subject });
    await store.changeOrder({ type: "delete", id }, [entry]);
    return "deleted";
  }
  const update = updateOf(form, { id, by: by.name });
  const entry = auth.audit.entry({ by, action: "order.update", subject, detail: update.state });
  await store.changeOrder(update, [entry]);
  return "saved";
}

function updateOf(
  form: URLSearchParams,
  { id, by }: { id: number; by: string },
): OrderChange & { type: "update" } {
  const state = ORDER_STATES.find((each) => each === field(form, "state"));
  const remark = field(form, "remark").replace(/\r\n?/g, "\n").toWellFormed();
  if (state !== undefined && remark.length <= ORDER_LIMITS.remarkMax) {
    return { type: "update", id, state, remark, by };
  }
  throw new HttpError(400, "Cannot save the note: it is too long, or the status is none", {
    code: "ORD-0400",
    hint: `shorten the note to ${ORDER_LIMITS.remarkMax} characters and choose a status`,
  });
}

function noOrder(): HttpError {
  return new HttpError(404, "There is no such kit request", {
    code: "ORD-0404",
    hint: "somebody deleted it, open the list again",
  });
}

export default define.page<typeof handler>(({ data, state }) => {
  const { texts, csrfToken, nowMs, timeZone } = state;
  const { visitors: words } = texts;
  const { view, orders, shown, done, problem } = data;
  const link = (changes: Partial<View>) => pathOf({ ...view, show: null, ...changes });
  return (
    <>
      <Head>
        <link rel="stylesheet" href={asset("/ui/visitors.css")} />
      </Head>
      <PageHead title={words.orders}>
        <a class="button" href="/orders/export" download="">{words.ordersExport}</a>
      </PageHead>
      {problem !== null && <ProblemNotice problem={problem} />}
      {done !== null && <Notice tone="ok">{words.ordersDone[done]}</Notice>}
      {shown === null && problem === null && <Notice tone="warn">{words.ordersGone}</Notice>}
      <StateFilter data={data} texts={texts} />
      {shown != null && (
        <OrderCard
          key={shown.id}
          order={shown}
          action={pathOf(view)}
          close={link({})}
          {...{ texts, csrfToken, nowMs, timeZone }}
        />
      )}
      <section class="card">
        {orders.length === 0 ? <NoOrders texts={texts} /> : (
          <OrderTable
            {...{ orders, texts, nowMs, timeZone }}
            shown={view.show}
            href={(id) => link({ show: id })}
          />
        )}
        <Pager
          next={data.next === null ? null : link({ cursor: data.next })}
          first={view.cursor === null ? null : link({ cursor: null })}
          labels={texts.common}
        />
      </section>
    </>
  );
});

function StateFilter({ data: { counts, view }, texts }: { data: OrdersData; texts: Texts }) {
  const { visitors: words } = texts;
  const all = ORDER_STATES.reduce((sum, state) => sum + counts[state], 0);
  const options = ([null, ...ORDER_STATES] as const).map((state) => ({
    value: state ?? "all",
    label: `${words.ordersStates[state ?? "all"]} ${state === null ? all : counts[state]}`,
    href: pathOf({ state, cursor: null, show: null }),
  }));
  return (
    <div class="orders-head">
      <Segments label={words.ordersFilter} options={options} current={view.state ?? "all"} />
    </div>
  );
}

function NoOrders({ texts: { visitors: words } }: { texts: Texts }) {
  return (
    <Empty title={words.ordersEmpty}>
      <p>
        {words.ordersEmptyHint} <a href="/purchase">/purchase</a>
      </p>
    </Empty>
  );
}
