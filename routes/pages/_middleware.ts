import { texts } from "@/components/texts.ts";
import { define } from "@/routes/page_state.ts";

/** The words of this version of the pages: in development they change while the process runs. */
export default define.middleware((ctx) => {
  ctx.state.texts = texts;
  return ctx.next();
});
