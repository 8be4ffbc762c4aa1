import { page } from "fresh";
import { hasRole } from "@/auth/route_policy.ts";
import { Card } from "@/components/Card.tsx";
import { ConfirmForm, PostForm, TextAreaField } from "@/components/Form.tsx";
import { Notice, ProblemNotice } from "@/components/Notice.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import { Tag } from "@/components/Tag.tsx";
import { Time } from "@/components/Time.tsx";
import { DASHBOARD_LIMITS } from "@/model/dashboard.ts";
import type { DashboardProblem } from "@/model/dashboard_check.ts";
import type { HttpError } from "@/model/errors.ts";
import { addDashboard, readText } from "@/routes/dashboard_acts.ts";
import { DashboardBook, type ListedDashboard } from "@/routes/dashboard_book.ts";
import { DashboardStyle, Done } from "@/routes/dashboard_page.tsx";
import { attempt, readForm, seeOther } from "@/routes/page_form.ts";
import { define, type PageState } from "@/routes/page_state.ts";

interface ListData {
  list: readonly ListedDashboard[];
  /** What somebody tried to import. */
  text: string;
  problems: readonly DashboardProblem[];
  problem: HttpError | null;
}

async function listOf({ services: { store } }: PageState): Promise<ListData> {
  const { list } = await DashboardBook.open(store);
  return { list, text: "", problems: [], problem: null };
}

export const handler = define.handlers({
  async GET({ state }) {
    return page<ListData>(await listOf(state));
  },

  /** Imports a description. */
  async POST({ req, state }) {
    const text = ((await readForm(req)).get("text") ?? "").replaceAll("\r\n", "\n");
    const { dashboard, problems } = readText(text);
    const list = { ...await listOf(state), text };
    if (dashboard === null) return page<ListData>({ ...list, problems }, { status: 400 });
    const { done: id, problem } = await attempt(() => addDashboard(state, dashboard, "import"));
    if (problem !== null) return page<ListData>({ ...list, problem }, { status: problem.status });
    return seeOther(`/dashboards/${id}?done=imported`);
  },
});

export default define.page<typeof handler>(({ data, state, url }) => {
  const { texts: { dashboard: texts }, identity } = state;
  const mayChange = identity !== null && hasRole(identity.role, "operator");
  return (
    <>
      <DashboardStyle />
      <PageHead title={texts.list} />
      <Done state={state} url={url} />
      {data.problem !== null && <ProblemNotice problem={data.problem} />}
      <div class="grid">
        <Card>
          <ul class="dashboard-list">
            {data.list.map((each, i) => (
              <Entry key={each.id} {...{ each, state, mayChange }} isFirst={i === 0} />
            ))}
          </ul>
        </Card>
        {mayChange && (
          <Card title={texts.import} id="import">
            <ImportForm data={data} state={state} />
          </Card>
        )}
      </div>
    </>
  );
});

interface EntryProps {
  each: ListedDashboard;
  state: PageState;
  mayChange: boolean;
  isFirst: boolean;
}

function Entry({ each, state, mayChange, isFirst }: EntryProps) {
  const { texts: { dashboard: texts }, nowMs, timeZone } = state;
  const { id, title, origin, updated } = each;
  const path = `/dashboards/${encodeURIComponent(id)}`;
  const origins = { built_in: texts.isBuiltIn, changed: texts.isChanged, own: texts.isOwn };
  return (
    <li>
      <a class="title" href={path}>{title}</a>
      <Tag tone="idle">{origins[origin]}</Tag>
      {isFirst && <span class="sub">{texts.showsFirst}</span>}
      {updated !== null && (
        <span class="sub">
          {texts.changedBy} {updated.by},{" "}
          <Time atMs={updated.atMs} nowMs={nowMs} timeZone={timeZone} />
        </span>
      )}
      <div class="row-acts">
        {mayChange && <a class="button" href={`${path}/edit`}>{texts.edit}</a>}
        {mayChange && <Act {...{ path, state }} act="copy" text={texts.copy} />}
        {mayChange && !isFirst && <Act {...{ path, state }} act="first" text={texts.showFirst} />}
        <a class="button" href={`${path}/export`} download>{texts.export}</a>
        {mayChange && origin !== "built_in" && <Removal {...{ each, path, state }} />}
      </div>
    </li>
  );
}

interface ActProps {
  path: string;
  state: PageState;
}

function Act({ path, state, act, text }: ActProps & { act: string; text: string }) {
  return (
    <PostForm action={path} csrfToken={state.csrfToken} act={act} class="">
      <button type="submit" class="button">{text}</button>
    </PostForm>
  );
}

function Removal({ each, path, state }: ActProps & { each: ListedDashboard }) {
  const { dashboard: texts } = state.texts;
  const isOwn = each.origin === "own";
  return (
    <ConfirmForm
      action={path}
      csrfToken={state.csrfToken}
      act="delete"
      open={isOwn ? texts.delete : texts.reset}
      question={isOwn ? texts.deleteQuestion : texts.resetQuestion}
      button={isOwn ? texts.deleteButton(each.title) : texts.resetButton(each.title)}
    >
      {null}
    </ConfirmForm>
  );
}

function ImportForm({ data, state }: { data: ListData; state: PageState }) {
  const { dashboard: texts } = state.texts;
  return (
    <PostForm csrfToken={state.csrfToken} action="/dashboards" label={texts.import}>
      {data.problems.length > 0 && (
        <Notice tone="bad">
          <ul class="problems">
            {data.problems.map(({ path, message }) => (
              <li key={`${path} ${message}`}>
                {path !== "" && <code>{path}</code>} {message}
              </li>
            ))}
          </ul>
        </Notice>
      )}
      <div class="json-editor">
        <TextAreaField
          name="text"
          label={texts.importLabel}
          help={texts.importHelp}
          value={data.text}
          rows={6}
          maxLength={DASHBOARD_LIMITS.charsMax}
          required
          code
        />
      </div>
      <button type="submit" class="button primary">{texts.importButton}</button>
    </PostForm>
  );
}
