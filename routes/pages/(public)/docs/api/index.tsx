import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import { Method, Words } from "@/components/ApiParts.tsx";
import { DocsFrame } from "@/components/DocsFrame.tsx";
import type { Texts } from "@/components/texts.ts";
import { ERRORS_PATH } from "@/routes/doc_library.ts";
import {
  API_PATH,
  type ApiGroup,
  type ApiReference,
  apiReference,
  SCHEMAS_PATH,
} from "@/routes/docs_api.ts";
import { define } from "@/routes/page_state.ts";

export const handler = define.handlers({
  GET: ({ state }) => page<ApiReference>(apiReference(state.services.apiDocument())),
});

/** The API at a glance: how to sign in, every operation, every problem. */
export default define.page<typeof handler>(({ data, state: { texts, services } }) => {
  const { visitors: words } = texts;
  const contents = [
    { href: "#sign-in", text: words.apiSignIn, level: 2 },
    { href: "#operations", text: words.apiOperations, level: 2 },
    { href: "#problems", text: words.apiProblems, level: 2 },
  ];
  return (
    <>
      <Head>
        <title>{`${words.api} · ${texts.product}`}</title>
        <link rel="stylesheet" href={asset("/ui/docs.css")} />
      </Head>
      <DocsFrame
        {...{ texts, contents, section: "", title: words.api, here: API_PATH }}
        sections={services.docs.sections}
        previous={null}
        next={{ path: data.groups[0]?.path ?? SCHEMAS_PATH, title: data.groups[0]?.title ?? "" }}
      >
        <div class="prose">
          <p>{data.text}</p>
          <p>
            <a href="/api/openapi.json">{words.apiDocument}</a>{" "}
            <span class="sub">
              {`${words.apiDocumentHint}, ${words.apiVersion} ${data.version}`}
            </span>
          </p>
          <SignIn texts={texts} />
          <h2 id="operations">{words.apiOperations}</h2>
          {data.groups.map((group) => <Group key={group.path} group={group} />)}
          <p>
            <a href={SCHEMAS_PATH}>{words.apiSchemas}</a>{" "}
            <span class="sub">{words.apiSchemasHint}</span>
          </p>
          <Problems
            problems={data.problems}
            codes={services.docs.find(ERRORS_PATH) === null ? null : ERRORS_PATH}
            texts={texts}
          />
        </div>
      </DocsFrame>
    </>
  );
});

function SignIn({ texts: { visitors: words } }: { texts: Texts }) {
  return (
    <>
      <h2 id="sign-in">{words.apiSignIn}</h2>
      <ul>
        <li>
          {words.apiSignInBearer} <code>POST /api/auth/login</code>
        </li>
        <li>{words.apiSignInCookie}</li>
        <li>{words.apiSignInDevice}</li>
      </ul>
      <pre tabIndex={0}><code>Authorization: Bearer eyJhbGciOi…</code></pre>
    </>
  );
}

function Group({ group: { title, path, operations } }: { group: ApiGroup }) {
  return (
    <section class="api-group">
      <h3>
        <a href={path}>{title}</a>
      </h3>
      <ul class="calls">
        {operations.map(({ id, method, path: called, summary }) => (
          <li key={id}>
            <Method name={method} />{" "}
            <a href={`${path}#${id}`}>
              <code>{called}</code>
            </a>
            <span class="sub">
              <Words text={summary} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Problems(
  { problems, codes, texts: { visitors: words } }: {
    problems: ApiReference["problems"];
    /** Path of the page of all codes. */
    codes: string | null;
    texts: Texts;
  },
) {
  return (
    <>
      <h2 id="problems">{words.apiProblems}</h2>
      <p>
        {words.apiProblemsHint} {codes !== null && <a href={codes}>{words.apiCodes}</a>}
      </p>
      <div class="table-box" role="group" aria-label={words.apiProblems} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.apiStatus}</th>
              <th scope="col">{words.apiMeaning}</th>
            </tr>
          </thead>
          <tbody>
            {problems.map(({ status, text }) => (
              <tr key={status}>
                <td>{status}</td>
                <td>{text}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
