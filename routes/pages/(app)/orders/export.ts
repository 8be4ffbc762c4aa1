import { csvCell } from "@/auth/audit.ts";
import type { Order } from "@/model/order.ts";
import { define } from "@/routes/page_state.ts";
import type { PageServices } from "@/routes/page_services.ts";

const PAGE_ROWS = 500;
const COLUMNS = [
  ...["reference", "received", "state", "kit", "quantity", "region", "name", "organisation"],
  ...["email", "address", "notes", "remark", "changed", "changed_by"],
];

/** Every request as CSV, the newest first; no text becomes a formula of a spreadsheet. */
export const handler = define.handlers({
  GET({ state: { services, nowMs } }) {
    const day = new Date(nowMs).toISOString().slice(0, 10);
    return new Response(
      ReadableStream.from(linesOf(services)).pipeThrough(new TextEncoderStream()),
      {
        headers: {
          "content-type": "text/csv; charset=utf-8",
          "content-disposition": `attachment; filename="kit-requests-${day}.csv"`,
        },
      },
    );
  },
});

async function* linesOf({ store }: PageServices): AsyncGenerator<string> {
  yield COLUMNS.join(",") + "\r\n";
  let cursor: string | undefined;
  do {
    const page = await store.query("orders.list", { limit: PAGE_ROWS, cursor });
    for (const order of page.items) yield lineOf(order);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
}

function lineOf(order: Order): string {
  const { reference, state, kit, quantity, region, name, organisation } = order;
  const { email, address, notes, remark, changedBy } = order;
  const at = (ms: number | null) => ms === null ? "" : new Date(ms).toISOString();
  const cells = [
    ...[reference, at(order.atMs), state, kit, String(quantity), region, name, organisation],
    ...[email, address, notes, remark, at(order.changedAtMs), changedBy],
  ];
  return cells.map(csvCell).join(",") + "\r\n";
}
