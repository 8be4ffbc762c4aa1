/** The signed-in frame: navigation, warnings, the page. */
import type { ComponentChildren } from "preact";
import ellipsis from "lucide/ellipsis.mjs";
import signOut from "lucide/log-out.mjs";
import person from "lucide/user-round.mjs";
import { Brand } from "@/components/Brand.tsx";
import { Icon, type IconData } from "@/components/Icon.tsx";
import { isInside, navigation, type NavigationPlace } from "@/components/navigation.ts";
import { Notice } from "@/components/Notice.tsx";
import type { Texts } from "@/components/texts.ts";
import { ThemeForm } from "@/components/ThemeForm.tsx";

export interface AppFrameProps {
  texts: Texts;
  /** Path and query of the page. */
  here: string;
  person: { name: string; role: "viewer" | "operator" | "admin" };
  csrfToken: string | null;
  theme: string;
  /** Dead letters that wait, of sources and destinations. */
  deadCount: number;
  /** Kit requests that nobody has answered yet; 0 for who may not see them. */
  orderCount: number;
  /** One sentence each. */
  warnings: readonly {
    tone: "warn" | "bad";
    text: string;
    link?: { href: string; text: string };
  }[];
  /** The island that keeps the page live. */
  live: ComponentChildren;
  children: ComponentChildren;
}

const RANK = { viewer: 0, operator: 1, admin: 2 };

export function AppFrame(props: AppFrameProps) {
  const { texts, warnings, live, children } = props;
  return (
    <div class="app">
      <a class="skip" href="#content">{texts.nav.skip}</a>
      <Navigation {...props} />
      <main id="content" tabIndex={-1}>
        {warnings.map(({ tone, text, link }) => (
          <Notice key={text} tone={tone}>
            {text} {link !== undefined && <a href={link.href}>{link.text}</a>}
          </Notice>
        ))}
        {live}
        {children}
      </main>
    </div>
  );
}

function Navigation(props: AppFrameProps) {
  const { texts, here, person: who, deadCount, orderCount, ...rest } = props;
  const counts: Record<string, number> = { "/dead-letters": deadCount, "/orders": orderCount };
  const path = here.split("?")[0]!;
  const places = navigation(texts).filter(({ role }) => RANK[role] <= RANK[who.role]);
  const link = (place: NavigationPlace) => (
    <PlaceLink
      key={place.path}
      place={place}
      here={isInside(path, place.path)}
      count={counts[place.path] ?? 0}
    />
  );
  return (
    <nav class="main-nav" aria-label={texts.nav.label}>
      <Brand name={texts.product} />
      {places.filter(({ main }) => main).map(link)}
      <details class="more" open={false}>
        <summary>
          <Icon of={ellipsis as IconData} /> <span>{texts.nav.more}</span>
        </summary>
        <div class="more-list">
          {places.filter(({ main }) => !main).map(link)}
          <Person {...{ ...rest, texts, here, person: who }} />
        </div>
      </details>
      <div class="rest">
        {places.filter(({ main }) => !main).map(link)}
        <Person {...{ ...rest, texts, here, person: who }} />
      </div>
    </nav>
  );
}

function PlaceLink(
  { place, here, count }: { place: NavigationPlace; here: boolean; count: number },
) {
  return (
    <a href={place.path} aria-current={here ? "page" : undefined}>
      <Icon of={place.icon} /> <span>{place.title}</span>
      {count > 0 && <span class="count">{count > 999 ? "999+" : count}</span>}
    </a>
  );
}

type PersonProps = Pick<AppFrameProps, "texts" | "person" | "csrfToken" | "theme" | "here">;

function Person({ texts, person: who, csrfToken, theme, here }: PersonProps) {
  return (
    <div class="person">
      <a href="/account">
        <Icon of={person as IconData} /> <span>{who.name}</span>
        <span class="sub">{who.role}</span>
      </a>
      <ThemeForm texts={texts} theme={theme} here={here} />
      <form method="post" action="/logout">
        <input type="hidden" name="_csrf" value={csrfToken ?? ""} />
        <button type="submit" class="quiet">
          <Icon of={signOut as IconData} /> <span>{texts.nav.signOut}</span>
        </button>
      </form>
    </div>
  );
}
