import { PageHead } from "@/components/PageHead.tsx";
import { Notice } from "@/components/Notice.tsx";
import type { Texts } from "@/components/texts.ts";

export interface LegalArticleProps {
  title: string;
  /** Rendered from Markdown, without HTML of the text. */
  html: string;
  /** True for the text that the program brings. */
  isDefault: boolean;
  /** For admins: where the operator's text is expected, and why it is not shown. */
  operator: { path: string; problem: string | null } | null;
  texts: Texts;
}

export function LegalArticle({ title, html, isDefault, operator, texts }: LegalArticleProps) {
  const { visitors: words } = texts;
  return (
    <article class="legal">
      <PageHead title={title} />
      {isDefault && operator === null && <Notice tone="idle">{words.legalDefault}</Notice>}
      {operator !== null && (isDefault || operator.problem !== null) && (
        <Notice tone="warn">
          {words.legalOperator} <code>{operator.path}</code>{" "}
          {operator.problem !== null && `${words.legalProblem} ${operator.problem}.`}
        </Notice>
      )}
      <div class="prose card" dangerouslySetInnerHTML={{ __html: html }} />
    </article>
  );
}
