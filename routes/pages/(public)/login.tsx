import { Head } from "fresh/runtime";
import { page } from "fresh";
import { knownCookie, readCookie, sessionCookie } from "@/auth/browser_cookies.ts";
import { PostForm } from "@/components/Form.tsx";
import { NameAndPassword } from "@/components/NameAndPassword.tsx";
import { ProblemNotice } from "@/components/Notice.tsx";
import type { HttpError } from "@/model/errors.ts";
import { attempt, field, ownPath, readForm, seeOther } from "@/routes/page_form.ts";
import { define } from "@/routes/page_state.ts";

interface LoginData {
  name: string;
  next: string;
  problem: HttpError | null;
}

export const handler = define.handlers({
  GET({ url, state }) {
    const next = ownPath(url.searchParams.get("next"));
    if (state.services.auth.claim.open) return seeOther("/claim");
    if (state.identity !== null) return seeOther(next);
    return page<LoginData>({ name: "", next, problem: null });
  },

  async POST({ req, state }) {
    const form = await readForm(req);
    const [name, next] = [field(form, "username"), ownPath(form.get("next"))];
    const { tls, remoteAddress: address } = state;
    const login = {
      ...{ name, address, password: form.get("password") ?? "" },
      knownBrowser: readCookie(req.headers, { cookie: "known", tls }),
    };
    const { auth } = state.services;
    const { done, problem } = await attempt(() =>
      auth.loginBrowser(login, req.headers.get("user-agent"))
    );
    if (problem !== null) {
      const { status, headers } = problem;
      return page<LoginData>({ name, next, problem }, { status, headers });
    }
    const response = seeOther(next);
    response.headers.append("set-cookie", sessionCookie(done.sessionCookie, tls));
    response.headers.append("set-cookie", knownCookie(done.knownBrowser, tls));
    return response;
  },
});

export default define.page<typeof handler>(({ data: { name, next, problem }, state }) => {
  const { people, product } = state.texts;
  return (
    <div class="card entry">
      <Head>
        <title>{`${people.signIn} · ${product}`}</title>
      </Head>
      <h1>{people.signIn}</h1>
      {problem !== null && <ProblemNotice problem={problem} />}
      {problem === null && next !== "/" && <p>{people.toGetTo(next.split("?")[0]!)}</p>}
      <PostForm csrfToken={null} label={people.signIn}>
        <input type="hidden" name="next" value={next} />
        <NameAndPassword texts={state.texts} name={name} />
        <button type="submit" class="button primary">{people.signIn}</button>
      </PostForm>
      <p class="sub">{people.noAccount}</p>
    </div>
  );
});
