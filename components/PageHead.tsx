import type { ComponentChildren } from "preact";
import { Head } from "fresh/runtime";
import { texts } from "@/components/texts.ts";

/** The page's title, in the document's head too, with its actions at the end of the line. */
export function PageHead(
  { title, sub, children }: {
    title: string;
    sub?: ComponentChildren;
    children?: ComponentChildren;
  },
) {
  return (
    <header class="page-head">
      <Head>
        <title>{`${title} · ${texts.product}`}</title>
      </Head>
      <h1>{title}</h1>
      {sub !== undefined && <span class="sub">{sub}</span>}
      {children !== undefined && <div class="page-actions">{children}</div>}
    </header>
  );
}
