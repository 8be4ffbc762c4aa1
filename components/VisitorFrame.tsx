/** The frame of public pages: brand, the way in, the legal pages. */
import type { ComponentChildren } from "preact";
import { Brand } from "@/components/Brand.tsx";
import type { Texts } from "@/components/texts.ts";
import { ThemeForm } from "@/components/ThemeForm.tsx";

export interface VisitorFrameProps {
  texts: Texts;
  /** Path and query of the page. */
  here: string;
  theme: string;
  signedIn: boolean;
  /** Narrow: sign-in, claim, messages. */
  narrow?: boolean;
  children: ComponentChildren;
}

export function VisitorFrame(props: VisitorFrameProps) {
  const { texts, here, theme, signedIn, narrow, children } = props;
  return (
    <div class="visitor">
      <a class="skip" href="#content">{texts.nav.skip}</a>
      <header class="visitor-head">
        <Brand name={texts.product} href={signedIn ? "/" : "/welcome"} />
        <nav aria-label={texts.nav.label}>
          <a href="/docs">{texts.nav.docs}</a>
          {signedIn
            ? <a href="/">{texts.nav.dashboard}</a>
            : <a href="/login">{texts.nav.signIn}</a>}
        </nav>
      </header>
      <main id="content" tabIndex={-1} class={narrow ? "narrow" : undefined}>{children}</main>
      <footer class="visitor-foot">
        <p>{texts.frame.footer}</p>
        <nav aria-label={texts.frame.imprint}>
          <a href="/privacy">{texts.frame.privacy}</a>
          <a href="/terms">{texts.frame.terms}</a>
          <a href="/imprint">{texts.frame.imprint}</a>
        </nav>
        <ThemeForm texts={texts} theme={theme} here={here} />
      </footer>
    </div>
  );
}
