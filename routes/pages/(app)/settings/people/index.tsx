/** Who may sign in: the list, and a form that adds somebody. */
import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import { type Role, ROLES } from "@/auth/auth_store.ts";
import type { Person } from "@/auth/people.ts";
import { Card } from "@/components/Card.tsx";
import { DoneNotice } from "@/components/DoneNotice.tsx";
import { Field, PostForm, SelectField } from "@/components/Form.tsx";
import { Notice, ProblemNotice } from "@/components/Notice.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import { Table } from "@/components/Table.tsx";
import { Tag } from "@/components/Tag.tsx";
import { Time } from "@/components/Time.tsx";
import type { HttpError } from "@/model/errors.ts";
import { newPassword } from "@/routes/new_password.ts";
import { attempt, field, readForm, seeOther } from "@/routes/page_form.ts";
import { define, type PageState } from "@/routes/page_state.ts";

interface PeopleData {
  name: string;
  role: Role;
  errors: { name?: string; password?: string };
  problem: HttpError | null;
  /** A password that the gateway made: shown in this answer only. */
  made: { name: string; password: string } | null;
}

const EMPTY: PeopleData = { name: "", role: "viewer", errors: {}, problem: null, made: null };

export const handler = define.handlers({
  GET: () => page<PeopleData>(EMPTY),

  async POST({ req, state }) {
    const form = await readForm(req);
    const { identity, services: { auth }, remoteAddress: address } = state;
    const name = field(form, "username");
    const role = ROLES.find((each) => each === field(form, "role")) ?? "viewer";
    const given = form.get("password") ?? "";
    const password = given === "" ? newPassword() : given;
    const by = { name: identity!.name, address };
    const { problem } = await attempt(() => auth.people.add({ name, role, password }, by));
    if (problem !== null) {
      const { status, headers } = problem;
      return page<PeopleData>({ ...EMPTY, name, role, ...placed(problem) }, { status, headers });
    }
    if (given !== "") return seeOther("/settings/people?done=added");
    return page<PeopleData>({ ...EMPTY, made: { name, password } }, { status: 201 });
  },
});

/** A problem beside the field that it is about. */
function placed(problem: HttpError): Pick<PeopleData, "errors" | "problem"> {
  const text = `${problem.message}: ${problem.hint}`;
  const ofName = problem.code === "AUTH-0409" || problem.message.startsWith("Invalid user name");
  if (ofName) return { errors: { name: text }, problem: null };
  if (problem.status === 400) return { errors: { password: text }, problem: null };
  return { errors: {}, problem };
}

export default define.page<typeof handler>(({ data, state, url }) => {
  const { texts: { people }, services: { auth } } = state;
  const everybody = auth.people.list();
  return (
    <>
      <Head>
        <link rel="stylesheet" href={asset("/ui/people.css")} />
      </Head>
      <PageHead title={people.people} sub={people.peopleSub(everybody.length)} />
      <DoneNotice url={url} words={people.peopleDone} />
      {data.problem !== null && <ProblemNotice problem={data.problem} />}
      {data.made !== null && <Made made={data.made} state={state} />}
      <div class="grid start">
        <Everybody everybody={everybody} state={state} />
        <AddPerson data={data} state={state} />
      </div>
    </>
  );
});

function Made(
  { made: { name, password }, state: { texts: { people } } }: {
    made: { name: string; password: string };
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

function Everybody({ everybody, state }: { everybody: readonly Person[]; state: PageState }) {
  const { texts: { people } } = state;
  const columns = [people.name, people.role, people.added, people.passwordSet];
  const last = [{ title: people.signIns, numeric: true }, { title: people.open, hidden: true }];
  return (
    <Card span={8} title={people.people}>
      <div class="stacked">
        <Table caption={people.people} columns={[...columns, ...last]}>
          {everybody.map((person) => <PersonRow key={person.id} person={person} state={state} />)}
        </Table>
      </div>
      {everybody.length === 1 && <p class="after-table">{people.onlyYou}</p>}
    </Card>
  );
}

function PersonRow(
  { person, state: { identity, nowMs, timeZone, texts: { people } } }: {
    person: Person;
    state: PageState;
  },
) {
  const path = `/settings/people/${encodeURIComponent(person.name)}`;
  return (
    <tr>
      <td data-label={people.name}>
        <span>
          <a href={path}>{person.name}</a>{" "}
          {person.id === identity!.userId && <Tag tone="ok">{people.you}</Tag>}
        </span>
      </td>
      <td data-label={people.role}>
        <span>
          <Tag tone="idle">{people.roles[person.role]}</Tag>
        </span>
      </td>
      <td class="nowrap" data-label={people.added}>
        <Time atMs={person.createdAtMs} nowMs={nowMs} timeZone={timeZone} />
      </td>
      <td class="nowrap" data-label={people.passwordSet}>
        <Time atMs={person.passwordSetAtMs} nowMs={nowMs} timeZone={timeZone} />
      </td>
      <td class="n" data-label={people.signIns}>{person.sessions}</td>
      <td class="n" data-label="">
        <a class="button" href={path} aria-label={people.openOf(person.name)}>{people.open}</a>
      </td>
    </tr>
  );
}

function AddPerson({ data, state }: { data: PeopleData; state: PageState }) {
  const { texts: { people }, csrfToken } = state;
  return (
    <Card span={4} title={people.add} id="add">
      <PostForm csrfToken={csrfToken} label={people.add}>
        <Field
          name="username"
          label={people.name}
          value={data.name}
          required
          maxLength={64}
          autocomplete="off"
          help={people.nameHelp}
          error={data.errors.name}
        />
        <SelectField
          name="role"
          label={people.role}
          value={data.role}
          options={ROLES.toReversed().map((value) => ({ value, label: people.roles[value] }))}
          help={<RoleHelp words={people.roleMeans} labels={people.roles} />}
        />
        <Field
          name="password"
          label={people.password}
          type="password"
          autocomplete="new-password"
          help={people.passwordOrMade}
          error={data.errors.password}
        />
        <button type="submit" class="button primary">{people.addButton}</button>
      </PostForm>
    </Card>
  );
}

function RoleHelp(
  { words, labels }: { words: Record<Role, string>; labels: Record<Role, string> },
) {
  return ROLES.toReversed().map((role) => (
    <span key={role} class="role-help">
      <b>{labels[role]}</b> {words[role]}
    </span>
  ));
}
