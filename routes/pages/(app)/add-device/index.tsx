import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import type { NewCredentialView } from "@/components/devices/credential_views.ts";
import { Field, PostForm } from "@/components/Form.tsx";
import { ProblemNotice } from "@/components/Notice.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import type { HttpError } from "@/model/errors.ts";
import { attempt, field, readForm } from "@/routes/page_form.ts";
import { define, type PageState } from "@/routes/page_state.ts";
import { NewCredential } from "../(_parts)/new_credential.tsx";

interface FormData {
  id: string;
  label: string;
  problem: HttpError | null;
}

type Data = FormData | { credential: NewCredentialView };

export const handler = define.handlers({
  GET({ url }) {
    return page<Data>({ id: url.searchParams.get("id") ?? "", label: "", problem: null });
  },

  /** Answers with the credential itself: a page that shows it later would have to keep it. */
  async POST({ req, state }) {
    const form = await readForm(req);
    const [id, label] = [field(form, "id"), field(form, "label")];
    const { done, problem } = await attempt(() => add(state, { id, label }));
    if (problem !== null) {
      return page<Data>({ id, label, problem }, { status: problem.status });
    }
    return page<Data>({ credential: done });
  },
});

async function add(
  { services: { auth, withSnippets }, identity, remoteAddress }: PageState,
  { id, label }: { id: string; label: string },
): Promise<NewCredentialView> {
  const by = { name: identity!.name, address: remoteAddress };
  const credential = await auth.devices.add(id, { by, label });
  if (credential === null) throw new TypeError("A new device has a secret");
  return await withSnippets(credential);
}

export default define.page<typeof handler>(({ data, state }) => {
  const { devices } = state.texts;
  return (
    <>
      <Head>
        <link rel="stylesheet" href={asset("/ui/devices.css")} />
      </Head>
      {"credential" in data ? <NewCredential credential={data.credential} state={state} /> : (
        <>
          <PageHead title={devices.addTitle} />
          {data.problem !== null && <ProblemNotice problem={data.problem} />}
          <div class="card add-device">
            <p>{devices.addIntro}</p>
            <PostForm csrfToken={state.csrfToken} action="/add-device" label={devices.addTitle}>
              <Field
                name="id"
                label={devices.id}
                help={devices.idHelp}
                value={data.id}
                required
                maxLength={64}
                pattern="[A-Za-z0-9_\-]+"
                autocomplete="off"
              />
              <Field
                name="label"
                label={devices.label}
                help={devices.labelHelp}
                value={data.label}
                maxLength={100}
                autocomplete="off"
              />
              <button type="submit" class="button primary">{devices.addButton}</button>
            </PostForm>
          </div>
        </>
      )}
    </>
  );
});
