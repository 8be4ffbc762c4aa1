import { clearedSessionCookie } from "@/auth/browser_cookies.ts";
import { seeOther } from "@/routes/page_form.ts";
import { define } from "@/routes/page_state.ts";

export const handler = define.handlers({
  async POST({ state: { services, identity, remoteAddress: address, tls } }) {
    const { sessionId, name: by } = identity!;
    await services.auth.sessions.end(sessionId, { by, address });
    return seeOther("/login", { "set-cookie": clearedSessionCookie(tls) });
  },
});
