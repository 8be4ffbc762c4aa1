/** A page of the documentation: all pages beside it, its contents, its neighbours. */
import type { ComponentChildren } from "preact";
import type { Texts } from "@/components/texts.ts";

interface PageLink {
  path: string;
  title: string;
}

export interface DocsFrameProps {
  texts: Texts;
  sections: readonly { title: string; pages: readonly PageLink[] }[];
  /** Path of the page, or of the one that it is a part of. */
  here: string;
  /** Above the title. */
  section: string;
  title: string;
  contents: readonly { href: string; text: string; level: number }[];
  previous: PageLink | null;
  next: PageLink | null;
  children: ComponentChildren;
}

/** The list of pages comes last for a screen reader and a phone; wide screens show it first. */
export function DocsFrame(props: DocsFrameProps) {
  const { texts, section, title, contents, children } = props;
  const words = texts.visitors;
  return (
    <div class="docs">
      <article class="docs-text">
        <p class="docs-place">
          <a href="/docs">{words.docs}</a>
          {section !== "" && (
            <>
              {" "}
              <span aria-hidden="true">›</span> {section}
            </>
          )}
          <a class="docs-jump" href="#docs-pages">{words.allPages}</a>
        </p>
        <h1>{title}</h1>
        <Contents title={words.onThisPage} contents={contents} />
        {children}
        <Neighbours {...props} />
      </article>
      <PageList {...props} />
    </div>
  );
}

function Contents({ title, contents }: { title: string; contents: DocsFrameProps["contents"] }) {
  if (contents.length < 2) return null;
  return (
    <nav class="docs-contents" aria-labelledby="docs-contents-title">
      <h2 id="docs-contents-title">{title}</h2>
      <ul>
        {contents.map(({ href, text, level }) => (
          <li key={href} class={level === 3 ? "deeper" : undefined}>
            <a href={href}>{text}</a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function PageList({ texts, sections, here }: DocsFrameProps) {
  return (
    <nav class="docs-pages" id="docs-pages" aria-label={texts.visitors.docsPages} tabIndex={-1}>
      {sections.map(({ title, pages }) => (
        <details
          key={title}
          open={pages.length < 8 || pages.some(({ path }) => path === here)}
        >
          <summary>{title}</summary>
          <ul>
            {pages.map(({ path, title }) => (
              <li key={path}>
                <a href={path} aria-current={path === here ? "page" : undefined}>{title}</a>
              </li>
            ))}
          </ul>
        </details>
      ))}
    </nav>
  );
}

function Neighbours({ texts: { visitors }, previous, next }: DocsFrameProps) {
  if (previous === null && next === null) return null;
  return (
    <nav class="docs-neighbours" aria-label={visitors.neighbours}>
      {previous !== null && (
        <a href={previous.path} rel="prev">
          <span class="sub">{visitors.previousPage}</span> {previous.title}
        </a>
      )}
      {next !== null && (
        <a class="next" href={next.path} rel="next">
          <span class="sub">{visitors.nextPage}</span> {next.title}
        </a>
      )}
    </nav>
  );
}
