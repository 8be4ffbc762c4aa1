/**
 * Long work that people start on pages: it goes on in steps beside everything else, and whoever
 * looks sees how far it is. What ended is remembered for a while, so that the page that a form leads
 * to can say what came of it. A stop of the gateway ends it after the step that is on its way; the
 * letters that are left stay as they are.
 */
import { HttpError, SluiceError } from "@/model/errors.ts";
import { logger } from "@/observe/log.ts";

export type WorkKind = "replay" | "purge" | "export" | "test";

/** What came of it, in words of the act itself. */
export interface WorkOutcome {
  ok: boolean;
  message: string;
  hint: string;
}

/** Plain data: it travels to the browser. */
export interface WorkView {
  id: string;
  kind: WorkKind;
  /** What it is done to: a destination, `sources`, … */
  subject: string;
  /** Who started it. */
  by: string;
  done: number;
  /** What was seen when it was started; less may be there by now. */
  total: number;
  /** Of the done ones: those that stay because they still cannot be understood. */
  left: number;
  state: "running" | "done" | "failed";
  startedAtMs: number;
  endedAtMs: number | null;
  outcome: WorkOutcome | null;
}

/** What running work tells. */
export interface WorkStep {
  add(done: number, options?: { left?: number }): void;
  end(outcome: WorkOutcome): void;
  /** Ends early when the gateway stops. */
  readonly signal: AbortSignal;
}

const RUNNING_MAX = 8;
const ENDED_MAX = 50;

export class WorkBoard {
  readonly #now: () => number;
  readonly #all = new Map<string, WorkView>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();

  constructor({ now }: { now: () => number }) {
    this.#now = now;
  }

  /** Throws HttpError 503 when too much is running already. */
  start(
    about: Pick<WorkView, "kind" | "subject" | "by" | "total">,
    work: (step: WorkStep) => Promise<void>,
  ): WorkView {
    this.assertRoom();
    const view: WorkView = {
      ...about,
      ...{ id: crypto.randomUUID(), done: 0, left: 0, state: "running", outcome: null },
      ...{ startedAtMs: this.#now(), endedAtMs: null },
    };
    this.#all.set(view.id, view);
    const running = this.#run(view, work).finally(() => this.#running.delete(view.id));
    this.#running.set(view.id, running);
    this.#forgetOld();
    return view;
  }

  /** Throws HttpError 503 when `start` would. */
  assertRoom(): void {
    if (this.#running.size >= RUNNING_MAX) throw tooMuch();
  }

  get(id: string): WorkView | null {
    return this.#all.get(id) ?? null;
  }

  /** Newest first. */
  list(): WorkView[] {
    return [...this.#all.values()].reverse();
  }

  /** Resolves when the work has ended or `waitMs` have passed: short work needs no second page. */
  async settled(id: string, waitMs: number): Promise<void> {
    const running = this.#running.get(id);
    if (running === undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, waitMs);
    await Promise.race([running, promise]);
    clearTimeout(timer);
  }

  /** Waits for the steps that are on their way, but not for ever: a test of a destination may hang. */
  async stop(graceMs = 500): Promise<void> {
    this.#stopping.abort();
    const running = [...this.#running.keys()];
    await Promise.all(running.map((id) => this.settled(id, graceMs)));
  }

  async #run(view: WorkView, work: (step: WorkStep) => Promise<void>): Promise<void> {
    try {
      await work({
        add: (done, { left = 0 } = {}) => {
          view.done += done;
          view.left += left;
        },
        end: (outcome) => view.outcome = outcome,
        signal: this.#stopping.signal,
      });
      view.state = view.outcome?.ok === false ? "failed" : "done";
    } catch (error) {
      view.state = "failed";
      view.outcome = { ok: false, ...wordsOf(error) };
    }
    view.endedAtMs = this.#now();
  }

  #forgetOld(): void {
    const ended = [...this.#all.values()].filter(({ state }) => state !== "running");
    for (const { id } of ended.slice(0, -ENDED_MAX)) this.#all.delete(id);
  }
}

function wordsOf(error: unknown): { message: string; hint: string } {
  if (error instanceof SluiceError) return { message: error.message, hint: error.hint };
  logger("http").error("Work failed", { cause: String(error) });
  return { message: "The work failed", hint: "the log of the gateway says why" };
}

function tooMuch(): HttpError {
  return new HttpError(503, `${RUNNING_MAX} pieces of work are running already`, {
    code: "HTTP-0503",
    hint: "wait until one of them has ended",
    headers: { "Retry-After": "10" },
  });
}
