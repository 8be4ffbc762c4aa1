/** The three legal pages: the operator's Markdown, or the program's own words. */
import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import { LegalArticle, type LegalArticleProps } from "@/components/LegalArticle.tsx";
import { type RenderedText, renderMarkdown, safeLink } from "@/routes/markdown.ts";
import type { LegalName } from "@/routes/page_services.ts";
import { define, type PageState } from "@/routes/page_state.ts";

const rendered = new Map<LegalName, { text: string; page: RenderedText }>();

/** Anybody may ask for these pages, as often as they like: a text is rendered when it changes. */
function renderedOnce(name: LegalName, text: string): RenderedText {
  const known = rendered.get(name);
  if (known?.text === text) return known.page;
  const page = renderMarkdown(text, safeLink);
  rendered.set(name, { text, page });
  return page;
}

type LegalData = Omit<LegalArticleProps, "texts">;

/** What a legal page shows to whoever asks; its path on disk is shown to admins only. */
async function legalData(name: LegalName, state: PageState): Promise<LegalData> {
  const { services, texts, identity } = state;
  const { text, path, problem } = await services.legalText(name);
  const { title, chapters } = renderedOnce(name, text ?? texts.visitors.legal[name]);
  return {
    title: title ?? texts.frame[name],
    html: chapters.map(({ html }) => html).join(""),
    isDefault: text === null,
    operator: identity?.role === "admin" ? { path, problem } : null,
  };
}

export function legalHandler(name: LegalName) {
  return define.handlers({ GET: async ({ state }) => page(await legalData(name, state)) });
}

export const LegalView = define.page<ReturnType<typeof legalHandler>>(({ data, state }) => (
  <>
    <Head>
      <link rel="stylesheet" href={asset("/ui/docs.css")} />
    </Head>
    <LegalArticle {...data} texts={state.texts} />
  </>
));
