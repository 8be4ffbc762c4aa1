import { PageHead } from "@/components/PageHead.tsx";
import { framed } from "@/routes/page_frame.tsx";
import { define } from "@/routes/page_state.ts";

export default define.page(async ({ state, url }) => {
  const { errors } = state.texts;
  return await framed(
    { state, url },
    <>
      <PageHead title={errors.notFound} />
      <p>{errors.notFoundHint}</p>
      <p>
        <a class="button" href="/">{errors.home}</a>
      </p>
    </>,
  );
});
