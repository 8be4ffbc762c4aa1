/** One dead letter: what happened, its payload to edit, what that would become, replay or purge. */
import { asset, Head } from "fresh/runtime";
import { page } from "fresh";
import { Card } from "@/components/Card.tsx";
import { formatTime } from "@/components/format.ts";
import { ConfirmForm, PostForm, TextAreaField } from "@/components/Form.tsx";
import { reasonText } from "@/components/LetterFilters.tsx";
import { DeviceLink, Meaning } from "@/components/Meaning.tsx";
import { Notice, ProblemNotice } from "@/components/Notice.tsx";
import { PageHead } from "@/components/PageHead.tsx";
import { hexDump, visible } from "@/components/payload_text.ts";
import { Time } from "@/components/Time.tsx";
import { DecodeError, HttpError } from "@/model/errors.ts";
import {
  letterBox,
  type LetterFilter,
  type LetterKind,
  letterPath,
  type LetterRow,
} from "@/routes/letter_box.ts";
import { attempt, field, readForm, seeOther } from "@/routes/page_form.ts";
import type { InputMeaning, PageServices } from "@/routes/page_services.ts";
import { define, type PageState } from "@/routes/page_state.ts";

interface LetterData {
  kind: LetterKind;
  letter: LetterRow;
  /** As it stands in the field: the letter's own until somebody changes it. */
  text: string;
  meanings: InputMeaning[];
  problem: HttpError | null;
}

const PAYLOAD_MAX = 1_048_576;
/** Of an array: more would not fit on a page. */
const ELEMENTS_SHOWN = 10;

const encoder = new TextEncoder();

export const handler = define.handlers({
  async GET({ params, state: { services } }) {
    const { kind, letter } = await needLetter(services, params);
    const text = letter.payload ?? "";
    const meanings = await meaningsOf(services, { kind, letter, text: null });
    return page<LetterData>({ kind, letter, text, meanings, problem: null });
  },

  async POST({ req, params, state }) {
    const { kind, letter } = await needLetter(state.services, params);
    const form = await readForm(req);
    const act = field(form, "action");
    if (act === "purge") return await purge(state, { kind, letter });
    const text = editedText(letter, form.get("payload") ?? "");
    const { done: replayed, problem } = act === "replay"
      ? await attempt(() => replay(state, { kind, letter, text }))
      : { done: null, problem: null };
    if (replayed !== null) return replayed;
    const shown = text ?? letter.payload ?? "";
    const meanings = await meaningsOf(state.services, { kind, letter, text });
    const status = problem === null ? 200 : problem.status;
    return page<LetterData>({ kind, letter, text: shown, meanings, problem }, { status });
  },
});

function onlyKind(kind: LetterKind): LetterFilter {
  return { kind, destination: "", device: "", reason: "" };
}

/** Throws HttpError 404. */
async function needLetter(
  services: PageServices,
  params: Readonly<Record<string, string>>,
): Promise<{ kind: LetterKind; letter: LetterRow }> {
  const kind = params.kind;
  const number = Number(params.id);
  if ((kind === "destination" || kind === "source") && Number.isSafeInteger(number)) {
    const box = letterBox(services, onlyKind(kind));
    const { items } = await box.list({ limit: 1, payloadMax: PAYLOAD_MAX, letters: [number] });
    if (items[0] !== undefined) return { kind, letter: items[0] };
  }
  throw new HttpError(404, `There is no dead letter "${(params.id ?? "").slice(0, 40)}"`, {
    code: "HTTP-0404",
    hint: "it was replayed or purged meanwhile",
  });
}

/**
 * The text that somebody typed; null where the letter's own bytes are meant. A field of a form gives
 * every line end as CR LF and cannot carry NUL, so that this alone is no edit.
 */
function editedText({ payload }: LetterRow, sent: string): string | null {
  const asField = (text: string) => text.replaceAll(/\r\n?/g, "\n").replaceAll("\0", "\ufffd");
  if (asField(payload ?? "") === asField(sent)) return null;
  return sent.replaceAll("\r\n", "\n");
}

interface Edited {
  kind: LetterKind;
  letter: LetterRow;
  /** Null: the letter's own bytes. */
  text: string | null;
}

async function meaningsOf(
  services: PageServices,
  { kind, letter, text }: Edited,
): Promise<InputMeaning[]> {
  const payload = text === null ? letter.bytes : encoder.encode(text);
  if (kind === "source") return services.decodeInput(letter.topic, payload);
  const journey = await services.store.journey(letter.messageId!);
  const message = journey?.message ?? null;
  if (message === null) return services.decodeInput(letter.topic, payload);
  const asText = text ?? letter.payload ?? "";
  try {
    const normalized = services.decodeMessage({ ...message, payload: asText });
    return [{ payload: asText, normalized, error: null }];
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return [{ payload: null, normalized: null, error }];
  }
}

/** Throws HttpError 422 for a payload that no decoder takes. */
async function replay(state: PageState, edited: Edited): Promise<Response> {
  const { services, texts: { deadLetters } } = state;
  const { kind, letter, text } = edited;
  const meanings = await meaningsOf(services, edited);
  const wrong = meanings.find((each) => each.error !== null)?.error;
  if (wrong !== undefined && (kind === "source" || text !== null)) {
    throw new HttpError(422, `${deadLetters.cannotReplay}: ${wrong.message}`, {
      code: wrong.code,
      hint: deadLetters.cannotReplayHint,
    });
  }
  const by = { name: state.identity!.name, address: state.remoteAddress };
  const subject = kind === "source" ? "sources" : letter.where;
  const edit = text === null ? "" : ", payload edited";
  const detail = `dead letter ${letter.letter} of ${kind}s${edit}`;
  await services.auth.audit.note({ by, action: "dead_replay", subject, detail });
  const payload = text ?? undefined;
  if (kind === "source") {
    await services.operations.sourceDeadReplay({ ids: [letter.letter] }, { payload });
  } else await services.store.replayDead({ letters: [letter.letter] }, { payload });
  return seeOther(letterPath(onlyKind(kind), { done: "replayed" }));
}

async function purge(
  { services, identity, remoteAddress: address }: PageState,
  { kind, letter }: { kind: LetterKind; letter: LetterRow },
): Promise<Response> {
  const subject = kind === "source" ? "sources" : letter.where;
  const by = { name: identity!.name, address };
  const detail = `dead letter ${letter.letter} of ${kind}s`;
  await services.auth.audit.note({ by, action: "dead_purge", subject, detail });
  await letterBox(services, onlyKind(kind)).purge({ letters: [letter.letter] });
  return seeOther(letterPath(onlyKind(kind), { done: "purged" }));
}

export default define.page<typeof handler>(({ data, state }) => {
  const { deadLetters, common } = state.texts;
  const { kind, letter, problem } = data;
  return (
    <>
      <Head>
        <link rel="stylesheet" href={asset("/ui/delivery.css")} />
      </Head>
      <PageHead title={deadLetters.title(letter.letter)} sub={deadLetters.kinds[kind]}>
        <a class="button" href={letterPath(onlyKind(kind))}>{common.back}</a>
      </PageHead>
      {problem !== null && <ProblemNotice problem={problem} />}
      <div class="grid">
        <Happened data={data} state={state} />
        <Edit data={data} state={state} />
        <Becomes data={data} state={state} />
      </div>
    </>
  );
});

function Happened({ data: { kind, letter }, state }: { data: LetterData; state: PageState }) {
  const { texts: { deadLetters }, nowMs, timeZone } = state;
  const { where, device, topic, reason, detail, attempts, atMs, messageId } = letter;
  return (
    <Card title={deadLetters.facts} id="facts">
      <p class="letter-error">
        <b>{reasonText(reason, kind)}</b>
      </p>
      <p>{visible(detail === "" ? reason : detail)}</p>
      <dl class="facts">
        <dt>{kind === "source" ? deadLetters.source : deadLetters.destination}</dt>
        <dd>{visible(where)}</dd>
        <dt>{deadLetters.device}</dt>
        <dd>{device === null ? "–" : <DeviceLink device={device} />}</dd>
        <dt>{deadLetters.topic}</dt>
        <dd>
          <code>{visible(topic)}</code>
        </dd>
        <dt>{deadLetters.when}</dt>
        <dd>
          <Time {...{ atMs, nowMs, timeZone }} />{" "}
          <span class="sub">· {formatTime(atMs, timeZone)}</span>
        </dd>
        {attempts !== null && (
          <>
            <dt>{deadLetters.attempts}</dt>
            <dd>{attempts}</dd>
          </>
        )}
        {messageId !== null && (
          <>
            <dt>{deadLetters.message}</dt>
            <dd>
              <a href={`/messages/${messageId}`}>
                <code>{messageId}</code>
              </a>
            </dd>
          </>
        )}
      </dl>
    </Card>
  );
}

function Edit({ data, state }: { data: LetterData; state: PageState }) {
  const { texts: { deadLetters }, csrfToken } = state;
  const { kind, letter, text, problem } = data;
  const isText = letter.payload !== null;
  return (
    <Card title={deadLetters.editTitle} id="edit" span={6}>
      {!isText && <pre class="payload" tabIndex={0}>{hexDump(letter.bytes)}</pre>}
      <PostForm csrfToken={csrfToken}>
        <TextAreaField
          name="payload"
          label={deadLetters.edit}
          value={text}
          rows={Math.min(18, Math.max(5, text.split("\n").length + 1))}
          help={isText ? deadLetters.editHelp : deadLetters.editBytes}
          error={problem?.message}
          code
        />
        <div class="acts">
          <button type="submit" name="action" value="preview" class="button">
            {deadLetters.preview}
          </button>
          <button type="submit" name="action" value="replay" class="button primary">
            {kind === "source" ? deadLetters.replay : deadLetters.replayTo(letter.where)}
          </button>
        </div>
      </PostForm>
      <hr />
      <ConfirmForm
        csrfToken={csrfToken}
        act="purge"
        open={deadLetters.purgeChosen}
        question={deadLetters.purgeQuestion(1)}
        button={deadLetters.purgeThis}
        label={deadLetters.purgeThis}
      >
        {null}
      </ConfirmForm>
    </Card>
  );
}

function Becomes({ data: { kind, letter, text, meanings }, state }: {
  data: LetterData;
  state: PageState;
}) {
  const { deadLetters } = state.texts;
  const isEdited = text !== (letter.payload ?? "");
  const decodes = meanings.every(({ error }) => error === null);
  return (
    <Card title={deadLetters.becomes} id="becomes" span={6}>
      {kind === "destination" && !isEdited && decodes && (
        <Notice tone="idle">{deadLetters.sameAgain}</Notice>
      )}
      {meanings.slice(0, ELEMENTS_SHOWN).map((meaning, i) => (
        <Element
          key={i}
          meaning={meaning}
          title={meanings.length > 1 ? deadLetters.element(i + 1) : null}
          state={state}
        />
      ))}
      {meanings.length > ELEMENTS_SHOWN && (
        <p class="sub">{deadLetters.elementsMore(meanings.length - ELEMENTS_SHOWN)}</p>
      )}
    </Card>
  );
}

function Element(
  { meaning: { normalized, error }, title, state: { texts, timeZone } }: {
    meaning: InputMeaning;
    title: string | null;
    state: PageState;
  },
) {
  return (
    <div class="letter-element">
      {title !== null && <h3>{title}</h3>}
      {error === null
        ? <Meaning {...{ normalized, texts, timeZone }} title={title ?? undefined} />
        : (
          <Notice tone="warn">
            <p>
              <strong>{texts.deadLetters.becomesNone}.</strong> {visible(error.message)}{" "}
              <code class="sub">{error.code}</code>
            </p>
            <p>{error.hint}.</p>
          </Notice>
        )}
    </div>
  );
}
