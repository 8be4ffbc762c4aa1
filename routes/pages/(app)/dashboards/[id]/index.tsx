import { page } from "fresh";
import { HttpError } from "@/model/errors.ts";
import { copyDashboard, moveFirst, removeDashboard } from "@/routes/dashboard_acts.ts";
import { DashboardBook } from "@/routes/dashboard_book.ts";
import { DashboardPage, readDashboardPage } from "@/routes/dashboard_page.tsx";
import { field, readForm, seeOther } from "@/routes/page_form.ts";
import { define } from "@/routes/page_state.ts";

export const handler = define.handlers({
  async GET({ url, params, state }) {
    const book = await DashboardBook.open(state.services.store);
    const entry = await book.find(params.id!);
    return page(await readDashboardPage(state, url, { book, entry }));
  },

  async POST({ req, params, state }) {
    const form = await readForm(req);
    const book = await DashboardBook.open(state.services.store);
    const entry = await book.find(params.id!);
    const action = field(form, "action");
    switch (action) {
      case "copy":
        return seeOther(`/dashboards/${await copyDashboard(state, entry)}/edit?done=copied`);
      case "first":
        await moveFirst(state, entry, book);
        return seeOther("/dashboards?done=first");
      case "delete":
        await removeDashboard(state, entry);
        return seeOther(`/dashboards?done=${entry.origin === "own" ? "deleted" : "reset"}`);
      default:
        throw new HttpError(400, `There is no act "${action.slice(0, 40)}" on a dashboard`, {
          code: "WEB-0304",
          hint: "send a form of the page",
        });
    }
  },
});

export default define.page<typeof handler>(({ data, state, url }) => (
  <DashboardPage {...{ data, state, url }} />
));
