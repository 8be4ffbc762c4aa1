import { Table } from "@/components/Table.tsx";
import { Tag, type Tone } from "@/components/Tag.tsx";
import type { Texts } from "@/components/texts.ts";
import { Time } from "@/components/Time.tsx";
import type { Order, OrderState } from "@/model/order.ts";

const TONES: Record<OrderState, Tone> = { new: "warn", answered: "ok", done: "idle" };

export function OrderStateTag({ state, texts }: { state: OrderState; texts: Texts }) {
  return <Tag tone={TONES[state]}>{texts.visitors.ordersStates[state]}</Tag>;
}

export interface OrderTableProps {
  orders: readonly Order[];
  /** Id of the one that is shown in full. */
  shown: number | null;
  href: (id: number) => string;
  texts: Texts;
  nowMs: number;
  timeZone: string;
}

export function OrderTable({ orders, shown, href, texts, nowMs, timeZone }: OrderTableProps) {
  const { visitors: words } = texts;
  const columns = [words.ordersReference, words.ordersWhen, words.ordersWhat, words.ordersWho];
  return (
    <Table caption={words.orders} columns={[...columns, words.ordersState]}>
      {orders.map(({ id, reference, atMs, kit, quantity, name, organisation, state }) => (
        <tr key={id} class={id === shown ? "chosen" : undefined}>
          <td class="nowrap">
            <a href={href(id)} aria-current={id === shown ? "true" : undefined}>{reference}</a>
          </td>
          <td class="nowrap">
            <Time {...{ atMs, nowMs, timeZone }} />
          </td>
          <td class="nowrap">{`${quantity} × ${words.kits[kit][0]}`}</td>
          <td class="who">
            {name} <span class="sub">{organisation}</span>
          </td>
          <td>
            <OrderStateTag {...{ state, texts }} />
          </td>
        </tr>
      ))}
    </Table>
  );
}
