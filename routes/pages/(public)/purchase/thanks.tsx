import { asset, Head } from "fresh/runtime";
import { PageHead } from "@/components/PageHead.tsx";
import { isReference } from "@/routes/order_desk.ts";
import { define } from "@/routes/page_state.ts";

export default define.page(({ url, state: { texts } }) => {
  const { visitors: words } = texts;
  const reference = url.searchParams.get("reference") ?? "";
  return (
    <div class="purchase">
      <Head>
        <link rel="stylesheet" href={asset("/ui/visitors.css")} />
      </Head>
      <div class="card thanks">
        <PageHead title={words.thanks} />
        {isReference(reference) && (
          <p>
            {words.thanksReference} <strong class="reference">{reference}</strong>
          </p>
        )}
        <p>{words.thanksText}</p>
        <p>
          <a class="button" href="/welcome">{words.thanksBack}</a>
        </p>
      </div>
    </div>
  );
});
