/** One kit request in full, with what may be done about it. */
import { ConfirmForm, PostForm, SelectField, TextAreaField } from "@/components/Form.tsx";
import { OrderStateTag } from "@/components/OrderTable.tsx";
import type { Texts } from "@/components/texts.ts";
import { Time } from "@/components/Time.tsx";
import { type Order, ORDER_LIMITS, ORDER_STATES } from "@/model/order.ts";

export interface OrderCardProps {
  order: Order;
  /** Where its forms go: the list as it is shown. */
  action: string;
  /** The list without it. */
  close: string;
  csrfToken: string | null;
  texts: Texts;
  nowMs: number;
  timeZone: string;
}

export function OrderCard(props: OrderCardProps) {
  const { order, close, texts, nowMs, timeZone } = props;
  const { visitors: words } = texts;
  return (
    <section class="card order" aria-labelledby="order-title">
      <div class="card-head">
        <h2 id="order-title">{order.reference}</h2>
        <OrderStateTag state={order.state} texts={texts} />
        <span class="sub">
          <Time atMs={order.atMs} nowMs={nowMs} timeZone={timeZone} />
        </span>
        <a class="card-end" href={close}>{words.ordersClose}</a>
      </div>
      <Facts order={order} texts={texts} />
      <WorkForm {...props} />
      {order.changedAtMs !== null && (
        <p class="sub">
          {words.ordersChanged(order.changedBy)}{" "}
          <Time atMs={order.changedAtMs} nowMs={nowMs} timeZone={timeZone} />
        </p>
      )}
      <RemoveForm {...props} />
    </section>
  );
}

function Facts({ order, texts: { visitors: words } }: Pick<OrderCardProps, "order" | "texts">) {
  const subject = encodeURIComponent(`${words.orders} ${order.reference}`);
  const address = encodeURIComponent(order.email);
  return (
    <dl class="facts">
      <dt>{words.ordersWhat}</dt>
      <dd>{`${order.quantity} × ${words.kits[order.kit][0]}, ${words.regions[order.region]}`}</dd>
      <dt>{words.purchaseName}</dt>
      <dd>{order.name}</dd>
      {order.organisation !== "" && (
        <>
          <dt>{words.ordersOrganisation}</dt>
          <dd>{order.organisation}</dd>
        </>
      )}
      <dt>{words.purchaseEmail}</dt>
      <dd>
        <a href={`mailto:${address}?subject=${subject}`}>{order.email}</a>
      </dd>
      <dt>{words.purchaseAddress}</dt>
      <dd class="order-text">{order.address}</dd>
      {order.notes !== "" && (
        <>
          <dt>{words.ordersNotes}</dt>
          <dd class="order-text">{order.notes}</dd>
        </>
      )}
    </dl>
  );
}

function WorkForm({ order, action, csrfToken, texts: { visitors: words } }: OrderCardProps) {
  return (
    <PostForm {...{ action, csrfToken }} act="update" label={words.ordersSave}>
      <input type="hidden" name="id" value={order.id} />
      <SelectField
        name="state"
        label={words.ordersState}
        value={order.state}
        options={ORDER_STATES.map((value) => ({ value, label: words.ordersStates[value] }))}
      />
      <TextAreaField
        name="remark"
        label={words.ordersRemark}
        help={words.ordersRemarkHelp}
        value={order.remark}
        maxLength={ORDER_LIMITS.remarkMax}
        rows={3}
      />
      <button type="submit" class="button primary">{words.ordersSave}</button>
    </PostForm>
  );
}

function RemoveForm({ order, action, csrfToken, texts: { visitors: words } }: OrderCardProps) {
  return (
    <ConfirmForm
      {...{ action, csrfToken }}
      act="delete"
      open={words.ordersDelete}
      question={words.ordersDeleteQuestion(order.reference)}
      button={words.ordersDeleteButton(order.reference)}
    >
      <input type="hidden" name="id" value={order.id} />
    </ConfirmForm>
  );
}
