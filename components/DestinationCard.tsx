/** One destination in full: its state in words, its ledger, what an operator may do. */
import { stateOf, toneOf, waitingIn } from "@/components/delivery_state.ts";
import { type FlowWords, LedgerSentence } from "@/components/Flow.tsx";
import { formatBytes, formatDuration, formatNumber, formatRate } from "@/components/format.ts";
import { PostForm } from "@/components/Form.tsx";
import { Tag } from "@/components/Tag.tsx";
import { Time } from "@/components/Time.tsx";
import type { DestinationView } from "@/model/live_events.ts";

export interface CardWords {
  meanings: Record<string, string>;
  nextAttempt: string;
  waiting: string;
  message: string;
  messages: string;
  oldest: string;
  drainRate: string;
  perSecond: string;
  toEmpty: string;
  toEmptyUnknown: string;
  nothingWaits: string;
  lastSuccess: string;
  never: string;
  lastError: string;
  pause: string;
  resume: string;
  test: string;
  deadLetters: string;
  forget: string;
}

export interface DestinationCardProps {
  destination: DestinationView;
  words: CardWords;
  flowWords: FlowWords;
  /** Null for who may only look. */
  csrfToken: string | null;
  /** Now, ms since 1970. */
  nowMs: number;
  timeZone: string;
}

/** A time that is as good as now says nothing. */
const SOON_MS = 1_500;

export function DestinationCard(props: DestinationCardProps) {
  const { destination, words, flowWords, nowMs, timeZone } = props;
  const { name, type, nextAttemptAtMs, removed } = destination;
  const state = stateOf(destination);
  const id = `destination-${name}`;
  return (
    <section class="card c6 destination" id={id} aria-labelledby={`${id}-title`}>
      <div class="card-head">
        <h2 id={`${id}-title`}>{name}</h2>
        <span class="sub">{type}</span>
        <span class="card-end">
          <Tag tone={toneOf(state)}>{flowWords.states[state]}</Tag>
        </span>
      </div>
      <p>
        {words.meanings[state]}
        {nextAttemptAtMs !== null && !removed && nextAttemptAtMs > nowMs + SOON_MS && (
          <>
            {` ${words.nextAttempt} `}
            <b>
              <Time atMs={nextAttemptAtMs} nowMs={nowMs} timeZone={timeZone} />
            </b>.
          </>
        )}
      </p>
      {removed && (
        <p>
          {words.forget} <code>{`sluice destination forget ${name}`}</code>
        </p>
      )}
      <LedgerSentence ledgers={[destination]} words={flowWords} />
      <Facts {...props} />
      <LastError {...props} />
      <Acts {...props} />
    </section>
  );
}

function Facts({ destination, words, nowMs, timeZone }: DestinationCardProps) {
  const { oldestMs, perSecond, toEmptyMs, lastSuccessAtMs, queuedBytes } = destination;
  const waiting = waitingIn(destination);
  return (
    <dl class="facts">
      <dt>{words.waiting}</dt>
      <dd>
        {waiting === 0 ? words.nothingWaits : (
          <>
            <b>{formatNumber(waiting)}</b> {waiting === 1 ? words.message : words.messages} ·{" "}
            {formatBytes(queuedBytes)}
          </>
        )}
      </dd>
      {oldestMs !== null && (
        <>
          <dt>{words.oldest}</dt>
          <dd>{formatDuration(oldestMs)}</dd>
        </>
      )}
      <dt>{words.drainRate}</dt>
      <dd>
        {formatRate(perSecond)} {words.perSecond}
      </dd>
      {waiting > 0 && (
        <>
          <dt>{words.toEmpty}</dt>
          <dd>{toEmptyMs === null ? words.toEmptyUnknown : formatDuration(toEmptyMs)}</dd>
        </>
      )}
      <dt>{words.lastSuccess}</dt>
      <dd>
        {lastSuccessAtMs === null
          ? words.never
          : <Time atMs={lastSuccessAtMs} nowMs={nowMs} timeZone={timeZone} />}
      </dd>
    </dl>
  );
}

function LastError({ destination, words, nowMs, timeZone }: DestinationCardProps) {
  const { lastError, up } = destination;
  if (lastError === null) return null;
  const { message, hint, atMs } = lastError;
  return (
    <div class={`last-error${up === false ? " now" : ""}`}>
      <p class="sub">
        {words.lastError} <Time atMs={atMs} nowMs={nowMs} timeZone={timeZone} />
      </p>
      <p>{message}</p>
      {hint !== "" && <p class="sub">{`${hint.charAt(0).toUpperCase()}${hint.slice(1)}.`}</p>}
    </div>
  );
}

function Acts({ destination, words, csrfToken }: DestinationCardProps) {
  const { name, paused, removed, dead } = destination;
  if (csrfToken === null) return null;
  const act = (value: string, title: string) => (
    <button
      type="submit"
      name="action"
      value={value}
      class="button"
      aria-label={`${title} ${name}`}
    >
      {title}
    </button>
  );
  return (
    <div class="acts">
      {!removed && (
        <PostForm
          action={`/delivery/${encodeURIComponent(name)}`}
          csrfToken={csrfToken}
          class="form inline"
          label={name}
        >
          {paused ? act("resume", words.resume) : act("pause", words.pause)}
          {act("test", words.test)}
        </PostForm>
      )}
      {dead > 0 && (
        <a href={`/dead-letters?destination=${encodeURIComponent(name)}`}>
          {words.deadLetters} ({formatNumber(dead)})
        </a>
      )}
    </div>
  );
}
