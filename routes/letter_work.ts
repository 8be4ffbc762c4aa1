/** Replay, purge and export of many dead letters, in steps, on the board of work. */
import type { Actor } from "@/auth/audit.ts";
import { TransientError } from "@/model/errors.ts";
import type { LetterBox, LetterFilter, LetterRange, LetterRow } from "@/routes/letter_box.ts";
import type { PageServices } from "@/routes/page_services.ts";
import type { WorkStep, WorkView } from "@/routes/work_board.ts";

/** Of what is sent to the store at once; a step is one transaction. */
const STEP_LETTERS = 250;

export interface LetterAct {
  act: "replay" | "purge";
  box: LetterBox;
  filter: LetterFilter;
  range: LetterRange;
  /** How many were seen. */
  total: number;
  by: Actor;
}

/** Begins, and audits first: what a crash interrupts has its line in the trail. */
export async function startLetterWork(
  { work, auth }: Pick<PageServices, "work" | "auth">,
  { act, box, filter, range, total, by }: LetterAct,
): Promise<WorkView> {
  const about = { kind: act, subject: box.subject, by: by.name, total };
  const note = (detail: string) =>
    auth.audit.note({ by, action: `dead_${act}`, subject: box.subject, detail });
  const which = range.letters === undefined ? conditionsOf(filter) : `chosen ${range.letters}`;
  await note(`${total} dead letters of ${filter.kind}s, ${which}`);
  return work.start(about, async (step) => {
    const done = await inSteps({ act, box, range, step });
    if (done !== total) await note(`${done} of ${total} done`);
  });
}

function conditionsOf({ destination, device, reason }: LetterFilter): string {
  const given = Object.entries({ destination, device, reason }).filter(([, text]) => text !== "");
  return given.length === 0 ? "no filter" : `filter ${JSON.stringify(Object.fromEntries(given))}`;
}

async function inSteps(
  { act, box, range, step }: Pick<LetterAct, "act" | "box" | "range"> & { step: WorkStep },
): Promise<number> {
  let [afterLetter, total] = [0, 0];
  while (!step.signal.aborted) {
    const { lastLetter } = await box.step({ ...range, afterLetter }, STEP_LETTERS);
    if (lastLetter === null) return total;
    const { done, left } = await box[act]({ ...range, afterLetter, throughLetter: lastLetter });
    step.add(done, { left });
    total += done;
    afterLetter = lastLetter;
  }
  throw new TransientError("The gateway is stopping", {
    code: "HTTP-0503",
    hint: "start it again for the dead letters that are left",
  });
}

const EXPORT_PAGE = 200;
const PAYLOAD_MAX = 1_048_576;

/**
 * All letters up to the newest that was seen, newest first; how far it is stands on the board from
 * the first row on. Call `work.assertRoom` before: an answer that has begun cannot be refused.
 */
export async function* exportLetters(
  { work }: Pick<PageServices, "work">,
  { box, total, throughLetter, by }: {
    box: LetterBox;
    total: number;
    throughLetter: number;
    by: string;
  },
): AsyncGenerator<LetterRow> {
  const ended = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<WorkStep>();
  work.start({ kind: "export", subject: box.subject, by, total }, (step) => {
    begin(step);
    return ended.promise;
  });
  const step = await begun;
  let isWhole = false;
  try {
    let cursor: string | undefined;
    do {
      step.signal.throwIfAborted();
      const page = { limit: EXPORT_PAGE, cursor, payloadMax: PAYLOAD_MAX, throughLetter };
      const { items, cursor: next } = await box.list(page);
      yield* items;
      step.add(items.length);
      cursor = next ?? undefined;
    } while (cursor !== undefined);
    isWhole = true;
  } finally {
    if (isWhole) ended.resolve();
    else ended.reject(cut());
  }
}

function cut(): TransientError {
  return new TransientError("The export was cut", {
    code: "HTTP-0499",
    hint: "the browser ended it, or the connection was lost; begin it again",
  });
}
