/** How far a replay, purge or export of many dead letters is. */
import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import { PageHead } from "@/components/PageHead.tsx";
import { WorkNotice } from "@/components/WorkNotice.tsx";
import WorkProgress from "@/islands/WorkProgress.tsx";
import { HttpError } from "@/model/errors.ts";
import { filterOf, letterPath } from "@/routes/letter_box.ts";
import { define } from "@/routes/page_state.ts";
import type { WorkView } from "@/routes/work_board.ts";

interface WorkData {
  work: WorkView;
  /** The list from which it was started. */
  back: string;
}

export const handler = define.handlers({
  GET({ url, params, state: { services } }) {
    const work = services.work.get(params.id ?? "");
    if (work === null) throw noWork();
    if (url.searchParams.get("format") === "json") return Response.json(work);
    return page<WorkData>({ work, back: letterPath(filterOf(url.searchParams)) });
  },
});

function noWork(): HttpError {
  return new HttpError(404, "There is no such work", {
    code: "HTTP-0404",
    hint: "the gateway was started anew meanwhile; what was not done is still in the list",
  });
}

export default define.page<typeof handler>(({ data: { work, back }, url, state }) => {
  const { deadLetters } = state.texts;
  const title = deadLetters.running(deadLetters.works[work.kind] ?? work.kind, work.subject);
  const path = url.pathname + url.search;
  return (
    <>
      <Head>
        <link rel="stylesheet" href={asset("/ui/delivery.css")} />
        {work.state === "running" && (
          <noscript>
            <meta http-equiv="refresh" content="1" />
          </noscript>
        )}
      </Head>
      <PageHead title={title} sub={deadLetters.by(work.by)} />
      <div class="card">
        {work.state === "running"
          ? (
            <>
              <WorkProgress
                work={{ done: work.done, total: work.total, state: work.state }}
                url={`/dead-letters/work/${work.id}?format=json`}
                doneUrl={path}
                words={{ progress: deadLetters.progress, label: title }}
              />
              <p class="sub">{deadLetters.goesOn}</p>
            </>
          )
          : <WorkNotice work={work} texts={state.texts} />}
        <a class="button" href={back}>{deadLetters.back}</a>
      </div>
    </>
  );
});
