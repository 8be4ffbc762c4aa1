import { page } from "fresh";
import { DashboardBook } from "@/routes/dashboard_book.ts";
import { DashboardPage, readDashboardPage } from "@/routes/dashboard_page.tsx";
import { define } from "@/routes/page_state.ts";

export const handler = define.handlers({
  async GET({ url, state }) {
    const book = await DashboardBook.open(state.services.store);
    return page(await readDashboardPage(state, url, { book, entry: await book.first() }));
  },
});

export default define.page<typeof handler>(({ data, state, url }) => (
  <DashboardPage {...{ data, state, url }} />
));
