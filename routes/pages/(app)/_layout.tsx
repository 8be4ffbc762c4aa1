import { framed } from "@/routes/page_frame.tsx";
import { define } from "@/routes/page_state.ts";

export default define.layout(async ({ Component, state, url }) =>
  await framed({ state, url }, <Component />)
);
