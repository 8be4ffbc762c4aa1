import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import { KitChoice } from "@/components/KitChoice.tsx";
import { Field, PostForm, SelectField, TextAreaField } from "@/components/Form.tsx";
import { Notice, ProblemNotice } from "@/components/Notice.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import type { Texts } from "@/components/texts.ts";
import type { HttpError } from "@/model/errors.ts";
import {
  ORDER_LIMITS,
  ORDER_REGIONS,
  type OrderFault,
  type OrderField,
  type OrderInput,
  readOrder,
} from "@/model/order.ts";
import { attempt, field, readForm, seeOther } from "@/routes/page_form.ts";
import { define, type PageState } from "@/routes/page_state.ts";

type Refusal = "faults" | "trapped" | "too_soon" | "stale";

interface PurchaseData {
  input: OrderInput;
  faults: Partial<Record<OrderField, OrderFault>>;
  refusal: Refusal | null;
  problem: HttpError | null;
  ticket: string;
}

const EMPTY: OrderInput = {
  ...{ kit: "starter", quantity: "1", region: "eu868", name: "", organisation: "" },
  ...{ email: "", address: "", notes: "" },
};

export const handler = define.handlers({
  GET: ({ state: { services: { orderDesk } } }) =>
    page<PurchaseData>({
      ...{ input: EMPTY, faults: {}, refusal: null, problem: null },
      ticket: orderDesk.tickets.issue(),
    }),

  async POST({ req, state }) {
    const form = await readForm(req);
    const input = inputOf(form);
    const ticket = field(form, "ticket");
    const { order, faults } = readOrder(input);
    const refusal = refusalOf(state, { ticket, trap: field(form, "website"), isFaulty: !order });
    if (refusal !== null || order === null) {
      return refused(state, { input, faults: faults ?? {}, refusal, problem: null, ticket });
    }
    const address = state.remoteAddress;
    const { done, problem } = await attempt(() =>
      state.services.orderDesk.place({ order, ticket, address })
    );
    if (problem === null) return seeOther(`/purchase/thanks?reference=${done}`);
    return refused(state, { input, faults: {}, refusal: null, problem, ticket });
  },
});

function inputOf(form: URLSearchParams): OrderInput {
  const names = Object.keys(EMPTY) as OrderField[];
  return Object.fromEntries(names.map((name) => [name, form.get(name) ?? ""])) as OrderInput;
}

function refusalOf(
  { services: { orderDesk } }: PageState,
  { ticket, trap, isFaulty }: { ticket: string; trap: string; isFaulty: boolean },
): Refusal | null {
  if (isFaulty) return "faults";
  if (trap !== "") return "trapped";
  const found = orderDesk.tickets.check(ticket);
  return found === "good" ? null : found;
}

/** The form again with what was sent; a ticket that ages goes on ageing. */
function refused({ services: { orderDesk } }: PageState, data: PurchaseData) {
  const { tickets } = orderDesk;
  const ticket = tickets.check(data.ticket) === "stale" ? tickets.issue() : data.ticket;
  const { status = 400, headers = {} } = data.problem ?? {};
  return page<PurchaseData>({ ...data, ticket }, { status, headers });
}

export default define.page<typeof handler>(({ data, state: { texts, csrfToken } }) => {
  const { visitors: words } = texts;
  const { input, ticket } = data;
  const error = (name: OrderField) => {
    const fault = data.faults[name];
    return fault === undefined ? undefined : words.faults[fault];
  };
  return (
    <div class="purchase">
      <Head>
        <link rel="stylesheet" href={asset("/ui/visitors.css")} />
      </Head>
      <PageHead title={words.purchase} />
      <p class="purchase-intro">{words.purchaseIntro}</p>
      <Outcome data={data} texts={texts} />
      <PostForm csrfToken={csrfToken} action="/purchase" label={words.purchase} class="form card">
        <input type="hidden" name="ticket" value={ticket} />
        <KitChoice texts={texts} value={input.kit} error={error("kit")} />
        <KitNumbers {...{ input, texts, error }} />
        <h2>{words.purchaseYou}</h2>
        <Contact {...{ input, texts, error }} />
        <Trap label={words.purchaseTrap} />
        <p class="sub">
          {words.purchasePrivacy} <a href="/privacy">{texts.frame.privacy}</a>.
        </p>
        <button type="submit" class="button primary">{words.purchaseSend}</button>
      </PostForm>
    </div>
  );
});

interface FieldsProps {
  input: OrderInput;
  texts: Texts;
  error: (name: OrderField) => string | undefined;
}

function KitNumbers({ input, texts: { visitors: words }, error }: FieldsProps) {
  return (
    <div class="form-row">
      <Field
        name="quantity"
        label={words.purchaseQuantity}
        type="number"
        value={input.quantity}
        min={1}
        max={ORDER_LIMITS.quantityMax}
        inputMode="numeric"
        required
        error={error("quantity")}
      />
      <SelectField
        name="region"
        label={words.purchaseRegion}
        value={input.region}
        options={ORDER_REGIONS.map((value) => ({ value, label: words.regions[value] }))}
        error={error("region")}
      />
    </div>
  );
}

function Contact({ input, texts: { visitors: words }, error }: FieldsProps) {
  const { nameMax, emailMax, addressMax, notesMax } = ORDER_LIMITS;
  const text = (name: "name" | "organisation" | "email") => ({
    ...{ name, value: input[name], error: error(name) },
  });
  return (
    <>
      <div class="form-row">
        <Field
          {...text("name")}
          label={words.purchaseName}
          autocomplete="name"
          maxLength={nameMax}
          required
        />
        <Field
          {...text("organisation")}
          label={words.purchaseOrganisation}
          autocomplete="organization"
          maxLength={nameMax}
        />
      </div>
      <Field
        {...text("email")}
        label={words.purchaseEmail}
        help={words.purchaseEmailHelp}
        type="email"
        autocomplete="email"
        maxLength={emailMax}
        required
      />
      <TextAreaField
        name="address"
        label={words.purchaseAddress}
        value={input.address}
        rows={4}
        maxLength={addressMax}
        required
        error={error("address")}
      />
      <TextAreaField
        name="notes"
        label={words.purchaseNotes}
        value={input.notes}
        rows={4}
        maxLength={notesMax}
        error={error("notes")}
      />
    </>
  );
}

/** A field that only programs fill in: out of sight, out of the order of keys, out of autofill. */
function Trap({ label }: { label: string }) {
  return (
    <div class="trap" aria-hidden="true">
      <label for="field-website">{label}</label>
      <input id="field-website" name="website" tabIndex={-1} autocomplete="off" />
    </div>
  );
}

function Outcome({ data: { refusal, problem }, texts }: { data: PurchaseData; texts: Texts }) {
  const { visitors: words } = texts;
  if (problem !== null) return <ProblemNotice problem={problem} />;
  if (refusal === null) return null;
  const sentences = {
    faults: words.purchaseFaults,
    trapped: words.purchaseTrapped,
    too_soon: words.purchaseTooSoon,
    stale: words.purchaseStale,
  };
  return <Notice tone="bad">{sentences[refusal]}</Notice>;
}
