import { DashboardBook, dashboardText } from "@/routes/dashboard_book.ts";
import { define } from "@/routes/page_state.ts";

export const handler = define.handlers({
  /** A file that another gateway imports as it is. */
  async GET({ params, state }) {
    const book = await DashboardBook.open(state.services.store);
    const { id, dashboard } = await book.find(params.id!);
    return new Response(`${dashboardText(dashboard)}\n`, {
      headers: {
        "content-type": "application/json",
        "content-disposition": `attachment; filename="${id}.json"`,
      },
    });
  },
});
