/** Which frame a page gets, filled with what the gateway says. */
import type { ComponentChildren } from "preact";
import { AppFrame, type AppFrameProps } from "@/components/AppFrame.tsx";
import { VisitorFrame } from "@/components/VisitorFrame.tsx";
import LiveBar from "@/islands/LiveBar.tsx";
import type { PageState } from "@/routes/page_state.ts";

interface Framed {
  state: PageState;
  url: URL;
}

/** The signed-in frame; the visitors' one where nobody is signed in (pages of errors). */
export async function framed(
  { state, url }: Framed,
  children: ComponentChildren,
): Promise<ComponentChildren> {
  const { identity, texts, theme, csrfToken } = state;
  const here = url.pathname + url.search;
  if (identity === null) return visitorFrame({ state, url }, children, { narrow: true });
  const { frame } = texts;
  const live = (
    <LiveBar
      words={{
        live: frame.live,
        connecting: frame.connecting,
        lostTitle: frame.lostTitle,
        lostSince: frame.lostSince,
        lostHint: frame.lostHint,
      }}
      timeZone={state.timeZone}
    />
  );
  const facts = await frameFacts(state);
  return (
    <AppFrame {...{ texts, here, theme, csrfToken, live, ...facts }} person={identity}>
      {children}
    </AppFrame>
  );
}

export function visitorFrame(
  { state, url }: Framed,
  children: ComponentChildren,
  { narrow = false } = {},
): ComponentChildren {
  const { texts, theme, identity } = state;
  const here = url.pathname + url.search;
  return (
    <VisitorFrame {...{ texts, theme, here, narrow }} signedIn={identity !== null}>
      {children}
    </VisitorFrame>
  );
}

async function frameFacts(
  state: PageState,
): Promise<Pick<AppFrameProps, "deadCount" | "orderCount" | "warnings">> {
  const { store } = state.services;
  const isAdmin = state.identity?.role === "admin";
  const [{ ledgers, sourceDead }, orders] = await Promise.all([
    store.snapshot(),
    isAdmin ? store.query("orders.counts", {}) : null,
  ]);
  const deadCount = ledgers.reduce((sum, { dead }) => sum + dead, sourceDead);
  return { deadCount, orderCount: orders?.new ?? 0, warnings: warningsOf(state) };
}

/** What stands on every page while it is so. */
function warningsOf({ services, texts: { frame } }: PageState): AppFrameProps["warnings"] {
  const { full, durability } = services.store.state;
  const warnings: AppFrameProps["warnings"][number][] = [];
  if (full !== null) {
    warnings.push({ tone: "bad", text: `${frame.full}${full.message}; ${full.hint}.` });
  }
  if (services.auth.access.anonymousOpen) {
    const link = { href: "/add-device", text: frame.anonymousLink };
    warnings.push({ tone: "warn", text: frame.anonymous, link });
  }
  if (durability === "relaxed") warnings.push({ tone: "warn", text: frame.relaxed });
  return warnings;
}
