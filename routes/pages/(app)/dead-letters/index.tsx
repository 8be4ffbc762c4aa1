/** The work list of dead letters: filter, choose, replay, purge, export. */
import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import { Card } from "@/components/Card.tsx";
import { LetterFilters, type LetterFiltersProps } from "@/components/LetterFilters.tsx";
import { LetterTable, type LetterTableProps } from "@/components/LetterTable.tsx";
import { Empty } from "@/components/Empty.tsx";
import { formatNumber } from "@/components/format.ts";
import { PostForm } from "@/components/Form.tsx";
import { Notice, ProblemNotice } from "@/components/Notice.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import { Segments } from "@/components/Segments.tsx";
import { Pager } from "@/components/Table.tsx";
import { WorkNotice } from "@/components/WorkNotice.tsx";
import { HttpError } from "@/model/errors.ts";
import {
  filterOf,
  letterBox,
  type LetterFilter,
  type LetterKind,
  letterPath,
  type LetterRange,
  type LetterRow,
} from "@/routes/letter_box.ts";
import { startLetterWork } from "@/routes/letter_work.ts";
import { field, readForm, seeOther } from "@/routes/page_form.ts";
import { define, type PageState } from "@/routes/page_state.ts";
import type { WorkView } from "@/routes/work_board.ts";
import type { LetterCount } from "@/store/queries.ts";
import type { Page } from "@/store/store_types.ts";

const PAGE_LETTERS = 25;
const SHOWN_PAYLOAD = 200;
/** Shorter work ends before its page would be drawn. */
const SHORT_WORK_MS = 600;
const CHOSEN_MAX = 500;

interface ListData {
  view: "list";
  filter: LetterFilter;
  letters: Page<LetterRow>;
  matching: LetterCount;
  kinds: Record<LetterKind, number>;
  destinations: { name: string; dead: number }[];
  reasons: { reason: string; count: number }[];
  isFirstPage: boolean;
  done: string;
  /** What was started, and what else is running. */
  work: WorkView | null;
  running: WorkView[];
  problem: HttpError | null;
}

/** Asks before chosen letters are purged; all that match are asked for on the list itself. */
interface ConfirmData {
  view: "confirm";
  filter: LetterFilter;
  letters: number[];
}

export const handler = define.handlers({
  async GET({ url, state }) {
    return page<ListData | ConfirmData>(await listData(state, url.searchParams));
  },

  async POST({ req, state }) {
    const form = await readForm(req);
    const filter = filterOf(form);
    const letters = chosenIn(form);
    const act = field(form, "action");
    if (act !== "replay" && act !== "purge") throw unknownAct(act);
    const isAll = field(form, "scope") === "all";
    if (!isAll && letters.length === 0) {
      const data = await listData(state, form, nothingChosen(state));
      return page<ListData | ConfirmData>(data, { status: 400 });
    }
    if (act === "purge" && field(form, "confirmed") !== "yes") {
      return page<ListData | ConfirmData>({ view: "confirm", filter, letters });
    }
    const range = isAll ? { throughLetter: wholeNumber(form, "through") } : { letters };
    return await start(state, { act, filter, range });
  },
});

async function start(
  { services, identity, remoteAddress: address }: PageState,
  { act, filter, range }: {
    act: "replay" | "purge";
    filter: LetterFilter;
    range: LetterRange;
  },
): Promise<Response> {
  const box = letterBox(services, filter);
  const { count: total } = await box.count(range);
  const by = { name: identity!.name, address };
  const work = await startLetterWork(services, { act, box, filter, range, total, by });
  await services.work.settled(work.id, SHORT_WORK_MS);
  if (work.endedAtMs !== null) return seeOther(letterPath(filter, { work: work.id }));
  const back = letterPath(filter).slice("/dead-letters".length);
  return seeOther(`/dead-letters/work/${work.id}${back}`);
}

function chosenIn(form: URLSearchParams): number[] {
  return form.getAll("letter").map(Number).filter((letter) =>
    Number.isSafeInteger(letter) && letter > 0
  ).slice(0, CHOSEN_MAX);
}

function wholeNumber(form: URLSearchParams, name: string): number {
  const number = Number(form.get(name) ?? "");
  return Number.isSafeInteger(number) ? number : 0;
}

async function listData(
  { services }: PageState,
  fields: URLSearchParams,
  problem: HttpError | null = null,
): Promise<ListData> {
  const filter = filterOf(fields);
  const box = letterBox(services, filter);
  const cursor = fields.get("cursor") ?? undefined;
  const [letters, matching, reasons, snapshot] = await Promise.all([
    box.list({ limit: PAGE_LETTERS, cursor, payloadMax: SHOWN_PAYLOAD }),
    box.count({}),
    box.reasons(),
    services.store.snapshot(),
  ]);
  const destinations = snapshot.ledgers.map(({ destination: name, dead }) => ({ name, dead }));
  const work = services.work.get(fields.get("work") ?? "");
  return {
    ...{ view: "list", filter, letters, matching, reasons, destinations, work, problem },
    kinds: {
      destination: destinations.reduce((sum, { dead }) => sum + dead, 0),
      source: snapshot.sourceDead,
    },
    isFirstPage: cursor === undefined,
    done: fields.get("done") ?? "",
    running: services.work.list().filter(({ state, kind, id }) =>
      state === "running" && kind !== "test" && id !== work?.id
    ),
  };
}

function unknownAct(act: string): HttpError {
  return new HttpError(400, `There is no act "${act.slice(0, 40)}"`, {
    code: "HTTP-0400",
    hint: "use the buttons of the page",
  });
}

function nothingChosen({ texts: { deadLetters } }: PageState): HttpError {
  return new HttpError(400, deadLetters.nothingChosen, {
    code: "HTTP-0400",
    hint: deadLetters.nothingChosenHint,
  });
}

export default define.page<typeof handler>(({ data, state }) => (
  <>
    <Head>
      <link rel="stylesheet" href={asset("/ui/delivery.css")} />
    </Head>
    {data.view === "list"
      ? <List data={data} state={state} />
      : <Confirm data={data} state={state} />}
  </>
));

function List({ data, state }: { data: ListData; state: PageState }) {
  const { nav, deadLetters, common } = state.texts;
  const { filter, letters, matching } = data;
  const isEmpty = data.kinds[filter.kind] === 0;
  const shared: LetterTableProps & LetterFiltersProps = { ...data, ...state, rows: letters.items };
  return (
    <>
      <PageHead title={nav.deadLetters}>
        {matching.count > 0 && <ExportLinks filter={filter} state={state} />}
      </PageHead>
      <Notices data={data} state={state} />
      <p class="sub">{deadLetters.intro}</p>
      <Kinds data={data} state={state} />
      <div class="grid">
        {isEmpty
          ? (
            <Card>
              <Empty title={deadLetters.emptyTitle}>
                <p>{deadLetters.empty}</p>
              </Empty>
            </Card>
          )
          : (
            <>
              <LetterFilters {...shared} />
              <Card>
                {letters.items.length === 0
                  ? <Empty title={deadLetters.emptyFilter} />
                  : <LetterTable {...shared} />}
                <Pager
                  next={letters.cursor === null
                    ? null
                    : letterPath(filter, { cursor: letters.cursor })}
                  first={data.isFirstPage ? null : letterPath(filter)}
                  labels={common}
                />
              </Card>
            </>
          )}
      </div>
    </>
  );
}

function Kinds({ data: { filter, kinds }, state }: { data: ListData; state: PageState }) {
  const { deadLetters } = state.texts;
  const option = (kind: LetterKind) => ({
    value: kind,
    label: `${deadLetters.kinds[kind]} · ${formatNumber(kinds[kind])}`,
    href: letterPath({ kind, destination: "", device: "", reason: "" }),
  });
  return (
    <p>
      <Segments
        label={deadLetters.kind}
        options={[option("destination"), option("source")]}
        current={filter.kind}
      />
    </p>
  );
}

function ExportLinks({ filter, state }: { filter: LetterFilter; state: PageState }) {
  const { deadLetters } = state.texts;
  const href = (format: string) =>
    letterPath(filter, { format }).replace("/dead-letters", "/dead-letters/export");
  return (
    <>
      <a class="button" href={href("csv")}>{deadLetters.exportCsv}</a>
      <a class="button" href={href("ndjson")}>{deadLetters.exportLines}</a>
    </>
  );
}

function Notices({ data: { done, work, running, problem, filter }, state }: {
  data: ListData;
  state: PageState;
}) {
  const { deadLetters } = state.texts;
  const said = deadLetters.done[done];
  const all = work === null || work.state !== "running" ? running : [work, ...running];
  return (
    <>
      {problem !== null && <ProblemNotice problem={problem} />}
      {said !== undefined && <Notice tone="ok">{said}</Notice>}
      {work !== null && work.state !== "running" && <WorkNotice work={work} texts={state.texts} />}
      {all.map(({ id, kind, subject, done, total, by }) => (
        <Notice key={id} tone="idle">
          {deadLetters.running(deadLetters.works[kind] ?? kind, subject)},{" "}
          {deadLetters.progress.replace("{done}", formatNumber(done))
            .replace("{total}", formatNumber(total))}, {deadLetters.by(by)}.{" "}
          <a href={letterPath(filter).replace("/dead-letters", `/dead-letters/work/${id}`)}>
            {deadLetters.showProgress}
          </a>
        </Notice>
      ))}
    </>
  );
}

function Confirm(
  { data: { filter, letters }, state }: { data: ConfirmData; state: PageState },
) {
  const { deadLetters, common } = state.texts;
  return (
    <>
      <PageHead title={deadLetters.purge(letters.length)} />
      <div class="card">
        <p>{deadLetters.purgeQuestion(letters.length)}</p>
        <PostForm
          action="/dead-letters"
          csrfToken={state.csrfToken}
          act="purge"
          class="form inline"
          label={deadLetters.purge(letters.length)}
        >
          <input type="hidden" name="confirmed" value="yes" />
          {Object.entries(filter).map(([name, value]) => (
            <input key={name} type="hidden" name={name} value={value} />
          ))}
          {letters.map((letter) => (
            <input
              key={letter}
              type="hidden"
              name="letter"
              value={letter}
            />
          ))}
          <button type="submit" class="button danger solid">
            {deadLetters.purge(letters.length)}
          </button>
          <a class="button" href={letterPath(filter)}>{common.cancel}</a>
        </PostForm>
      </div>
    </>
  );
}
