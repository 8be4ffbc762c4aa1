/** The signed-in person's own page: password, sign-ins, appearance of this browser. */
import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import { readCookie } from "@/auth/browser_cookies.ts";
import { Card } from "@/components/Card.tsx";
import { DoneNotice } from "@/components/DoneNotice.tsx";
import { ConfirmForm, Field, PostForm, SelectField } from "@/components/Form.tsx";
import { formatTime } from "@/components/format.ts";
import { ProblemNotice } from "@/components/Notice.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import { SignIns } from "@/components/SignIns.tsx";
import { Tag } from "@/components/Tag.tsx";
import { Time } from "@/components/Time.tsx";
import type { HttpError } from "@/model/errors.ts";
import { isTimeZone, THEMES } from "@/routes/appearance.ts";
import { attempt, field, readForm, seeOther, unknownAct } from "@/routes/page_form.ts";
import { define, type PageState } from "@/routes/page_state.ts";

interface AccountData {
  /** What is wrong with the password form; nothing of it is kept, they are all secrets. */
  errors: { current?: string; next?: string; repeat?: string };
  /** What belongs to none of its fields. */
  problem: HttpError | null;
}

const NO_ERRORS: AccountData = { errors: {}, problem: null };

export const handler = define.handlers({
  GET: () => page<AccountData>(NO_ERRORS),

  async POST({ req, state }) {
    const form = await readForm(req);
    const { identity, services: { auth }, remoteAddress: address } = state;
    const { name, userId, sessionId } = identity!;
    switch (field(form, "action")) {
      case "password":
        return await changePassword(state, { form, req });
      case "end": {
        const own = auth.sessions.ofPerson(userId).some(({ id }) => id === field(form, "session"));
        if (own) await auth.sessions.end(field(form, "session"), { by: name, address });
        return seeOther("/account?done=ended");
      }
      case "end_others":
        await auth.sessions.endAll(userId, { by: { name, address }, keepSessionId: sessionId });
        return seeOther("/account?done=others");
      default:
        throw unknownAct();
    }
  },
});

async function changePassword(
  { identity, services: { auth }, remoteAddress: address, tls, texts: { people } }: PageState,
  { form, req }: { form: URLSearchParams; req: Request },
) {
  const [password, next] = [form.get("current") ?? "", form.get("next") ?? ""];
  if (next !== (form.get("repeat") ?? "")) {
    const errors = { repeat: people.repeatDiffers };
    return page<AccountData>({ errors, problem: null }, { status: 400 });
  }
  const { name, sessionId: keepSessionId } = identity!;
  const knownBrowser = readCookie(req.headers, { cookie: "known", tls });
  const change = { name, password, address, knownBrowser, next, keepSessionId };
  const { problem } = await attempt(() => auth.people.changeOwnPassword(change));
  if (problem === null) return seeOther("/account?done=password");
  const { status, headers } = problem;
  return page<AccountData>(placed(problem, people.currentWrong), { status, headers });
}

/** A problem beside the field that it is about. */
function placed(problem: HttpError, currentWrong: string): AccountData {
  if (problem.status === 401) return { errors: { current: currentWrong }, problem: null };
  if (problem.status !== 400) return { errors: {}, problem };
  return { errors: { next: `${problem.message}: ${problem.hint}` }, problem: null };
}

export default define.page<typeof handler>(({ data, state, url }) => {
  const { people, nav } = state.texts;
  return (
    <>
      <Head>
        <link rel="stylesheet" href={asset("/ui/people.css")} />
      </Head>
      <PageHead title={nav.account} />
      <DoneNotice url={url} words={people.accountDone} />
      {data.problem !== null && <ProblemNotice problem={data.problem} />}
      <div class="grid">
        <You state={state} />
        <Appearance state={state} asked={url.searchParams.get("zone")} />
        <OwnSignIns state={state} />
        <PasswordCard state={state} errors={data.errors} />
      </div>
    </>
  );
});

function You({ state }: { state: PageState }) {
  const { identity, services, nowMs, timeZone, texts: { people } } = state;
  const { name, role } = identity!;
  const person = services.auth.people.find(name);
  return (
    <Card title={people.you} span={6} id="you">
      <dl class="facts">
        <dt>{people.name}</dt>
        <dd>{name}</dd>
        <dt>{people.role}</dt>
        <dd>
          <Tag tone="idle">{people.roles[role]}</Tag>
          <div class="sub">{people.roleMeans[role]}</div>
        </dd>
        {person !== null && (
          <>
            <dt>{people.added}</dt>
            <dd>
              <Time atMs={person.createdAtMs} nowMs={nowMs} timeZone={timeZone} />
            </dd>
            <dt>{people.passwordSet}</dt>
            <dd>
              <Time atMs={person.passwordSetAtMs} nowMs={nowMs} timeZone={timeZone} />
            </dd>
          </>
        )}
      </dl>
    </Card>
  );
}

/** Cookies of this browser: saved where visitors save them too. */
function Appearance({ state, asked }: { state: PageState; asked: string | null }) {
  const { texts: { people, frame, common }, theme, timeZone, nowMs } = state;
  const wrong = asked !== null && !isTimeZone(asked);
  const labels = { auto: frame.auto, light: frame.light, dark: frame.dark };
  return (
    <Card
      title={people.appearance}
      sub={people.appearanceSub}
      end={<span class="sub">{formatTime(nowMs, timeZone)}</span>}
      span={6}
      id="appearance"
    >
      <PostForm csrfToken={null} action="/appearance" label={people.appearance}>
        <input type="hidden" name="back" value="/account?done=appearance" />
        <div class="form-row">
          <SelectField
            name="theme"
            label={frame.theme}
            value={theme}
            options={THEMES.map((value) => ({ value, label: labels[value] }))}
          />
          <Field
            name="time_zone"
            label={people.timeZone}
            value={wrong ? asked : timeZone}
            list="time-zones"
            maxLength={64}
            autocomplete="off"
            help={people.timeZoneHelp}
            error={wrong ? people.timeZoneUnknown(asked.slice(0, 64)) : undefined}
          />
        </div>
        <datalist id="time-zones">
          {["UTC", ...Intl.supportedValuesOf("timeZone")].map((zone) => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
        <button type="submit" class="button">{common.save}</button>
      </PostForm>
    </Card>
  );
}

function OwnSignIns({ state }: { state: PageState }) {
  const { services, identity, texts, csrfToken, nowMs, timeZone } = state;
  const { people } = texts;
  const signIns = services.auth.sessions.ofPerson(identity!.userId);
  const others = signIns.filter(({ id }) => id !== identity!.sessionId).length;
  return (
    <Card title={people.signIns} sub={people.signInsSub(signIns.length)}>
      <SignIns {...{ signIns, texts, csrfToken, nowMs, timeZone }} ownId={identity!.sessionId} />
      {others > 0 && (
        <ConfirmForm
          csrfToken={csrfToken}
          act="end_others"
          open={people.endOthers}
          question={people.endOthersQuestion}
          button={people.endOthersButton(others)}
        >
          {null}
        </ConfirmForm>
      )}
    </Card>
  );
}

function PasswordCard(
  { state: { texts: { people }, csrfToken, identity }, errors }: {
    state: PageState;
    errors: AccountData["errors"];
  },
) {
  const secret = { type: "password", required: true } as const;
  return (
    <Card title={people.changePassword} sub={people.changePasswordSub} id="password">
      <PostForm csrfToken={csrfToken} act="password" label={people.changePassword}>
        <input
          type="text"
          class="visually-hidden"
          autocomplete="username"
          value={identity!.name}
          aria-label={people.name}
          tabIndex={-1}
          readOnly
        />
        <div class="form-row password-row">
          <Field
            {...secret}
            name="current"
            label={people.current}
            autocomplete="current-password"
            error={errors.current}
          />
          <Field
            {...secret}
            name="next"
            label={people.next}
            autocomplete="new-password"
            help={people.passwordHelp}
            error={errors.next}
          />
          <Field
            {...secret}
            name="repeat"
            label={people.repeat}
            autocomplete="new-password"
            error={errors.repeat}
          />
        </div>{" "}
        <button type="submit" class="button primary">{people.changePassword}</button>
      </PostForm>
    </Card>
  );
}
