import { PageHead } from "@/components/PageHead.tsx";
import { framed } from "@/routes/page_frame.tsx";
import { define } from "@/routes/page_state.ts";

export default define.page(async ({ state, url }) => {
  const { errors, visitors } = state.texts;
  const home = state.identity === null
    ? { href: "/welcome", title: visitors.thanksBack }
    : { href: "/", title: errors.home };
  return await framed(
    { state, url },
    <>
      <PageHead title={errors.notFound} />
      <p>{errors.notFoundHint}</p>
      <p>
        <a class="button" href={home.href}>{home.title}</a>
      </p>
    </>,
  );
});
