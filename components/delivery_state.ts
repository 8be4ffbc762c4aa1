/** What the numbers of a destination come to: its state for people, its pipe, its ledger. */
import type { Tone } from "@/components/Tag.tsx";
import type { DestinationView } from "@/model/live_events.ts";

/** Keys of the words that name it. */
export type DestinationState =
  | "delivering"
  | "upToDate"
  | "waiting"
  | "starting"
  | "retrying"
  | "backingOff"
  | "circuitOpen"
  | "probing"
  | "paused"
  | "waitingForClock"
  | "stopping"
  | "removed";

/** How a pipe is drawn: water moves, stands, is shut off by a gate, or the pipe is broken. */
export type PipeLook = "flowing" | "still" | "shut" | "broken";

const STATES_BY_MODE: Record<string, DestinationState> = {
  backing_off: "backingOff",
  circuit_open: "circuitOpen",
  probing: "probing",
  waiting_for_clock: "waitingForClock",
  stopping: "stopping",
};

/**
 * The state to show. A destination goes through idle, lingering and delivering several times a
 * second: what is shown follows the rate of the last seconds instead.
 */
export function stateOf(view: DestinationView): DestinationState {
  const { removed, paused, mode, up, perSecond } = view;
  if (removed) return "removed";
  if (paused || mode === "paused") return "paused";
  const fixed = STATES_BY_MODE[mode ?? ""];
  if (fixed !== undefined) return fixed;
  if (up === false) return "retrying";
  if (up === null || mode === "starting" || mode === null) return "starting";
  if (perSecond > 0) return "delivering";
  return waitingIn(view) > 0 ? "waiting" : "upToDate";
}

const TONES: Record<DestinationState, Tone> = {
  delivering: "ok",
  upToDate: "ok",
  waiting: "ok",
  starting: "idle",
  retrying: "warn",
  backingOff: "warn",
  circuitOpen: "bad",
  probing: "warn",
  paused: "idle",
  waitingForClock: "warn",
  stopping: "idle",
  removed: "idle",
};

export function toneOf(state: DestinationState): Tone {
  return TONES[state];
}

export function pipeOf(view: DestinationView): PipeLook {
  const state = stateOf(view);
  if (state === "paused" || state === "removed") return "shut";
  if (toneOf(state) === "bad" || toneOf(state) === "warn") return "broken";
  return view.perSecond > 0 ? "flowing" : "still";
}

/** Messages that are not settled: queued, replayed and on their way. */
export function waitingIn({ enqueued, inFlight }: DestinationView): number {
  return enqueued + inFlight;
}

/** Keys of the words; `accepted` is always the sum of the others. */
export type LedgerColumn =
  | "acked"
  | "queued"
  | "inFlight"
  | "dead"
  | "expired"
  | "purged"
  | "dropped";

export interface LedgerSum {
  accepted: number;
  /** In the order of the sentence; the last three only where there are some. */
  columns: { column: LedgerColumn; count: number }[];
}

type Counts = Pick<
  DestinationView,
  "accepted" | "acked" | "enqueued" | "inFlight" | "dead" | "expired" | "purged" | "dropped"
>;

/** One ledger, or several added up. */
export function ledgerSum(ledgers: readonly Counts[]): LedgerSum {
  const sum = (key: keyof Counts) => ledgers.reduce((total, ledger) => total + ledger[key], 0);
  const always: LedgerSum["columns"] = [
    { column: "acked", count: sum("acked") },
    { column: "queued", count: sum("enqueued") },
    { column: "inFlight", count: sum("inFlight") },
    { column: "dead", count: sum("dead") },
  ];
  const extras: LedgerSum["columns"] = (["expired", "purged", "dropped"] as const)
    .map((column) => ({ column, count: sum(column) }))
    .filter(({ count }) => count > 0);
  return { accepted: sum("accepted"), columns: [...always, ...extras] };
}
