import { visitorFrame } from "@/routes/page_frame.tsx";
import { define } from "@/routes/page_state.ts";

/** Pages that are one form and nothing else. */
const NARROW = new Set(["/login", "/claim"]);

export default define.layout(({ Component, state, url }) =>
  visitorFrame({ state, url }, <Component />, { narrow: NARROW.has(url.pathname) })
);
