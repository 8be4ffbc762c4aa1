/** Who did what, when, to what, from where. */
import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import type { AuditPage, AuditRecord } from "@/auth/auth_store.ts";
import { Card } from "@/components/Card.tsx";
import { Empty } from "@/components/Empty.tsx";
import { Field, SelectField } from "@/components/Form.tsx";
import { formatTime } from "@/components/format.ts";
import { PageHead } from "@/components/PageHead.tsx";
import { Pager, Table } from "@/components/Table.tsx";
import { Tag } from "@/components/Tag.tsx";
import type { Texts } from "@/components/texts.ts";
import { Time } from "@/components/Time.tsx";
import {
  auditFilter,
  auditLink,
  type AuditQuery,
  isDay,
  readAuditQuery,
} from "@/routes/audit_query.ts";
import { define, type PageState } from "@/routes/page_state.ts";

interface AuditData {
  query: AuditQuery;
  wrong: { from: boolean; to: boolean };
  cursor: string | null;
  found: AuditPage;
}

/** About 45 kB of HTML at the most that entries usually need. */
const ENTRIES = 50;

export const handler = define.handlers({
  async GET({ url, state: { services, timeZone } }) {
    const query = readAuditQuery(url.searchParams);
    const cursor = url.searchParams.get("cursor");
    const isWrong = (day: string) => day !== "" && !isDay(day);
    const wrong = { from: isWrong(query.from), to: isWrong(query.to) };
    if (wrong.from || wrong.to) {
      const found = { items: [], cursor: null };
      return page<AuditData>({ query, wrong, cursor, found }, { status: 400 });
    }
    const asked = { limit: ENTRIES, cursor: cursor ?? undefined };
    const found = await services.auth.audit.list(auditFilter(query, timeZone), asked);
    return page<AuditData>({ query, wrong, cursor, found });
  },
});

export default define.page<typeof handler>(({ data, state }) => {
  const { texts: { people, nav } } = state;
  return (
    <>
      <Head>
        <link rel="stylesheet" href={asset("/ui/people.css")} />
      </Head>
      <PageHead title={nav.audit} sub={people.auditSub}>
        <a
          class="button"
          href={auditLink("/audit/export", data.query, { format: "csv" })}
          aria-label={`${state.texts.common.export}: ${people.exportCsv}`}
          title={people.exportLabel}
        >
          {people.exportCsv}
        </a>
        <a
          class="button"
          href={auditLink("/audit/export", data.query, { format: "ndjson" })}
          aria-label={`${state.texts.common.export}: ${people.exportLines}`}
          title={people.exportLabel}
        >
          {people.exportLines}
        </a>
      </PageHead>
      <Card>
        <Filter data={data} state={state} />
        <Trail data={data} state={state} />
        <p class="after-table">
          {people.auditKept} {people.auditZone(state.timeZone)}
        </p>
      </Card>
    </>
  );
});

interface PartProps {
  data: AuditData;
  state: PageState;
}

function Filter({ data: { query, wrong }, state }: PartProps) {
  const { texts: { people, common }, services: { auth } } = state;
  const { actions } = people;
  const known = Object.keys(actions);
  const all = query.action === "" || known.includes(query.action)
    ? known
    : [...known, query.action];
  const options = all.map((value) => ({ value, label: actionWords(value, people) }));
  const names = [...auth.people.list().map(({ name }) => name), "local", "gateway"];
  return (
    <form method="get" action="/audit" class="filter" role="search" aria-label={common.filter}>
      <Field name="actor" label={people.who} value={query.actor} list="actors" maxLength={200} />
      <datalist id="actors">{names.map((name) => <option key={name} value={name} />)}</datalist>
      <SelectField
        name="action"
        label={people.what}
        value={query.action}
        options={[{ value: "", label: people.anyAction }, ...options]}
      />
      <DayField name="from" label={people.fromDay} day={query.from} wrong={wrong.from && people} />
      <DayField name="to" label={people.toDay} day={query.to} wrong={wrong.to && people} />
      <button type="submit" class="button primary">{common.filter}</button>
      {Object.values(query).some(Boolean) && (
        <a class="button" href="/audit">{people.clearFilter}</a>
      )}
    </form>
  );
}

function DayField(
  { name, label, day, wrong }: {
    name: string;
    label: string;
    day: string;
    /** The words, where it is none. */
    wrong: false | Texts["people"];
  },
) {
  // A browser drops what is no day from a date field: then it is shown as text, to be mended.
  const type = wrong === false ? "date" : "text";
  const error = wrong === false ? undefined : wrong.noDay;
  return <Field name={name} label={label} type={type} value={day} error={error} />;
}

function Trail({ data, state }: PartProps) {
  const { texts: { people, common } } = state;
  const { found: { items, cursor: next }, query, cursor } = data;
  if (items.length === 0) {
    return (
      <Empty title={people.auditEmpty}>
        <p>{people.auditEmptyHint}</p>
        <a class="button" href="/audit">{people.clearFilter}</a>
      </Empty>
    );
  }
  const columns = [people.when, people.who, people.what, people.to, people.where];
  return (
    <>
      <div class="stacked">
        <Table
          caption={state.texts.nav.audit}
          columns={[...columns, people.outcome, people.detail]}
        >
          {items.map((entry) => <EntryRow key={entry.id} entry={entry} state={state} />)}
        </Table>
      </div>
      <Pager
        next={next === null ? null : auditLink("/audit", query, { cursor: next })}
        first={cursor === null ? null : auditLink("/audit", query)}
        labels={common}
      />
    </>
  );
}

function EntryRow(
  { entry, state: { nowMs, timeZone, texts: { people } } }: {
    entry: AuditRecord;
    state: PageState;
  },
) {
  return (
    <tr>
      <td class="nowrap" data-label={people.when}>
        {formatTime(entry.atMs, timeZone).slice(0, 19)}
        <div class="sub">
          <Time atMs={entry.atMs} nowMs={nowMs} timeZone={timeZone} />
        </div>
      </td>
      <td data-label={people.who}>{entry.actor}</td>
      <td title={entry.action} data-label={people.what}>{actionWords(entry.action, people)}</td>
      <td data-label={people.to}>{entry.subject}</td>
      <td data-label={people.where}>{entry.address}</td>
      <td data-label={people.outcome}>
        <span>
          <Tag tone={entry.outcome === "ok" ? "ok" : "warn"}>{people.outcomes[entry.outcome]}</Tag>
        </span>
      </td>
      <td class="audit-detail" data-label={people.detail}>{entry.detail}</td>
    </tr>
  );
}

function actionWords(action: string, { actions }: Texts["people"]): string {
  return Object.hasOwn(actions, action) ? actions[action]! : action;
}
