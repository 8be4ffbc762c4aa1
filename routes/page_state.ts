/** What every page knows of its request; the frame of the pages fills it before they run. */
import { createDefine } from "fresh";
import type { Identity } from "@/auth/access_tokens.ts";
import type { Texts } from "@/components/texts.ts";
import type { Theme } from "@/routes/appearance.ts";
import type { PageServices } from "@/routes/page_services.ts";

export interface PageState {
  services: PageServices;
  /** Who is signed in; null on public pages for a visitor. */
  identity: Identity | null;
  /** For forms and islands; null without a session cookie. */
  csrfToken: string | null;
  remoteAddress: string;
  tls: boolean;
  texts: Texts;
  theme: Theme;
  /** IANA name, for absolute times and for days. */
  timeZone: string;
  /** ms since 1970, the same for all of a page. */
  nowMs: number;
}

/** Types files under routes/pages/ by this state. */
export const define = createDefine<PageState>();
