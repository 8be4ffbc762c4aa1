import { page } from "fresh";
import { DashboardBook } from "@/routes/dashboard_book.ts";
import {
  DashboardPage,
  type DashboardPageData,
  readDashboardPage,
} from "@/routes/dashboard_page.tsx";
import { define } from "@/routes/page_state.ts";

export const handler = define.handlers({
  async GET({ url, state }) {
    const { store, deliveryView } = state.services;
    const book = await DashboardBook.open(store);
    const [data, flow] = await Promise.all([
      readDashboardPage(state, url, { book, entry: await book.first() }),
      deliveryView(),
    ]);
    return page<DashboardPageData>({ ...data, flow });
  },
});

export default define.page<typeof handler>(({ data, state, url }) => (
  <DashboardPage {...{ data, state, url }} />
));
