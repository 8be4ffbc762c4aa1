import { PageHead } from "@/components/PageHead.tsx";
import { ProblemNotice } from "@/components/Notice.tsx";
import { asHttpError } from "@/routes/api/problem.ts";
import { framed } from "@/routes/page_frame.tsx";
import { define } from "@/routes/page_state.ts";

export default define.page(async ({ state, url, error }) => {
  const { errors } = state.texts;
  const problem = asHttpError(error);
  return await framed(
    { state, url },
    <>
      <PageHead title={problem.status === 403 ? errors.notAllowed : errors.title} />
      <ProblemNotice problem={problem} />
      <p>
        <a class="button" href="/">{errors.home}</a>
      </p>
    </>,
  );
});
