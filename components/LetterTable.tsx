/** Dead letters as rows to choose from, and what may be done with the chosen or with all. */
import { ConfirmForm, PostForm } from "@/components/Form.tsx";
import { reasonText } from "@/components/LetterFilters.tsx";
import { DeviceLink } from "@/components/Meaning.tsx";
import { visible } from "@/components/payload_text.ts";
import { Table } from "@/components/Table.tsx";
import type { Texts } from "@/components/texts.ts";
import { Time } from "@/components/Time.tsx";

export interface ShownLetter {
  letter: number;
  device: string | null;
  where: string;
  reason: string;
  detail: string;
  /** Its beginning; null where it is no text. */
  payload: string | null;
  bytes: Uint8Array;
  attempts: number | null;
  atMs: number;
}

export interface LetterTableProps {
  rows: readonly ShownLetter[];
  filter: { kind: "destination" | "source"; destination: string; device: string; reason: string };
  /** All that match the filter, on all pages; acts on all go up to the last that was seen. */
  matching: { count: number; lastLetter: number | null };
  texts: Texts;
  csrfToken: string | null;
  nowMs: number;
  timeZone: string;
}

const CHOSEN_FORM = "chosen";
const PAYLOAD_CHARS = 140;
const WHY_CHARS = 180;

export function LetterTable(props: LetterTableProps) {
  const { rows, filter, texts: { nav, deadLetters } } = props;
  const { columns } = deadLetters;
  const attempts = filter.kind === "destination"
    ? [{ title: columns.attempts, numeric: true }]
    : [];
  return (
    <div class="letters">
      <Acts {...props} />
      <Table
        caption={nav.deadLetters}
        columns={[
          { title: columns.choose, hidden: true },
          columns.when,
          columns.device,
          columns.where,
          columns.why,
          columns.payload,
          ...attempts,
          { title: columns.act, hidden: true },
        ]}
      >
        {rows.map((row) => <Row key={row.letter} row={row} {...props} />)}
      </Table>
    </div>
  );
}

function Row({ row, filter, texts, nowMs, timeZone }: LetterTableProps & { row: ShownLetter }) {
  const { deadLetters } = texts;
  const { letter, device, where, reason, detail, attempts, atMs } = row;
  return (
    <tr>
      <td class="letter-choose">
        <input
          type="checkbox"
          name="letter"
          value={letter}
          form={CHOSEN_FORM}
          aria-label={deadLetters.choose(letter)}
        />
      </td>
      <td class="nowrap">
        <Time atMs={atMs} nowMs={nowMs} timeZone={timeZone} />
      </td>
      <td>{device === null ? "–" : <DeviceLink device={device} />}</td>
      <td>{visible(where)}</td>
      <td class="letter-why">
        <b>{reasonText(reason, filter.kind).slice(0, WHY_CHARS)}</b>
        <span class="sub">{visible(aboutThisOne(reason, detail))}</span>
      </td>
      <td class="letter-payload">
        <code>{payloadStart(row)}</code>
      </td>
      {filter.kind === "destination" && <td class="n letter-attempts">{attempts}</td>}
      <td class="nowrap letter-open">
        <a
          href={`/dead-letters/${filter.kind}/${letter}`}
          aria-label={deadLetters.openLabel(letter)}
        >
          {deadLetters.open}
        </a>
      </td>
    </tr>
  );
}

/** The error in words; where the reason is the error itself, what it says in brackets. */
function aboutThisOne(reason: string, detail: string): string {
  if (detail !== "") return detail.slice(0, WHY_CHARS);
  const [, ...rest] = reason.split(" (");
  return rest.length === 0 ? "" : `(${rest.join(" (")}`.slice(0, WHY_CHARS);
}

function payloadStart({ payload, bytes }: ShownLetter): string {
  if (payload !== null) return visible(payload.slice(0, PAYLOAD_CHARS)).replaceAll(/\s+/g, " ");
  return visible(new TextDecoder().decode(bytes.subarray(0, 60)));
}

function Acts(props: LetterTableProps) {
  const { matching, texts: { deadLetters } } = props;
  return (
    <div class="letter-acts">
      <b>{deadLetters.matching(matching.count)}</b>
      <ChosenActs {...props} />
      <AllActs {...props} />
    </div>
  );
}

function FilterFields({ filter }: Pick<LetterTableProps, "filter">) {
  return (
    <>
      {Object.entries(filter).map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
    </>
  );
}

/** The boxes stand in the table and belong to this form. */
function ChosenActs({ csrfToken, filter, texts: { deadLetters } }: LetterTableProps) {
  return (
    <form
      method="post"
      action="/dead-letters"
      id={CHOSEN_FORM}
      class="form inline"
      aria-label={deadLetters.chosen}
    >
      <input type="hidden" name="_csrf" value={csrfToken ?? ""} />
      <FilterFields filter={filter} />
      <span class="sub">{deadLetters.chosen}</span>
      <button type="submit" name="action" value="replay" class="button">
        {deadLetters.replayChosen}
      </button>
      <button type="submit" name="action" value="purge" class="button danger">
        {deadLetters.purgeChosen}
      </button>
    </form>
  );
}

function AllActs({ csrfToken, filter, matching, texts: { deadLetters } }: LetterTableProps) {
  const { count, lastLetter } = matching;
  const all = (
    <>
      <input type="hidden" name="scope" value="all" />
      <input type="hidden" name="through" value={lastLetter ?? 0} />
      <FilterFields filter={filter} />
    </>
  );
  const form = { action: "/dead-letters", csrfToken, class: "form inline" };
  return (
    <div class="form inline">
      <span class="sub">{deadLetters.all}</span>
      <PostForm {...form} act="replay" label={deadLetters.replayAll}>
        {all}
        <button type="submit" class="button">{deadLetters.replayAll}</button>
      </PostForm>
      <ConfirmForm
        {...form}
        act="purge"
        open={deadLetters.purgeAll}
        question={deadLetters.purgeQuestion(count)}
        button={deadLetters.purge(count)}
      >
        {all}
        <input type="hidden" name="confirmed" value="yes" />
      </ConfirmForm>
    </div>
  );
}
