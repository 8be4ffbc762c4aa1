import { asset, Head } from "fresh/runtime";
import { PageHead } from "@/components/PageHead.tsx";
import { define } from "@/routes/page_state.ts";

/** All of the documentation at a glance. */
export default define.page(({ state: { texts: { visitors: words }, services: { docs } } }) => (
  <>
    <Head>
      <link rel="stylesheet" href={asset("/ui/docs.css")} />
    </Head>
    <PageHead title={words.docs} />
    <p class="docs-intro">{words.docsIntro}</p>
    <div class="docs-overview">
      {docs.sections.map(({ title, pages }) => (
        <section key={title} class="card">
          <h2>{title}</h2>
          <ul>
            {pages.map((link) => (
              <li key={link.path}>
                <a href={link.path}>{link.title}</a>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  </>
));
