/** One person, as an admin sees them: role, password, sign-ins, removal. */
import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import type { Actor } from "@/auth/audit.ts";
import { type Role, ROLES } from "@/auth/auth_store.ts";
import type { Person } from "@/auth/people.ts";
import { notThere } from "@/auth/refusals.ts";
import { Card } from "@/components/Card.tsx";
import { DoneNotice } from "@/components/DoneNotice.tsx";
import { ConfirmForm, Field, PostForm, SelectField } from "@/components/Form.tsx";
import { Notice, ProblemNotice } from "@/components/Notice.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import { SignIns } from "@/components/SignIns.tsx";
import { Time } from "@/components/Time.tsx";
import type { HttpError } from "@/model/errors.ts";
import { newPassword } from "@/routes/new_password.ts";
import { attempt, field, readForm, seeOther, unknownAct } from "@/routes/page_form.ts";
import { define, type PageState } from "@/routes/page_state.ts";

interface PersonData {
  person: Person;
  /** Of the form with this `action`; shown in its card. */
  problem: { act: string; error: HttpError } | null;
  /** As sent, where the role was refused. */
  role: Role;
  /** A password that the gateway made: shown in this answer only. */
  made: string | null;
}

interface Asked {
  person: Person;
  form: URLSearchParams;
  by: Actor;
  state: PageState;
}

/** Key of `?done=`, or a password to show. */
type Outcome = { done: string } | { made: string };

export const handler = define.handlers({
  GET({ params, state }) {
    const person = needPerson(state, params.name);
    return page<PersonData>({ person, problem: null, role: person.role, made: null });
  },

  async POST({ req, params, state }) {
    const form = await readForm(req);
    const person = needPerson(state, params.name);
    const by = { name: state.identity!.name, address: state.remoteAddress };
    const act = field(form, "action");
    const { done: outcome, problem } = await attempt(() => doAct({ person, form, by, state }));
    const role = ROLES.find((each) => each === field(form, "role")) ?? person.role;
    if (problem !== null) {
      const { status, headers } = problem;
      const data = { person, problem: { act, error: problem }, role, made: null };
      return page<PersonData>(data, { status, headers });
    }
    if ("made" in outcome) {
      return page<PersonData>({ person, problem: null, role: person.role, made: outcome.made });
    }
    const path = act === "remove" ? "" : `/${encodeURIComponent(person.name)}`;
    return seeOther(`/settings/people${path}?done=${outcome.done}`);
  },
});

function needPerson({ services }: PageState, name = ""): Person {
  const person = services.auth.people.find(name);
  if (person === null) throw notThere("user", name);
  return person;
}

async function doAct(asked: Asked): Promise<Outcome> {
  const { person, form, by, state: { services: { auth } } } = asked;
  switch (field(form, "action")) {
    case "role":
      return await changeRole(asked);
    case "password":
      return await setPassword(asked);
    case "end":
      if (auth.sessions.ofPerson(person.id).some(({ id }) => id === field(form, "session"))) {
        await auth.sessions.end(field(form, "session"), { by: by.name, address: by.address });
      }
      return { done: "ended" };
    case "end_all":
      await auth.sessions.endAll(person.id, { by, keepSessionId: ownSession(asked) });
      return { done: "ended" };
    case "remove":
      await auth.people.remove(person.name, by);
      return { done: "removed" };
    default:
      throw unknownAct();
  }
}

/** The same role again would end sign-ins for nothing. */
async function changeRole({ person, form, by, state }: Asked): Promise<Outcome> {
  const role = field(form, "role") as Role;
  if (role === person.role) return { done: "unchanged" };
  await state.services.auth.people.setRole(person.name, { role, by });
  return { done: "role" };
}

async function setPassword(asked: Asked): Promise<Outcome> {
  const { person, form, by, state } = asked;
  const given = form.get("password") ?? "";
  const password = given === "" ? newPassword() : given;
  const keepSessionId = ownSession(asked) ?? undefined;
  await state.services.auth.people.setPassword(person.name, { password, by, keepSessionId });
  return given === "" ? { made: password } : { done: "password" };
}

/** The session that asks, where it is the person's own: it goes on. */
function ownSession({ person, state: { identity } }: Asked): string | null {
  return identity!.userId === person.id ? identity!.sessionId : null;
}

export default define.page<typeof handler>(({ data, state, url }) => {
  const { people } = state.texts;
  const { person } = data;
  return (
    <>
      <Head>
        <link rel="stylesheet" href={asset("/ui/people.css")} />
      </Head>
      <PageHead title={person.name} sub={person.id === state.identity!.userId && people.itself}>
        <a class="button" href="/settings/people">{people.toPeople}</a>
      </PageHead>
      <DoneNotice url={url} words={people.peopleDone} />
      {data.problem !== null && !CARDS.has(data.problem.act) && (
        <ProblemNotice problem={data.problem.error} />
      )}
      {data.made !== null && <Made password={data.made} name={person.name} state={state} />}
      <div class="grid">
        <RoleCard data={data} state={state} />
        <PasswordCard data={data} state={state} />
        <SignInsCard data={data} state={state} />
        <RemoveCard data={data} state={state} />
      </div>
    </>
  );
});

/** Forms whose card shows what was wrong with them. */
const CARDS: ReadonlySet<string> = new Set(["role", "password", "remove"]);

interface PartProps {
  data: PersonData;
  state: PageState;
}

function Made(
  { password, name, state: { texts: { people } } }: {
    password: string;
    name: string;
    state: PageState;
  },
) {
  return (
    <Notice tone="ok">
      <p>
        <strong>{people.made(name)}</strong>
      </p>
      <pre class="secret" aria-label={people.made(name)} tabIndex={0}>{password}</pre>
      <p>{people.madeOnce}</p>
    </Notice>
  );
}

/** The problem of the card's own form. */
function OwnProblem({ data: { problem }, act }: { data: PersonData; act: string }) {
  return problem?.act === act ? <ProblemNotice problem={problem.error} /> : null;
}

function RoleCard({ data, state }: PartProps) {
  const { csrfToken, texts: { people }, nowMs, timeZone } = state;
  const { person, role } = data;
  return (
    <Card span={6} title={people.changeRole} sub={people.changeRoleSub} id="role">
      <OwnProblem data={data} act="role" />
      <PostForm csrfToken={csrfToken} act="role" label={people.changeRole}>
        <SelectField
          name="role"
          label={people.role}
          value={role}
          options={ROLES.toReversed().map((value) => ({
            value,
            label: `${people.roles[value]}: ${people.roleMeans[value]}`,
          }))}
          help={
            <>
              {people.added} <Time atMs={person.createdAtMs} nowMs={nowMs} timeZone={timeZone} />
            </>
          }
        />
        <button type="submit" class="button">{people.changeRole}</button>
      </PostForm>
    </Card>
  );
}

function PasswordCard({ data, state }: PartProps) {
  const { csrfToken, texts: { people } } = state;
  const { problem } = data;
  const error = problem?.act === "password" ? problem.error : null;
  return (
    <Card span={6} title={people.setPassword} sub={people.setPasswordSub} id="password">
      <PostForm csrfToken={csrfToken} act="password" label={people.setPassword}>
        <Field
          name="password"
          label={people.next}
          type="password"
          autocomplete="new-password"
          help={people.passwordOrMade}
          error={error === null ? undefined : `${error.message}: ${error.hint}`}
        />
        <button type="submit" class="button">{people.setPasswordButton}</button>
      </PostForm>
    </Card>
  );
}

function SignInsCard({ data: { person }, state }: PartProps) {
  const { services, identity, texts, csrfToken, nowMs, timeZone } = state;
  const { people } = texts;
  const signIns = services.auth.sessions.ofPerson(person.id);
  const others = signIns.filter(({ id }) => id !== identity!.sessionId).length;
  return (
    <Card title={people.signIns} sub={people.signInsSub(signIns.length)}>
      <SignIns {...{ signIns, texts, csrfToken, nowMs, timeZone }} ownId={identity!.sessionId} />
      {others > 0 && (
        <ConfirmForm
          csrfToken={csrfToken}
          act="end_all"
          open={people.endAll}
          question={people.endAllQuestion(person.name)}
          button={people.endAllButton(others, person.name)}
        >
          {null}
        </ConfirmForm>
      )}
    </Card>
  );
}

function RemoveCard({ data, state: { csrfToken, texts: { people } } }: PartProps) {
  const { name } = data.person;
  return (
    <Card title={people.removeTitle} sub={people.removeSub} id="remove">
      <OwnProblem data={data} act="remove" />
      <ConfirmForm
        csrfToken={csrfToken}
        act="remove"
        open={people.remove}
        question={people.removeQuestion(name)}
        button={people.removeButton(name)}
      >
        {null}
      </ConfirmForm>
    </Card>
  );
}
