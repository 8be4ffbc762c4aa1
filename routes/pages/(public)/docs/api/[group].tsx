import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import type { PolicyTable } from "@/auth/route_policy.ts";
import { Operation, Shape } from "@/components/ApiParts.tsx";
import { DocsFrame } from "@/components/DocsFrame.tsx";
import type { Texts } from "@/components/texts.ts";
import { HttpError } from "@/model/errors.ts";
import {
  API_PATH,
  type ApiGroup,
  type ApiOperation,
  type ApiReference,
  apiReference,
  SCHEMAS_PATH,
} from "@/routes/docs_api.ts";
import { define } from "@/routes/page_state.ts";

interface GroupData {
  reference: ApiReference;
  /** Null for the schemas. */
  group: ApiGroup | null;
}

export const handler = define.handlers({
  GET({ url: { pathname }, state: { services } }) {
    const reference = apiReference(services.apiDocument());
    const group = reference.groups.find(({ path }) => path === pathname) ?? null;
    if (group !== null || pathname === SCHEMAS_PATH) return page<GroupData>({ reference, group });
    throw new HttpError(404, `No part of the API is at "${pathname.slice(0, 200)}"`, {
      code: "HTTP-0404",
      hint: "all operations are listed in /docs/api",
    });
  },
});

/** One group of operations, or the schemas that all of them use. */
export default define.page<typeof handler>(({ data, state: { texts, services } }) => {
  const { group, reference } = data;
  const title = group?.title ?? texts.visitors.apiSchemas;
  return (
    <>
      <Head>
        <title>{`${title} · ${texts.visitors.api} · ${texts.product}`}</title>
        <link rel="stylesheet" href={asset("/ui/docs.css")} />
      </Head>
      <DocsFrame
        {...{ texts, title, here: API_PATH, section: texts.visitors.api }}
        sections={services.docs.sections}
        contents={contentsOf(data)}
        {...neighboursOf(data, texts)}
      >
        <div class="prose">
          {group === null
            ? <Schemas reference={reference} texts={texts} />
            : group.operations.map((operation) => (
              <Operation
                key={operation.id}
                {...{ operation, texts, schemasPath: SCHEMAS_PATH }}
                problemsPath={`${API_PATH}#problems`}
                who={whoMay(operation, { policies: services.auth.policies, texts })}
              />
            ))}
        </div>
      </DocsFrame>
    </>
  );
});

function Schemas({ reference, texts }: { reference: ApiReference; texts: Texts }) {
  return (
    <>
      {reference.schemas.map(({ name, text, rows }) => (
        <section key={name} class="operation">
          <h2 id={name}>
            <a class="self" href={`#${name}`}>{name}</a>
          </h2>
          {text !== "" && <p>{text}</p>}
          <Shape
            {...{ rows, texts, schemasPath: SCHEMAS_PATH, of: name }}
            title={texts.visitors.apiMeaning}
          />
        </section>
      ))}
    </>
  );
}

function contentsOf({ group, reference }: GroupData) {
  return group === null
    ? reference.schemas.map(({ name }) => ({ href: `#${name}`, text: name, level: 2 }))
    : group.operations.map(({ id, summary }) => ({
      href: `#${id}`,
      text: summary.replaceAll("`", ""),
      level: 2,
    }));
}

function neighboursOf({ group, reference }: GroupData, texts: Texts) {
  const links = [
    { path: API_PATH, title: texts.visitors.api },
    ...reference.groups.map(({ path, title }) => ({ path, title })),
    { path: SCHEMAS_PATH, title: texts.visitors.apiSchemas },
  ];
  const at = links.findIndex(({ path }) => path === (group?.path ?? SCHEMAS_PATH));
  return { previous: links[at - 1] ?? null, next: links[at + 1] ?? null };
}

/** From the table that decides it. */
function whoMay(
  { method, path }: ApiOperation,
  { policies, texts: { visitors: words } }: { policies: PolicyTable; texts: Texts },
): string {
  const policy = policies.find(method, path.replace(/\{\w+\}/g, "x"));
  if (policy?.kind === "person") return words.apiRole(policy.atLeast);
  if (policy?.kind !== "own") return words.apiPublic;
  if (policy.credential === "device") return words.apiDevice;
  return policy.credential === "scrape" ? words.apiScrape : words.apiOwn;
}
