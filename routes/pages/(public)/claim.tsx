import { Head } from "fresh/runtime";
import { page } from "fresh";
import { knownCookie, sessionCookie } from "@/auth/browser_cookies.ts";
import { PostForm } from "@/components/Form.tsx";
import { NameAndPassword } from "@/components/NameAndPassword.tsx";
import { Notice, ProblemNotice } from "@/components/Notice.tsx";
import type { Texts } from "@/components/texts.ts";
import type { HttpError } from "@/model/errors.ts";
import { attempt, field, readForm, seeOther } from "@/routes/page_form.ts";
import { define, type PageState } from "@/routes/page_state.ts";

interface ClaimData {
  name: string;
  token: string;
  /** `link`: a token that would be taken; `none`: no token; `spent`: one that is not valid. */
  shows: "link" | "none" | "spent";
  problem: HttpError | null;
}

export const handler = define.handlers({
  GET({ url, state: { services: { auth } } }) {
    if (!auth.claim.open) return seeOther("/login");
    const token = url.searchParams.get("token") ?? "";
    const shows = token === "" ? "none" : auth.claim.accepts(token) ? "link" : "spent";
    return page<ClaimData>({ name: "", token, shows, problem: null });
  },

  async POST({ req, state }) {
    const form = await readForm(req);
    const [name, token] = [field(form, "username"), field(form, "token")];
    const password = form.get("password") ?? "";
    const { done, problem } = await attempt(() => claim(state, { req, token, name, password }));
    if (problem === null) return done;
    const shows = state.services.auth.claim.accepts(token) ? "link" : "spent";
    return page<ClaimData>({ name, token, shows, problem }, { status: problem.status });
  },
});

async function claim(
  { services: { auth }, tls, remoteAddress: address }: PageState,
  { req, token, name, password }: { req: Request; token: string; name: string; password: string },
): Promise<Response> {
  await auth.claim.use(token, { name, password, by: { name, address } });
  const login = { name, password, address, knownBrowser: null };
  const started = await auth.loginBrowser(login, req.headers.get("user-agent"));
  const response = seeOther("/");
  response.headers.append("set-cookie", sessionCookie(started.sessionCookie, tls));
  response.headers.append("set-cookie", knownCookie(started.knownBrowser, tls));
  return response;
}

export default define.page<typeof handler>(({ data, state: { texts } }) => {
  const { people, product } = texts;
  return (
    <div class="card entry">
      <Head>
        <title>{`${people.claim} · ${product}`}</title>
      </Head>
      <h1>{people.claim}</h1>
      {data.problem !== null && <ProblemNotice problem={data.problem} />}
      {data.shows === "link"
        ? <ClaimForm data={data} texts={texts} />
        : <WhereToFindIt spent={data.shows === "spent"} texts={texts} />}
    </div>
  );
});

function ClaimForm(
  { data: { name, token }, texts }: { data: ClaimData; texts: Texts },
) {
  const { people } = texts;
  return (
    <>
      <p>{people.claimIntro}</p>
      <PostForm csrfToken={null} action="/claim" label={people.claim}>
        <input type="hidden" name="token" value={token} />
        <NameAndPassword texts={texts} name={name} isNew />
        <button type="submit" class="button primary">{people.claimButton}</button>
      </PostForm>
    </>
  );
}

function WhereToFindIt({ spent, texts: { people } }: { spent: boolean; texts: Texts }) {
  return (
    <>
      {spent ? <Notice tone="warn">{people.claimExpired}</Notice> : <p>{people.claimNoLink}</p>}
      <p>{people.claimWhere}</p>
      <p>{people.claimWhereSystemd}</p>
      <pre>journalctl -u sluice | grep claim</pre>
      <p>{people.claimWhereOr}</p>
      <pre>sluice user add NAME --role admin</pre>
    </>
  );
}
