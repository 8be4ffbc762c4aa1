import { Head } from "fresh/runtime";
import { page } from "fresh";
import { asset } from "fresh/runtime";
import { DocsFrame } from "@/components/DocsFrame.tsx";
import { HttpError } from "@/model/errors.ts";
import type { DocPage } from "@/routes/doc_library.ts";
import { define } from "@/routes/page_state.ts";

/** A page of the documentation. A path with `.md` is a file's: somebody copied it from there. */
export const handler = define.handlers({
  GET({ url: { pathname }, state: { services: { docs } } }) {
    const found = docs.find(pathname);
    if (found !== null) return page<DocPage>(found);
    const forward = docs.forward(pathname);
    if (forward === null) throw notFound(pathname);
    return new Response(null, { status: 308, headers: { location: forward } });
  },
});

function notFound(path: string): HttpError {
  return new HttpError(404, `No page of the documentation is at "${path.slice(0, 200)}"`, {
    code: "HTTP-0404",
    hint: "all pages are listed in /docs",
  });
}

export default define.page<typeof handler>(({ data, state: { texts, services } }) => {
  const { part: [part, parts], title, html, ...rest } = data;
  const shown = part === 1 ? title : `${title}, ${texts.visitors.part(part, parts)}`;
  const here = part === 1 ? data.path : data.path.replace(/\/\d+$/, "");
  return (
    <>
      <Head>
        <title>{`${shown} · ${texts.product}`}</title>
        <link rel="stylesheet" href={asset("/ui/docs.css")} />
      </Head>
      <DocsFrame {...{ texts, ...rest, here }} title={shown} sections={services.docs.sections}>
        <div class="prose" dangerouslySetInnerHTML={{ __html: html }} />
      </DocsFrame>
    </>
  );
});
